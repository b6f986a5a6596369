-- What makes the record evidence: every row carries a hash of itself and its predecessor, identifying words are sealed,
-- appends are judged and recorded in batches, and each role may do what it is for and nothing else.
-- See docs/decisions/002-the-record.md and 010-tamper-evidence.md. A table that holds events is rewritten once.

-- migrate:up
-- Roles belong to the whole server: another database of it may have made them already.
do $$
declare
    v_role text;
begin
    foreach v_role in array array[
        'throughline_owner', 'throughline_writer', 'throughline_reader', 'throughline_projector', 'throughline_auditor'
    ] loop
        begin
            execute format('create role %I nologin', v_role);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
    begin
        -- Settings of a group do not reach its members, so dashboards log in as this very role.
        create role throughline_dashboards login;
        alter role throughline_dashboards set default_transaction_read_only = on;
        alter role throughline_dashboards set statement_timeout = '15s';
        alter role throughline_dashboards set idle_in_transaction_session_timeout = '30s';
    exception when duplicate_object or unique_violation then
        null;
    end;
    -- From PostgreSQL 16 on, whoever makes a role is a member of it and still may not act as it.
    if not pg_has_role(current_user, 'throughline_owner',
                       case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end) then
        execute format('grant throughline_owner to %I', current_user);
    end if;
end
$$;

drop function es.append(text, bigint, text, bytea, boolean, jsonb);
drop function es.already_recorded(text, text, bytea);
drop function es.open_version(text, bigint);

-- The text that Python writes for the same value: keys in byte order, no spaces.
create function es.canonical(p_value jsonb) returns text
    language plpgsql immutable
    set search_path = es, pg_temp
as $$
begin
    return case jsonb_typeof(p_value)
        when 'object' then '{' || coalesce((
            select string_agg(to_json(key)::text || ':' || es.canonical(value), ',' order by key collate "C")
            from jsonb_each(p_value)), '') || '}'
        when 'array' then '[' || coalesce((
            select string_agg(es.canonical(item), ',' order by n)
            from jsonb_array_elements(p_value) with ordinality as listed (item, n)), '') || ']'
        else p_value::text
    end;
end
$$;

-- The only statement that ever changes rows of the record: it gives old rows what new ones are born with.
alter table es.events disable trigger append_only;

alter table es.events
    alter column data type json using es.canonical(data)::json,
    alter column meta type json using es.canonical(meta)::json,
    add column closes boolean not null default false,
    add column key_id uuid,
    add column sealed bytea,
    add column hash   bytea,
    add constraint sealed_with_a_key check ((sealed is null) = (key_id is null));

drop function es.canonical(jsonb);

comment on column es.events.data is 'Open to every reader. Kept letter for letter as it was written, since it is hashed.';
comment on column es.events.closes is 'Whether the stream takes no more events after this one.';
comment on column es.events.sealed is 'What data leaves out, encrypted with the key of the client it is about.';
comment on column es.events.hash is 'SHA-256 of the hash before it, then es.content of this row. 32 zero bytes come before the first.';

-- What is hashed of a row: fixed widths, so that no two rows read alike. eventstore/chain.py says the same in Python.
create function es.content(
    p_position bigint, p_version bigint, p_occurred_at timestamptz, p_recorded_at timestamptz, p_event_id uuid,
    p_schema_version integer, p_closes boolean, p_stream text, p_type text, p_data text, p_meta text,
    p_key_id uuid, p_sealed bytea
) returns bytea
    language sql stable parallel safe
return int8send(p_position) || int8send(p_version)
    || int8send((extract(epoch from p_occurred_at) * 1000000)::bigint)
    || int8send((extract(epoch from p_recorded_at) * 1000000)::bigint)
    || uuid_send(p_event_id) || int4send(p_schema_version) || boolsend(p_closes)
    || sha256(convert_to(p_stream, 'UTF8')) || sha256(convert_to(p_type, 'UTF8'))
    || sha256(convert_to(p_data, 'UTF8')) || sha256(convert_to(p_meta, 'UTF8'))
    || coalesce(uuid_send(p_key_id) || sha256(p_sealed), ''::bytea);

create function es.link(p_state bytea, p_before_all bytea, p_content bytea) returns bytea
    language sql immutable parallel safe
return sha256(coalesce(p_state, p_before_all) || p_content);

-- Running over rows in order of position: the hash of each row, starting from the hash before them all.
create aggregate es.chain (p_before_all bytea, p_content bytea) (sfunc = es.link, stype = bytea);

create function es.no_hash() returns bytea
    language sql immutable parallel safe
return decode(repeat('00', 32), 'hex');

update es.events e
set hash = chained.hash, closes = chained.closes
from (
    select position, coalesce(a.closes, false) as closes,
           es.chain(es.no_hash(), es.content(position, version, occurred_at, o.recorded_at, event_id, schema_version,
                                             coalesce(a.closes, false), o.stream, type, data::text, meta::text,
                                             key_id, sealed))
               over (order by position) as hash
    from es.events o left join es.appends a on a.last_position = o.position
) chained
where chained.position = e.position;

alter table es.events alter column hash set not null;
alter table es.events enable trigger append_only;

create trigger never_back before update on es.streams
    for each row
    when (new.version <= old.version or old.closed_at is not null or new.stream <> old.stream)
    execute function es.refuse_change();

-- What is asked for and what is known of it before anything is recorded; an outcome of null: it may be recorded.
create function es.judge(p_requests json) returns table (
    number bigint, stream text, append_key text, digest bytea, closes boolean, size bigint,
    outcome text, expected bigint, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz
)
    language sql stable
as $$
    select asked.number, asked.stream, asked.key, decode(asked.digest, 'hex'), asked.close, asked.size,
           case
               when a.digest = decode(asked.digest, 'hex') then 'replayed'
               when a.digest is not null then 'TL002'
               when s.closed_at is not null then 'TL003'
               when coalesce(s.version, 0) <> asked.expected then 'TL001'
           end,
           asked.expected,
           case when a.digest = decode(asked.digest, 'hex') then a.last_version else coalesce(s.version, 0) end,
           a.first_position, a.last_position, a.recorded_at
    from rows from (json_to_recordset(p_requests)
             as (stream text, expected bigint, key text, digest text, close boolean, size bigint)) with ordinality
             as asked (stream, expected, key, digest, close, size, number)
    left join es.streams s on s.stream = asked.stream
    left join es.appends a on a.stream = asked.stream and a.append_key = asked.key
$$;

-- Judges and records a batch of appends, one request for a stream at most, and answers each. p_requests is an array of
--   {stream, expected, key, digest (hex), close, size},
-- p_events the array of their events one after the other, `size` for each request,
--   {event_id, type, schema_version, occurred_at, data, meta, key_id, sealed (hex)},
-- and an answer's outcome is
--   recorded  its events are on record now           TL001  the stream is not at the expected version
--   replayed  the key had recorded the same content  TL002  the key has recorded other content
--                                                    TL003  the stream is closed
-- `version` is that of the request's last event, or the stream's own where it was refused. A refusal concerns its
-- own request alone.
--
-- Raises TL005 in another isolation level than read committed, 22023 where sizes and events do not match, a unique
-- violation for two requests to one stream, and 55P03 if the latch was not free within lock_timeout; then nothing was recorded.
--
-- Its plans are kept for a session and may be made while tables are empty, so they may only look rows up. Before version
-- 18 that makes them look dear to the planner, and so worth compiling, which would take longer than the append.
-- Call it as a transaction of its own: the latch is held until commit, and every other writer waits for it.
create function es.append_many(p_requests json, p_events json) returns table (
    number bigint, outcome text, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz
)
    language plpgsql volatile security definer
    set search_path = es, pg_temp
    set lock_timeout = '5s'
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    set jit = off
as $$
#variable_conflict use_column
declare
    v_base bigint;
    v_hash bytea;
    v_now timestamptz;
    v_last bigint;
begin
    -- An older snapshot would not see what was committed while this append waited for the latch.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'an append needs read committed' using errcode = 'TL005';
    end if;
    if (select sum(size) filter (where size > 0) from json_to_recordset(p_requests) as r (size bigint))
       is distinct from json_array_length(p_events) then
        raise exception 'each request needs an event, and each event a request' using errcode = '22023';
    end if;

    if not pg_try_advisory_xact_lock(es.latch()) then
        begin
            perform set_config('lock_timeout', '50ms', true);
            perform pg_advisory_xact_lock(es.latch());
        exception when lock_not_available then
            -- Some writer is slow. Keys, closings and versions are never taken back: where every answer stands already,
            -- nobody waits for it any longer.
            return query
                with judged as materialized (select * from es.judge(p_requests))
                select number, outcome, version, first_position, last_position, recorded_at from judged
                where not exists (
                    select from judged j where j.outcome is null or (j.outcome = 'TL001' and j.version < j.expected)
                );
            if found then
                return;
            end if;
            perform pg_advisory_xact_lock(es.latch());
        end;
        perform set_config('lock_timeout', '5s', true);
    end if;

    select e.position, e.hash, e.recorded_at into v_base, v_hash, v_now
    from es.events e order by e.position desc limit 1;
    v_base := coalesce(v_base, 0);
    v_hash := coalesce(v_hash, es.no_hash());
    -- The clock may step back; recorded_at must not. (greatest ignores null.)
    v_now := greatest(clock_timestamp(), v_now);

    return query
        with judged as materialized (
            select * from es.judge(p_requests)
        ), accepted as materialized (
            select j.number, j.stream, j.append_key, j.digest, j.closes, j.version, j.skipped, j.size,
                   j.version + j.size as last_version, v_now as recorded_at,
                   (v_base + sum(j.size) over upto - j.size)::bigint as base,
                   (v_base + sum(j.size) over upto)::bigint as last_position
            from (select *, (sum(size) over (order by number) - size)::bigint as skipped from judged) j
            where j.outcome is null
            window upto as (order by j.number)
        ), incoming as materialized (
            select a.base + i.n - a.skipped as position, a.version + i.n - a.skipped as version, a.stream,
                   a.recorded_at, a.closes and i.n = a.skipped + a.size as closes, i.*,
                   decode(i.sealed_hex, 'hex') as sealed
            from rows from (json_to_recordset(p_events)
                     as (type text, schema_version integer, occurred_at timestamptz, event_id uuid, data json,
                         meta json, key_id uuid, sealed text)) with ordinality
                     as i (type, schema_version, occurred_at, event_id, data, meta, key_id, sealed_hex, n)
            join accepted a on i.n > a.skipped and i.n <= a.skipped + a.size
        ), recorded as (
            insert into es.events (position, version, occurred_at, recorded_at, event_id, schema_version, closes,
                                   stream, type, data, meta, key_id, sealed, hash)
            select i.position, i.version, i.occurred_at, i.recorded_at, i.event_id, i.schema_version, i.closes,
                   i.stream, i.type, i.data, i.meta, i.key_id, i.sealed,
                   es.chain(v_hash, es.content(i.position, i.version, i.occurred_at, i.recorded_at, i.event_id,
                                               i.schema_version, i.closes, i.stream, i.type, i.data::text, i.meta::text,
                                               i.key_id, i.sealed)) over (order by i.position)
            from incoming i
        ), ledgered as (
            insert into es.appends (first_position, last_position, last_version, recorded_at, closes,
                                    stream, append_key, digest)
            select a.base + 1, a.last_position, a.last_version, a.recorded_at, a.closes, a.stream, a.append_key, a.digest
            from accepted a
        ), moved as (
            insert into es.streams (stream, version, closed_at)
            select a.stream, a.last_version, case when a.closes then a.recorded_at end
            from accepted a
            on conflict on constraint streams_pkey
                do update set version = excluded.version, closed_at = excluded.closed_at
        )
        select j.number, coalesce(j.outcome, 'recorded'), coalesce(a.last_version, j.version),
               coalesce(a.base + 1, j.first_position), coalesce(a.last_position, j.last_position),
               coalesce(a.recorded_at, j.recorded_at)
        from judged j left join accepted a on a.number = j.number;

    select e.position into v_last from es.events e order by e.position desc limit 1;
    if v_last > v_base then
        perform pg_notify('es_appended', v_last::text);
    end if;
end
$$;

-- One append, for whoever writes in plain SQL. A refusal is raised under its SQLSTATE, with the stream's version as
-- DETAIL.
create function es.append(
    p_stream text, p_expected bigint, p_key text, p_digest bytea, p_close boolean, p_events json
) returns table (
    replayed boolean, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz
)
    language plpgsql volatile security definer
    set search_path = es, pg_temp
as $$
declare
    v_answer record;
begin
    if json_array_length(p_events) = 0 then
        raise exception 'an append needs an event' using errcode = '22023';
    end if;
    select * into v_answer from es.append_many(
        json_build_array(json_build_object(
            'stream', p_stream, 'expected', p_expected, 'key', p_key, 'digest', encode(p_digest, 'hex'),
            'close', p_close, 'size', json_array_length(p_events))),
        p_events);
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

alter schema es owner to throughline_owner;
alter table es.events owner to throughline_owner;
alter table es.appends owner to throughline_owner;
alter table es.streams owner to throughline_owner;
alter function es.refuse_change() owner to throughline_owner;
alter function es.latch() owner to throughline_owner;
alter function es.no_hash() owner to throughline_owner;
alter function es.link(bytea, bytea, bytea) owner to throughline_owner;
alter function es.content(bigint, bigint, timestamptz, timestamptz, uuid, integer, boolean, text, text, text, text, uuid,
                          bytea)
    owner to throughline_owner;
alter aggregate es.chain(bytea, bytea) owner to throughline_owner;
alter function es.judge(json) owner to throughline_owner;
alter function es.append(text, bigint, text, bytea, boolean, json) owner to throughline_owner;
alter function es.append_many(json, json) owner to throughline_owner;

revoke all on all functions in schema es from public;
grant usage on schema es to throughline_writer, throughline_reader, throughline_projector, throughline_auditor;
grant execute on function es.append(text, bigint, text, bytea, boolean, json), es.append_many(json, json)
    to throughline_writer;
grant select on es.events, es.appends, es.streams to throughline_reader, throughline_auditor;
grant select (position, version, occurred_at, recorded_at, event_id, schema_version, closes, stream, type, data, meta)
    on es.events to throughline_projector;
grant select on es.streams to throughline_projector;
grant execute on function es.latch() to throughline_projector;

-- migrate:down
do $$ begin raise exception 'there is no way back: the record is append-only; restore a backup'; end $$;
