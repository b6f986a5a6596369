-- From which day the weeks at a client's level of care are counted, and which of them is the last.

-- migrate:up
do $$
declare
    v_table text;
    v_live  bigint;
begin
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^journeys_(shape|g[0-9]+)$'
    loop
        execute format('alter table dash.%I add column weeks_from date, add column last_week integer, add column zone text',
                       v_table);
    end loop;
    select generation into v_live from es.checkpoints where consumer = 'dash.journeys' and status = 'live';
    if v_live is not null then
        execute format('create or replace view dash.journeys as select * from dash.%I', 'journeys_g' || v_live);
    end if;
end
$$;
comment on column dash.journeys_shape.weeks_from is
    'The day at the site from which the weeks at this level are counted. A short interruption has moved it, so it need not be the day of level_since.';
comment on column dash.journeys_shape.last_week is
    'The last week at this level: beyond it only those whom the policy names may continue care there.';
comment on column dash.journeys_shape.zone is 'The time zone in which the days of the weeks are counted.';

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
