-- Which person owes an obligation, and which person a journey waits for.

-- migrate:up
do $$
declare
    v_table text;
    v_model text;
    v_live  bigint;
begin
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^obligations_(shape|g[0-9]+)$'
    loop
        execute format('alter table dash.%I add column assignee text, add column owner_since_version bigint', v_table);
        execute format('create index on dash.%I (assignee) where ended_at is null', v_table);
    end loop;
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^journeys_(shape|g[0-9]+)$'
    loop
        execute format('alter table dash.%I add column waiting_for_person text', v_table);
    end loop;
    foreach v_model in array array['journeys', 'obligations'] loop
        select generation into v_live from es.checkpoints where consumer = 'dash.' || v_model and status = 'live';
        if v_live is not null then
            execute format('create or replace view dash.%I as select * from dash.%I', v_model, v_model || '_g' || v_live);
        end if;
    end loop;
end
$$;
create or replace view dash.open_obligations as
select o.due_at <= now() as overdue, o.*
from dash.obligations o
where o.ended_at is null
order by o.due_at, o.journey_id, o.obligation_id;

comment on column dash.obligations_shape.assignee is
    'The opaque staff id of the person who owes it; null where it is whoever is on call for the role in owner.';
comment on column dash.obligations_shape.owner_since_version is
    'The journey''s version, the number of its event, with which it became its owner''s.';
comment on column dash.journeys_shape.waiting_for_person is
    'The opaque staff id of the person who owes what is due first; null where it is the role''s.';

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
