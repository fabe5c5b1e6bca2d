-- name: lock_task
select pg_advisory_xact_lock(hashtextextended(%(client_id)s::text || chr(31) || %(task_id)s::text, 7))

-- name: add_run
insert into execution_runs (id, run_id, run_type, client_id, person_id, task_id, title, step_key, plan_id, workflow_id, process_template_id,
    project_id, engagement_id, executed_by_person_id, started_at, ended_at, estimated_hours, actual_hours, outcome_notes, billable, sitting,
    observed_hours, metadata, created_at)
values (%(id)s, %(run_id)s, %(run_type)s, %(client_id)s, %(person_id)s, %(task_id)s, %(title)s, %(step_key)s, %(plan_id)s, %(workflow_id)s,
    %(process_template_id)s, %(project_id)s, %(engagement_id)s, %(executed_by_person_id)s, %(started_at)s, %(ended_at)s, %(estimated_hours)s,
    %(actual_hours)s, %(outcome_notes)s, %(billable)s, %(sitting)s, %(observed_hours)s, %(metadata)s, %(created_at)s)
on conflict (run_id) do nothing

-- name: save_run
update execution_runs set ended_at = %(ended_at)s, actual_hours = %(actual_hours)s, observed_hours = %(observed_hours)s,
    outcome_notes = %(outcome_notes)s, metadata = %(metadata)s
where id = %(id)s

-- name: run_at
select id, coalesce(run_id, id::text) as run_id, run_type, coalesce(client_id, 'me') as client_id, coalesce(person_id, 'me') as person_id,
    coalesce(task_id, '') as task_id, title, step_key, plan_id, workflow_id, process_template_id, project_id, engagement_id, executed_by_person_id,
    started_at, ended_at, estimated_hours::float8, actual_hours::float8, outcome_notes, billable, sitting, observed_hours::float8,
    coalesce(metadata, '{}') as metadata, created_at
from execution_runs
where task_id = %(task_id)s and coalesce(client_id, 'me') = %(client_id)s and started_at = %(started_at)s
order by created_at limit 1

-- name: runs
select id, coalesce(run_id, id::text) as run_id, run_type, coalesce(client_id, 'me') as client_id, coalesce(person_id, 'me') as person_id,
    coalesce(task_id, '') as task_id, title, step_key, plan_id, workflow_id, process_template_id, project_id, engagement_id, executed_by_person_id,
    started_at, ended_at, estimated_hours::float8, actual_hours::float8, outcome_notes, billable, sitting, observed_hours::float8,
    coalesce(metadata, '{}') as metadata, created_at
from execution_runs
where (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
    and (%(task_id)s::text is null or task_id = %(task_id)s::text)
    and (%(plan_id)s::uuid is null or plan_id = %(plan_id)s::uuid)
    and started_at is not null
order by started_at desc, id desc limit %(limit)s

-- name: running
select id, coalesce(run_id, id::text) as run_id, run_type, coalesce(client_id, 'me') as client_id, coalesce(person_id, 'me') as person_id,
    coalesce(task_id, '') as task_id, title, step_key, plan_id, workflow_id, process_template_id, project_id, engagement_id, executed_by_person_id,
    started_at, ended_at, estimated_hours::float8, actual_hours::float8, outcome_notes, billable, sitting, observed_hours::float8,
    coalesce(metadata, '{}') as metadata, created_at
from execution_runs
where person_id = %(person_id)s and ended_at is null and sitting and started_at is not null
    and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
order by started_at, id

-- name: runs_ended
select id, coalesce(run_id, id::text) as run_id, run_type, coalesce(client_id, 'me') as client_id, coalesce(person_id, 'me') as person_id,
    coalesce(task_id, '') as task_id, title, step_key, plan_id, workflow_id, process_template_id, project_id, engagement_id, executed_by_person_id,
    started_at, ended_at, estimated_hours::float8, actual_hours::float8, outcome_notes, billable, sitting, observed_hours::float8,
    coalesce(metadata, '{}') as metadata, created_at
from execution_runs
where person_id = %(person_id)s and ended_at >= %(start)s and ended_at < %(end)s and started_at is not null
    and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
order by ended_at, id limit 500

-- name: blocks_placed
with latest as (
    select distinct on (coalesce(plan_id, id)) id, plan_id, client_id, schedule_blocks
    from scheduler_runs
    where person_id = %(person_id)s and status = 'applied' and created_at > %(start)s::timestamptz - interval '120 days'
        and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
    order by coalesce(plan_id, id), created_at desc
)
select block ->> 'task_id' as task_id, block ->> 'title' as title, (block ->> 'start')::timestamptz as start, (block ->> 'end')::timestamptz as end,
    latest.plan_id, latest.client_id, latest.id as scheduler_run_id
from latest cross join lateral jsonb_array_elements(case jsonb_typeof(schedule_blocks) when 'array' then schedule_blocks else '[]' end) as block
where (block ->> 'start')::timestamptz < %(end)s::timestamptz and (block ->> 'end')::timestamptz > %(start)s::timestamptz
order by 3, 1 limit 500

-- part: learnable
-- a clock that ran for less than a minute tells of a slip, not of the work
ended_at is not null and estimated_hours > 0 and coalesce(observed_hours, case when sitting then null else actual_hours end) > 0
    and (not sitting or observed_hours >= 1.0 / 60)

-- name: history_own
select person_id, step_key, process_template_id, workflow_id, estimated_hours::float8 as raw_hours,
    coalesce(observed_hours, actual_hours)::float8 as actual_hours
from execution_runs
where person_id = %(person_id)s
    and @learnable
order by ended_at desc, id desc limit 200

-- name: history_everyone
select coalesce(array_agg(person_id), '{}') as person_ids, coalesce(array_agg(raw), '{}') as raw_hours, coalesce(array_agg(actual), '{}') as actual_hours
from (
    select coalesce(person_id, 'me') as person_id, estimated_hours::float8 as raw, coalesce(observed_hours, actual_hours)::float8 as actual
    from execution_runs
    where @learnable
    order by ended_at desc, id desc limit 2000
) as newest

-- part: runs_of_a_kind
select id, ended_at, coalesce(person_id, 'me') as person_id, step_key, process_template_id, workflow_id, estimated_hours::float8 as raw_hours,
    coalesce(observed_hours, actual_hours)::float8 as actual_hours
from execution_runs

-- name: history_related
select person_id, step_key, process_template_id, workflow_id, raw_hours, actual_hours
from (
    select found.id, found.ended_at, found.person_id, found.step_key, found.process_template_id, found.workflow_id, found.raw_hours, found.actual_hours
    from unnest(%(step_keys)s::text[]) as wanted cross join lateral (
        @runs_of_a_kind
        where step_key = wanted and step_key is not null and @learnable
        order by ended_at desc limit 40) as found
    union
    select found.id, found.ended_at, found.person_id, found.step_key, found.process_template_id, found.workflow_id, found.raw_hours, found.actual_hours
    from unnest(%(template_ids)s::text[]) as wanted cross join lateral (
        @runs_of_a_kind
        where process_template_id = wanted and process_template_id is not null and @learnable
        order by ended_at desc limit 40) as found
    union
    select found.id, found.ended_at, found.person_id, found.step_key, found.process_template_id, found.workflow_id, found.raw_hours, found.actual_hours
    from unnest(%(workflow_ids)s::text[]) as wanted cross join lateral (
        @runs_of_a_kind
        where workflow_id = wanted and workflow_id is not null and @learnable
        order by ended_at desc limit 40) as found
) as related
order by ended_at desc, id desc
