-- What memories were before they changed, by any hand, and how long a client wants its memories kept.

create table if not exists memory_history (
    id         uuid primary key default gen_random_uuid(),
    memory_id  uuid not null references events (id) on delete cascade,   -- what is forgotten has no history either
    client_id  text not null,
    revision   integer not null,                    -- 1 is the first change
    changed_at timestamptz not null default clock_timestamp(),
    changes    jsonb not null,                      -- {field: {"before": …, "after": …}}
    unique (memory_id, revision)
);
create index if not exists memory_history_client on memory_history (client_id, id);

create or replace function event_history() returns trigger
language plpgsql as $$
declare
    before jsonb := to_jsonb(old);
    after  jsonb := to_jsonb(new);
begin
    insert into memory_history (memory_id, client_id, revision, changes)
    select new.id, new.client_id,
           (select coalesce(max(h.revision), 0) + 1 from memory_history h where h.memory_id = new.id),
           jsonb_object_agg(field, jsonb_build_object('before', before -> field, 'after', after -> field))
    from unnest(array['client_id', 'content', 'payload', 'metadata', 'entities', 'occurred_at', 'thread_id', 'event_type', 'event_source',
                      'memory_type', 'pinned', 'superseded_at', 'superseded_by']) as field
    where before -> field is distinct from after -> field
    having count(*) > 0;
    return null;
end $$;
create or replace trigger events_history
    after update of client_id, content, payload, metadata, entities, occurred_at, thread_id, event_type, event_source, memory_type, pinned,
                    superseded_at, superseded_by on events
    for each row execute function event_history();

create table if not exists retention_policies (
    client_id      text primary key,
    memory_types   jsonb not null default '{}',     -- {"event": days}
    event_types    jsonb not null default '{}',     -- {"calendar_sync": days}; goes before memory_types
    include_pinned boolean not null default false,
    updated_at     timestamptz not null default now()
);

create index if not exists events_pinned on events (client_id, occurred_at desc, id desc) where pinned;

do $$
declare
    name text;
begin
    foreach name in array array['memory_history', 'retention_policies'] loop
        execute format('alter table %I enable row level security, force row level security', name);
        execute format('drop policy if exists clients on %I', name);
        execute format('create policy clients on %I using ((select planner_spans()) or client_id = any ((select planner_clients())::text[]))', name);
    end loop;
end $$;
