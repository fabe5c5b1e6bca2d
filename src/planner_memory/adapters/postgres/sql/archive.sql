-- name: archive_memory
select id::text as place,
       (jsonb_build_object('memory_id', id) || (to_jsonb(e) - array['id', 'content_hash', 'index_state', 'index_attempts', 'index_due_at', 'index_error']))::text as text
from events e
where client_id = %(client_id)s::text and (%(after)s::text = '' or id > nullif(%(after)s::text, '')::uuid)
order by id limit %(limit)s::integer

-- name: archive_memory_history
select id::text as place, (to_jsonb(h))::text as text
from memory_history h
where client_id = %(client_id)s::text and (%(after)s::text = '' or id > nullif(%(after)s::text, '')::uuid)
order by id limit %(limit)s::integer

-- name: archive_graph_node
select node_id as place, (to_jsonb(n) - 'id')::text as text
from graph_nodes n
where client_id = %(client_id)s::text and node_id > %(after)s::text
order by node_id limit %(limit)s::integer

-- name: archive_graph_edge
select id::text as place, (to_jsonb(e) - 'id')::text as text
from graph_edges e
where client_id = %(client_id)s::text and (%(after)s::text = '' or id > nullif(%(after)s::text, '')::uuid)
order by id limit %(limit)s::integer

-- name: archive_document
select doc_id as place, to_jsonb(d)::text as text
from documents d
where client_id = %(client_id)s::text and doc_id > %(after)s::text
order by doc_id limit %(limit)s::integer

-- name: archive_doc_chunk
select id::text as place, (to_jsonb(c) - array['words', 'index_state', 'index_attempts', 'index_due_at', 'index_error'])::text as text
from doc_chunks c
where client_id = %(client_id)s::text and (%(after)s::text = '' or id > nullif(%(after)s::text, '')::uuid)
order by id limit %(limit)s::integer

-- name: restore_memory
insert into events (id, client_id, person_id, memory_type, event_type, event_source, content, payload, metadata, entities, occurred_at, thread_id,
    pinned, created_at, updated_at, superseded_at, superseded_by)
select m.memory_id, %(client_id)s::text, coalesce(m.person_id, 'me'), coalesce(m.memory_type, 'event'), coalesce(m.event_type, 'note'),
    coalesce(m.event_source, 'import'), m.content, coalesce(m.payload, '{}'), coalesce(m.metadata, '{}'),
    array(select jsonb_array_elements_text(coalesce(m.entities, '[]'))), m.occurred_at, m.thread_id, coalesce(m.pinned, false),
    coalesce(m.created_at, now()), m.updated_at, m.superseded_at, m.superseded_by
from jsonb_to_recordset(%(lines)s::text::jsonb) as m (
    memory_id uuid, person_id text, memory_type text, event_type text, event_source text, content text, payload jsonb, metadata jsonb, entities jsonb,
    occurred_at timestamptz, thread_id text, pinned boolean, created_at timestamptz, updated_at timestamptz, superseded_at timestamptz,
    superseded_by uuid)
on conflict do nothing

-- name: restore_memory_history
insert into memory_history (id, memory_id, client_id, revision, changed_at, changes)
select h.id, h.memory_id, %(client_id)s::text, h.revision, h.changed_at, h.changes
from jsonb_to_recordset(%(lines)s::text::jsonb) as h (id uuid, memory_id uuid, revision integer, changed_at timestamptz, changes jsonb)
on conflict do nothing

-- name: restore_graph_node
insert into graph_nodes (client_id, node_id, node_type, properties, created_at, updated_at)
select %(client_id)s::text, n.node_id, n.node_type, coalesce(n.properties, '{}'), coalesce(n.created_at, now()), coalesce(n.updated_at, now())
from jsonb_to_recordset(%(lines)s::text::jsonb) as n (node_id text, node_type text, properties jsonb, created_at timestamptz, updated_at timestamptz)
on conflict do nothing

-- name: restore_graph_edge
insert into graph_edges (client_id, from_node_id, to_node_id, edge_type, properties, created_at)
select %(client_id)s::text, e.from_node_id, e.to_node_id, e.edge_type, coalesce(e.properties, '{}'), coalesce(e.created_at, now())
from jsonb_to_recordset(%(lines)s::text::jsonb) as e (
    from_node_id text, to_node_id text, edge_type text, properties jsonb, created_at timestamptz)
on conflict do nothing

-- name: restore_document
insert into documents (client_id, doc_id, person_id, title, source, content_hash, version, media_type, metadata, created_at, updated_at)
select %(client_id)s::text, d.doc_id, coalesce(d.person_id, 'me'), d.title, d.source, d.content_hash, coalesce(d.version, 1), d.media_type,
    coalesce(d.metadata, '{}'), coalesce(d.created_at, now()), coalesce(d.updated_at, now())
from jsonb_to_recordset(%(lines)s::text::jsonb) as d (
    doc_id text, person_id text, title text, source text, content_hash text, version integer, media_type text, metadata jsonb,
    created_at timestamptz, updated_at timestamptz)
on conflict do nothing

-- name: restore_doc_chunk
insert into doc_chunks (id, client_id, doc_id, chunk_index, heading, page, content, content_hash, created_at)
select c.id, %(client_id)s::text, c.doc_id, c.chunk_index, c.heading, c.page, c.content, c.content_hash, coalesce(c.created_at, now())
from jsonb_to_recordset(%(lines)s::text::jsonb) as c (
    id uuid, doc_id text, chunk_index integer, heading text, page integer, content text, content_hash text, created_at timestamptz)
on conflict do nothing

-- name: missing_memory
select count(*)::integer
from jsonb_to_recordset(%(lines)s::text::jsonb) as m (memory_id uuid)
where not exists (select from events e where e.id = m.memory_id and e.client_id = %(client_id)s::text)

-- name: change_memory
update events set
    content = case when %(changes)s::jsonb ? 'content' then %(changes)s::jsonb ->> 'content' else content end,
    payload = case when %(changes)s::jsonb ? 'payload' then %(changes)s::jsonb -> 'payload' else payload end,
    metadata = case when %(changes)s::jsonb ? 'metadata' then %(changes)s::jsonb -> 'metadata' else metadata end,
    entities = case when %(changes)s::jsonb ? 'entities' then array(select jsonb_array_elements_text(%(changes)s::jsonb -> 'entities')) else entities end,
    occurred_at = case when %(changes)s::jsonb ? 'occurred_at' then (%(changes)s::jsonb ->> 'occurred_at')::timestamptz else occurred_at end,
    thread_id = case when %(changes)s::jsonb ? 'thread_id' then %(changes)s::jsonb ->> 'thread_id' else thread_id end,
    event_type = case when %(changes)s::jsonb ? 'event_type' then %(changes)s::jsonb ->> 'event_type' else event_type end,
    pinned = case when %(changes)s::jsonb ? 'pinned' then (%(changes)s::jsonb -> 'pinned')::boolean else pinned end,
    updated_at = clock_timestamp()
where id = %(memory_id)s::uuid

-- name: memory_history
select revision, changed_at, changes from memory_history where memory_id = %(memory_id)s::uuid order by revision desc

-- name: retention_policy
select client_id, memory_types, event_types, include_pinned from retention_policies where client_id = %(client_id)s::text

-- name: retention_policies
select client_id, memory_types, event_types, include_pinned from retention_policies order by client_id

-- name: put_retention_policy
insert into retention_policies (client_id, memory_types, event_types, include_pinned)
values (%(client_id)s::text, %(memory_types)s::jsonb, %(event_types)s::jsonb, %(include_pinned)s::boolean)
on conflict (client_id) do update set memory_types = excluded.memory_types, event_types = excluded.event_types,
    include_pinned = excluded.include_pinned, updated_at = now()

-- name: expired_memories
select id from events
where client_id = %(client_id)s::text and (%(include_pinned)s::boolean or not pinned)
  and occurred_at < %(now)s::timestamptz - make_interval(days => (case
      when memory_type <> 'preference' and %(event_types)s::jsonb ? event_type then %(event_types)s::jsonb ->> event_type
      else %(memory_types)s::jsonb ->> memory_type end)::integer)
order by occurred_at, id limit %(limit)s::integer

-- name: count_expired_memories
select count(*)::integer from events
where client_id = %(client_id)s::text and (%(include_pinned)s::boolean or not pinned)
  and occurred_at < %(now)s::timestamptz - make_interval(days => (case
      when memory_type <> 'preference' and %(event_types)s::jsonb ? event_type then %(event_types)s::jsonb ->> event_type
      else %(memory_types)s::jsonb ->> memory_type end)::integer)
