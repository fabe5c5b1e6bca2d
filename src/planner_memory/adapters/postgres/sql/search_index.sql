-- name: index_location
select location from search_index

-- name: switch_index
insert into search_index (location, embedder, dimension) values (%(location)s, %(embedder)s, %(dimension)s)
on conflict (is_current) do update
    set location = excluded.location, embedder = excluded.embedder, dimension = excluded.dimension, built_at = now()

-- name: due_since
update events set index_state = 'pending', index_due_at = now(), index_attempts = 0
where created_at >= %(since)s or updated_at >= %(since)s
