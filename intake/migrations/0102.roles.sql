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

-- Workers ask who a client is, and nothing else.
grant select on intake.clients to throughline_directory;

-- migrate:down
do $$ begin raise exception 'there is no way back: what was received is kept; restore a backup'; end $$;
