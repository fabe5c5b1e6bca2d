-- Where the search index in use is kept, and which embedder filled it. A rebuilt one is put in its place in one step.

create table if not exists search_index (
    is_current boolean primary key default true check (is_current),
    location   text not null,                      -- a folder beside the first one, or a prefix of the collections' names; empty: the first
    embedder   text not null,
    dimension  integer not null,
    built_at   timestamptz not null default now()
);
