-- What is to be written to the workspace, kept in the transaction that wants it, so that no crash and no outage loses it.

create table if not exists workspace_writes (
    key          text primary key,                  -- by it the workspace knows a write that comes again
    kind         text not null,                     -- process_template | tasks | task | graph
    client_id    text not null,
    plan_id      uuid,
    task_id      text,                              -- the planner's
    payload      jsonb not null,
    state        text not null default 'pending',   -- pending | done | refused
    revision     bigint not null default 1,         -- another wish while somebody is at it makes it due once more
    result       jsonb,
    attempts     integer not null default 0,
    error        text,
    due_at       timestamptz not null default clock_timestamp(),
    leased_until timestamptz,                       -- whoever holds it is alone at it until then
    noted_at     timestamptz not null default clock_timestamp(),
    done_at      timestamptz
);
create index if not exists workspace_writes_due on workspace_writes (due_at) where state = 'pending';
create index if not exists workspace_writes_plan on workspace_writes (plan_id);
create index if not exists workspace_writes_state on workspace_writes (state, noted_at) where state <> 'done';

-- How far each kind of row was mirrored into the graph.
create table if not exists workspace_cursors (
    origin    text not null,                        -- ws | coda
    kind      text not null,
    cursor    text not null,
    synced_at timestamptz not null default now(),
    primary key (origin, kind)
);

alter table workspace_writes enable row level security, force row level security;
drop policy if exists clients on workspace_writes;
create policy clients on workspace_writes using ((select planner_spans()) or client_id = any ((select planner_clients())::text[]));

create index if not exists scheduler_runs_changed on scheduler_runs (coalesce(updated_at, created_at));
create index if not exists plans_updated on plans (updated_at);
