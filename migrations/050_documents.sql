-- Documents and the chunks under which they are found. The index follows doc_chunks as it follows events.

create table if not exists documents (
    client_id    text not null,
    doc_id       text not null,                     -- unique per client
    person_id    text not null default 'me',
    title        text not null,
    source       text,                              -- where it came from: a path, an address; the same source again is a new version
    content_hash text not null,                     -- sha256 of the bytes as they were sent
    version      integer not null default 1,
    media_type   text not null,
    metadata     jsonb not null default '{}',
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    primary key (client_id, doc_id)
);
create index if not exists documents_source on documents (client_id, source) where source is not null;
create index if not exists documents_content_hash on documents (client_id, content_hash);
create index if not exists documents_updated_at on documents (updated_at desc, client_id, doc_id);

create table if not exists doc_chunks (
    id             uuid primary key default gen_random_uuid(),
    client_id      text not null,
    doc_id         text not null,
    chunk_index    integer not null,                -- 0-based place in the document
    heading        text,                            -- the headings above it, outermost first, joined by " > "
    page           integer,                         -- 1-based
    content        text not null,
    content_hash   text not null,
    created_at     timestamptz not null default now(),
    index_state    text not null default 'pending', -- pending | indexed | failed (will be tried again)
    index_attempts integer not null default 0,
    index_due_at   timestamptz not null default now(),
    index_error    text,
    words          tsvector generated always as (to_tsvector('english', coalesce(heading, '') || ' ' || content)) stored,
    unique (client_id, doc_id, chunk_index),
    foreign key (client_id, doc_id) references documents (client_id, doc_id) on delete cascade on update cascade
);
create index if not exists doc_chunks_words on doc_chunks using gin (words);
create index if not exists doc_chunks_pending on doc_chunks (index_due_at) where index_state <> 'indexed';

create table if not exists forgotten_chunks (
    id           uuid primary key,                  -- of a row deleted from doc_chunks; gone from here once the index has confirmed it
    forgotten_at timestamptz not null default now()
);
create index if not exists forgotten_chunks_at on forgotten_chunks (forgotten_at);

create or replace function note_forgotten_chunk() returns trigger
language plpgsql as $$
begin
    insert into forgotten_chunks (id) values (old.id) on conflict (id) do nothing;
    return old;
end $$;
create or replace trigger doc_chunks_forgotten after delete on doc_chunks
    for each row execute function note_forgotten_chunk();
