-- Who is signed in. A session's token is kept as its SHA-256 only: what is read here opens no session.

-- migrate:up
do $$
begin
    create role throughline_sessions nologin;
exception when duplicate_object or unique_violation then
    null; -- roles belong to the whole server: another database of it may have made it already
end
$$;

create schema access;
grant usage on schema access to throughline_sessions;

create table access.sign_ins (
    state_hash bytea       not null primary key,
    verifier   text        not null,
    nonce      text        not null,
    return_to  text        not null,
    began_at   timestamptz not null
);
comment on table access.sign_ins is 'Sign-ins that have begun and not come back from the provider.';
comment on column access.sign_ins.verifier is 'The PKCE code verifier (RFC 7636).';
comment on column access.sign_ins.return_to is 'The path of the page that was asked for.';

create table access.sessions (
    token_hash   bytea       not null primary key,
    person       text        not null,
    used_for     text        not null,
    began_at     timestamptz not null,
    last_used_at timestamptz not null,
    ends_at      timestamptz not null,
    ended_at     timestamptz,
    constraint sessions_used_for_check check (used_for in ('board', 'cli'))
);
create index on access.sessions (person) where ended_at is null;
comment on column access.sessions.person is 'Opaque staff id. Roles and sites are looked up in the list of staff each time.';
comment on column access.sessions.ends_at is 'The absolute end; a session without use ends sooner.';

grant select, insert, update on access.sessions to throughline_sessions;
grant select, insert, delete on access.sign_ins to throughline_sessions;

-- migrate:down
drop schema access cascade;
