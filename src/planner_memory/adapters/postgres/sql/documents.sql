-- name: lock_documents
select pg_advisory_xact_lock(hashtextextended('documents of ' || %(client_id)s::text, 0))

-- name: documents_by_id
select d.*, count(c.id)::integer as chunks, (count(c.id) filter (where c.index_state <> 'indexed'))::integer as pending
from documents d left join doc_chunks c on c.client_id = d.client_id and c.doc_id = d.doc_id
where d.doc_id = %(doc_id)s::text and (%(clients)s::text[] is null or d.client_id = any(%(clients)s::text[]))
group by d.client_id, d.doc_id
order by d.client_id
limit 2

-- name: document_by_source
select d.*, count(c.id)::integer as chunks, (count(c.id) filter (where c.index_state <> 'indexed'))::integer as pending
from documents d left join doc_chunks c on c.client_id = d.client_id and c.doc_id = d.doc_id
where d.client_id = %(client_id)s::text and d.source = %(source)s::text
group by d.client_id, d.doc_id
order by d.updated_at desc, d.doc_id
limit 1

-- name: document_by_hash
select d.*, count(c.id)::integer as chunks, (count(c.id) filter (where c.index_state <> 'indexed'))::integer as pending
from documents d left join doc_chunks c on c.client_id = d.client_id and c.doc_id = d.doc_id
where d.client_id = %(client_id)s::text and d.content_hash = %(content_hash)s::text
group by d.client_id, d.doc_id
order by d.created_at, d.doc_id
limit 1

-- name: list_documents
select d.*, count(c.id)::integer as chunks, (count(c.id) filter (where c.index_state <> 'indexed'))::integer as pending
from (
    select * from documents
    where %(clients)s::text[] is null or client_id = any(%(clients)s::text[])
    order by updated_at desc, client_id, doc_id
    limit %(limit)s::integer offset %(offset)s::integer
) as d
left join doc_chunks c on c.client_id = d.client_id and c.doc_id = d.doc_id
group by d.client_id, d.doc_id, d.person_id, d.title, d.source, d.content_hash, d.version, d.media_type, d.metadata, d.created_at, d.updated_at
order by d.updated_at desc, d.client_id, d.doc_id

-- name: count_documents
select count(*)::integer from documents where %(clients)s::text[] is null or client_id = any(%(clients)s::text[])

-- name: put_document
insert into documents (client_id, doc_id, person_id, title, source, content_hash, version, media_type, metadata, created_at, updated_at)
values (%(client_id)s::text, %(doc_id)s::text, %(person_id)s::text, %(title)s::text, %(source)s::text, %(content_hash)s::text, %(version)s::integer,
        %(media_type)s::text, %(metadata)s::jsonb, %(at)s::timestamptz, %(at)s::timestamptz)
on conflict (client_id, doc_id) do update set
    person_id = excluded.person_id, title = excluded.title, source = excluded.source, content_hash = excluded.content_hash,
    version = excluded.version, media_type = excluded.media_type, metadata = excluded.metadata, updated_at = excluded.updated_at

-- name: drop_chunks
delete from doc_chunks where client_id = %(client_id)s::text and doc_id = %(doc_id)s::text

-- name: add_chunks
insert into doc_chunks (id, client_id, doc_id, chunk_index, heading, page, content, content_hash)
select c.id, %(client_id)s::text, %(doc_id)s::text, c.chunk_index, c.heading, c.page, c.content, c.content_hash
from jsonb_to_recordset(%(chunks)s::jsonb) as c (id uuid, chunk_index integer, heading text, page integer, content text, content_hash text)

-- name: chunk_ids_of_document
select id from doc_chunks where client_id = %(client_id)s::text and doc_id = %(doc_id)s::text order by chunk_index

-- name: remove_document
delete from documents where client_id = %(client_id)s::text and doc_id = %(doc_id)s::text

-- name: chunks_by_id
select c.id, c.client_id, c.doc_id, d.title, d.metadata, c.chunk_index, c.heading, c.page, c.content, c.index_due_at
from doc_chunks c join documents d on d.client_id = c.client_id and d.doc_id = c.doc_id
where c.id = any(%(ids)s::uuid[]) and (%(clients)s::text[] is null or c.client_id = any(%(clients)s::text[]))

-- name: chunks_by_words
select c.id, ts_rank(c.words, asked.query, 1)::float8 as score
from doc_chunks c, (select replace(plainto_tsquery('english', %(text)s::text)::text, '&', '|')::tsquery as query) as asked
where c.words @@ asked.query
  and (%(clients)s::text[] is null or c.client_id = any(%(clients)s::text[]))
  and (not %(unindexed_only)s::boolean or c.index_state <> 'indexed')
order by score desc, c.id
limit %(limit)s::integer

-- name: claim_chunks_first
update doc_chunks c set index_due_at = now() + make_interval(secs => %(lease_seconds)s::float8)
from documents d
where d.client_id = c.client_id and d.doc_id = c.doc_id and c.id in (
    select id from doc_chunks
    where id = any(%(first)s::uuid[]) and index_state <> 'indexed' and index_due_at <= clock_timestamp()
    order by chunk_index
    limit %(limit)s::integer
    for update skip locked)
returning c.id, c.client_id, c.doc_id, d.title, d.metadata, c.chunk_index, c.heading, c.page, c.content, c.index_due_at

-- name: claim_chunks_due
update doc_chunks c set index_due_at = now() + make_interval(secs => %(lease_seconds)s::float8)
from documents d
where d.client_id = c.client_id and d.doc_id = c.doc_id and c.id in (
    select id from doc_chunks
    where index_state <> 'indexed' and index_due_at <= clock_timestamp()
    order by index_due_at, id
    limit %(limit)s::integer
    for update skip locked)
returning c.id, c.client_id, c.doc_id, d.title, d.metadata, c.chunk_index, c.heading, c.page, c.content, c.index_due_at

-- part: missing
select asked.id from unnest(%(ids)s::uuid[]) as asked (id) where not exists (select 1 from doc_chunks c where c.id = asked.id)

-- name: mark_chunks_indexed
with marked as (
    update doc_chunks c set index_state = 'indexed', index_attempts = 0, index_error = null
    from unnest(%(ids)s::uuid[], %(leases)s::timestamptz[]) as claimed (id, lease)
    where c.id = claimed.id and c.index_due_at = claimed.lease)
@missing

-- name: mark_chunks_unindexed
with marked as (
    update doc_chunks c set
        index_state = %(state)s::text, index_error = %(error)s::text, index_attempts = c.index_attempts + 1,
        index_due_at = clock_timestamp() + make_interval(secs => least(300, power(2, least(c.index_attempts, 9))))
    from unnest(%(ids)s::uuid[], %(leases)s::timestamptz[]) as claimed (id, lease)
    where c.id = claimed.id and c.index_due_at = claimed.lease)
@missing

-- name: end_chunk_leases
update doc_chunks set index_due_at = now() where index_state <> 'indexed' and index_due_at > now()

-- name: mark_all_chunks_pending
update doc_chunks set index_state = 'pending', index_attempts = 0, index_due_at = clock_timestamp()

-- name: pending_chunks
select count(*)::integer as count, min(created_at) as oldest_at from doc_chunks where index_state <> 'indexed'

-- name: forgotten_chunks
select id from forgotten_chunks order by forgotten_at, id limit %(limit)s::integer

-- name: confirm_forgotten_chunks
delete from forgotten_chunks where id = any(%(ids)s::uuid[])
