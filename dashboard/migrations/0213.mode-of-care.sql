-- How care is given at the present level: as maintenance, or as usual.

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
        execute format('alter table dash.%I add column mode text', v_table);
    end loop;
    select generation into v_live from es.checkpoints where consumer = 'dash.journeys' and status = 'live';
    if v_live is not null then
        execute format('create or replace view dash.journeys as select * from dash.%I', 'journeys_g' || v_live);
    end if;
end
$$;
comment on column dash.journeys_shape.mode is 'maintenance where care at the level goes on without an end date; null as usual.';

create or replace view dash.open_journeys as
select coalesce(j.next_due < now(), false) as overdue, j.urgent_open or coalesce(j.next_due < now(), false) as urgent, j.*
from dash.journeys j
where j.ended_at is null or j.open_count > 0
order by urgent desc, array_position(array['safety', 'clinical', 'coverage', 'administrative'], j.priority), j.next_due,
         j.journey_id;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the column; restore a backup'; end $$;
