-- What the migrations of this database come to, to be read; nothing runs this file.
-- `python -m tests.migrations.schema` writes it. Roles are made by the migrations too: see docs/roles.md.

create schema keys;
grant usage on schema keys to throughline_keyholder;

create table keys.data_keys (
    key_id uuid not null,
    owner text not null,
    kek text,
    wrapped bytea,
    made_at timestamptz default now() not null,
    destroyed_at timestamptz,
    constraint data_keys_check check (((wrapped is null) = (kek is null))),
    constraint data_keys_check1 check (((wrapped is null) = (destroyed_at is not null))),
    constraint data_keys_owner_key unique (owner),
    constraint data_keys_pkey primary key (key_id)
);
comment on column keys.data_keys.owner is 'A client''s opaque reference; a name that begins with a slash is no client''s.';
comment on column keys.data_keys.kek is 'Which key-encryption key wrapped it.';
comment on column keys.data_keys.destroyed_at is 'Set once and for ever; the owner never gets another key.';
create trigger destroyed_for_good before update on keys.data_keys for each row when ((old.destroyed_at is not null)) execute function keys.refuse();
create trigger never_forgotten before delete or truncate on keys.data_keys for each statement execute function keys.refuse();
grant select on table keys.data_keys to throughline_keyholder;
grant insert (key_id, owner, kek, wrapped) on table keys.data_keys to throughline_keyholder;

create function keys.refuse() returns trigger
    language plpgsql
    set search_path to 'keys', 'pg_temp'
    as $$
begin
    raise exception '% on keys.data_keys is refused', tg_op
        using errcode = 'TL006', hint = 'A key is destroyed by nulling it; a destroyed one stays as it is.';
end
$$;

'';
