-- The workspace's daily thread for those who keep no Coda doc: one entry per person, mode and period.

create table if not exists daily_thread (
    id            uuid primary key default gen_random_uuid(),
    person_id     text not null default 'me',
    mode          text not null,                     -- daily | weekly
    period_start  timestamptz not null,
    period_end    timestamptz not null,
    thread_on     date not null,                     -- the person's local day on which the period ends
    reflection    text not null,
    metrics       jsonb not null default '{}',
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    unique (person_id, mode, period_start)
);
create index if not exists daily_thread_on on daily_thread (person_id, thread_on desc);
