-- Sessions of care as they stand, and which journeys have still to be told. Both can be made again from the record.

-- migrate:up
create schema attendance;

create table attendance.sessions (
    journey_id   text        not null,
    session      text        not null,
    outcome      text        not null,
    type         text        not null,
    starts_at    timestamptz not null,
    minutes      integer     not null,
    attended     integer,
    modality     text        not null,
    skill        text,
    site         text        not null,
    led_by       text,
    makes_up_for text,
    noted        boolean     not null,
    entry        text        not null,
    entered_at   timestamptz not null,
    entered_by   text        not null,
    entered_role text        not null,
    primary key (journey_id, session)
);
create index on attendance.sessions (site, starts_at);
comment on table attendance.sessions is 'The last word on each session. Filled from the record by throughline intake.';
comment on column attendance.sessions.minutes is 'How long it was planned to last.';
comment on column attendance.sessions.attended is 'Minutes that the client was there; null unless it was kept.';
comment on column attendance.sessions.noted is 'Whether its progress note is written.';
comment on column attendance.sessions.entered_at is 'A later entry replaces an earlier one; at the same moment the id decides.';

create table attendance.journeys (
    journey_id text    not null primary key,
    entries    bigint  not null,
    told       bigint  not null default 0,
    known      jsonb,
    changed_at timestamptz not null default now(),
    try_at     timestamptz not null default now(),
    attempts   integer not null default 0,
    trouble    text
);
create index on attendance.journeys (try_at) where told < entries;
comment on table attendance.journeys is 'What each journey has been told of its client''s sessions.';
comment on column attendance.journeys.told is 'How many of the entries it has been told of, or need not be.';
comment on column attendance.journeys.known is 'What it was told last; no words about the client.';
comment on column attendance.journeys.trouble is 'Why it could not be told yet; null if nothing is wrong.';

insert into es.checkpoints (consumer, generation, status, position) values ('attendance', 1, 'live', 0);

-- Roles belong to the whole server: another database of it may have made it already.
do $$
begin
    create role throughline_entering nologin;
exception when duplicate_object or unique_violation then
    null;
end
$$;

-- As es.append_many, for entries about sessions and nothing else: who may enter those cannot write to a journey.
create function attendance.append(p_appends json) returns table (
    stream text, outcome text, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz
)
    language plpgsql volatile security definer
    set search_path = attendance, pg_temp
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
-- A new owner must be allowed to make things in the schema; it needs that here and never again.
grant create on schema attendance to throughline_owner;
alter function attendance.append(json) owner to throughline_owner;
revoke create on schema attendance from throughline_owner;
revoke all on function attendance.append(json) from public;
grant usage on schema attendance to throughline_owner, throughline_entering;
grant execute on function attendance.append(json) to throughline_entering;

-- What follows the record for entries moves its own checkpoint, and no read model's.
alter table es.checkpoints enable row level security;
create policy projector on es.checkpoints to throughline_projector using (true) with check (true);
create policy readers on es.checkpoints for select to throughline_reader, throughline_auditor using (true);
create policy attendance on es.checkpoints to throughline_intake_service
    using (consumer = 'attendance') with check (consumer = 'attendance');
grant usage on schema es to throughline_intake_service;
grant select, insert, update on es.checkpoints to throughline_intake_service;

grant usage on schema attendance to throughline_intake_service, throughline_dashboards;
grant select, insert, update on attendance.sessions, attendance.journeys to throughline_intake_service;
grant select on attendance.sessions, attendance.journeys to throughline_dashboards;

-- migrate:down
do $$ begin raise exception 'there is no way back: drop the schema and run the migrations again; the record has it all'; end $$;
