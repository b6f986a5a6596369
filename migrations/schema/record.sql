-- What the migrations of this database come to, to be read; nothing runs this file.
-- `python -m tests.migrations.schema` writes it. Roles are made by the migrations too: see docs/roles.md.
-- Left out are the tables dash.<name>_gN, one for each generation of a read model: each is made like dash.<name>_shape.

create schema access;
grant usage on schema access to throughline_sessions;

create table access.audit (
    number bigint not null,
    at timestamptz not null,
    person text not null,
    did text not null,
    journey_id text,
    about text default ''::text not null,
    constraint audit_about_check check ((length(about) <= 400)),
    constraint audit_did_check check ((did ~ '^[a-z][a-z-]{0,40}$'::text)),
    constraint audit_pkey primary key (number)
);
comment on column access.audit.person is 'Opaque staff id.';
comment on column access.audit.about is 'Codes only: which part of a page, which filter of an export. Never what was searched for.';
alter table access.audit alter column number add generated always as identity (
    sequence name access.audit_number_seq
    start with 1
    increment by 1
    no minvalue
    no maxvalue
    cache 1
);
create index audit_journey_id_at_idx on access.audit using btree (journey_id, at);
create index audit_person_at_idx on access.audit using btree (person, at);
create trigger audit_only_grows before delete or update or truncate on access.audit for each statement execute function access.audit_only_grows();
grant select,insert on table access.audit to throughline_sessions;

create table access.cli_codes (
    code_hash bytea not null,
    challenge text not null,
    person text not null,
    offered_at timestamptz not null,
    ends_at timestamptz not null,
    constraint cli_codes_pkey primary key (code_hash)
);
comment on table access.cli_codes is 'Each is used once, within minutes, by the command that made the challenge.';
comment on column access.cli_codes.ends_at is 'The end of the session in which the code was shown: the new one ends then too.';
grant select,insert,delete on table access.cli_codes to throughline_sessions;

create table access.saved_views (
    person text not null,
    list text not null,
    name text not null,
    query text not null,
    constraint saved_views_list_check check ((list = any (array['journeys'::text, 'duties'::text]))),
    constraint saved_views_name_check check (((length(name) >= 1) and (length(name) <= 40))),
    constraint saved_views_query_check check ((length(query) <= 400)),
    constraint saved_views_pkey primary key (person, list, name)
);
comment on table access.saved_views is 'Each person sees their own.';
grant select,insert,delete,update on table access.saved_views to throughline_sessions;

create table access.sessions (
    token_hash bytea not null,
    person text not null,
    used_for text not null,
    began_at timestamptz not null,
    last_used_at timestamptz not null,
    ends_at timestamptz not null,
    ended_at timestamptz,
    constraint sessions_used_for_check check ((used_for = any (array['board'::text, 'cli'::text]))),
    constraint sessions_pkey primary key (token_hash)
);
comment on column access.sessions.person is 'Opaque staff id. Roles and sites are looked up in the list of staff each time.';
comment on column access.sessions.ends_at is 'The absolute end; a session without use ends sooner.';
create index sessions_person_idx on access.sessions using btree (person) where (ended_at is null);
grant select,insert,update on table access.sessions to throughline_sessions;

create table access.sign_ins (
    state_hash bytea not null,
    verifier text not null,
    nonce text not null,
    return_to text not null,
    began_at timestamptz not null,
    constraint sign_ins_pkey primary key (state_hash)
);
comment on table access.sign_ins is 'Sign-ins that have begun and not come back from the provider.';
comment on column access.sign_ins.verifier is 'The PKCE code verifier (RFC 7636).';
comment on column access.sign_ins.return_to is 'The path of the page that was asked for.';
grant select,insert,delete on table access.sign_ins to throughline_sessions;

create function access.audit_only_grows() returns trigger
    language plpgsql
    as $$
begin
    raise exception 'the audit only grows' using errcode = '42501';
end
$$;

create schema attendance;
grant usage on schema attendance to throughline_owner;
grant usage on schema attendance to throughline_entering;
grant usage on schema attendance to throughline_intake_service;
grant usage on schema attendance to throughline_dashboards;

create table attendance.journeys (
    journey_id text not null,
    entries bigint not null,
    told bigint default 0 not null,
    known jsonb,
    changed_at timestamptz default now() not null,
    try_at timestamptz default now() not null,
    attempts integer default 0 not null,
    trouble text,
    constraint journeys_pkey primary key (journey_id)
);
comment on table attendance.journeys is 'What each journey has been told of its client''s sessions.';
comment on column attendance.journeys.told is 'How many of the entries it has been told of, or need not be.';
comment on column attendance.journeys.known is 'What it was told last; no words about the client.';
comment on column attendance.journeys.trouble is 'Why it could not be told yet; null if nothing is wrong.';
create index journeys_try_at_idx on attendance.journeys using btree (try_at) where (told < entries);
grant select,insert,update on table attendance.journeys to throughline_intake_service;
grant select on table attendance.journeys to throughline_dashboards;

create table attendance.sessions (
    journey_id text not null,
    session text not null,
    outcome text not null,
    type text not null,
    starts_at timestamptz not null,
    minutes integer not null,
    attended integer,
    modality text not null,
    skill text,
    site text not null,
    led_by text,
    makes_up_for text,
    noted boolean not null,
    entry text not null,
    entered_at timestamptz not null,
    entered_by text not null,
    entered_role text not null,
    constraint sessions_pkey primary key (journey_id, session)
);
comment on table attendance.sessions is 'The last word on each session. Filled from the record by throughline intake.';
comment on column attendance.sessions.minutes is 'How long it was planned to last.';
comment on column attendance.sessions.attended is 'Minutes that the client was there; null unless it was kept.';
comment on column attendance.sessions.noted is 'Whether its progress note is written.';
comment on column attendance.sessions.entered_at is 'A later entry replaces an earlier one; at the same moment the id decides.';
create index sessions_site_starts_at_idx on attendance.sessions using btree (site, starts_at);
grant select,insert,update on table attendance.sessions to throughline_intake_service;
grant select on table attendance.sessions to throughline_dashboards;

create function attendance.append(p_appends json) returns table(stream text, outcome text, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz)
    language plpgsql security definer
    set search_path to 'attendance', 'pg_temp'
    as $$
begin
    if exists (
        select from json_array_elements(p_appends) a
        where a ->> 'stream' not like '%/sessions' or (a ->> 'close')::boolean
           or exists (select from json_array_elements(a -> 'events') e where e ->> 'type' <> 'session.entered')
    ) then
        raise exception 'only entries about sessions are appended here' using errcode = '42501';
    end if;
    return query select * from es.append_many(p_appends);
end
$$;
alter function attendance.append(p_appends json) owner to throughline_owner;
revoke all on function attendance.append(p_appends json) from public;
grant all on function attendance.append(p_appends json) to throughline_entering;

create schema dash;
alter schema dash owner to throughline_projector;
grant usage on schema dash to throughline_dashboards;

create table dash.authorisations_shape (
    journey_id text not null,
    obligation_id text not null,
    status text not null,
    needed_since timestamptz not null,
    due_at timestamptz not null,
    ended_at timestamptz,
    late boolean,
    level text,
    verdict text,
    payer text,
    as_of_position bigint not null,
    constraint authorisations_shape_pkey primary key (journey_id, obligation_id)
);
alter table dash.authorisations_shape owner to throughline_projector;
comment on column dash.authorisations_shape.status is 'The status of its obligation: met is obtained.';
comment on column dash.authorisations_shape.level is 'The level of care it is for.';
comment on column dash.authorisations_shape.verdict is 'What the payer had said when this last changed.';
create index authorisations_shape_due_at_idx on dash.authorisations_shape using btree (due_at) where (ended_at is null);

create table dash.journey_numbers_shape (
    number bigint not null,
    journey_id text not null,
    constraint journey_numbers_shape_pkey primary key (number)
);
alter table dash.journey_numbers_shape owner to throughline_projector;
comment on column dash.journey_numbers_shape.number is 'The position of the journey''s first event in the record. Its short reference is made from it.';
create index journey_numbers_shape_journey_id_idx on dash.journey_numbers_shape using btree (journey_id);

create table dash.journeys_shape (
    journey_id text not null,
    stage text not null,
    level text,
    placement text,
    funding text,
    verdict text,
    policy text not null,
    site text not null,
    calendar integer not null,
    opened_at timestamptz,
    ended_at timestamptz,
    level_since timestamptz,
    waiting_for text,
    next_obligation text,
    next_due timestamptz,
    open_count integer not null,
    urgent_open boolean not null,
    moving_to text,
    move_due timestamptz,
    version bigint not null,
    last_event text not null,
    last_event_at timestamptz not null,
    as_of_position bigint not null,
    on_leave_until date,
    weeks_from date,
    last_week integer,
    zone text,
    crisis_place text,
    withdrawal_reason text,
    waiting_for_person text,
    priority text,
    window_closes timestamptz,
    waived_until date,
    undelivered boolean,
    screening_urgency text,
    screened_at timestamptz,
    correctable_until timestamptz,
    moving_from text,
    move_direction text,
    move_place text,
    move_starts_at timestamptz,
    track text,
    waits_for text,
    waits_since timestamptz,
    risk text,
    waits_for_tracks text,
    goals integer,
    goals_met integer,
    goals_reviewed_at timestamptz,
    mode text,
    constraint journeys_shape_pkey primary key (journey_id)
);
alter table dash.journeys_shape owner to throughline_projector;
comment on column dash.journeys_shape.level is 'The level of care given now.';
comment on column dash.journeys_shape.calendar is 'The version of its site''s calendar by which its days are counted.';
comment on column dash.journeys_shape.waiting_for is 'The role that owns what is due first.';
comment on column dash.journeys_shape.urgent_open is 'Whether an urgent obligation is open; the view open_journeys adds what is overdue.';
comment on column dash.journeys_shape.as_of_position is 'The last event of this journey that is taken in.';
comment on column dash.journeys_shape.on_leave_until is 'The day at the site on which a client on leave is expected back.';
comment on column dash.journeys_shape.weeks_from is 'The day at the site from which the weeks at this level are counted. A short interruption has moved it, so it need not be the day of level_since.';
comment on column dash.journeys_shape.last_week is 'The last week at this level: beyond it only those whom the policy names may continue care there.';
comment on column dash.journeys_shape.zone is 'The time zone in which the days of the weeks are counted.';
comment on column dash.journeys_shape.crisis_place is 'Where a client in a crisis is: emergency-department or inpatient.';
comment on column dash.journeys_shape.withdrawal_reason is 'Why the journey ends before care, as recorded.';
comment on column dash.journeys_shape.waiting_for_person is 'The opaque staff id of the person who owes what is due first; null where it is the role''s.';
comment on column dash.journeys_shape.priority is 'What comes first: that of what is due next, and safety while anything urgent is open.';
comment on column dash.journeys_shape.window_closes is 'When the first window ends, of what is owed or of a step-up.';
comment on column dash.journeys_shape.waived_until is 'The first day on which something waived is owed again.';
comment on column dash.journeys_shape.undelivered is 'Whether the last notice about something owed did not reach anybody.';
comment on column dash.journeys_shape.screening_urgency is 'How soon the client needs care. Null: nobody has said yet, so it counts as urgent.';
comment on column dash.journeys_shape.screened_at is 'When the client was last screened; null if not yet.';
comment on column dash.journeys_shape.correctable_until is 'Until when the end of the journey can be taken back; null while it goes on, and once the end is final.';
comment on column dash.journeys_shape.moving_from is 'The level of care that the client moves from.';
comment on column dash.journeys_shape.move_direction is 'up or down.';
comment on column dash.journeys_shape.move_place is 'The facility of the place that is held for the move.';
comment on column dash.journeys_shape.move_starts_at is 'When the held place starts.';
comment on column dash.journeys_shape.track is 'The track in which the client has a place now, by its id in the site''s file.';
comment on column dash.journeys_shape.waits_for is 'The level of care for which the client is on the waitlist.';
comment on column dash.journeys_shape.risk is 'What was last found of the client''s risk before care: low, raised or unknown.';
comment on column dash.journeys_shape.waits_for_tracks is 'The tracks that they could come to, by id, with spaces between them; null: any at the level.';
comment on column dash.journeys_shape.goals is 'How many goals the client''s treatment plan has.';
comment on column dash.journeys_shape.goals_met is 'How many of them the client has reached.';
comment on column dash.journeys_shape.goals_reviewed_at is 'When the goals were last gone through with the client, or the plan last changed; null if not since its first draft.';
comment on column dash.journeys_shape.mode is 'maintenance where care at the level goes on without an end date; null as usual.';
create index journeys_shape_as_of_position_idx on dash.journeys_shape using btree (as_of_position);
create index journeys_shape_journey_id_idx on dash.journeys_shape using btree (journey_id) where ((ended_at is null) or (open_count > 0));
create index journeys_shape_move_due_idx on dash.journeys_shape using btree (move_due) where (moving_to is not null);
create index journeys_shape_next_due_idx on dash.journeys_shape using btree (next_due) where (ended_at is null);
create index journeys_shape_site_level_idx on dash.journeys_shape using btree (site, level) where (ended_at is null);
create index journeys_shape_site_track_idx on dash.journeys_shape using btree (site, track) where (track is not null);

create table dash.obligations_shape (
    journey_id text not null,
    obligation_id text not null,
    kind text not null,
    owner text not null,
    status text not null,
    raised_at timestamptz not null,
    due_at timestamptz not null,
    time_kind text not null,
    urgent boolean not null,
    steps_taken integer not null,
    last_told_at timestamptz,
    quiet_until timestamptz,
    acknowledged_by text,
    ended_at timestamptz,
    ended_by text,
    late boolean,
    about text,
    as_of_position bigint not null,
    assignee text,
    owner_since_version bigint,
    priority text,
    site text,
    window_opens date,
    waived_until date,
    undelivered boolean,
    missed_due_at timestamptz,
    due_day date,
    ended_by_id text,
    falls_due timestamptz,
    constraint obligations_shape_pkey primary key (journey_id, obligation_id)
);
alter table dash.obligations_shape owner to throughline_projector;
comment on column dash.obligations_shape.steps_taken is 'Escalation steps that have been taken, repeats included.';
comment on column dash.obligations_shape.ended_by is 'The role that ended it, where a person did.';
comment on column dash.obligations_shape.late is 'Whether it ended after it was due; null while it is open.';
comment on column dash.obligations_shape.assignee is 'The opaque staff id of the person who owes it; null where it is whoever is on call for the role in owner.';
comment on column dash.obligations_shape.owner_since_version is 'The journey''s version, the number of its event, with which it became its owner''s.';
comment on column dash.obligations_shape.window_opens is 'The first day at the site on which it can be met, for a window.';
comment on column dash.obligations_shape.waived_until is 'While it is waived: the day at the site on which it is owed again.';
comment on column dash.obligations_shape.missed_due_at is 'The first due time that it missed. An open one may be overdue besides: see the view missed_duties.';
comment on column dash.obligations_shape.due_day is 'The day at the site of the due time, or of the first one missed.';
comment on column dash.obligations_shape.ended_by_id is 'The opaque staff id of who ended it, where a person did.';
comment on column dash.obligations_shape.falls_due is 'When it falls due; while it is waived, when it is owed again. Lists are in its order.';
create index obligations_shape_assignee_idx on dash.obligations_shape using btree (assignee) where (ended_at is null);
create index obligations_shape_due_at_idx on dash.obligations_shape using btree (due_at) where (ended_at is null);
create index obligations_shape_falls_due_idx on dash.obligations_shape using btree (falls_due) where (ended_at is null);
create index obligations_shape_kind_raised_at_idx on dash.obligations_shape using btree (kind, raised_at);
create index obligations_shape_site_journey_id_obligation_id_due_at_fall_idx on dash.obligations_shape using btree (site, journey_id, obligation_id) include (due_at, falls_due, waived_until, urgent, priority, kind, owner, assignee, undelivered) where (ended_at is null);

create table dash.stays_shape (
    journey_id text not null,
    number integer not null,
    level text not null,
    since timestamptz not null,
    until timestamptz,
    first_day date not null,
    last_day date,
    zone text not null,
    as_of_position bigint not null,
    constraint stays_shape_pkey primary key (journey_id, number)
);
alter table dash.stays_shape owner to throughline_projector;
comment on column dash.stays_shape.first_day is 'The day at the site on which it began.';
comment on column dash.stays_shape.last_day is 'The day at the site on which it ended; null while it lasts.';
create index stays_shape_level_first_day_idx on dash.stays_shape using btree (level, first_day);

create table dash.timeline_shape (
    "position" bigint not null,
    journey_id text not null,
    version bigint not null,
    type text not null,
    sentence text not null,
    bookkeeping boolean not null,
    actor_role text,
    actor_id text,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint timeline_shape_pkey primary key ("position")
);
alter table dash.timeline_shape owner to throughline_projector;
comment on column dash.timeline_shape.bookkeeping is 'Whether a reader of the story may skip it.';
comment on column dash.timeline_shape.actor_id is 'The opaque staff id of who decided, where a person did.';
create index timeline_shape_journey_id_version_idx on dash.timeline_shape using btree (journey_id, version);

create view dash.authorisations as
 select journey_id,
    obligation_id,
    status,
    needed_since,
    due_at,
    ended_at,
    late,
    level,
    verdict,
    payer,
    as_of_position
   from dash.authorisations_g1;
alter view dash.authorisations owner to throughline_projector;
grant select on table dash.authorisations to throughline_dashboards;

create view dash.census as
 with days as (
         select (generate_series((min(stays.first_day))::timestamptz, (greatest(max(stays.first_day), max(stays.last_day), max(((now() at time zone stays.zone))::date)))::timestamptz, '1 day'::interval))::date as day
           from dash.stays
        ), moves as (
         select stays.level,
            stays.first_day as day,
            1 as admitted,
            0 as has_left
           from dash.stays
        union all
         select stays.level,
            stays.last_day,
            0,
            1
           from dash.stays
          where (stays.last_day is not null)
        ), counted as (
         select d.day,
            l.level,
            coalesce(sum(m.admitted), (0)::bigint) as admitted,
            coalesce(sum(m.has_left), (0)::bigint) as has_left
           from ((days d
             cross join ( select distinct stays.level
                   from dash.stays) l)
             left join moves m on (((m.day = d.day) and (m.level = l.level))))
          group by d.day, l.level
        )
 select day,
    level,
    admitted,
    has_left as "left",
    sum((admitted - has_left)) over (partition by level order by day) as present
   from counted;
alter view dash.census owner to throughline_projector;
grant select on table dash.census to throughline_dashboards;

create view dash.freshness as
 select substr(c.consumer, 6) as read_model,
    c.generation,
    c."position" as as_of_position,
    h."position" as head,
    (h."position" - c."position") as behind,
    e.recorded_at as as_of,
    c.updated_at,
    c.alarm
   from ((es.checkpoints c
     cross join ( select coalesce(max(events."position"), (0)::bigint) as "position"
           from es.events) h)
     left join es.events e on ((e."position" = c."position")))
  where ((c.status = 'live'::text) and (c.consumer ~~ 'dash.%'::text));
alter view dash.freshness owner to throughline_projector;
comment on view dash.freshness is 'as_of is when the record learnt the last event that is taken in.';
grant select on table dash.freshness to throughline_dashboards;

create view dash.journey_numbers as
 select number,
    journey_id
   from dash.journey_numbers_g1;
alter view dash.journey_numbers owner to throughline_projector;
grant select on table dash.journey_numbers to throughline_dashboards;

create view dash.journeys as
 select journey_id,
    stage,
    level,
    placement,
    funding,
    verdict,
    policy,
    site,
    calendar,
    opened_at,
    ended_at,
    level_since,
    waiting_for,
    next_obligation,
    next_due,
    open_count,
    urgent_open,
    moving_to,
    move_due,
    version,
    last_event,
    last_event_at,
    as_of_position,
    on_leave_until,
    weeks_from,
    last_week,
    zone,
    crisis_place,
    withdrawal_reason,
    waiting_for_person,
    priority,
    window_closes,
    waived_until,
    undelivered,
    screening_urgency,
    screened_at,
    correctable_until,
    moving_from,
    move_direction,
    move_place,
    move_starts_at,
    track,
    waits_for,
    waits_since,
    risk,
    waits_for_tracks,
    goals,
    goals_met,
    goals_reviewed_at,
    mode
   from dash.journeys_g1;
alter view dash.journeys owner to throughline_projector;
grant select on table dash.journeys to throughline_dashboards;

create view dash.missed_duties as
 select journey_id,
    obligation_id,
    kind,
    priority,
    owner,
    site,
    to_char((due_day)::timestamptz, 'YYYY-MM'::text) as month,
    coalesce(missed_due_at, due_at) as due_at,
        case
            when ((ended_at is null) and (waived_until is not null)) then 'waived'::text
            when (ended_at is null) then 'open'::text
            else status
        end as outcome,
    ended_at,
    ended_by,
    ended_by_id
   from dash.obligations o
  where ((missed_due_at is not null) or ((ended_at is null) and (waived_until is null) and (due_at < now())));
alter view dash.missed_duties owner to throughline_projector;
comment on view dash.missed_duties is 'One row for each, by the first due time it missed; month is that of this due time, at the site.';
grant select on table dash.missed_duties to throughline_dashboards;

create view dash.obligations as
 select journey_id,
    obligation_id,
    kind,
    owner,
    status,
    raised_at,
    due_at,
    time_kind,
    urgent,
    steps_taken,
    last_told_at,
    quiet_until,
    acknowledged_by,
    ended_at,
    ended_by,
    late,
    about,
    as_of_position,
    assignee,
    owner_since_version,
    priority,
    site,
    window_opens,
    waived_until,
    undelivered,
    missed_due_at,
    due_day,
    ended_by_id,
    falls_due
   from dash.obligations_g1;
alter view dash.obligations owner to throughline_projector;
grant select on table dash.obligations to throughline_dashboards;

create view dash.open_journeys as
 select coalesce((next_due < now()), false) as overdue,
    (urgent_open or coalesce((next_due < now()), false)) as urgent,
    journey_id,
    stage,
    level,
    placement,
    funding,
    verdict,
    policy,
    site,
    calendar,
    opened_at,
    ended_at,
    level_since,
    waiting_for,
    next_obligation,
    next_due,
    open_count,
    urgent_open,
    moving_to,
    move_due,
    version,
    last_event,
    last_event_at,
    as_of_position,
    on_leave_until,
    weeks_from,
    last_week,
    zone,
    crisis_place,
    withdrawal_reason,
    waiting_for_person,
    priority,
    window_closes,
    waived_until,
    undelivered,
    screening_urgency,
    screened_at,
    correctable_until,
    moving_from,
    move_direction,
    move_place,
    move_starts_at,
    track,
    waits_for,
    waits_since,
    risk,
    waits_for_tracks,
    goals,
    goals_met,
    goals_reviewed_at,
    mode
   from dash.journeys j
  where ((ended_at is null) or (open_count > 0))
  order by (urgent_open or coalesce((next_due < now()), false)) desc, (array_position(array['safety'::text, 'clinical'::text, 'coverage'::text, 'administrative'::text], priority)), next_due, journey_id;
alter view dash.open_journeys owner to throughline_projector;
grant select on table dash.open_journeys to throughline_dashboards;

create view dash.open_obligations as
 with judged as (
         select ((o.due_at < now()) and (o.waived_until is null)) as overdue,
            o.journey_id,
            o.obligation_id,
            o.kind,
            o.owner,
            o.status,
            o.raised_at,
            o.due_at,
            o.time_kind,
            o.urgent,
            o.steps_taken,
            o.last_told_at,
            o.quiet_until,
            o.acknowledged_by,
            o.ended_at,
            o.ended_by,
            o.late,
            o.about,
            o.as_of_position,
            o.assignee,
            o.owner_since_version,
            o.priority,
            o.site,
            o.window_opens,
            o.waived_until,
            o.undelivered,
            o.missed_due_at,
            o.due_day,
            o.ended_by_id,
            o.falls_due
           from dash.obligations o
          where (o.ended_at is null)
        )
 select array_remove(array[
        case
            when overdue then 'overdue'::text
            else null::text
        end,
        case
            when (overdue and (window_opens is not null)) then 'missed-window'::text
            else null::text
        end,
        case
            when (urgent and (waived_until is null)) then 'urgent'::text
            else null::text
        end,
        case
            when undelivered then 'not-delivered'::text
            else null::text
        end, ('waived-until-'::text || waived_until)], null::text) as flags,
    overdue,
    journey_id,
    obligation_id,
    kind,
    owner,
    status,
    raised_at,
    due_at,
    time_kind,
    urgent,
    steps_taken,
    last_told_at,
    quiet_until,
    acknowledged_by,
    ended_at,
    ended_by,
    late,
    about,
    as_of_position,
    assignee,
    owner_since_version,
    priority,
    site,
    window_opens,
    waived_until,
    undelivered,
    missed_due_at,
    due_day,
    ended_by_id,
    falls_due
   from judged j
  order by (not (overdue or (urgent and (waived_until is null)))), (array_position(array['safety'::text, 'clinical'::text, 'coverage'::text, 'administrative'::text], priority)), falls_due, journey_id, obligation_id;
alter view dash.open_obligations owner to throughline_projector;
grant select on table dash.open_obligations to throughline_dashboards;

create view dash.stays as
 select journey_id,
    number,
    level,
    since,
    until,
    first_day,
    last_day,
    zone,
    as_of_position
   from dash.stays_g1;
alter view dash.stays owner to throughline_projector;
grant select on table dash.stays to throughline_dashboards;

create view dash.timeline as
 select "position",
    journey_id,
    version,
    type,
    sentence,
    bookkeeping,
    actor_role,
    actor_id,
    occurred_at,
    recorded_at
   from dash.timeline_g1;
alter view dash.timeline owner to throughline_projector;
grant select on table dash.timeline to throughline_dashboards;

create schema es;
alter schema es owner to throughline_owner;
grant usage on schema es to throughline_writer;
grant usage on schema es to throughline_reader;
grant usage on schema es to throughline_projector;
grant usage on schema es to throughline_auditor;
grant usage on schema es to throughline_intake_service;

create table es.appends (
    first_position bigint not null,
    last_position bigint not null,
    last_version bigint not null,
    recorded_at timestamptz not null,
    closes boolean not null,
    stream text not null,
    append_key text not null,
    digest bytea not null,
    constraint appends_check check ((last_position >= first_position)),
    constraint appends_last_version_check check ((last_version > 0)),
    constraint appends_pkey primary key (first_position),
    constraint appends_stream_append_key_key unique (stream, append_key)
);
alter table es.appends owner to throughline_owner;
comment on column es.appends.digest is 'SHA-256 over the ordered type, schema version, data and occurred_at of the events, and whether the stream was closed.';
create trigger append_only before delete or update or truncate on es.appends for each statement execute function es.refuse_change();
grant select on table es.appends to throughline_reader;
grant select on table es.appends to throughline_auditor;

create table es.checkpoints (
    "position" bigint not null,
    updated_at timestamptz default clock_timestamp() not null,
    generation integer not null,
    consumer text not null,
    status text not null,
    holder text,
    alarm text,
    constraint checkpoints_generation_check check ((generation > 0)),
    constraint checkpoints_position_check check (("position" >= 0)),
    constraint checkpoints_status_check check ((status = any (array['building'::text, 'live'::text, 'retired'::text]))),
    constraint checkpoints_pkey primary key (consumer, generation)
)
with (fillfactor='50');
alter table es.checkpoints owner to throughline_owner;
comment on table es.checkpoints is 'Whoever commits a batch moves the checkpoint in the same transaction, and only where position is still what it was.';
comment on column es.checkpoints."position" is 'The last event taken in; every event up to it has been.';
comment on column es.checkpoints.generation is 'Of what is built from the record; a consumer that builds nothing has one.';
comment on column es.checkpoints.status is 'A retired generation can no longer be moved.';
comment on column es.checkpoints.holder is 'The process that moved it last.';
comment on column es.checkpoints.alarm is 'Why the consumer stopped here; gone once it moves on.';
create unique index one_live_generation on es.checkpoints using btree (consumer) where (status = 'live'::text);
create policy attendance on es.checkpoints to throughline_intake_service using ((consumer = 'attendance'::text)) with check ((consumer = 'attendance'::text));
alter table es.checkpoints enable row level security;
create policy projector on es.checkpoints to throughline_projector using (true) with check (true);
create policy readers on es.checkpoints for select to throughline_reader, throughline_auditor using (true);
grant select on table es.checkpoints to throughline_reader;
grant select on table es.checkpoints to throughline_auditor;
grant select,insert,delete,update on table es.checkpoints to throughline_projector;
grant select,insert,update on table es.checkpoints to throughline_intake_service;

create table es.events (
    "position" bigint not null,
    version bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    event_id uuid not null,
    schema_version integer not null,
    stream text not null,
    type text not null,
    data json not null,
    meta json not null,
    closes boolean default false not null,
    key_id uuid,
    sealed bytea,
    hash bytea not null,
    constraint events_position_check check (("position" > 0)),
    constraint events_schema_version_check check ((schema_version > 0)),
    constraint events_version_check check ((version > 0)),
    constraint sealed_with_a_key check (((sealed is null) = (key_id is null))),
    constraint events_pkey primary key ("position"),
    constraint events_stream_version_key unique (stream, version)
);
alter table es.events owner to throughline_owner;
comment on column es.events."position" is 'Dense over the whole store: 1, 2, 3, ... If p is visible, so is every position below p.';
comment on column es.events.version is 'Dense within the stream, from 1.';
comment on column es.events.occurred_at is 'When it was true, said by the writer.';
comment on column es.events.recorded_at is 'When this database learnt it; never falls as position rises.';
comment on column es.events.data is 'Open to every reader. Kept letter for letter as it was written, since it is hashed.';
comment on column es.events.closes is 'Whether the stream takes no more events after this one.';
comment on column es.events.sealed is 'What data leaves out, encrypted with the key of the client it is about.';
comment on column es.events.hash is 'SHA-256 of the hash before it, then es.content of this row. 32 zero bytes come before the first.';
create index events_recorded_at on es.events using brin (recorded_at);
create trigger append_only before delete or update or truncate on es.events for each statement execute function es.refuse_change();
grant select on table es.events to throughline_reader;
grant select on table es.events to throughline_auditor;
grant select("position") on table es.events to throughline_projector;
grant select (version, occurred_at, recorded_at, event_id, schema_version, stream, type, data, meta, closes) on table es.events to throughline_projector;

create table es.streams (
    stream text not null,
    version bigint not null,
    closed_at timestamptz,
    constraint streams_version_check check ((version > 0)),
    constraint streams_pkey primary key (stream)
);
alter table es.streams owner to throughline_owner;
create trigger never_back before update on es.streams for each row when (((new.version <= old.version) or (old.closed_at is not null) or (new.stream <> old.stream))) execute function es.refuse_change();
create trigger never_forgotten before delete or truncate on es.streams for each statement execute function es.refuse_change();
grant select on table es.streams to throughline_reader;
grant select on table es.streams to throughline_auditor;
grant select on table es.streams to throughline_projector;

create aggregate es.chain(p_before_all bytea, p_content bytea) (
    sfunc = es.link,
    stype = bytea
);
alter aggregate es.chain(p_before_all bytea, p_content bytea) owner to throughline_owner;

'';
revoke all on function es.chain(bytea, bytea) from public;

create function es.append(p_stream text, p_expected bigint, p_key text, p_digest bytea, p_close boolean, p_events json) returns table(replayed boolean, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz)
    language plpgsql security definer
    set search_path to 'es', 'pg_temp'
    as $$
declare
    v_answer record;
begin
    if json_array_length(p_events) = 0 then
        raise exception 'an append needs an event' using errcode = '22023';
    end if;
    select * into v_answer from es.append_many(json_build_array(json_build_object(
        'stream', p_stream, 'expected', p_expected, 'key', p_key, 'digest', encode(p_digest, 'hex'),
        'close', p_close, 'events', p_events)));
    if v_answer.outcome like 'TL%' then
        raise exception '%', case v_answer.outcome
                when 'TL001' then 'the stream is at another version'
                when 'TL002' then 'this key has recorded other events'
                else 'the stream is closed' end
            using errcode = v_answer.outcome, detail = v_answer.version;
    end if;
    return query select v_answer.outcome = 'replayed', v_answer.version, v_answer.first_position,
                        v_answer.last_position, v_answer.recorded_at;
end
$$;
alter function es.append(p_stream text, p_expected bigint, p_key text, p_digest bytea, p_close boolean, p_events json) owner to throughline_owner;
revoke all on function es.append(p_stream text, p_expected bigint, p_key text, p_digest bytea, p_close boolean, p_events json) from public;
grant all on function es.append(p_stream text, p_expected bigint, p_key text, p_digest bytea, p_close boolean, p_events json) to throughline_writer;

create function es.append_many(p_appends json) returns table(stream text, outcome text, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz)
    language plpgsql security definer
    set search_path to 'es', 'pg_temp'
    set lock_timeout to '5s'
    set plan_cache_mode to 'force_generic_plan'
    set enable_seqscan to 'off'
    set enable_hashjoin to 'off'
    set enable_mergejoin to 'off'
    set jit to 'off'
    as $$
#variable_conflict use_column
declare
    v_base bigint;
    v_hash bytea;
    v_now timestamptz;
begin
    -- A server in recovery may lag behind: what it knows is no answer.
    if current_setting('transaction_read_only')::boolean then
        raise exception 'an append cannot be read-only' using errcode = '25006';
    end if;
    -- An older snapshot would not see what was committed while this append waited for the latch.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'an append needs read committed' using errcode = 'TL005';
    end if;

    if not pg_try_advisory_xact_lock(es.latch()) then
        -- Keys, closings and versions are never taken back: where every answer stands already, nobody waits.
        perform from es.judge(p_appends) where outcome is null or (outcome = 'TL001' and version < expected) limit 1;
        if found then
            perform pg_advisory_xact_lock(es.latch());
        end if;
    end if;

    return query
        select stream, outcome, version, first_position, last_position, recorded_at from es.judge(p_appends)
        where outcome is not null;
    if found then
        p_appends := (
            select json_agg(asked.one order by asked.n)
            from json_array_elements(p_appends) with ordinality as asked (one, n)
            join es.judge(p_appends) j on j.stream is not distinct from asked.one ->> 'stream'
            where j.outcome is null
        );
        if p_appends is null then
            return;
        end if;
    end if;

    select e.position, e.hash, e.recorded_at into v_base, v_hash, v_now
    from es.events e order by e.position desc limit 1;
    v_base := coalesce(v_base, 0);
    v_hash := coalesce(v_hash, es.no_hash());
    -- The clock may step back; recorded_at must not. (greatest ignores null.)
    v_now := greatest(clock_timestamp(), v_now);

    return query
        with incoming as materialized (
            select v_base + row_number() over () as position, a.expected + e.n as version, e.n = a.size as is_last,
                   a.close and e.n = a.size as closes, a.stream, a.key, a.digest, a.size, e.type, e.schema_version,
                   e.occurred_at, e.event_id, e.data, e.meta, e.key_id, decode(e.sealed, 'hex') as sealed
            from (
                select *, json_array_length(events) as size
                from json_to_recordset(p_appends)
                     as asked (stream text, expected bigint, key text, digest text, close boolean, events json)
            ) a
            left join lateral rows from (json_to_recordset(a.events)
                     as (type text, schema_version integer, occurred_at timestamptz, event_id uuid, data json,
                         meta json, key_id uuid, sealed text)) with ordinality
                     as e (type, schema_version, occurred_at, event_id, data, meta, key_id, sealed, n) on true
        ), recorded as (
            insert into es.events (position, version, occurred_at, recorded_at, event_id, schema_version, closes,
                                   stream, type, data, meta, key_id, sealed, hash)
            select i.position, i.version, i.occurred_at, v_now, i.event_id, i.schema_version, i.closes,
                   i.stream, i.type, i.data, i.meta, i.key_id, i.sealed,
                   es.chain(v_hash, es.content(i.position, i.version, i.occurred_at, v_now, i.event_id,
                                               i.schema_version, i.closes, i.stream, i.type, i.data::text, i.meta::text,
                                               i.key_id, i.sealed)) over (order by i.position)
            from incoming i
        ), moved as (
            insert into es.streams (stream, version, closed_at)
            select i.stream, i.version, case when i.closes then v_now end
            from incoming i where i.is_last
            on conflict on constraint streams_pkey
                do update set version = excluded.version, closed_at = excluded.closed_at
        )
        insert into es.appends (first_position, last_position, last_version, recorded_at, closes,
                                stream, append_key, digest)
        select i.position - i.size + 1, i.position, i.version, v_now, i.closes, i.stream, i.key, decode(i.digest, 'hex')
        from incoming i where i.is_last
        returning stream, 'recorded', last_version, first_position, last_position, recorded_at;
    if found then
        perform pg_notify('es_appended', v_base::text);
    end if;
end
$$;
alter function es.append_many(p_appends json) owner to throughline_owner;
revoke all on function es.append_many(p_appends json) from public;
grant all on function es.append_many(p_appends json) to throughline_writer;

create function es.content(p_position bigint, p_version bigint, p_occurred_at timestamptz, p_recorded_at timestamptz, p_event_id uuid, p_schema_version integer, p_closes boolean, p_stream text, p_type text, p_data text, p_meta text, p_key_id uuid, p_sealed bytea) returns bytea
    language sql stable parallel safe
    return (((((((((((int8send(p_position) || int8send(p_version)) || int8send(((extract(epoch from p_occurred_at) * (1000000)::numeric))::bigint)) || int8send(((extract(epoch from p_recorded_at) * (1000000)::numeric))::bigint)) || uuid_send(p_event_id)) || int4send(p_schema_version)) || boolsend(p_closes)) || sha256(convert_to(p_stream, 'UTF8'::name))) || sha256(convert_to(p_type, 'UTF8'::name))) || sha256(convert_to(p_data, 'UTF8'::name))) || sha256(convert_to(p_meta, 'UTF8'::name))) || coalesce((uuid_send(p_key_id) || sha256(p_sealed)), '\x'::bytea));
alter function es.content(p_position bigint, p_version bigint, p_occurred_at timestamptz, p_recorded_at timestamptz, p_event_id uuid, p_schema_version integer, p_closes boolean, p_stream text, p_type text, p_data text, p_meta text, p_key_id uuid, p_sealed bytea) owner to throughline_owner;
revoke all on function es.content(p_position bigint, p_version bigint, p_occurred_at timestamptz, p_recorded_at timestamptz, p_event_id uuid, p_schema_version integer, p_closes boolean, p_stream text, p_type text, p_data text, p_meta text, p_key_id uuid, p_sealed bytea) from public;

create function es.judge(p_appends json) returns table(stream text, outcome text, expected bigint, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz)
    language sql stable
    as $$
    select asked.stream,
           case
               when a.digest = decode(asked.digest, 'hex') then 'replayed'
               when a.digest is not null then 'TL002'
               when s.closed_at is not null then 'TL003'
               when coalesce(s.version, 0) <> asked.expected then 'TL001'
           end,
           asked.expected,
           case when a.digest = decode(asked.digest, 'hex') then a.last_version else coalesce(s.version, 0) end,
           a.first_position, a.last_position, a.recorded_at
    from json_to_recordset(p_appends) as asked (stream text, expected bigint, key text, digest text)
    left join es.streams s on s.stream = asked.stream
    left join es.appends a on a.stream = asked.stream and a.append_key = asked.key
$$;
alter function es.judge(p_appends json) owner to throughline_owner;
revoke all on function es.judge(p_appends json) from public;

create function es.latch() returns bigint
    language sql immutable
    return '7305809162814518830'::bigint;
alter function es.latch() owner to throughline_owner;
revoke all on function es.latch() from public;
grant all on function es.latch() to throughline_projector;

create function es.link(p_state bytea, p_before_all bytea, p_content bytea) returns bytea
    language plpgsql immutable parallel safe
    as $$
begin
    return sha256(coalesce(p_state, p_before_all) || p_content);
end
$$;
alter function es.link(p_state bytea, p_before_all bytea, p_content bytea) owner to throughline_owner;
revoke all on function es.link(p_state bytea, p_before_all bytea, p_content bytea) from public;

create function es.no_hash() returns bytea
    language sql immutable parallel safe
    return decode(repeat('00'::text, 32), 'hex'::text);
alter function es.no_hash() owner to throughline_owner;
revoke all on function es.no_hash() from public;

create function es.refuse_change() returns trigger
    language plpgsql
    set search_path to 'es', 'pg_temp'
    as $$
begin
    raise exception '% on es.% is refused: the record is append-only', tg_op, tg_table_name
        using errcode = 'TL004', hint = 'Record a new event that corrects the old one.';
end
$$;
alter function es.refuse_change() owner to throughline_owner;
revoke all on function es.refuse_change() from public;

create schema intake;
grant usage on schema intake to throughline_intake_service;
grant usage on schema intake to throughline_directory;
grant usage on schema intake to throughline_dashboards;
grant usage on schema intake to throughline_finder;

create table intake.clients (
    client_ref uuid not null,
    identity_as_of timestamptz not null,
    sealed bytea,
    key_id uuid,
    erased_at timestamptz,
    constraint clients_pkey primary key (client_ref)
);
comment on column intake.clients.sealed is 'The person, as JSON, encrypted with the client''s key; null once erased';
grant select,insert,update on table intake.clients to throughline_intake_service;
grant select on table intake.clients to throughline_directory;
grant select (client_ref, sealed, key_id) on table intake.clients to throughline_finder;

create table intake.journeys (
    journey_id uuid not null,
    client_ref uuid not null,
    opened_by uuid not null,
    site text not null,
    visit text default ''::text not null,
    admitted_at timestamptz not null,
    opened_at timestamptz default now() not null,
    started_at timestamptz,
    closed_at timestamptz,
    visits_after_discharge text[] default '{}'::text[] not null,
    constraint journeys_opened_by_key unique (opened_by),
    constraint journeys_pkey primary key (journey_id),
    constraint journeys_client_ref_fkey foreign key (client_ref) references intake.clients(client_ref)
);
comment on column intake.journeys.visit is 'Keyed hash of the visit number; empty if none was said';
comment on column intake.journeys.started_at is 'When the journey gate confirmed it; null: to be opened (again)';
comment on column intake.journeys.visits_after_discharge is 'Keyed hashes of the visits that were announced while the client was discharged: of each, the end is told to the journey';
create unique index one_open_journey on intake.journeys using btree (client_ref) where (closed_at is null);
grant select,insert,update on table intake.journeys to throughline_intake_service;
grant select (journey_id, client_ref, opened_by, site, admitted_at, started_at, closed_at) on table intake.journeys to throughline_directory;
grant select (journey_id, client_ref, site, opened_at) on table intake.journeys to throughline_finder;

create table intake.known (
    number_hash bytea not null,
    client_ref uuid not null,
    constraint known_client_ref_key unique (client_ref),
    constraint known_pkey primary key (number_hash)
);
comment on column intake.known.number_hash is 'Keyed hash of authority and record number';
grant select,insert,update on table intake.known to throughline_intake_service;

create table intake.messages (
    received_id bigint not null,
    message_id uuid not null,
    listener text not null,
    sending_app text not null,
    sending_facility text not null,
    control_id text not null,
    sha256 bytea not null,
    business_sha256 bytea not null,
    content_type text not null,
    sealed bytea,
    key_id uuid,
    client_ref uuid,
    received_at timestamptz not null,
    event text not null,
    visit text not null,
    verdict text not null,
    ack bytea,
    warnings text[] default '{}'::text[] not null,
    state text not null,
    reason_code text,
    reason text,
    attempts integer default 0 not null,
    parked_at timestamptz,
    updated_at timestamptz default now() not null,
    journey_id uuid,
    site text,
    constraint messages_state_check check ((state = any (array['received'::text, 'done'::text, 'ignored'::text, 'parked'::text, 'quarantined'::text]))),
    constraint messages_verdict_check check ((verdict = any (array['accept'::text, 'error'::text, 'reject'::text]))),
    constraint messages_listener_sending_app_sending_facility_control_id_s_key unique (listener, sending_app, sending_facility, control_id, sha256),
    constraint messages_message_id_key unique (message_id),
    constraint messages_pkey primary key (received_id)
);
comment on column intake.messages.sha256 is 'Keyed hash of the SHA-256 of the message';
comment on column intake.messages.business_sha256 is 'Keyed hash, the same for one event sent again under another control id';
comment on column intake.messages.sealed is 'The message, encrypted with the client''s key; null once erased';
comment on column intake.messages.visit is 'Keyed hash of the visit number; empty if none was said';
comment on column intake.messages.ack is 'Replayed byte for byte to a sender that repeats itself; null: none wanted';
comment on column intake.messages.site is 'The site that a person named, where the message did not tell it';
alter table intake.messages alter column received_id add generated always as identity (
    sequence name intake.messages_received_id_seq
    start with 1
    increment by 1
    no minvalue
    no maxvalue
    cache 1
);
create index messages_business on intake.messages using btree (business_sha256);
create index messages_of_client on intake.messages using btree (client_ref);
create index messages_parked on intake.messages using btree (client_ref) where (state = 'parked'::text);
create index messages_parked_at on intake.messages using btree (parked_at) where (state = 'parked'::text);
create index messages_waiting on intake.messages using btree (client_ref, received_id) where (state = 'received'::text);
grant select,insert,update on table intake.messages to throughline_intake_service;

create table intake.quarantine (
    quarantine_id bigint not null,
    received_id bigint,
    listener text not null,
    sha256 bytea not null,
    sealed bytea,
    key_id uuid,
    reason_code text not null,
    reason text not null,
    quarantined_at timestamptz default now() not null,
    last_seen_at timestamptz default now() not null,
    times integer default 1 not null,
    released_at timestamptz,
    released_by text,
    constraint quarantine_pkey primary key (quarantine_id),
    constraint quarantine_received_id_key unique (received_id),
    constraint quarantine_received_id_fkey foreign key (received_id) references intake.messages(received_id)
);
comment on column intake.quarantine.released_by is 'Staff id of who let the message go on; null while it waits';
alter table intake.quarantine alter column quarantine_id add generated always as identity (
    sequence name intake.quarantine_quarantine_id_seq
    start with 1
    increment by 1
    no minvalue
    no maxvalue
    cache 1
);
create unique index quarantine_unreadable on intake.quarantine using btree (listener, sha256, reason_code) where (received_id is null);
grant select,insert,update on table intake.quarantine to throughline_intake_service;

create table intake.queue (
    client_ref uuid not null,
    lane text not null,
    due_at timestamptz not null,
    claim_id uuid,
    constraint queue_lane_check check ((lane = any (array['openings'::text, 'journeys'::text]))),
    constraint queue_pkey primary key (client_ref)
)
with (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');
comment on column intake.queue.lane is 'openings: the client has no confirmed open journey. journeys: the client has one, which may not answer';
comment on column intake.queue.due_at is 'When the earliest message may be tried; while claimed, when the claim lapses';
comment on column intake.queue.claim_id is 'Who handles the earliest message now; only they may write what becomes of it';
create index queue_due on intake.queue using btree (lane, due_at);
grant select,insert,delete,update on table intake.queue to throughline_intake_service;

create table intake.search_words (
    word_hash bytea not null,
    client_ref uuid not null,
    constraint search_words_pkey primary key (client_ref, word_hash),
    constraint search_words_client_ref_fkey foreign key (client_ref) references intake.clients(client_ref)
);
comment on table intake.search_words is 'Can be filled anew by throughline client index, so that no backup needs it. Deleted when the client''s key is destroyed.';
comment on column intake.search_words.word_hash is 'Keyed hash of a word of the name, alone and with the birth date, or of the record number without its issuer';
create index search_words_word_hash_idx on intake.search_words using btree (word_hash);
grant select,insert,delete,update on table intake.search_words to throughline_intake_service;
grant select on table intake.search_words to throughline_finder;

create view intake.messages_for_people as
 select quarantine_id,
    listener,
    reason_code,
    reason as advice,
    quarantined_at,
    last_seen_at,
    times
   from intake.quarantine
  where (released_at is null);
comment on view intake.messages_for_people is 'Messages that a person must look at. Advice names codes and places of a message, never its content.';
grant select,insert,update on table intake.messages_for_people to throughline_intake_service;
grant select on table intake.messages_for_people to throughline_dashboards;

alter default privileges for role postgres in schema intake grant select,insert,update on tables to throughline_intake_service;
