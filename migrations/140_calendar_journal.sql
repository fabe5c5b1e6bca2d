-- The calendar is changed all or nothing: what is to be written stands here first, with what it replaces. Live blocks are rows, and the
-- database forbids two of one person at one time. What a person does in the calendar becomes changes and questions.

-- An exclusion over (person, time) needs equality of texts under GiST. That is btree_gist's, which many servers do not offer and few roles
-- may install; a range type over texts gives the same with what every PostgreSQL has: two ranges of one text overlap when the texts are equal.
do $$
begin
    if to_regtype('person_range') is null then
        create type person_range as range (subtype = text, collation = "C");
    end if;
end $$;

create table if not exists live_blocks (
    event_id  text primary key,
    run_id    uuid not null references scheduler_runs (id) on delete cascade,
    client_id text,
    person_id text not null default 'me',
    task_id   text not null,
    starts_at timestamptz not null,
    ends_at   timestamptz not null check (ends_at > starts_at),
    state     text not null default 'placed' check (state in ('placed', 'contested')),  -- contested: put onto another one by hand
    is_pinned boolean not null default false,
    is_done   boolean not null default false,
    etag      text,
    constraint one_block_at_a_time exclude using gist
        (person_range(person_id, person_id, '[]') with &&, tstzrange(starts_at, ends_at) with &&) where (state = 'placed')
);
create index if not exists live_blocks_run_id on live_blocks (run_id);
create index if not exists live_blocks_person on live_blocks (person_id, starts_at);

-- purpose: apply, undo, or edit (a person changes one event). An entry is open while it is writing or taking back.
create table if not exists calendar_journal (
    id         uuid primary key,
    run_id     uuid not null references scheduler_runs (id) on delete cascade,
    client_id  text,
    person_id  text not null default 'me',
    purpose    text not null check (purpose in ('apply', 'undo', 'edit')),
    state      text not null default 'writing' check (state in ('writing', 'taking back', 'kept', 'taken back')),
    replaces   uuid,  -- the run whose blocks this one takes over
    event_type text not null,
    created_at timestamptz not null default now(),
    ended_at   timestamptz
);
create unique index if not exists calendar_journal_one_open on calendar_journal (person_id) where state in ('writing', 'taking back');
create index if not exists calendar_journal_run_id on calendar_journal (run_id);

create table if not exists calendar_writes (
    journal_id    uuid not null references calendar_journal (id) on delete cascade,
    event_id      text not null,
    client_id     text,
    position      integer not null,
    operation     text not null check (operation in ('create', 'update', 'delete')),
    wanted        jsonb,  -- the block that is to stand; null for a delete
    before        jsonb,  -- the block that stood; null for a create
    before_run_id uuid,
    etag          text,   -- of what stood
    state         text not null default 'intended' check (state in ('intended', 'written', 'refused')),
    attempts      integer not null default 0,
    primary key (journal_id, event_id)
);

-- how far each person's calendar has been read, and the orders to be called when it changes
create table if not exists calendar_sync (
    person_id text primary key,
    token     text,
    synced_at timestamptz
);

create table if not exists calendar_watches (
    id          uuid primary key,
    person_id   text not null,
    channels    jsonb not null,
    secret_hash text not null,
    expires_at  timestamptz not null
);

create table if not exists block_changes (
    change_key  text primary key,
    client_id   text,
    person_id   text not null default 'me',
    event_type  text not null,
    occurred_at timestamptz not null,
    content     text not null,
    payload     jsonb not null default '{}',
    told_at     timestamptz
);
create index if not exists block_changes_untold on block_changes (occurred_at) where told_at is null;

create table if not exists schedule_questions (
    id           uuid primary key,
    question_key text not null unique,
    client_id    text,
    person_id    text not null default 'me',
    run_id       uuid not null references scheduler_runs (id) on delete cascade,
    kind         text not null check (kind in ('deleted', 'finished', 'conflict')),
    task_id      text not null,
    event_id     text,
    details      jsonb not null default '{}',
    asked_at     timestamptz not null,
    answer       text,
    answered_at  timestamptz
);
create index if not exists schedule_questions_open on schedule_questions (run_id) where answer is null;

do $$
declare
    name text;
begin
    foreach name in array array['live_blocks', 'calendar_journal', 'calendar_writes', 'block_changes', 'schedule_questions'] loop
        execute format('alter table %I enable row level security, force row level security', name);
        execute format('drop policy if exists clients on %I', name);
        execute format($policy$
            create policy clients on %I
            using ((select planner_spans()) or coalesce(client_id, 'me') = any ((select planner_clients())::text[]))
            $policy$, name);
    end loop;
    foreach name in array array['live_blocks', 'calendar_journal', 'calendar_writes', 'block_changes', 'schedule_questions',
                                'calendar_sync', 'calendar_watches'] loop
        if exists (select from pg_roles where rolname = 'planner_service') then
            execute format('grant select, insert, update, delete on %I to planner_service', name);
        end if;
    end loop;
end $$;

-- what stands already: the blocks of applied runs, and runs that an earlier version left in the middle
insert into live_blocks (event_id, run_id, client_id, person_id, task_id, starts_at, ends_at)
select block ->> 'event_id', r.id, r.client_id, r.person_id, block ->> 'task_id', (block ->> 'start')::timestamptz, (block ->> 'end')::timestamptz
from (select * from scheduler_runs where status = 'applied' order by created_at desc) as r, jsonb_array_elements(r.schedule_blocks) as block
where (block ->> 'end')::timestamptz > (block ->> 'start')::timestamptz
on conflict do nothing;

insert into calendar_journal (id, run_id, client_id, person_id, purpose, replaces, event_type)
select distinct on (person_id) gen_random_uuid(), id, client_id, person_id,
       case when jsonb_exists(metadata, 'undoing') then 'undo' else 'apply' end,
       case when jsonb_exists(metadata, 'applying') then (metadata ->> 'replaces')::uuid end,
       case when jsonb_exists(metadata, 'undoing') then 'schedule_undone' else 'schedule_applied' end
from scheduler_runs
where (jsonb_exists(metadata, 'applying') or jsonb_exists(metadata, 'undoing'))
    and not exists (select from calendar_journal as j where j.run_id = scheduler_runs.id)
order by person_id, created_at desc;

insert into calendar_writes (journal_id, event_id, client_id, position, operation, wanted, before, before_run_id)
select j.id, block ->> 'event_id', j.client_id, n, case j.purpose when 'undo' then 'delete' else 'create' end,
       case j.purpose when 'undo' then null else block end, case j.purpose when 'undo' then block end, case j.purpose when 'undo' then r.id end
from calendar_journal as j
join scheduler_runs as r on r.id = j.run_id,
    jsonb_array_elements(r.schedule_blocks) with ordinality as each (block, n)
where j.state = 'writing'
on conflict do nothing;

update scheduler_runs set metadata = metadata - 'applying' - 'undoing' where jsonb_exists(metadata, 'applying') or jsonb_exists(metadata, 'undoing');
