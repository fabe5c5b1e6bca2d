-- name: plan_to_schedule
select id, plan_title as title, client_id, person_id, status, deadline_at,
       coalesce(sop -> 'checklist', '[]') as checklist, sop -> 'estimate' as estimate
from plans
where id = %(plan_id)s::uuid and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))

-- name: add_scheduler_run
insert into scheduler_runs (id, plan_id, client_id, person_id, status, schedule_blocks, unscheduled, request, score, metadata, created_at)
values (%(run_id)s::uuid, %(plan_id)s::uuid, %(client_id)s::text, %(person_id)s::text, %(status)s::text, %(schedule_blocks)s::jsonb,
        %(unscheduled)s::jsonb, %(request)s::jsonb, %(score)s::jsonb, %(metadata)s::jsonb, %(created_at)s::timestamptz)

-- name: save_scheduler_run
update scheduler_runs
set status = %(status)s::text, schedule_blocks = %(schedule_blocks)s::jsonb, unscheduled = %(unscheduled)s::jsonb,
    score = %(score)s::jsonb, metadata = %(metadata)s::jsonb, updated_at = now()
where id = %(run_id)s::uuid

-- name: scheduler_run
select id, plan_id, client_id, person_id, status, created_at, schedule_blocks, unscheduled, request, score, metadata
from scheduler_runs
where id = %(run_id)s::uuid and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))

-- name: scheduler_run_locked
select id, plan_id, client_id, person_id, status, created_at, schedule_blocks, unscheduled, request, score, metadata
from scheduler_runs
where id = %(run_id)s::uuid and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))
for update

-- name: scheduler_runs
select id, plan_id, client_id, person_id, status, created_at, schedule_blocks, unscheduled, request, score, metadata
from scheduler_runs
where (%(clients)s::text[] is null or client_id = any(%(clients)s::text[])) and (%(plan_id)s::uuid is null or plan_id = %(plan_id)s::uuid)
order by created_at desc, id desc
limit %(limit)s::integer

-- name: scheduler_run_of_event
select id, plan_id, client_id, person_id, status, created_at, schedule_blocks, unscheduled, request, score, metadata
from scheduler_runs
where status = 'applied' and schedule_blocks @> %(wanted)s::jsonb and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))
order by created_at desc
limit 1

-- name: untold_runs
select id, plan_id, client_id, person_id, status, created_at, schedule_blocks, unscheduled, request, score, metadata
from scheduler_runs
where jsonb_exists(metadata, 'to_tell')
order by created_at

-- name: told_run
update scheduler_runs
set metadata = case when %(is_over)s::boolean then metadata - 'to_tell' else metadata end
    || jsonb_build_object('warnings', coalesce(metadata -> 'warnings', '[]') || %(warnings)s::jsonb)
where id = %(run_id)s::uuid

-- name: scheduler_runs_by_id
select id, plan_id, client_id, person_id, status, created_at, schedule_blocks, unscheduled, request, score, metadata
from scheduler_runs
where id = any(%(run_ids)s::uuid[])

-- name: done_tasks
select coalesce(array_agg(distinct done.task_id), '{}')
from scheduler_runs as r join plans as p on p.id = r.plan_id, jsonb_object_keys(coalesce(p.metadata -> 'done', '{}')) as done (task_id)
where r.status = 'applied' and done.task_id = any(%(task_ids)s::text[])

-- name: sprints_to_schedule
select sprint_id, name, starts_on, ends_on, planned_billable_hours
from sprints
where person_id = %(person_id)s::text and starts_on <= %(last)s::date and ends_on >= %(first)s::date
    and (%(clients)s::text[] is null or client_id is null or client_id = any(%(clients)s::text[]))
order by starts_on, sprint_id

-- name: runway_weeks
select case when jsonb_typeof(fields -> 'runway_weeks') = 'number' then (fields ->> 'runway_weeks')::float8 end as weeks
from workspace_records
where kind = 'finance_snapshot' and person_id = %(person_id)s::text and deleted_at is null and fields ->> 'taken_on' <= current_date::text
order by fields ->> 'taken_on' desc, updated_at desc
limit 1
