-- name: workspace_record
select record_id as id, kind, client_id, name, fields, updated_at, deleted_at
from workspace_rows()
where record_id = %(record_id)s::text and (%(clients)s::text[] is null or client_id is null or client_id = any(%(clients)s::text[]))

-- name: workspace_records
select record_id as id, kind, client_id, name, fields, updated_at, deleted_at
from workspace_rows()
where kind = %(kind)s::text and deleted_at is null and record_id like 'ws:%%'
  and (%(clients)s::text[] is null or client_id is null or client_id = any(%(clients)s::text[]))
  and (%(related_to)s::text is null or relations @> array[%(related_to)s::text])
  and (%(status)s::text is null or fields ->> 'status' = %(status)s::text)
order by name, record_id
limit %(limit)s::integer

-- name: workspace_changes
select record_id as id, kind, client_id, name, fields, updated_at, deleted_at, revision
from workspace_rows()
where kind = %(kind)s::text and revision > %(since)s::bigint and record_id like 'ws:%%'
order by revision
limit %(limit)s::integer

-- name: put_workspace_record
insert into workspace_records (record_id, kind, client_id, name, fields, relations)
values (%(record_id)s::text, %(kind)s::text, %(client_id)s::text, %(name)s::text, %(fields)s::jsonb, %(relations)s::text[])
on conflict (record_id) do update set client_id = excluded.client_id, name = excluded.name, fields = excluded.fields,
    relations = excluded.relations, deleted_at = null
where workspace_records.kind = excluded.kind
  and (workspace_records.deleted_at is not null
       or (workspace_records.client_id, workspace_records.name, workspace_records.fields, workspace_records.relations)
          is distinct from (excluded.client_id, excluded.name, excluded.fields, excluded.relations))

-- name: put_workspace_sprint
insert into sprints (sprint_id, client_id, name, description, starts_on, ends_on, capacity_hours, planned_billable_hours)
values (%(sprint_id)s::text, %(client_id)s::text, %(name)s::text, %(description)s::text, %(starts_on)s::date, %(ends_on)s::date,
    %(capacity_hours)s::numeric, %(planned_billable_hours)s::numeric)
on conflict (sprint_id) do update set client_id = excluded.client_id, name = excluded.name, description = excluded.description,
    starts_on = excluded.starts_on, ends_on = excluded.ends_on, capacity_hours = excluded.capacity_hours,
    planned_billable_hours = excluded.planned_billable_hours
where (sprints.client_id, sprints.name, sprints.description, sprints.starts_on, sprints.ends_on, sprints.capacity_hours, sprints.planned_billable_hours)
      is distinct from (excluded.client_id, excluded.name, excluded.description, excluded.starts_on, excluded.ends_on, excluded.capacity_hours,
                        excluded.planned_billable_hours)

-- name: workspace_owners
select record_id, kind, client_id from workspace_rows() where record_id = any(%(ids)s::text[])

-- name: make_workspace_record
insert into workspace_records (record_id, kind, client_id, name, fields, relations)
values (%(record_id)s::text, %(kind)s::text, %(client_id)s::text, %(name)s::text, %(fields)s::jsonb, %(relations)s::text[])
on conflict (record_id) do nothing

-- name: change_workspace_record
update workspace_records set fields = fields || %(fields)s::jsonb
where record_id = %(record_id)s::text and deleted_at is null and fields is distinct from fields || %(fields)s::jsonb

-- name: delete_workspace_record
update workspace_records set deleted_at = now()
where record_id = %(record_id)s::text and kind = %(kind)s::text and deleted_at is null
  and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))

-- name: delete_workspace_sprint
delete from sprints where sprint_id = %(sprint_id)s::text and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))
