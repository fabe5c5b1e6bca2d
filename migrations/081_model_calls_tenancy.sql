-- An answer that nobody has used yet holds what a client's plan will say: its row is seen within that client, or by the ledger itself.

alter table model_calls enable row level security, force row level security;
drop policy if exists clients on model_calls;
create policy clients on model_calls
    using ((select planner_spans()) or coalesce(client_id, 'me') = any ((select planner_clients())::text[]));
do $$
begin
    if exists (select from pg_roles where rolname = 'planner_service') then
        grant select, insert, update, delete on model_calls to planner_service;
    end if;
end $$;
