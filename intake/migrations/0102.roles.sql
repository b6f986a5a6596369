-- Who may do what with what intake keeps. See docs/roles.md.

-- migrate:up
-- Roles belong to the whole server: another database of it may have made them already.
do $$
declare
    v_role text;
begin
    foreach v_role in array array['throughline_intake_service', 'throughline_directory'] loop
        begin
            execute format('create role %I nologin', v_role);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
end
$$;

grant usage on schema intake to throughline_intake_service, throughline_directory;
grant select, insert, update on all tables in schema intake to throughline_intake_service;
alter default privileges in schema intake grant select, insert, update on tables to throughline_intake_service;

-- Leaving the queue is the one thing that intake deletes.
grant delete on intake.queue to throughline_intake_service;

-- Workers ask who a client is. They also compare what intake handed over with what runs, since a journey that Temporal lost
-- before its first event is on no other record: they see which journeys these are, and nothing else of them.
grant select on intake.clients to throughline_directory;
grant select (journey_id, client_ref, opened_by, site, admitted_at, started_at, closed_at)
    on intake.journeys to throughline_directory;

-- migrate:down
do $$ begin raise exception 'there is no way back: what was received is kept; restore a backup'; end $$;
