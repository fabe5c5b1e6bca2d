-- name: add_plan
insert into plans (id, plan_title, intent, sop, client_id, person_id, status, revision, process_template_id, workflow_id, blueprint_id,
    engagement_id, deadline_at, metadata, created_at, updated_at)
values (%(id)s, left(%(plan_title)s, 500), %(intent)s, %(sop)s, %(client_id)s, %(person_id)s, %(status)s, %(revision)s, %(process_template_id)s,
    %(workflow_id)s, %(blueprint_id)s, %(engagement_id)s, %(deadline_at)s, %(metadata)s, %(created_at)s, %(updated_at)s)

-- name: plan
select id, plan_title, intent, sop, coalesce(client_id, 'me') as client_id, person_id, status, revision, process_template_id, workflow_id,
    blueprint_id, engagement_id, deadline_at, metadata, created_at, updated_at
from plans where id = %(plan_id)s and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))

-- name: plan_locked
select id, plan_title, intent, sop, coalesce(client_id, 'me') as client_id, person_id, status, revision, process_template_id, workflow_id,
    blueprint_id, engagement_id, deadline_at, metadata, created_at, updated_at
from plans where id = %(plan_id)s and (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
for update

-- name: plans
select id, plan_title, intent, sop, coalesce(client_id, 'me') as client_id, person_id, status, revision, process_template_id, workflow_id,
    blueprint_id, engagement_id, deadline_at, metadata, created_at, updated_at
from plans
where (%(clients)s::text[] is null or coalesce(client_id, 'me') = any(%(clients)s::text[]))
    and (%(status)s::text is null or status = %(status)s::text)
order by created_at desc, id desc limit %(limit)s

-- name: plans_since
select id, plan_title, intent, status, sop -> 'pattern' ->> 'key' as pattern, created_at
from plans
where (%(clients)s::text[] is null or client_id = any(%(clients)s::text[])) and created_at >= %(since)s
order by created_at desc, id desc limit %(limit)s

-- name: plan_of_pattern
select id, plan_title, intent, sop, coalesce(client_id, 'me') as client_id, person_id, status, revision, process_template_id, workflow_id,
    blueprint_id, engagement_id, deadline_at, metadata, created_at, updated_at
from plans
where (%(clients)s::text[] is null or client_id = any(%(clients)s::text[])) and sop #>> '{pattern,key}' = %(pattern)s
    and status <> 'cancelled' and sop ? 'own_changes'
    and (%(generator)s::text is null or coalesce(sop ->> 'generator', 'rules') = %(generator)s::text)
order by created_at desc, id desc limit 1

-- name: plans_untold
select id, plan_title, intent, sop, coalesce(client_id, 'me') as client_id, person_id, status, revision, process_template_id, workflow_id,
    blueprint_id, engagement_id, deadline_at, metadata, created_at, updated_at
from plans where metadata ? 'untold' order by created_at limit %(limit)s

-- name: save_plan
update plans set plan_title = left(%(plan_title)s, 500), sop = %(sop)s, status = %(status)s, revision = %(revision)s,
    process_template_id = %(process_template_id)s, workflow_id = %(workflow_id)s, blueprint_id = %(blueprint_id)s,
    engagement_id = %(engagement_id)s, deadline_at = %(deadline_at)s, metadata = %(metadata)s, updated_at = %(updated_at)s
where id = %(id)s

-- name: keep_plan_revision
insert into plan_revisions (plan_id, revision, plan_title, sop, client_id, replaced_at)
select id, revision, plan_title, sop, client_id, now() from plans where id = %(plan_id)s
on conflict (plan_id, revision) do nothing

-- name: plan_revisions
select revision, plan_title, sop, replaced_at from plan_revisions where plan_id = %(plan_id)s order by revision desc limit 100

-- name: mark_plan_told
update plans set metadata = metadata - 'untold' where id = %(plan_id)s
