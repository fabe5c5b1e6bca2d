-- Row-level security: a transaction sees the rows of the clients it names in planner.clients (a JSON array of texts), or every row when
-- it names its reason in planner.bypass. Forced, because the role of the services may own the tables; and for roles that stand above
-- row-level security (superusers) the services step down to planner_service, which owns nothing, for each transaction.

create or replace function planner_clients() returns text[]
language sql stable as $$
    select coalesce(array_agg(client), '{}')
    from jsonb_array_elements_text(coalesce(nullif(current_setting('planner.clients', true), ''), '[]')::jsonb) as client
$$;

create or replace function planner_spans() returns boolean
language sql stable as $$
    select coalesce(current_setting('planner.bypass', true), '') <> ''
$$;

-- A role that cannot make roles goes on without: forced row-level security holds for it too, unless it is a superuser.
do $$
begin
    if not exists (select from pg_roles where rolname = 'planner_service') then
        begin
            create role planner_service nologin;
        exception when insufficient_privilege or duplicate_object or unique_violation then null;
        end;
    end if;
    if exists (select from pg_roles where rolname = 'planner_service')
        and not exists (select from pg_roles where rolname = current_user and rolsuper) then
        begin
            execute format('grant planner_service to %I', current_user);
        exception when insufficient_privilege then null;
        end;
    end if;
end $$;

-- The sub-selects run once per statement, not once per row. A row without a client belongs to 'me', as everywhere.
do $$
declare
    name text;
begin
    foreach name in array array['events', 'forgotten_memories', 'plans', 'plan_revisions', 'scheduler_runs', 'execution_runs',
                                'graph_nodes', 'graph_edges', 'documents', 'doc_chunks'] loop
        execute format('alter table %I enable row level security, force row level security', name);
        execute format('drop policy if exists clients on %I', name);
        execute format($policy$
            create policy clients on %I
            using ((select planner_spans()) or coalesce(client_id, 'me') = any ((select planner_clients())::text[]))
            $policy$, name);
        if exists (select from pg_roles where rolname = 'planner_service') then
            execute format('grant select, insert, update, delete on %I to planner_service', name);
        end if;
    end loop;
end $$;

-- Automations insert plain rows by SQL and know nothing of scopes. A session of the product always says something, so it is never one of these.
drop policy if exists rows_by_sql on events;
create policy rows_by_sql on events for insert with check (current_setting('planner.clients', true) is null);
