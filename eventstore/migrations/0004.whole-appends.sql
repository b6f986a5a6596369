-- Each append of a batch brings its own events, so none can be counted to another, and what is asked of a batch that
-- nothing speaks against is asked once and recorded in one plain statement. See docs/decisions/002-the-record.md.

-- migrate:up
drop function es.append_many(json, json);
drop function es.judge(json);

-- The same as before. In SQL each call is a statement of its own, which takes several times as long.
create or replace function es.link(p_state bytea, p_before_all bytea, p_content bytea) returns bytea
    language plpgsql immutable parallel safe
as $$
begin
    return sha256(coalesce(p_state, p_before_all) || p_content);
end
$$;

-- An event's id is made of its stream, its append's key and its place in it, and a key is unique in its stream: no two are
-- alike, and `throughline events verify` makes sure of it. Nobody looks an event up by its id, and an index over values
-- without any order is the dearest of all to keep.
alter table es.events drop constraint events_event_id_key;

-- What is known of each append before anything is recorded; an outcome of null: it may be recorded.
create function es.judge(p_appends json) returns table (
    stream text, outcome text, expected bigint, version bigint,
    first_position bigint, last_position bigint, recorded_at timestamptz
)
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

-- Judges and records a batch of appends, one to a stream at most, and answers each, in no order. p_appends is an array of
--   {stream, expected, key, digest (hex), close, events},
-- events the array of what the append records, one or more,
--   {event_id, type, schema_version, occurred_at, data, meta, key_id, sealed (hex)},
-- and an answer's outcome is
--   recorded  its events are on record now           TL001  the stream is not at the expected version
--   replayed  the key had recorded the same content  TL002  the key has recorded other content
--                                                    TL003  the stream is closed
-- `version` is that of the append's last event, or the stream's own where it was refused. A refusal concerns its
-- own append alone.
--
-- Raises TL005 in another isolation level than read committed, 25006 where nothing may be written, a not-null violation
-- for an append without an event, 21000 or a unique violation for two appends to one stream, and 55P03 if the latch was
-- not free within lock_timeout; then nothing was recorded.
--
-- Its plans are kept for a session and may be made while tables are empty, so they may only look rows up. Before version
-- 18 that makes them look dear to the planner, and so worth compiling, which would take longer than the append.
-- Call it as a transaction of its own: the latch is held until commit, and every other writer waits for it.
create function es.append_many(p_appends json) returns table (
    stream text, outcome text, version bigint, first_position bigint, last_position bigint, recorded_at timestamptz
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

-- One append, for whoever writes in plain SQL. A refusal is raised under its SQLSTATE, with the stream's version as
-- DETAIL.
create or replace function es.append(
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

alter function es.judge(json) owner to throughline_owner;
alter function es.append_many(json) owner to throughline_owner;
revoke all on function es.judge(json), es.append_many(json) from public;
grant execute on function es.append_many(json) to throughline_writer;

-- migrate:down
do $$ begin raise exception 'there is no way back: the record is append-only; restore a backup'; end $$;
