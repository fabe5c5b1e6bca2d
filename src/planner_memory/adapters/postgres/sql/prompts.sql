-- name: prompt_template
select template_name, version, content, template_type, coalesce(metadata, '{}') as metadata, created_at
from prompt_templates where template_name = %(name)s and version = %(version)s

-- name: prompt_templates
select template_name, version, content, template_type, coalesce(metadata, '{}') as metadata, created_at
from prompt_templates where %(name)s::text is null or template_name = %(name)s::text
order by template_name, length(version), version, created_at

-- name: prompt_choice
select template_name, client_id, version, chosen_at from prompt_choices
where template_name = %(name)s and client_id is not distinct from %(client_id)s::text
order by id desc limit 1

-- name: prompt_choices
select template_name, client_id, version, chosen_at from prompt_choices
where %(name)s::text is null or template_name = %(name)s::text
order by id desc limit 1000

-- name: lock_prompt
select pg_advisory_xact_lock(hashtextextended(%(name)s::text, 21))

-- name: add_prompt_template
insert into prompt_templates (template_name, template_type, version, content, metadata, created_at)
values (%(template_name)s, %(template_type)s, %(version)s, %(content)s, %(metadata)s, %(created_at)s)
on conflict (template_name, version) do nothing

-- name: choose_prompt
insert into prompt_choices (template_name, client_id, version, chosen_at)
values (%(template_name)s, %(client_id)s, %(version)s, %(chosen_at)s)
