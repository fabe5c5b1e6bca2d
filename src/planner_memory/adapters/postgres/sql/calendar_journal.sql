-- name: open_journal_entry
insert into calendar_journal (id, run_id, client_id, person_id, purpose, replaces, event_type)
values (%(id)s::uuid, %(run_id)s::uuid, %(client_id)s::text, %(person_id)s::text, %(purpose)s::text, %(replaces)s::uuid, %(event_type)s::text)

-- name: add_calendar_writes
insert into calendar_writes (journal_id, event_id, client_id, position, operation, wanted, before, before_run_id, etag)
select %(journal_id)s::uuid, w.event_id, %(client_id)s::text, w.position, w.operation, nullif(w.wanted, 'null'::jsonb), nullif(w.before, 'null'::jsonb),
       w.before_run_id, w.etag
from jsonb_to_recordset(%(writes)s::jsonb)
    as w (event_id text, position integer, operation text, wanted jsonb, before jsonb, before_run_id uuid, etag text)

-- name: open_journal_entries
select id, run_id, person_id, purpose, state, replaces, event_type
from calendar_journal
where state in ('writing', 'taking back') and (%(person_id)s::text is null or person_id = %(person_id)s::text)
order by created_at

-- name: calendar_writes
select event_id, operation, wanted, before, before_run_id, etag, state
from calendar_writes
where journal_id = %(journal_id)s::uuid
order by position

-- name: mark_calendar_write
update calendar_writes
set state = %(state)s::text, attempts = attempts + 1, etag = coalesce(%(etag)s::text, etag),
    wanted = case when wanted is null then null else wanted || %(seen)s::jsonb end
where journal_id = %(journal_id)s::uuid and event_id = %(event_id)s::text

-- name: set_journal_state
update calendar_journal
set state = %(state)s::text, ended_at = case when %(state)s::text in ('kept', 'taken back') then now() end
where id = %(id)s::uuid

-- name: vacate_blocks
delete from live_blocks where run_id = any(%(run_ids)s::uuid[])

-- name: occupy_blocks
insert into live_blocks (event_id, run_id, client_id, person_id, task_id, starts_at, ends_at, state, is_pinned, is_done, etag)
select b.event_id, b.run_id, b.client_id, b.person_id, b.task_id, b.starts_at, b.ends_at, b.state, b.is_pinned, b.is_done, b.etag
from jsonb_to_recordset(%(blocks)s::jsonb)
    as b (event_id text, run_id uuid, client_id text, person_id text, task_id text, starts_at timestamptz, ends_at timestamptz, state text,
          is_pinned boolean, is_done boolean, etag text)

-- name: live_blocks
select event_id, run_id, client_id, person_id, task_id, starts_at, ends_at, state, is_pinned, is_done, etag
from live_blocks
where person_id = %(person_id)s::text
order by starts_at, event_id

-- name: remove_live_blocks
delete from live_blocks where event_id = any(%(event_ids)s::text[])
