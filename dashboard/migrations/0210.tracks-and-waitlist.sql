-- In which track a client has a place, and who waits for one.

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
        execute format('alter table dash.%I add column track text, add column waits_for text, '
                       'add column waits_since timestamptz, add column risk text', v_table);
        execute format('create index on dash.%I (site, track) where track is not null', v_table);
    end loop;
    select generation into v_live from es.checkpoints where consumer = 'dash.journeys' and status = 'live';
    if v_live is not null then
        execute format('create or replace view dash.journeys as select * from dash.%I', 'journeys_g' || v_live);
    end if;
end
$$;
comment on column dash.journeys_shape.track is 'The track in which the client has a place now, by its id in the site''s file.';
comment on column dash.journeys_shape.waits_for is 'The level of care for which the client is on the waitlist.';
comment on column dash.journeys_shape.risk is 'What was last found of the client''s risk before care: low, raised or unknown.';

create or replace view dash.open_journeys as
select coalesce(j.next_due < now(), false) as overdue, j.urgent_open or coalesce(j.next_due < now(), false) as urgent, j.*
from dash.journeys j
where j.ended_at is null or j.open_count > 0
order by urgent desc, array_position(array['safety', 'clinical', 'coverage', 'administrative'], j.priority), j.next_due,
         j.journey_id;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
