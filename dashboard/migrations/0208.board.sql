-- What the board's lists show of a move, indexes for their orders, and the numbers behind short references.

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
        execute format('alter table dash.%I add column moving_from text, add column move_direction text, '
                       'add column move_place text, add column move_starts_at timestamptz', v_table);
        execute format('create index on dash.%I (move_due) where moving_to is not null', v_table);
        execute format('create index on dash.%I (site, level) where ended_at is null', v_table);
        execute format('create index on dash.%I (journey_id) where ended_at is null or open_count > 0', v_table);
        execute format('create index on dash.%I (as_of_position)', v_table);
    end loop;
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^obligations_(shape|g[0-9]+)$'
    loop
        execute format('create index on dash.%I (falls_due) where ended_at is null', v_table);
    end loop;
    select generation into v_live from es.checkpoints where consumer = 'dash.journeys' and status = 'live';
    if v_live is not null then
        execute format('create or replace view dash.journeys as select * from dash.%I', 'journeys_g' || v_live);
    end if;
end
$$;
comment on column dash.journeys_shape.moving_from is 'The level of care that the client moves from.';
comment on column dash.journeys_shape.move_direction is 'up or down.';
comment on column dash.journeys_shape.move_place is 'The facility of the place that is held for the move.';
comment on column dash.journeys_shape.move_starts_at is 'When the held place starts.';

create or replace view dash.open_journeys as
select coalesce(j.next_due < now(), false) as overdue, j.urgent_open or coalesce(j.next_due < now(), false) as urgent, j.*
from dash.journeys j
where j.ended_at is null or j.open_count > 0
order by urgent desc, array_position(array['safety', 'clinical', 'coverage', 'administrative'], j.priority), j.next_due,
         j.journey_id;

create table dash.journey_numbers_shape (
    number     bigint not null primary key,
    journey_id text   not null
);
create index on dash.journey_numbers_shape (journey_id);
comment on column dash.journey_numbers_shape.number is
    'The position of the journey''s first event in the record. Its short reference is made from it.';
do $$
begin
    create table dash.journey_numbers_g1 (like dash.journey_numbers_shape including all);
    create view dash.journey_numbers as select * from dash.journey_numbers_g1;
    alter table dash.journey_numbers_shape owner to throughline_projector;
    alter table dash.journey_numbers_g1 owner to throughline_projector;
    alter view dash.journey_numbers owner to throughline_projector;
    grant select on dash.journey_numbers to throughline_dashboards;
    insert into es.checkpoints (consumer, generation, status, position) values ('dash.journey_numbers', 1, 'live', 0);
end
$$;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
