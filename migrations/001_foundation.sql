-- What every service stands on: who may call (API keys), what was already answered (idempotency), and the person's profile.

create table if not exists api_keys (
    id          uuid primary key default gen_random_uuid(),
    name        text not null,
    key_hash    text not null unique,              -- sha256 of the key, hexadecimal; the key itself is never stored
    client_ids  text[],                            -- null: every client
    scopes      text[] not null default '{read,write}',
    created_at  timestamptz not null default now(),
    revoked_at  timestamptz
);

create table if not exists idempotency_keys (
    caller      text not null,                     -- id of the API key that sent it
    path        text not null,
    key         text not null,
    body_hash   text not null,
    status      integer,                           -- null while the first request still runs
    headers     jsonb not null default '{}',
    body        bytea,
    created_at  timestamptz not null default now(),
    primary key (caller, path, key)
);
create index if not exists idempotency_keys_created_at on idempotency_keys (created_at);

create table if not exists profiles (
    person_id   text primary key,
    document    jsonb not null,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);
