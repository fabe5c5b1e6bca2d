-- name: post_reflection
insert into daily_thread (id, person_id, client_id, mode, period_start, period_end, thread_on, reflection, metrics, created_at, updated_at)
values (%(id)s, %(person_id)s, %(client_id)s, %(mode)s, %(period_start)s, %(period_end)s, %(thread_on)s, %(reflection)s, %(metrics)s,
    %(posted_at)s, %(posted_at)s)
on conflict (person_id, mode, period_start, client_id) do update set period_end = excluded.period_end, thread_on = excluded.thread_on,
    reflection = excluded.reflection, metrics = excluded.metrics, updated_at = excluded.updated_at
returning id

-- name: posted_reflections
select id, person_id, client_id, mode, period_start, period_end, thread_on, reflection, metrics, updated_at
from daily_thread
where person_id = %(person_id)s and client_id = %(client_id)s and (%(mode)s::text is null or mode = %(mode)s::text)
order by period_end desc, mode limit %(limit)s

-- name: posted_reflection
select id, person_id, client_id, mode, period_start, period_end, thread_on, reflection, metrics, updated_at
from daily_thread
where person_id = %(person_id)s and client_id = %(client_id)s and mode = %(mode)s and period_start = %(period_start)s
