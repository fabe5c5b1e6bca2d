-- Each of these is the beginning of a wider index of the same table, which answers the same questions; every write paid for both.
-- events_client_page, events_facts and events_thread_order stay.
drop index if exists events_client_occurred;
drop index if exists events_person_occurred;
drop index if exists events_thread;
