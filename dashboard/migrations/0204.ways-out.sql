-- Where a client is in a crisis, and why a journey ended before care; ended journeys that still owe something are open work.

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
        execute format('alter table dash.%I add column crisis_place text, add column withdrawal_reason text', v_table);
    end loop;
    select generation into v_live from es.checkpoints where consumer = 'dash.journeys' and status = 'live';
    if v_live is not null then
        execute format('create or replace view dash.journeys as select * from dash.%I', 'journeys_g' || v_live);
    end if;
end
$$;
comment on column dash.journeys_shape.crisis_place is 'Where a client in a crisis is: emergency-department or inpatient.';
comment on column dash.journeys_shape.withdrawal_reason is 'Why the journey ends before care, as recorded.';

drop view dash.open_journeys;
create view dash.open_journeys as
select coalesce(j.next_due <= now(), false) as overdue, j.urgent_open or coalesce(j.next_due <= now(), false) as urgent, j.*
from dash.journeys j
where j.ended_at is null or j.open_count > 0
order by urgent desc, j.next_due, j.journey_id;
alter view dash.open_journeys owner to throughline_projector;
grant select on dash.open_journeys to throughline_dashboards;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
