-- What the memory index has to follow when rows change by any hand: rows that went away, and rows whose text was edited.

create table if not exists forgotten_memories (
    id           uuid primary key,                 -- of a row deleted from events; gone from here once the index has confirmed it
    client_id    text not null,
    forgotten_at timestamptz not null default now()
);
create index if not exists forgotten_memories_at on forgotten_memories (forgotten_at);

create or replace function note_forgotten_event() returns trigger
language plpgsql as $$
begin
    insert into forgotten_memories (id, client_id) values (old.id, coalesce(old.client_id, 'me')) on conflict (id) do nothing;
    return old;
end $$;
create or replace trigger events_forgotten after delete on events
    for each row execute function note_forgotten_event();

create or replace function event_changed() returns trigger
language plpgsql as $$
begin
    new.index_state := 'pending';
    new.index_attempts := 0;
    new.index_due_at := clock_timestamp();
    return new;
end $$;
create or replace trigger events_changed
    before update of content, occurred_at, client_id, thread_id, memory_type, event_type, metadata, superseded_at on events
    for each row
    when ((old.content, old.occurred_at, old.client_id, old.thread_id, old.memory_type, old.event_type, old.metadata, old.superseded_at)
        is distinct from (new.content, new.occurred_at, new.client_id, new.thread_id, new.memory_type, new.event_type, new.metadata, new.superseded_at))
    execute function event_changed();

-- An exact order within equal instants, for windows of neighbouring turns and for pages.
create index if not exists events_thread_order on events (client_id, thread_id, occurred_at, id) where thread_id is not null;
create index if not exists events_client_page on events (client_id, occurred_at desc, id desc);

-- Rows written before this schema have no text of their own yet; the trigger on content completes the rest.
update events set content = event_text(payload) where content is null;
update events set content = content where occurred_at is null or content_hash is null;
