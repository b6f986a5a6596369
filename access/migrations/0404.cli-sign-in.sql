-- Codes by which a person who has signed in at the board lets their command line act as them.

-- migrate:up
create table access.cli_codes (
    code_hash  bytea       not null primary key,
    challenge  text        not null,
    person     text        not null,
    offered_at timestamptz not null
);
comment on table access.cli_codes is 'Each is used once, within minutes, by the command that made the challenge.';

grant select, insert, delete on access.cli_codes to throughline_sessions;

-- migrate:down
drop table access.cli_codes;
