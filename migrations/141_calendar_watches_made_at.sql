-- An order to be called is renewed after a part of its life, whatever length the server gave it.
alter table calendar_watches add column if not exists made_at timestamptz not null default now();
