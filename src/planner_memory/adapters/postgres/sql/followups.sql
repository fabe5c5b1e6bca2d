-- name: is_followed
select exists (select from memory_followers where purpose = %(purpose)s::text)

-- name: start_following
select start_following(%(purpose)s::text, %(is_filled)s::boolean)

-- name: unfilled_follower
select purpose from memory_followers where purpose = %(purpose)s::text and not is_filled for update

-- name: fill_followups
insert into memory_followups (purpose, memory_id, client_id)
select %(purpose)s::text, id, coalesce(client_id, 'me') from events
on conflict do nothing

-- name: mark_follower_filled
update memory_followers set is_filled = true where purpose = %(purpose)s::text

-- name: stop_following
delete from memory_followers where purpose = %(purpose)s::text

-- name: drop_followups
delete from memory_followups where purpose = %(purpose)s::text

-- name: claim_followups_first
update memory_followups set leased_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
where purpose = %(purpose)s::text and (memory_id, client_id) in (
    select memory_id, client_id from memory_followups
    where memory_id = any(%(first)s::uuid[]) and purpose = %(purpose)s::text and is_gone = %(is_gone)s::boolean
      and due_at <= clock_timestamp() and coalesce(leased_until <= clock_timestamp(), true)
    limit %(limit)s::integer
    for update skip locked)
returning memory_id, client_id, is_gone, revision, leased_until

-- name: claim_followups_due
update memory_followups set leased_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s::float8)
where purpose = %(purpose)s::text and (memory_id, client_id) in (
    select memory_id, client_id from memory_followups
    where purpose = %(purpose)s::text and is_gone = %(is_gone)s::boolean
      and due_at <= clock_timestamp() and coalesce(leased_until <= clock_timestamp(), true)
    order by due_at
    limit %(limit)s::integer
    for update skip locked)
returning memory_id, client_id, is_gone, revision, leased_until

-- The ids are said twice where claims are joined: with a long backlog the planner would otherwise read all of it to find a few.

-- name: release_changed_followups
update memory_followups f set leased_until = null
from unnest(%(ids)s::uuid[], %(clients)s::text[], %(revisions)s::bigint[], %(leases)s::timestamptz[]) as d (memory_id, client_id, revision, leased_until)
where f.purpose = %(purpose)s::text and f.memory_id = any(%(ids)s::uuid[]) and f.memory_id = d.memory_id and f.client_id = d.client_id
  and f.leased_until = d.leased_until and f.revision <> d.revision

-- name: finish_followups
delete from memory_followups f
using unnest(%(ids)s::uuid[], %(clients)s::text[], %(revisions)s::bigint[], %(leases)s::timestamptz[]) as d (memory_id, client_id, revision, leased_until)
where f.purpose = %(purpose)s::text and f.memory_id = any(%(ids)s::uuid[]) and f.memory_id = d.memory_id and f.client_id = d.client_id
  and f.leased_until = d.leased_until and f.revision = d.revision

-- name: put_off_followups
update memory_followups f set
    leased_until = null, attempts = f.attempts + 1, error = %(error)s::text,
    due_at = clock_timestamp() + make_interval(secs => least(300, %(first_wait_seconds)s::float8 * power(2, least(f.attempts, 12))))
from unnest(%(ids)s::uuid[], %(clients)s::text[], %(revisions)s::bigint[], %(leases)s::timestamptz[]) as d (memory_id, client_id, revision, leased_until)
where f.purpose = %(purpose)s::text and f.memory_id = any(%(ids)s::uuid[]) and f.memory_id = d.memory_id and f.client_id = d.client_id
  and f.leased_until = d.leased_until and f.revision = d.revision

-- name: open_followups
select memory_id, error from memory_followups where memory_id = any(%(ids)s::uuid[]) and purpose = %(purpose)s::text

-- name: followup_backlog
select count(*)::integer as count, min(noted_at) as oldest_at from memory_followups where purpose = %(purpose)s::text

-- name: extracted_on
select id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id, pinned,
       created_at, superseded_at, superseded_by, index_state, index_due_at
from events
where event_source = 'extraction' and client_id = %(client_id)s::text and metadata ->> 'topic' = %(topic)s::text
  and person_id = %(person_id)s::text and memory_type = %(memory_type)s::text
order by occurred_at, id

-- name: extracted_from
select id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id, pinned,
       created_at, superseded_at, superseded_by, index_state, index_due_at
from events
where event_source = 'extraction' and metadata -> 'source_memory_ids' ?| %(memory_ids)s::uuid[]::text[]

-- name: is_said_already
select exists (
    select from events
    where client_id = %(client_id)s::text and content_hash = encode(sha256(convert_to(%(content)s::text, 'UTF8')), 'hex')
      and memory_type = %(memory_type)s::text and superseded_at is null and event_source <> 'extraction')

-- name: put_provenance
update events set metadata = %(metadata)s::jsonb, occurred_at = %(occurred_at)s::timestamptz, updated_at = now() where id = %(memory_id)s::uuid
