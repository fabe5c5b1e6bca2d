-- name: want_workspace_write
insert into workspace_writes (key, kind, client_id, plan_id, task_id, payload)
values (%(key)s::text, %(kind)s::text, %(client_id)s::text, %(plan_id)s::uuid, %(task_id)s::text, %(payload)s::jsonb)
on conflict (key) do update set payload = excluded.payload, state = 'pending', revision = workspace_writes.revision + 1, attempts = 0,
    error = null, due_at = clock_timestamp()
where workspace_writes.payload is distinct from excluded.payload

-- name: claim_workspace_writes
update workspace_writes set leased_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8), attempts = attempts + 1
where key in (
    select key from workspace_writes
    where state = 'pending' and due_at <= clock_timestamp() and coalesce(leased_until <= clock_timestamp(), true)
      and (%(plan_id)s::uuid is null or plan_id = %(plan_id)s::uuid)
    order by noted_at, key
    limit %(limit)s::integer
    for update skip locked)
returning key, kind, client_id, payload, plan_id, task_id, state, revision, result, attempts, error, due_at, leased_until, noted_at, done_at

-- name: finish_workspace_write
update workspace_writes set leased_until = null, error = null, result = %(result)s::jsonb,
    state = case when revision = %(revision)s::bigint then 'done' else 'pending' end, done_at = clock_timestamp()
where key = %(key)s::text and leased_until = %(leased_until)s::timestamptz

-- name: put_off_workspace_write
update workspace_writes set leased_until = null, error = %(error)s::text,
    due_at = clock_timestamp() + make_interval(secs => case when revision = %(revision)s::bigint then %(wait_seconds)s::float8 else 0 end)
where key = %(key)s::text and leased_until = %(leased_until)s::timestamptz

-- name: refuse_workspace_write
update workspace_writes set leased_until = null, error = %(error)s::text,
    state = case when revision = %(revision)s::bigint then 'refused' else 'pending' end
where key = %(key)s::text and leased_until = %(leased_until)s::timestamptz

-- name: workspace_writes
select key, kind, client_id, payload, plan_id, task_id, state, revision, result, attempts, error, due_at, leased_until, noted_at, done_at
from workspace_writes
where (%(plan_id)s::uuid is null or plan_id = %(plan_id)s::uuid) and (cardinality(%(keys)s::text[]) = 0 or key = any(%(keys)s::text[]))
  and (%(state)s::text is null or state = %(state)s::text)
order by noted_at, key
limit %(limit)s::integer

-- name: try_workspace_writes_again
update workspace_writes set state = 'pending', due_at = clock_timestamp(), attempts = 0 where state <> 'done'

-- name: workspace_write_backlog
select count(*) filter (where state = 'pending')::integer as pending, count(*) filter (where state = 'refused')::integer as refused,
    min(noted_at) filter (where state = 'pending') as oldest_at
from workspace_writes where state <> 'done'

-- name: workspace_task_states
select wanted.task_id, placed.start_at, placed.end_at, spent.hours::float8 as actual_hours, latest.outcome_notes as notes,
    coalesce(latest.finished, false) as is_finished, spent.runs > 0 as is_begun
from unnest(%(task_ids)s::text[]) as wanted (task_id)
cross join lateral (
    select count(*) as runs,
        coalesce((select r.observed_hours from execution_runs r
                  where r.task_id = wanted.task_id and coalesce(r.client_id, 'me') = %(client_id)s::text and r.observed_hours is not null
                  order by r.ended_at desc limit 1), sum(r.actual_hours)) as hours
    from execution_runs r where r.task_id = wanted.task_id and coalesce(r.client_id, 'me') = %(client_id)s::text
) as spent
left join lateral (
    select r.outcome_notes, coalesce((r.metadata ->> 'finished')::boolean, false) as finished
    from execution_runs r where r.task_id = wanted.task_id and coalesce(r.client_id, 'me') = %(client_id)s::text
    order by r.started_at desc, r.id desc limit 1
) as latest on true
left join lateral (
    select min((block ->> 'start')::timestamptz) as start_at, max((block ->> 'end')::timestamptz) as end_at
    from (
        select s.schedule_blocks from scheduler_runs s
        where s.status = 'applied' and coalesce(s.client_id, 'me') = %(client_id)s::text
          and case when %(plan_id)s::uuid is null
              then s.created_at > now() - interval '90 days' and s.schedule_blocks @> jsonb_build_array(jsonb_build_object('task_id', wanted.task_id))
              else s.plan_id = %(plan_id)s::uuid end
        order by s.created_at desc, s.id desc limit 1
    ) as newest
    cross join lateral jsonb_array_elements(newest.schedule_blocks) as block
    where block ->> 'task_id' = wanted.task_id
) as placed on true

-- name: workspace_tasks_touched
select distinct task_id, client_id, plan_id from (
    select r.task_id, coalesce(r.client_id, 'me') as client_id, r.plan_id
    from execution_runs r
    where (r.ended_at > %(since)s::timestamptz or r.started_at > %(since)s::timestamptz) and r.task_id is not null
    union all
    select block ->> 'task_id', coalesce(s.client_id, 'me'), s.plan_id
    from scheduler_runs s cross join lateral jsonb_array_elements(s.schedule_blocks) as block
    where coalesce(s.updated_at, s.created_at) > %(since)s::timestamptz
    union all
    select step ->> 'task_id', coalesce(p.client_id, 'me'), p.id
    from plans p cross join lateral jsonb_array_elements(p.sop -> 'checklist') as step
    where p.updated_at > %(since)s::timestamptz
) as touched
where task_id like any (array['ws:%%', 'coda:%%'])
   or exists (select from workspace_writes w where w.plan_id = touched.plan_id and w.kind in ('tasks', 'process_template'))
limit 5000

-- name: past_workflow_hours
select count(*)::integer as runs, coalesce(sum(estimated_hours), 0)::float8 as estimated_hours,
    coalesce(sum(coalesce(observed_hours, actual_hours)), 0)::float8 as actual_hours
from execution_runs
where workflow_id = %(workflow_id)s::text and ended_at is not null and estimated_hours > 0
  and coalesce(observed_hours, case when sitting then null else actual_hours end) > 0 and (not sitting or observed_hours >= 1.0 / 60)

-- name: set_plan_template
update plans set process_template_id = %(process_template_id)s::text where id = %(plan_id)s::uuid

-- name: workspace_cursor
select cursor from workspace_cursors where origin = %(origin)s::text and kind = %(kind)s::text

-- name: set_workspace_cursor
insert into workspace_cursors (origin, kind, cursor) values (%(origin)s::text, %(kind)s::text, %(cursor)s::text)
on conflict (origin, kind) do update set cursor = excluded.cursor, synced_at = now()

-- name: workspace_graph_nodes
select client_id, node_id, node_type from graph_nodes where node_id = any(%(node_ids)s::text[]) order by node_id, client_id

-- name: runs_ended_since
select r.id, r.run_id, r.run_type, coalesce(r.client_id, 'me') as client_id, coalesce(r.person_id, 'me') as person_id, coalesce(r.task_id, '') as task_id, r.title, r.step_key,
    r.plan_id, r.workflow_id, r.process_template_id, r.project_id, r.engagement_id, r.executed_by_person_id, r.started_at, r.ended_at,
    r.estimated_hours::float8 as estimated_hours, r.actual_hours::float8 as actual_hours, r.outcome_notes, r.billable, r.sitting,
    r.observed_hours::float8 as observed_hours, coalesce(r.metadata, '{}') as metadata, r.created_at, p.process_template_id as own_template_id
from execution_runs r left join plans p on p.id = r.plan_id
where r.ended_at is not null and r.run_id is not null and (%(since)s::timestamptz is null or greatest(r.ended_at, r.created_at) > %(since)s::timestamptz)
order by r.ended_at, r.id
limit %(limit)s::integer
