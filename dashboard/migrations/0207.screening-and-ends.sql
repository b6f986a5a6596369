-- How far the screening has come, until when the end of a journey can be taken back, and when a waived duty falls due.

-- migrate:up
do $$
declare
    v_table text;
    v_model text;
    v_live  bigint;
begin
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^journeys_(shape|g[0-9]+)$'
    loop
        execute format('alter table dash.%I add column screening_urgency text, add column screened_at timestamptz, '
                       'add column correctable_until timestamptz', v_table);
    end loop;
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^obligations_(shape|g[0-9]+)$'
    loop
        execute format('alter table dash.%I add column falls_due timestamptz', v_table);
    end loop;
    foreach v_model in array array['journeys', 'obligations'] loop
        select generation into v_live from es.checkpoints where consumer = 'dash.' || v_model and status = 'live';
        if v_live is not null then
            execute format('create or replace view dash.%I as select * from dash.%I', v_model, v_model || '_g' || v_live);
        end if;
    end loop;
end
$$;
comment on column dash.journeys_shape.screening_urgency is
    'How soon the client needs care. Null: nobody has said yet, so it counts as urgent.';
comment on column dash.journeys_shape.screened_at is 'When the client was last screened; null if not yet.';
comment on column dash.journeys_shape.correctable_until is
    'Until when the end of the journey can be taken back; null while it goes on, and once the end is final.';

comment on column dash.obligations_shape.falls_due is
    'When it falls due; while it is waived, when it is owed again. Lists are in its order.';

create or replace view dash.open_journeys as
select coalesce(j.next_due < now(), false) as overdue, j.urgent_open or coalesce(j.next_due < now(), false) as urgent, j.*
from dash.journeys j
where j.ended_at is null or j.open_count > 0
order by urgent desc, array_position(array['safety', 'clinical', 'coverage', 'administrative'], j.priority), j.next_due,
         j.journey_id;

create or replace view dash.open_obligations as
with judged as (
    select o.due_at < now() and o.waived_until is null as overdue, o.* from dash.obligations o where o.ended_at is null
)
select array_remove(array[case when overdue then 'overdue' end,
                          case when overdue and window_opens is not null then 'missed-window' end,
                          case when urgent and waived_until is null then 'urgent' end,
                          case when undelivered then 'not-delivered' end,
                          'waived-until-' || waived_until], null) as flags,
       j.*
from judged j
order by not (overdue or (urgent and waived_until is null)),
         array_position(array['safety', 'clinical', 'coverage', 'administrative'], priority), falls_due, journey_id,
         obligation_id;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
