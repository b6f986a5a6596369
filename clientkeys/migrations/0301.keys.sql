-- The keys that seal words about clients, wrapped. In a database of their own, so that a restore of the record's
-- database brings no destroyed key back. See docs/decisions/009-sealed-fields.md.

-- migrate:up
-- Roles belong to the whole server: another database of it may have made them already.
do $$
begin
    create role throughline_keyholder nologin;
exception when duplicate_object or unique_violation then
    null;
end
$$;

create schema keys;

create table keys.data_keys (
    key_id       uuid        not null primary key,
    owner        text        not null unique,
    kek          text,
    wrapped      bytea,
    made_at      timestamptz not null default now(),
    destroyed_at timestamptz,
    check ((wrapped is null) = (kek is null)),
    check ((wrapped is null) = (destroyed_at is not null))
);

comment on column keys.data_keys.owner is 'A client''s opaque reference; a name that begins with a slash is no client''s.';
comment on column keys.data_keys.kek is 'Which key-encryption key wrapped it.';
comment on column keys.data_keys.destroyed_at is 'Set once and for ever; the owner never gets another key.';

create function keys.refuse() returns trigger
    language plpgsql
    set search_path = keys, pg_temp
as $$
begin
    raise exception '% on keys.data_keys is refused', tg_op
        using errcode = 'TL006', hint = 'A key is destroyed by nulling it; a destroyed one stays as it is.';
end
$$;

create trigger destroyed_for_good before update on keys.data_keys
    for each row when (old.destroyed_at is not null) execute function keys.refuse();
create trigger never_forgotten before delete or truncate on keys.data_keys
    for each statement execute function keys.refuse();

-- Whoever seals and opens words makes keys and reads them; only the owner destroys them or wraps them anew.
grant usage on schema keys to throughline_keyholder;
grant select, insert (key_id, owner, kek, wrapped) on keys.data_keys to throughline_keyholder;

-- migrate:down
do $$ begin raise exception 'there is no way back: without the keys nothing sealed is readable'; end $$;
