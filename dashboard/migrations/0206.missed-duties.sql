-- What comes first, what is missed, and what is waived until a day; exactly at its due time a duty is on time.

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
        execute format('alter table dash.%I add column priority text, add column window_closes timestamptz, '
                       'add column waived_until date, add column undelivered boolean', v_table);
    end loop;
    for v_table in
        select relname from pg_class
        where relnamespace = 'dash'::regnamespace and relkind = 'r' and relname ~ '^obligations_(shape|g[0-9]+)$'
    loop
        execute format('alter table dash.%I add column priority text, add column site text, add column window_opens date, '
                       'add column waived_until date, add column undelivered boolean, '
                       'add column missed_due_at timestamptz, add column due_day date, add column ended_by_id text', v_table);
    end loop;
    foreach v_model in array array['journeys', 'obligations'] loop
        select generation into v_live from es.checkpoints where consumer = 'dash.' || v_model and status = 'live';
        if v_live is not null then
            execute format('create or replace view dash.%I as select * from dash.%I', v_model, v_model || '_g' || v_live);
        end if;
    end loop;
end
$$;
comment on column dash.journeys_shape.priority is
    'What comes first: that of what is due next, and safety while anything urgent is open.';
comment on column dash.journeys_shape.window_closes is 'When the first window ends, of what is owed or of a step-up.';
comment on column dash.journeys_shape.waived_until is 'The first day on which something waived is owed again.';
comment on column dash.journeys_shape.undelivered is 'Whether the last notice about something owed did not reach anybody.';
comment on column dash.obligations_shape.window_opens is 'The first day at the site on which it can be met, for a window.';
comment on column dash.obligations_shape.waived_until is 'While it is waived: the day at the site on which it is owed again.';
comment on column dash.obligations_shape.missed_due_at is
    'The first due time that it missed. An open one may be overdue besides: see the view missed_duties.';
comment on column dash.obligations_shape.due_day is 'The day at the site of the due time, or of the first one missed.';
comment on column dash.obligations_shape.ended_by_id is 'The opaque staff id of who ended it, where a person did.';

drop view dash.open_journeys;
create view dash.open_journeys as
select coalesce(j.next_due < now(), false) as overdue, j.urgent_open or coalesce(j.next_due < now(), false) as urgent, j.*
from dash.journeys j
where j.ended_at is null or j.open_count > 0
order by urgent desc, array_position(array['safety', 'clinical', 'coverage', 'administrative'], j.priority), j.next_due,
         j.journey_id;

drop view dash.open_obligations;
create view dash.open_obligations as
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
         array_position(array['safety', 'clinical', 'coverage', 'administrative'], priority), due_at, journey_id,
         obligation_id;

-- Duties that were overdue at any time, done since or not. They stay after the journey's end.
create view dash.missed_duties as
select o.journey_id, o.obligation_id, o.kind, o.priority, o.owner, o.site, to_char(o.due_day, 'YYYY-MM') as month,
       coalesce(o.missed_due_at, o.due_at) as due_at,
       case when o.ended_at is null and o.waived_until is not null then 'waived' when o.ended_at is null then 'open'
            else o.status end as outcome,
       o.ended_at, o.ended_by, o.ended_by_id
from dash.obligations o
where o.missed_due_at is not null or (o.ended_at is null and o.waived_until is null and o.due_at < now());
comment on view dash.missed_duties is
    'One row for each, by the first due time it missed; month is that of this due time, at the site.';

alter view dash.open_journeys owner to throughline_projector;
alter view dash.open_obligations owner to throughline_projector;
alter view dash.missed_duties owner to throughline_projector;
grant select on dash.open_journeys, dash.open_obligations, dash.missed_duties to throughline_dashboards;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models of this release fill the columns; restore a backup'; end $$;
