-- How far the screening has come, and until when the end of a journey can be taken back.

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
        execute format('alter table dash.%I add column screening_urgency text, add column screened_at timestamptz, '
                       'add column correctable_until timestamptz', v_table);
    end loop;
    select generation into v_live from es.checkpoints where consumer = 'dash.journeys' and status = 'live';
    if v_live is not null then
        execute format('create or replace view dash.journeys as select * from dash.%I', 'journeys_g' || v_live);
    end if;
end
$$;
comment on column dash.journeys_shape.screening_urgency is
    'How soon the client needs care, as was heard or found; null until somebody said, and treated as urgent.';
comment on column dash.journeys_shape.screened_at is 'When the client was last screened; null if not yet.';
comment on column dash.journeys_shape.correctable_until is
    'Until when the end of the journey can be taken back; null while it goes on, and once the end is final.';

create or replace view dash.open_journeys as
select coalesce(j.next_due < now(), false) as overdue, j.urgent_open or coalesce(j.next_due < now(), false) as urgent, j.*
from dash.journeys j
where j.ended_at is null or j.open_count > 0
order by urgent desc, array_position(array['safety', 'clinical', 'coverage', 'administrative'], j.priority), j.next_due,
         j.journey_id;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
