-- Earlier revisions of plans, and what makes the history of runs quick to read for estimates.

create table if not exists plan_revisions (
    plan_id     uuid not null references plans (id) on delete cascade,
    revision    integer not null,
    plan_title  varchar(500) not null,
    sop         jsonb not null,
    client_id   text,
    replaced_at timestamptz not null default now(),
    primary key (plan_id, revision)
);

alter table execution_runs
    add column if not exists sitting        boolean not null default false,  -- one sitting of a timer: the task may go on later
    add column if not exists observed_hours numeric;                         -- of the sitting that finished a task: the hours of all its sittings

create index if not exists plans_untold on plans (created_at) where metadata ? 'untold';
create index if not exists plans_pattern on plans (client_id, (sop #>> '{pattern,key}'), created_at desc);
create index if not exists execution_runs_plan_id on execution_runs (plan_id) where plan_id is not null;
create index if not exists execution_runs_running on execution_runs (person_id) where ended_at is null;
create index if not exists execution_runs_history on execution_runs (ended_at desc, id desc)
    where ended_at is not null and estimated_hours > 0 and coalesce(observed_hours, case when sitting then null else actual_hours end) > 0;
create index if not exists execution_runs_history_person on execution_runs (person_id, ended_at desc, id desc)
    where ended_at is not null and estimated_hours > 0 and coalesce(observed_hours, case when sitting then null else actual_hours end) > 0;
create index if not exists execution_runs_history_step on execution_runs (step_key, ended_at desc)
    where step_key is not null and ended_at is not null and estimated_hours > 0
        and coalesce(observed_hours, case when sitting then null else actual_hours end) > 0;
create index if not exists execution_runs_history_template on execution_runs (process_template_id, ended_at desc)
    where process_template_id is not null and ended_at is not null and estimated_hours > 0
        and coalesce(observed_hours, case when sitting then null else actual_hours end) > 0;
create index if not exists execution_runs_history_workflow on execution_runs (workflow_id, ended_at desc)
    where workflow_id is not null and ended_at is not null and estimated_hours > 0
        and coalesce(observed_hours, case when sitting then null else actual_hours end) > 0;
