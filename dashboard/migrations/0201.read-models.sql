-- What dashboards read: views in dash over tables that the projector fills from the record and may throw away.
--
-- A read model X has a shape, dash.X_shape, and a table dash.X_gN like it for each generation; the view dash.X shows
-- the live one. See docs/decisions/005-subscriptions-and-read-models.md. Nothing in here says who a client is.

-- migrate:up
do $$
begin
    -- From PostgreSQL 16 on, whoever makes a role is a member of it and still may not act as it.
    if not pg_has_role(current_user, 'throughline_projector',
                       case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end) then
        execute format('grant throughline_projector to %I', current_user);
    end if;
end
$$;

create schema dash;
alter schema dash owner to throughline_projector;

-- Where each journey stands.
create table dash.journeys_shape (
    journey_id      text        not null primary key,
    stage           text        not null,
    level           text,
    placement       text,
    funding         text,
    verdict         text,
    policy          text        not null,
    site            text        not null,
    calendar        integer     not null,
    opened_at       timestamptz,
    ended_at        timestamptz,
    level_since     timestamptz,
    waiting_for     text,
    next_obligation text,
    next_due        timestamptz,
    open_count      integer     not null,
    urgent_open     boolean     not null,
    moving_to       text,
    move_due        timestamptz,
    version         bigint      not null,
    last_event      text        not null,
    last_event_at   timestamptz not null,
    as_of_position  bigint      not null
);
create index on dash.journeys_shape (next_due) where ended_at is null;
comment on column dash.journeys_shape.level is 'The level of care given now.';
comment on column dash.journeys_shape.calendar is 'The version of its site''s calendar by which its days are counted.';
comment on column dash.journeys_shape.waiting_for is 'The role that owns what is due first.';
comment on column dash.journeys_shape.urgent_open is 'Whether an urgent obligation is open; the view open_journeys adds what is overdue.';
comment on column dash.journeys_shape.as_of_position is 'The last event of this journey that is taken in.';

-- Everything that was ever owed.
create table dash.obligations_shape (
    journey_id      text        not null,
    obligation_id   text        not null,
    kind            text        not null,
    owner           text        not null,
    status          text        not null,
    raised_at       timestamptz not null,
    due_at          timestamptz not null,
    time_kind       text        not null,
    urgent          boolean     not null,
    steps_taken         integer     not null,
    last_told_at    timestamptz,
    quiet_until     timestamptz,
    acknowledged_by text,
    ended_at        timestamptz,
    ended_by        text,
    late            boolean,
    about           text,
    as_of_position  bigint      not null,
    primary key (journey_id, obligation_id)
);
create index on dash.obligations_shape (due_at) where ended_at is null;
create index on dash.obligations_shape (kind, raised_at);
comment on column dash.obligations_shape.steps_taken is 'Escalation steps that have been taken, repeats included.';
comment on column dash.obligations_shape.ended_by is 'The role that ended it, where a person did.';
comment on column dash.obligations_shape.late is 'Whether it ended after it was due; null while it is open.';

-- Every stay at a level of care, with its days at the site.
create table dash.stays_shape (
    journey_id     text        not null,
    number         integer     not null,
    level          text        not null,
    since          timestamptz not null,
    until          timestamptz,
    first_day      date        not null,
    last_day       date,
    zone           text        not null,
    as_of_position bigint      not null,
    primary key (journey_id, number)
);
create index on dash.stays_shape (level, first_day);
comment on column dash.stays_shape.first_day is 'The day at the site on which it began.';
comment on column dash.stays_shape.last_day is 'The day at the site on which it ended; null while it lasts.';

-- Every authorisation that a payer wanted.
create table dash.authorisations_shape (
    journey_id     text        not null,
    obligation_id  text        not null,
    status         text        not null,
    needed_since   timestamptz not null,
    due_at         timestamptz not null,
    ended_at       timestamptz,
    late           boolean,
    level          text,
    verdict        text,
    payer          text,
    as_of_position bigint      not null,
    primary key (journey_id, obligation_id)
);
create index on dash.authorisations_shape (due_at) where ended_at is null;
comment on column dash.authorisations_shape.status is 'The status of its obligation: met is obtained.';
comment on column dash.authorisations_shape.level is 'The level of care it is for.';
comment on column dash.authorisations_shape.verdict is 'What the payer had said when this last changed.';

-- What happened, a sentence each.
create table dash.timeline_shape (
    position    bigint      not null primary key,
    journey_id  text        not null,
    version     bigint      not null,
    type        text        not null,
    sentence    text        not null,
    bookkeeping boolean     not null,
    actor_role  text,
    actor_id    text,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null
);
create index on dash.timeline_shape (journey_id, version);
comment on column dash.timeline_shape.bookkeeping is 'Whether a reader of the story may skip it.';
comment on column dash.timeline_shape.actor_id is 'The opaque staff id of who decided, where a person did.';

do $$
declare
    v_model text;
begin
    foreach v_model in array array['journeys', 'obligations', 'stays', 'authorisations', 'timeline'] loop
        execute format('create table dash.%I (like dash.%I including all)', v_model || '_g1', v_model || '_shape');
        execute format('create view dash.%I as select * from dash.%I', v_model, v_model || '_g1');
        execute format('alter table dash.%I owner to throughline_projector', v_model || '_shape');
        execute format('alter table dash.%I owner to throughline_projector', v_model || '_g1');
        execute format('alter view dash.%I owner to throughline_projector', v_model);
        execute format('grant select on dash.%I to throughline_dashboards', v_model);
        insert into es.checkpoints (consumer, generation, status, position) values ('dash.' || v_model, 1, 'live', 0);
    end loop;
end
$$;

-- The work list: what is urgent first, then what is due next.
create view dash.open_journeys as
select coalesce(j.next_due <= now(), false) as overdue, j.urgent_open or coalesce(j.next_due <= now(), false) as urgent, j.*
from dash.journeys j
where j.stage not in ('CLOSED', 'CANCELLED')
order by urgent desc, j.next_due, j.journey_id;

create view dash.open_obligations as
select o.due_at <= now() as overdue, o.*
from dash.obligations o
where o.ended_at is null
order by o.due_at, o.journey_id, o.obligation_id;

-- The census of each day at the site. `present` counts who is in care at the midnight that ends the day; who moves
-- from one level to another is admitted to the one and has left the other.
create view dash.census as
with days as (
    select generate_series(min(first_day),
                           greatest(max(first_day), max(last_day), max((now() at time zone zone)::date)),
                           interval '1 day')::date as day
    from dash.stays
), moves as (
    select level, first_day as day, 1 as admitted, 0 as has_left from dash.stays
    union all
    select level, last_day, 0, 1 from dash.stays where last_day is not null
), counted as (
    select d.day, l.level, coalesce(sum(m.admitted), 0) as admitted, coalesce(sum(m.has_left), 0) as has_left
    from days d
    cross join (select distinct level from dash.stays) l
    left join moves m on m.day = d.day and m.level = l.level
    group by d.day, l.level
)
select day, level, admitted, has_left as "left",
       sum(admitted - has_left) over (partition by level order by day) as present
from counted;

-- How far behind the record each read model is.
create view dash.freshness as
select substr(c.consumer, 6) as read_model, c.generation, c.position as as_of_position, h.position as head,
       h.position - c.position as behind, e.recorded_at as as_of, c.updated_at, c.alarm
from es.checkpoints c
cross join (select coalesce(max(position), 0) as position from es.events) h
left join es.events e on e.position = c.position
where c.status = 'live' and c.consumer like 'dash.%';

comment on view dash.freshness is 'as_of is when the record learnt the last event that is taken in.';

alter view dash.open_journeys owner to throughline_projector;
alter view dash.open_obligations owner to throughline_projector;
alter view dash.census owner to throughline_projector;
alter view dash.freshness owner to throughline_projector;
grant usage on schema dash to throughline_dashboards;
grant select on dash.open_journeys, dash.open_obligations, dash.census, dash.freshness to throughline_dashboards;

-- migrate:down
do $$ begin raise exception 'there is no way back: read models are made again, not taken back; restore a backup'; end $$;
