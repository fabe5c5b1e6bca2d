-- What has to be done for each memory after it was stored, changed or deleted: the copy in a second memory, and what can be extracted from it.
-- A purpose that nobody follows costs nothing: rows are written only for those in memory_followers.

create table if not exists memory_followers (
    purpose   text primary key,                    -- copy | extraction
    since     timestamptz not null default now(),
    is_filled boolean not null default false       -- whether the memories of before are due as well
);

create table if not exists memory_followups (
    purpose      text not null,
    memory_id    uuid not null,
    client_id    text not null,
    is_gone      boolean not null default false,   -- the memory is deleted, or has moved to another client
    revision     bigint not null default 1,        -- a change while somebody is at it makes it due once more
    due_at       timestamptz not null default clock_timestamp(),
    leased_until timestamptz,                      -- whoever holds it is alone at this memory until then
    attempts     integer not null default 0,
    error        text,
    noted_at     timestamptz not null default clock_timestamp(),
    primary key (memory_id, purpose, client_id)
);
create index if not exists memory_followups_due on memory_followups (purpose, is_gone, due_at);

-- Automations insert plain rows by SQL under roles that know nothing of these tables: hence the rights of the tables' owner.
create or replace function follow_added_memories() returns trigger
language plpgsql security definer set search_path from current as $$
begin
    if not exists (select from memory_followers) then
        return null;
    end if;
    update memory_followups f set is_gone = false, revision = f.revision + 1, due_at = clock_timestamp(), attempts = 0, error = null
    from added a where f.memory_id = a.id and f.client_id = coalesce(a.client_id, 'me');   -- forgotten a moment ago, and imported again
    insert into memory_followups (purpose, memory_id, client_id)
    select w.purpose, a.id, coalesce(a.client_id, 'me')
    from added a cross join memory_followers w
    where w.purpose <> 'extraction' or (a.memory_type in ('event', 'episode', 'fact') and a.event_source <> 'extraction')
    on conflict do nothing;
    return null;
end $$;
create or replace trigger events_follow_added after insert on events
    referencing new table as added for each statement execute function follow_added_memories();

create or replace function follow_changed_memory() returns trigger
language plpgsql security definer set search_path from current as $$
begin
    if new.client_id is distinct from old.client_id then
        update memory_followups set is_gone = true, revision = revision + 1, due_at = clock_timestamp(), attempts = 0, error = null
        where purpose = 'copy' and memory_id = old.id and client_id = old.client_id;
        insert into memory_followups (purpose, memory_id, client_id, is_gone)
        select purpose, old.id, old.client_id, true from memory_followers where purpose = 'copy'
        on conflict do nothing;
    end if;
    update memory_followups set is_gone = false, revision = revision + 1, due_at = clock_timestamp(), attempts = 0, error = null
    where memory_id = new.id and client_id = new.client_id;
    insert into memory_followups (purpose, memory_id, client_id)
    select w.purpose, new.id, new.client_id from memory_followers w
    where w.purpose <> 'extraction' or (new.memory_type in ('event', 'episode', 'fact') and new.event_source <> 'extraction')
    on conflict do nothing;
    return null;
end $$;
create or replace trigger events_follow_changed after update of content, client_id on events for each row
    when ((old.content, old.client_id) is distinct from (new.content, new.client_id)) execute function follow_changed_memory();

-- What was extracted from a memory alone goes with it; and when an extracted memory goes, the one that it had superseded holds again.
create or replace function follow_deleted_memories() returns trigger
language plpgsql security definer set search_path from current as $$
declare
    ids     text[] := (select array_agg(id::text) from gone);
    clients text[] := (select array_agg(distinct coalesce(client_id, 'me')) from gone);
begin
    if ids is null then
        return null;
    end if;
    delete from events
    where event_source = 'extraction' and metadata -> 'source_memory_ids' ?| ids and client_id = any (clients)
      and metadata -> 'source_memory_ids' <@ to_jsonb(ids);
    update events set metadata = jsonb_set(metadata, '{source_memory_ids}', (metadata -> 'source_memory_ids') - ids)
    where event_source = 'extraction' and metadata -> 'source_memory_ids' ?| ids and client_id = any (clients);
    update events e set superseded_at = g.superseded_at, superseded_by = g.superseded_by
    from gone g where g.event_source = 'extraction' and e.superseded_by = g.id and e.event_source = 'extraction';
    delete from memory_followups f using gone g where f.purpose = 'extraction' and f.memory_id = g.id;
    update memory_followups f set is_gone = true, revision = f.revision + 1, due_at = clock_timestamp(), attempts = 0, error = null
    from gone g where f.purpose = 'copy' and f.memory_id = g.id;
    insert into memory_followups (purpose, memory_id, client_id, is_gone)
    select w.purpose, g.id, coalesce(g.client_id, 'me'), true from gone g cross join memory_followers w where w.purpose = 'copy'
    on conflict do nothing;
    return null;
end $$;
create or replace trigger events_follow_deleted after delete on events
    referencing old table as gone for each statement execute function follow_deleted_memories();

-- A memory is either committed before this, so that whoever fills the list sees it, or noted by a trigger.
create or replace function start_following(wanted text, filled boolean) returns void
language plpgsql as $$
begin
    perform set_config('lock_timeout', '2s', true);
    lock table events in share row exclusive mode;
    insert into memory_followers (purpose, is_filled) values (wanted, filled) on conflict (purpose) do nothing;
end $$;

create index if not exists events_extracted_sources on events using gin ((metadata -> 'source_memory_ids')) where event_source = 'extraction';
create index if not exists events_extracted_topics on events (client_id, (metadata ->> 'topic')) where event_source = 'extraction';
create index if not exists events_extracted_superseded on events (superseded_by) where event_source = 'extraction' and superseded_by is not null;

alter table memory_followups enable row level security, force row level security;
drop policy if exists clients on memory_followups;
create policy clients on memory_followups using ((select planner_spans()) or client_id = any ((select planner_clients())::text[]));
drop policy if exists rows_by_sql on memory_followups;
create policy rows_by_sql on memory_followups for insert with check (current_setting('planner.clients', true) is null);
