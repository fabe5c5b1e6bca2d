-- part: selected
(%(clients)s::text[] is null or e.client_id = any(%(clients)s::text[]))
  and (%(memory_types)s::text[] is null or e.memory_type = any(%(memory_types)s::text[]))
  and (%(event_types)s::text[] is null or e.event_type = any(%(event_types)s::text[]))
  and (%(thread_id)s::text is null or e.thread_id = %(thread_id)s::text)
  and (%(since)s::timestamptz is null or e.occurred_at >= %(since)s::timestamptz)
  and (%(until)s::timestamptz is null or e.occurred_at < %(until)s::timestamptz)
  and (%(as_of)s::timestamptz is null or (e.occurred_at <= %(as_of)s::timestamptz
       and (e.superseded_at is null or e.superseded_at > %(as_of)s::timestamptz)))
  and (%(include_superseded)s::boolean or %(as_of)s::timestamptz is not null or e.superseded_at is null)

-- part: missing
select asked.id from unnest(%(ids)s::uuid[]) as asked (id) where not exists (select 1 from events e where e.id = asked.id)

-- name: lock_clients
select pg_advisory_xact_lock(hashtextextended('memories of ' || client, 0))
from (select distinct unnest(%(clients)s::text[]) as client order by 1) as asked

-- name: add_memories
insert into events (id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id)
select m.id, m.client_id, m.person_id, m.memory_type, m.event_type, m.event_source, m.content, m.payload, m.metadata,
       array(select jsonb_array_elements_text(m.entities)), m.occurred_at, m.thread_id
from jsonb_to_recordset(%(memories)s::jsonb) as m (
    id uuid, client_id text, person_id text, memory_type text, event_type text, event_source text, content text, payload jsonb, metadata jsonb,
    entities jsonb, occurred_at timestamptz, thread_id text)

-- part: unless_repeated
known as materialized (
    select distinct on (m.n) m.n, e.id
    from asked m join events e on e.client_id = m.client_id and e.content_hash = m.content_hash
    where e.thread_id is not distinct from m.thread_id
      and e.memory_type = m.memory_type and e.event_type = m.event_type and e.superseded_at is null
      and (m.thread_id is not null
           or case when m.occurred_at_given then e.occurred_at = m.occurred_at else e.created_at > now() - interval '24 hours' end)
    order by m.n, e.created_at
), added as (
    insert into events (id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id,
                        index_due_at)
    select m.id, m.client_id, m.person_id, m.memory_type, m.event_type, m.event_source, m.content, m.payload, m.metadata, m.entities, m.occurred_at,
           m.thread_id, now() + make_interval(secs => %(lease_seconds)s::float8)
    from asked m
    where not exists (select from known where known.n = m.n)
    order by m.n
    returning id, created_at, index_due_at
)
select coalesce(known.id, m.id) as id, added.created_at, added.index_due_at
from asked m left join known on known.n = m.n left join added on added.id = m.id
order by m.n

-- name: add_memories_unless_repeated
with given as materialized (
    select * from jsonb_to_recordset(%(memories)s::jsonb) as m (
        n integer, id uuid, client_id text, person_id text, memory_type text, event_type text, event_source text, content text, content_hash text,
        payload jsonb, metadata jsonb, entities jsonb, occurred_at timestamptz, occurred_at_given boolean, thread_id text)
), asked as materialized (
    select n, id, client_id, person_id, memory_type, event_type, event_source, content, content_hash, payload, metadata,
           array(select jsonb_array_elements_text(given.entities)) as entities, occurred_at, occurred_at_given, thread_id
    from given
), @unless_repeated

-- name: add_memory_unless_repeated
-- as add_memories_unless_repeated, for one: reading it from JSON takes as long as storing it
with asked as (
    select 0 as n, %(id)s::uuid as id, %(client_id)s::text as client_id, %(person_id)s::text as person_id, %(memory_type)s::text as memory_type,
           %(event_type)s::text as event_type, %(event_source)s::text as event_source, %(content)s::text as content,
           %(content_hash)s::text as content_hash, %(payload)s::jsonb as payload, %(metadata)s::jsonb as metadata, %(entities)s::text[] as entities,
           %(occurred_at)s::timestamptz as occurred_at, %(occurred_at_given)s::boolean as occurred_at_given, %(thread_id)s::text as thread_id
), @unless_repeated

-- name: supersede_memory
update events set superseded_at = %(at)s::timestamptz, superseded_by = %(new)s::uuid, updated_at = now() where id = %(old)s::uuid

-- name: memories_by_id
select id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id, pinned,
       created_at, superseded_at, superseded_by, index_state, index_due_at
from events where id = any(%(ids)s::uuid[])

-- name: list_memories
select id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id, pinned,
       created_at, superseded_at, superseded_by, index_state, index_due_at
from events e
where @selected
  and (%(pinned)s::boolean is null or pinned = %(pinned)s::boolean)
  and (%(before_at)s::timestamptz is null or (occurred_at, id) < (%(before_at)s::timestamptz, %(before_id)s::uuid))
order by occurred_at desc, id desc
limit %(limit)s::integer

-- name: memory_candidates
select id, left(content, 4000) as text, occurred_at, thread_id, metadata ->> 'speaker' as speaker, entities, pinned
from events e
where id = any(%(ids)s::uuid[])
  and @selected

-- name: memories_by_words
select e.id, ts_rank(to_tsvector('english', coalesce(e.content, '')), words.query, 1)::float8 as score
from events e, (select replace(plainto_tsquery('english', %(text)s::text)::text, '&', '|')::tsquery as query) as words
where to_tsvector('english', coalesce(e.content, '')) @@ words.query
  and (not %(unindexed_only)s::boolean or e.index_state <> 'indexed')
  and @selected
order by score desc, e.id
limit %(limit)s::integer

-- name: memory_ids
select id from events e
where @selected

-- name: mark_neighbours_pending
update events set index_state = 'pending', index_due_at = clock_timestamp()
where not id = any(%(ids)s::uuid[]) and id in (
    select near.id
    from (select client_id, thread_id, occurred_at, id from events where id = any(%(ids)s::uuid[]) and thread_id is not null) as middle
    cross join lateral (
        (select e.id from events e
         where e.client_id = middle.client_id and e.thread_id = middle.thread_id and (e.occurred_at, e.id) < (middle.occurred_at, middle.id)
         order by e.occurred_at desc, e.id desc limit %(reach)s::integer)
        union all
        (select e.id from events e
         where e.client_id = middle.client_id and e.thread_id = middle.thread_id and (e.occurred_at, e.id) > (middle.occurred_at, middle.id)
         order by e.occurred_at, e.id limit %(reach)s::integer)
    ) as near)

-- name: forget_memories_by_id
delete from events
where id = any(%(ids)s::uuid[])
   or (event_source = 'extraction' and metadata -> 'source_memory_ids' ?| %(ids)s::uuid[]::text[]   -- said by these alone
       and metadata -> 'source_memory_ids' <@ to_jsonb(%(ids)s::uuid[]::text[]))
returning id

-- name: claim_memories_first
update events set index_due_at = now() + make_interval(secs => %(lease_seconds)s::float8)
where id in (
    select id from events
    where id = any(%(first)s::uuid[]) and index_state <> 'indexed' and index_due_at <= clock_timestamp()
    limit %(limit)s::integer
    for update skip locked)
returning id, client_id, person_id, memory_type, event_type, event_source, coalesce(content, '') as content, payload, metadata, entities,
          coalesce(occurred_at, created_at) as occurred_at, thread_id, pinned, created_at, superseded_at, superseded_by, index_state, index_due_at

-- name: claim_memories_due
update events set index_due_at = now() + make_interval(secs => %(lease_seconds)s::float8)
where id in (
    select id from events
    where index_state <> 'indexed' and index_due_at <= clock_timestamp()
    order by index_due_at, id
    limit %(limit)s::integer
    for update skip locked)
returning id, client_id, person_id, memory_type, event_type, event_source, coalesce(content, '') as content, payload, metadata, entities,
          coalesce(occurred_at, created_at) as occurred_at, thread_id, pinned, created_at, superseded_at, superseded_by, index_state, index_due_at

-- name: memories_around
select distinct on (near.id) near.*
from (select client_id, thread_id, occurred_at, id from events where id = any(%(ids)s::uuid[]) and thread_id is not null) as middle
cross join lateral (
    (select id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id, pinned,
            created_at, superseded_at, superseded_by, index_state, index_due_at
     from events e
     where e.client_id = middle.client_id and e.thread_id = middle.thread_id and (e.occurred_at, e.id) <= (middle.occurred_at, middle.id)
     order by e.occurred_at desc, e.id desc limit %(reach)s::integer + 1)
    union all
    (select id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id, pinned,
            created_at, superseded_at, superseded_by, index_state, index_due_at
     from events e
     where e.client_id = middle.client_id and e.thread_id = middle.thread_id and (e.occurred_at, e.id) > (middle.occurred_at, middle.id)
     order by e.occurred_at, e.id limit %(reach)s::integer)
) as near
order by near.id

-- part: overtaken
overtaken as (
    update events e set index_state = 'pending', index_due_at = clock_timestamp()
    from unnest(%(ids)s::uuid[], %(leases)s::timestamptz[]) as claimed (id, lease)
    where e.id = claimed.id and e.index_due_at <> claimed.lease)

-- name: mark_memories_indexed
with marked as (
    update events e set index_state = 'indexed', index_attempts = 0, index_error = null
    from unnest(%(ids)s::uuid[], %(leases)s::timestamptz[]) as claimed (id, lease)
    where e.id = claimed.id and e.index_due_at = claimed.lease
), @overtaken
@missing

-- name: mark_memories_unindexed
with marked as (
    update events e set
        index_state = %(state)s::text, index_error = %(error)s::text, index_attempts = e.index_attempts + 1,
        index_due_at = clock_timestamp() + make_interval(secs => least(300, power(2, least(e.index_attempts, 9))))
    from unnest(%(ids)s::uuid[], %(leases)s::timestamptz[]) as claimed (id, lease)
    where e.id = claimed.id and e.index_due_at = claimed.lease
), @overtaken
@missing

-- name: mark_all_memories_pending
update events set index_state = 'pending', index_attempts = 0, index_due_at = clock_timestamp()

-- name: pending_memories
select count(*)::integer as count, min(created_at) as oldest_at from events e
where index_state <> 'indexed'
  and not exists (select from unnest(%(ids)s::uuid[], %(leases)s::timestamptz[]) as done (id, lease) where done.id = e.id and done.lease = e.index_due_at)

-- name: overdue_memories
select client_id, count(*)::integer as count from events e
where index_state <> 'indexed' and created_at < now() - make_interval(secs => %(seconds)s::float8)
  and not exists (select from unnest(%(ids)s::uuid[], %(leases)s::timestamptz[]) as done (id, lease) where done.id = e.id and done.lease = e.index_due_at)
group by client_id

-- name: forgotten_memories
select id, client_id from forgotten_memories order by forgotten_at, id limit %(limit)s::integer

-- name: confirm_forgotten_memories
delete from forgotten_memories where id = any(%(ids)s::uuid[])

-- name: end_memory_leases
update events set index_due_at = now() where index_state <> 'indexed' and index_due_at > now()
