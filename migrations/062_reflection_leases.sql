-- One reflection of a kind at a time, over all processes: whoever holds the row makes it, and it is free again when the holder died.

create table if not exists reflection_leases (
    person_id  text not null,
    client_id  text not null,                    -- '': the person's whole work
    mode       text not null,                    -- daily | weekly
    holder     uuid not null,
    held_until timestamptz not null,
    primary key (person_id, client_id, mode)
);

create index if not exists events_insights on events (person_id, occurred_at) where event_type in ('insight', 'insight_revoked');
create index if not exists events_by_type on events (person_id, event_type, event_source, client_id, occurred_at);
