-- name: facts_event_counts
-- The kinds are found by jumping from one to the next in the index, and each is counted in it: no row is read or hashed.
with recursive kinds as (
    (select event_type, event_source, client_id from events
     where person_id = %(person_id)s order by event_type, event_source, client_id limit 1)
    union all
    select next.event_type, next.event_source, next.client_id
    from kinds cross join lateral (
        select e.event_type, e.event_source, e.client_id from events e
        where e.person_id = %(person_id)s
            and (e.event_type, e.event_source, e.client_id) > (kinds.event_type, kinds.event_source, kinds.client_id)
        order by e.event_type, e.event_source, e.client_id limit 1
    ) as next
), counted as (
    select kinds.event_type, kinds.event_source, found.count
    from kinds cross join lateral (
        select count(*) as count from events e
        where e.person_id = %(person_id)s and e.event_type = kinds.event_type and e.event_source = kinds.event_source
            and e.client_id = kinds.client_id and e.occurred_at >= %(start)s and e.occurred_at < %(end)s
    ) as found
    where kinds.event_type not in ('reflection', 'reflection_pending_post', 'reflection_posted', 'insight', 'insight_revoked')
        and (%(clients)s::text[] is null or kinds.client_id = any(%(clients)s::text[]))
)
select event_type, event_source, sum(count)::bigint as count
from counted where count > 0
group by event_type, event_source
order by sum(count) desc, event_type, event_source

-- name: facts_last_entries
-- As above: one probe of the index for each kind.
with recursive kinds as (
    (select event_type, event_source, client_id from events
     where person_id = %(person_id)s order by event_type, event_source, client_id limit 1)
    union all
    select next.event_type, next.event_source, next.client_id
    from kinds cross join lateral (
        select e.event_type, e.event_source, e.client_id from events e
        where e.person_id = %(person_id)s
            and (e.event_type, e.event_source, e.client_id) > (kinds.event_type, kinds.event_source, kinds.client_id)
        order by e.event_type, e.event_source, e.client_id limit 1
    ) as next
)
select kinds.event_source, max(newest.occurred_at) as occurred_at
from kinds cross join lateral (
    select e.occurred_at from events e
    where e.person_id = %(person_id)s and e.event_type = kinds.event_type and e.event_source = kinds.event_source
        and e.client_id = kinds.client_id and e.occurred_at < %(before)s
    order by e.occurred_at desc limit 1
) as newest
where %(clients)s::text[] is null or kinds.client_id = any(%(clients)s::text[])
group by kinds.event_source
order by kinds.event_source

-- name: facts_runs
with found as (
    select * from execution_runs
    where person_id = %(person_id)s and ended_at > %(start)s and ended_at <= %(end)s
    union all
    select * from execution_runs
    where person_id = %(person_id)s and ended_at > %(end)s and started_at < %(end)s and started_at >= %(end)s::timestamptz - interval '31 days'
    union all
    select * from execution_runs
    where person_id = %(person_id)s and ended_at is null and actual_hours is not null
        and coalesce(started_at, created_at) >= %(start)s and coalesce(started_at, created_at) < %(end)s
), timed as (
    select found.*, coalesce(ended_at, started_at + actual_hours::float8 * interval '1 hour', created_at) as stopped_at from found
)
select coalesce(run_id, id::text) as run_id, task_id, title, plan_id, workflow_id, process_template_id,
    least(coalesce(started_at, stopped_at - coalesce(actual_hours, 0)::float8 * interval '1 hour'), stopped_at) as started_at,
    stopped_at as ended_at,
    coalesce(actual_hours, greatest(extract(epoch from stopped_at - started_at) / 3600, 0), 0)::numeric as actual_hours,
    coalesce(observed_hours, case when sitting then null else actual_hours end) as whole_hours,
    estimated_hours, billable, not sitting or observed_hours is not null as is_done, outcome_notes, client_id
from timed
where %(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[])
order by started_at, run_id

-- name: facts_running
select task_id, title, started_at
from execution_runs
where person_id = %(person_id)s and ended_at is null and actual_hours is null and started_at is not null and started_at < %(before)s
    and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
order by started_at, task_id limit 50

-- name: facts_blocks
with latest as (
    select distinct on (coalesce(plan_id, id)) schedule_blocks
    from scheduler_runs
    where person_id = %(person_id)s and status = 'applied'
        and created_at > %(start)s::timestamptz - interval '120 days' and created_at < %(end)s::timestamptz + interval '120 days'
        and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
    order by coalesce(plan_id, id), created_at < %(known_at)s desc, created_at desc
)
select block ->> 'event_id' as event_id, coalesce(block ->> 'task_id', block ->> 'event_id', '') as task_id, block ->> 'title' as title,
    (block ->> 'start')::timestamptz as starts_at, (block ->> 'end')::timestamptz as ends_at, (block ->> 'billable')::boolean as billable
from latest cross join lateral jsonb_array_elements(case jsonb_typeof(schedule_blocks) when 'array' then schedule_blocks else '[]' end) as block
where (block ->> 'start')::timestamptz < %(end)s and (block ->> 'end')::timestamptz > %(start)s
    and (block ->> 'end')::timestamptz > (block ->> 'start')::timestamptz
order by starts_at, task_id

-- name: facts_finished_tasks
select distinct task_id
from execution_runs
where task_id = any(%(task_ids)s::text[]) and person_id = %(person_id)s and coalesce(ended_at, started_at, created_at) < %(before)s
    and (ended_at is not null or actual_hours is not null) and (not sitting or observed_hours is not null)
    and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))

-- name: facts_plans_made
select id as plan_id, plan_title as title, status, created_at
from plans
where person_id = %(person_id)s and created_at >= %(start)s and created_at < %(end)s
    and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
order by created_at, id limit 200

-- name: facts_plans_due
-- As it was at known_at: what was made later is not seen, what was closed or revised later still stands as it did.
with due as (
    select plans.id, coalesce(earlier.plan_title, plans.plan_title) as plan_title, deadline_at, coalesce(earlier.sop, plans.sop) -> 'checklist' as checklist
    from plans
        left join lateral (
            select r.plan_title, r.sop from plan_revisions r
            where r.plan_id = plans.id and r.replaced_at >= %(known_at)s
            order by r.replaced_at, r.revision limit 1
        ) as earlier on true
    where person_id = %(person_id)s and deadline_at >= %(start)s and deadline_at < %(end)s and created_at < %(known_at)s
        and (status not in ('completed', 'cancelled') or updated_at >= %(known_at)s)
        and (%(clients)s::text[] is null or coalesce(plans.client_id, 'me') = any(%(clients)s::text[]))
    order by deadline_at, plans.id limit 50
), listed as (
    select id, plan_title, deadline_at, case jsonb_typeof(checklist) when 'array' then checklist else '[]' end as checklist from due
)
select listed.id as plan_id, listed.plan_title as title, listed.deadline_at, jsonb_array_length(listed.checklist) as steps,
    (select count(*) from jsonb_array_elements(listed.checklist) as step
     where exists (select from execution_runs r
                   where r.task_id = step ->> 'task_id' and (r.ended_at is not null or r.actual_hours is not null)
                       and coalesce(r.ended_at, r.started_at, r.created_at) < %(known_at)s
                       and (not r.sitting or r.observed_hours is not null))) as steps_done,
    (select max((block ->> 'end')::timestamptz)
     from (select schedule_blocks from scheduler_runs s
           where s.plan_id = listed.id and s.status = 'applied' and s.created_at < %(known_at)s order by s.created_at desc limit 1) as newest
         cross join lateral jsonb_array_elements(case jsonb_typeof(schedule_blocks) when 'array' then schedule_blocks else '[]' end) as block
    ) as last_block_ends_at
from listed
order by listed.deadline_at, listed.id

-- name: facts_sprint
select sprint_id, name, starts_on, ends_on, planned_billable_hours
from sprints
where person_id = %(person_id)s and starts_on <= %(last)s and ends_on >= %(first)s
    and (%(clients)s::text[] is null or client_id is null or client_id = any(%(clients)s::text[]))
order by ends_on desc, sprint_id limit 1

-- name: facts_last_period
select period_start, period_end, covered_until
from (
    select period_start, period_end, least(period_end, updated_at) as covered_until
    from daily_thread
    where person_id = %(person_id)s and mode = %(mode)s and client_id = %(client_id)s and period_end > %(since)s and period_start < %(until)s
    union all
    select (payload #>> '{period,start}')::timestamptz, (payload #>> '{period,end}')::timestamptz,
        least((payload #>> '{period,end}')::timestamptz, created_at)
    from events
    where person_id = %(person_id)s and event_type in ('reflection', 'reflection_pending_post') and event_source = 'observer-agent'
        and occurred_at > %(since)s and occurred_at <= %(until)s::timestamptz + interval '8 days'
        and payload ->> 'mode' = %(mode)s and coalesce(payload ->> 'scope', '') = %(client_id)s
) as kept
where covered_until > %(since)s and covered_until <= %(until)s
order by covered_until desc, period_start limit 1

-- name: facts_pending_posts
select * from (
    select distinct on (client_id, thread_id) id as event_id, client_id, thread_id,
        coalesce((payload ->> 'kept_at')::timestamptz, created_at) as kept_at, payload
    from events e
    where person_id = %(person_id)s and event_type = 'reflection_pending_post' and event_source = 'observer-agent' and occurred_at >= %(since)s
        and not exists (select from events posted
                        where posted.client_id = e.client_id and posted.thread_id = e.thread_id and posted.event_type = 'reflection_posted'
                            and posted.created_at >= e.created_at)
    order by client_id, thread_id, created_at desc
) as newest
order by kept_at limit 50

-- name: facts_insights
select id as insight_id, client_id, thread_id, content, event_type = 'insight_revoked' as is_revoked, occurred_at as learnt_at, metadata
from events
where person_id = %(person_id)s and event_type in ('insight', 'insight_revoked') and event_source = 'observer-agent' and thread_id is not null
    and superseded_at is null and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))
order by occurred_at desc, id limit 1000

-- name: facts_calendar_questions
select details ->> 'says' as says
from schedule_questions
where answer is null and person_id = %(person_id)s and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))
order by asked_at, id limit 50

-- name: take_reflection_turn
insert into reflection_leases (person_id, client_id, mode, holder, held_until)
values (%(person_id)s, %(client_id)s, %(mode)s, %(holder)s::uuid, clock_timestamp() + %(lasts)s::interval)
on conflict (person_id, client_id, mode) do update set holder = excluded.holder, held_until = excluded.held_until
    where reflection_leases.held_until <= clock_timestamp()
returning holder

-- name: end_reflection_turn
delete from reflection_leases where holder = %(holder)s::uuid
