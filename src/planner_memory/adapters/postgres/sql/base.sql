-- name: ping
select 1 as one

-- name: service_role
select rolname::text as role from pg_roles
where rolname = 'planner_service' and to_regclass('events') is not null and has_table_privilege(oid, to_regclass('events'), 'insert')
  and pg_has_role(current_user, oid, case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end)

-- name: key_by_hash
select id, name, client_ids, scopes from api_keys where key_hash = %(key_hash)s and revoked_at is null

-- name: add_key
insert into api_keys (name, key_hash, client_ids) values (%(name)s, %(key_hash)s, %(client_ids)s) on conflict (key_hash) do nothing

-- name: forget_old_answers
-- a claim without an answer is that of a process that died: no request runs for five minutes
delete from idempotency_keys where caller = %(caller)s and path = %(path)s and key = %(key)s
    and created_at < now() - case when status is null then interval '5 minutes' else interval '24 hours' end

-- name: claim_answer
insert into idempotency_keys (caller, path, key, body_hash) values (%(caller)s, %(path)s, %(key)s, %(body_hash)s)
on conflict (caller, path, key) do nothing

-- name: stored_answer
select body_hash, status, headers, coalesce(body, ''::bytea) as body
from idempotency_keys where caller = %(caller)s and path = %(path)s and key = %(key)s

-- name: keep_answer
update idempotency_keys set status = %(status)s, headers = %(headers)s, body = %(body)s
where caller = %(caller)s and path = %(path)s and key = %(key)s

-- name: release_answer
delete from idempotency_keys where caller = %(caller)s and path = %(path)s and key = %(key)s

-- name: profile
select document from profiles where person_id = %(person_id)s

-- name: save_profile
insert into profiles (person_id, document) values (%(person_id)s, %(document)s)
on conflict (person_id) do update set document = excluded.document, updated_at = now()
