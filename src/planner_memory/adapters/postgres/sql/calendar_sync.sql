-- name: calendar_token
select token from calendar_sync where person_id = %(person_id)s::text

-- name: set_calendar_token
insert into calendar_sync (person_id, token, synced_at)
values (%(person_id)s::text, %(token)s::text, %(at)s::timestamptz)
on conflict (person_id) do update set token = excluded.token, synced_at = excluded.synced_at

-- name: add_block_change
insert into block_changes (change_key, client_id, person_id, event_type, occurred_at, content, payload)
values (%(change_key)s::text, %(client_id)s::text, %(person_id)s::text, %(event_type)s::text, %(occurred_at)s::timestamptz, %(content)s::text,
        %(payload)s::jsonb)
on conflict (change_key) do nothing

-- name: untold_block_changes
select change_key, client_id, person_id, event_type, occurred_at, content, payload
from block_changes
where told_at is null
order by occurred_at, change_key
limit 200

-- name: told_block_change
update block_changes set told_at = now() where change_key = %(change_key)s::text

-- name: ask_question
insert into schedule_questions (id, question_key, client_id, person_id, run_id, kind, task_id, event_id, details, asked_at)
values (%(id)s::uuid, %(question_key)s::text, %(client_id)s::text, %(person_id)s::text, %(run_id)s::uuid, %(kind)s::text, %(task_id)s::text,
        %(event_id)s::text, %(details)s::jsonb, %(asked_at)s::timestamptz)
on conflict (question_key) do nothing

-- name: open_questions
select id, client_id, person_id, run_id, kind, task_id, event_id, details, asked_at, answer
from schedule_questions
where answer is null and person_id = %(person_id)s::text and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))
order by asked_at, id

-- name: schedule_question
select id, client_id, person_id, run_id, kind, task_id, event_id, details, asked_at, answer
from schedule_questions
where id = %(id)s::uuid and (%(clients)s::text[] is null or client_id = any(%(clients)s::text[]))

-- name: answer_question
update schedule_questions set answer = %(answer)s::text, answered_at = %(at)s::timestamptz where id = %(id)s::uuid and answer is null

-- name: was_question_asked
select exists (select from schedule_questions where question_key = %(question_key)s::text)

-- name: withdraw_questions
update schedule_questions set answer = 'withdrawn', answered_at = %(at)s::timestamptz
where answer is null and kind = any(%(kinds)s::text[]) and run_id = %(run_id)s::uuid
    and (%(task_id)s::text is null or task_id = %(task_id)s::text)

-- name: move_questions
update schedule_questions set run_id = %(to_run)s::uuid where run_id = %(from_run)s::uuid and answer is null

-- name: calendar_watches
select id, person_id, channels, secret_hash, made_at, expires_at
from calendar_watches
where person_id = %(person_id)s::text
order by expires_at desc

-- name: add_calendar_watch
insert into calendar_watches (id, person_id, channels, secret_hash, made_at, expires_at)
values (%(id)s::uuid, %(person_id)s::text, %(channels)s::jsonb, %(secret_hash)s::text, %(made_at)s::timestamptz, %(expires_at)s::timestamptz)

-- name: remove_calendar_watch
delete from calendar_watches where id = %(id)s::uuid
