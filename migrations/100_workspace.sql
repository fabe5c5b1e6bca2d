-- The workspace for those who keep no Coda doc: offers, blueprints, workflows, templates, engagements, projects, tasks, deliverables,
-- results and finance snapshots as rows of one table, sprints in the table that they have.

create sequence if not exists workspace_revisions;

create table if not exists workspace_records (
    record_id  text primary key,                   -- with its origin: ws:workflow-7; coda:… for rows that are mirrored here
    kind       text not null,                      -- offer | service_blueprint | workflow | process_template | engagement | project | task | …
    person_id  text not null default 'me',
    client_id  text,                               -- null: the person's own, seen with every client
    name       text not null,
    fields     jsonb not null default '{}',        -- what the kind has beyond these columns
    relations  text[] not null default '{}',       -- ids of the rows that it names
    revision   bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index if not exists workspace_records_kind on workspace_records (kind, client_id, name) where deleted_at is null;
create index if not exists workspace_records_relations on workspace_records using gin (relations);
create index if not exists workspace_records_revision on workspace_records (kind, revision);

alter table sprints
    add column if not exists description    text not null default '',
    add column if not exists capacity_hours numeric,
    add column if not exists revision       bigint not null default 0,
    add column if not exists updated_at     timestamptz not null default now();

-- Revisions are given out one transaction at a time, so that whoever has read revision n has seen every change up to n. The lock is taken
-- before any row, hence by the statement; with the rights of the owner, because the services' role owns no sequence.
create or replace function workspace_change_begins() returns trigger
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(7306011246);
    return null;
end $$;
create or replace function workspace_change() returns trigger
language plpgsql security definer set search_path from current as $$
begin
    new.revision := nextval('workspace_revisions');
    new.updated_at := now();
    return new;
end $$;

do $$
declare
    name text;
begin
    foreach name in array array['workspace_records', 'sprints'] loop
        execute format('create or replace trigger %I before insert or update on %I for each statement execute function workspace_change_begins()',
                       name || '_change_begins', name);
        execute format('create or replace trigger %I before insert or update on %I for each row execute function workspace_change()',
                       name || '_change', name);
    end loop;
end $$;

-- Rows without a client are read with every client, and changed only by those who work across clients. Sprints hold numbers alone and
-- come by plain SQL too: they are filtered by their readers.
alter table workspace_records enable row level security, force row level security;
drop policy if exists clients on workspace_records;
drop policy if exists clients_read on workspace_records;
create policy clients on workspace_records using ((select planner_spans()) or client_id = any ((select planner_clients())::text[]));
create policy clients_read on workspace_records for select using (client_id is null);

-- A function, because it needs no right of its own; the planner puts its text into the query that calls it.
create or replace function workspace_rows()
returns table (record_id text, kind text, person_id text, client_id text, name text, fields jsonb, relations text[], revision bigint,
               updated_at timestamptz, deleted_at timestamptz)
language sql stable as $$
    select r.record_id, r.kind, r.person_id, r.client_id, r.name, r.fields, r.relations, r.revision, r.updated_at, r.deleted_at
    from workspace_records r
    union all
    select case when s.sprint_id like 'coda:%' then s.sprint_id else 'ws:' || s.sprint_id end, 'sprint', s.person_id, s.client_id, s.name,
           jsonb_build_object('description', s.description, 'starts_on', s.starts_on, 'ends_on', s.ends_on, 'capacity_hours', s.capacity_hours,
                              'planned_billable_hours', s.planned_billable_hours),
           '{}'::text[], s.revision, s.updated_at, null::timestamptz
    from sprints s
$$;

update sprints set revision = 1 where revision = 0;   -- by the trigger: each gets its own
