-- Codes by which a person who has signed in at the board lets their command line act as them.

-- migrate:up
create table access.cli_codes (
    code_hash  bytea       not null primary key,
    challenge  text        not null,
    person     text        not null,
    offered_at timestamptz not null,
    ends_at    timestamptz not null
);
comment on column access.cli_codes.ends_at is 'The end of the session in which the code was shown: the new one ends then too.';
comment on table access.cli_codes is 'Each is used once, within minutes, by the command that made the challenge.';

grant select, insert, delete on access.cli_codes to throughline_sessions;

-- migrate:down
drop table access.cli_codes;
