-- name: model_spend
select coalesce(sum(cost_usd), 0)::float8 as cost_usd, coalesce(max(cost_usd), 0)::float8 as dearest_usd
from model_calls where called_at >= %(since)s

-- name: add_model_call
insert into model_calls (id, purpose, prompt_name, prompt_version, model, outcome, input_tokens, output_tokens, cost_usd, seconds, plan_id,
    client_id, person_id, request_hash, answer, called_at)
values (%(id)s, %(purpose)s, %(prompt_name)s, %(prompt_version)s, %(model)s, %(outcome)s, %(input_tokens)s, %(output_tokens)s, %(cost_usd)s,
    %(seconds)s, %(plan_id)s, %(client_id)s, %(person_id)s, %(request_hash)s, %(answer)s, %(called_at)s)
on conflict (id) do nothing

-- name: unsettled_model_call
select id, purpose, prompt_name, prompt_version, model, outcome, input_tokens, output_tokens, cost_usd::float8 as cost_usd, seconds, plan_id,
    client_id, person_id, request_hash, answer, called_at
from model_calls
where request_hash = %(request_hash)s and answer is not null and client_id is not distinct from %(client_id)s::text and called_at >= %(since)s
order by called_at desc, id desc limit 1

-- name: settle_model_call
update model_calls set answer = null where id = %(call_id)s and answer is not null

-- name: forget_model_answers
update model_calls set answer = null where answer is not null and called_at < %(before)s
