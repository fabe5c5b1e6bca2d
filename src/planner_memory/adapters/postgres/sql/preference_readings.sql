-- name: preference_readings
select memory_id, read_by, rules, read_at, notes
from preference_readings
where memory_id = any(%(memory_ids)s::uuid[])

-- name: save_preference_reading
insert into preference_readings (memory_id, client_id, read_by, rules, notes, read_at)
select id, coalesce(client_id, 'me'), %(read_by)s::text, %(rules)s::jsonb, %(notes)s::jsonb, %(read_at)s::timestamptz
from events
where id = %(memory_id)s::uuid
on conflict (memory_id) do update
set read_by = excluded.read_by, rules = excluded.rules, notes = excluded.notes, read_at = excluded.read_at
where preference_readings.read_by <> 'person' or excluded.read_by = 'person'

-- name: remove_preference_reading
delete from preference_readings where memory_id = %(memory_id)s::uuid

-- name: remembered_preference
select content from events where id = %(memory_id)s::uuid and memory_type = 'preference'
