-- Reflections on one client's work beside those on the whole of it, sprints to compare with, and indexes that count a period without its history.

alter table daily_thread add column if not exists client_id text not null default '';   -- '': the person's whole work
alter table daily_thread drop constraint if exists daily_thread_person_id_mode_period_start_key;
create unique index if not exists daily_thread_period on daily_thread (person_id, mode, period_start, client_id);
create index if not exists daily_thread_ended on daily_thread (person_id, mode, period_end desc);

create table if not exists sprints (
    sprint_id              text primary key default gen_random_uuid()::text,
    person_id              text not null default 'me',
    client_id              text,                         -- null: spans clients
    name                   text not null,
    starts_on              date not null,
    ends_on                date not null,                -- inclusive
    planned_billable_hours numeric not null,
    created_at             timestamptz not null default now(),
    check (ends_on >= starts_on)
);
create index if not exists sprints_person_ends on sprints (person_id, ends_on);

create index if not exists events_facts on events (person_id, occurred_at) include (event_type, event_source, client_id);
create index if not exists plans_person_deadline on plans (person_id, deadline_at) where deadline_at is not null;
