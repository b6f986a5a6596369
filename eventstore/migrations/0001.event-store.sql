-- The record: append-only events in one dense global order, and the ledger that makes an append repeatable.
-- Requires PostgreSQL 15 or later. See docs/decisions/002-the-record.md for the reasons.

-- migrate:up
create schema es;

-- One row per event, never changed. Fixed-width columns first.
create table es.events (
    position       bigint      not null primary key check (position > 0),
    version        bigint      not null check (version > 0),
    occurred_at    timestamptz not null,
    recorded_at    timestamptz not null,
    event_id       uuid        not null unique,
    schema_version integer     not null check (schema_version > 0),
    stream         text        not null,
    type           text        not null,
    data           jsonb       not null,
    meta           jsonb       not null,
    unique (stream, version)
);

-- recorded_at rises with position, so a block-range index answers "which position was it at that moment".
create index events_recorded_at on es.events using brin (recorded_at);

comment on column es.events.position is 'Dense over the whole store: 1, 2, 3, ... If p is visible, so is every position below p.';
comment on column es.events.version is 'Dense within the stream, from 1.';
comment on column es.events.occurred_at is 'When it was true, said by the writer.';
comment on column es.events.recorded_at is 'When this database learnt it; never falls as position rises.';

-- One row per append, never changed: which key recorded which events.
create table es.appends (
    first_position bigint      not null primary key,
    last_position  bigint      not null check (last_position >= first_position),
    last_version   bigint      not null check (last_version > 0),
    recorded_at    timestamptz not null,
    closes         boolean     not null,
    stream         text        not null,
    append_key     text        not null,
    digest         bytea       not null,
    unique (stream, append_key)
);

comment on column es.appends.digest is
    'SHA-256 over the ordered type, schema version, data and occurred_at of the events, and whether the stream was closed.';

-- One row per stream: its head.
create table es.streams (
    stream    text   not null primary key,
    version   bigint not null check (version > 0),
    closed_at timestamptz
);

create function es.refuse_change() returns trigger
    language plpgsql
    set search_path = es, pg_temp
as $$
begin
    raise exception '% on es.% is refused: the record is append-only', tg_op, tg_table_name
        using errcode = 'TL004', hint = 'Record a new event that corrects the old one.';
end
$$;

create trigger append_only before update or delete or truncate on es.events
    for each statement execute function es.refuse_change();
create trigger append_only before update or delete or truncate on es.appends
    for each statement execute function es.refuse_change();
create trigger never_forgotten before delete or truncate on es.streams
    for each statement execute function es.refuse_change();

-- True if the key has recorded this content in this stream already; TL002 if it has recorded other content.
create function es.already_recorded(p_stream text, p_key text, p_digest bytea) returns boolean
    language plpgsql volatile
    set search_path = es, pg_temp
as $$
declare
    v_digest bytea;
begin
    select a.digest into v_digest from es.appends a where a.stream = p_stream and a.append_key = p_key;
    if not found then
        return false;
    end if;
    if v_digest <> p_digest then
        raise exception 'this key has recorded other events' using errcode = 'TL002';
    end if;
    return true;
end
$$;

-- TL003 if the stream is closed, TL001 if its version is past p_expected; else its version. The DETAIL is the version.
create function es.open_version(p_stream text, p_expected bigint) returns bigint
    language plpgsql volatile
    set search_path = es, pg_temp
as $$
declare
    v_version bigint;
    v_closed_at timestamptz;
begin
    select s.version, s.closed_at into v_version, v_closed_at from es.streams s where s.stream = p_stream;
    v_version := coalesce(v_version, 0);
    if v_closed_at is not null then
        raise exception 'the stream is closed' using errcode = 'TL003', detail = v_version;
    end if;
    if v_version > p_expected then
        raise exception 'the stream has moved on' using errcode = 'TL001', detail = v_version;
    end if;
    return v_version;
end
$$;

-- The one lock every append holds until its commit. Whoever holds it sees a record that stands still.
create function es.latch() returns bigint
    language sql immutable
return 7305809162814518830;

-- Records events at the end of a stream, or finds that this key has recorded them before.
--
-- p_events is an array of {event_id, type, schema_version, occurred_at, data, meta}. Raises
--   TL001 the stream is not at p_expected     TL003 the stream is closed
--   TL002 the key has recorded other content  TL005 called in another isolation level than read committed
-- 55P03 means that the latch was not free within lock_timeout: nothing was recorded.
--
-- Call it as a transaction of its own: the latch is held until commit, and every other writer waits for it.
create function es.append(
    p_stream text, p_expected bigint, p_key text, p_digest bytea, p_close boolean, p_events jsonb
) returns table (replayed boolean, event es.events)
    language plpgsql volatile
    set search_path = es, pg_temp
    set plan_cache_mode = force_custom_plan
    set lock_timeout = '5s'
as $$
declare
    v_count bigint := jsonb_array_length(p_events);
    v_base bigint;
    v_now timestamptz;
    v_version bigint;
    v_replayed boolean;
begin
    -- An older snapshot would not see what was committed while this append waited for the latch.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'es.append needs read committed' using errcode = 'TL005';
    end if;
    if v_count = 0 then
        raise exception 'es.append needs an event' using errcode = '22023';
    end if;

    -- Without the latch first: keys, closings and versions are never taken back, so these answers stand.
    v_replayed := es.already_recorded(p_stream, p_key, p_digest);
    if not v_replayed then
        perform es.open_version(p_stream, p_expected);
        perform pg_advisory_xact_lock(es.latch());
        v_replayed := es.already_recorded(p_stream, p_key, p_digest);
    end if;
    if v_replayed then
        return query
            select true, e
            from es.appends a
            join es.events e on e.position between a.first_position and a.last_position
            where a.stream = p_stream and a.append_key = p_key
            order by e.position;
        return;
    end if;

    v_version := es.open_version(p_stream, p_expected);
    if v_version <> p_expected then
        raise exception 'the stream is not there yet' using errcode = 'TL001', detail = v_version;
    end if;

    select e.position, e.recorded_at into v_base, v_now from es.events e order by e.position desc limit 1;
    v_base := coalesce(v_base, 0);
    -- The clock may step back; recorded_at must not. (greatest ignores null.)
    v_now := greatest(clock_timestamp(), v_now);

    insert into es.events (position, version, occurred_at, recorded_at, event_id, schema_version,
                           stream, type, data, meta)
    select v_base + n, p_expected + n, (item ->> 'occurred_at')::timestamptz, v_now, (item ->> 'event_id')::uuid,
           (item ->> 'schema_version')::integer, p_stream, item ->> 'type', item -> 'data', item -> 'meta'
    from jsonb_array_elements(p_events) with ordinality as listed (item, n);

    insert into es.appends (first_position, last_position, last_version, recorded_at, closes,
                            stream, append_key, digest)
    values (v_base + 1, v_base + v_count, p_expected + v_count, v_now, p_close, p_stream, p_key, p_digest);

    insert into es.streams as s (stream, version, closed_at)
    values (p_stream, p_expected + v_count, case when p_close then v_now end)
    on conflict on constraint streams_pkey do update set version = excluded.version, closed_at = excluded.closed_at;

    return query
        select false, e from es.events e where e.position > v_base order by e.position;
    perform pg_notify('es_appended', (v_base + v_count)::text);
end
$$;

-- migrate:down
do $$ begin raise exception 'there is no way back: the record is append-only; restore a backup'; end $$;
