-- Who looked at whom: one row for each page, export or search that showed something about a client. Only ever added to.

-- migrate:up
create table access.audit (
    number     bigint      generated always as identity primary key,
    at         timestamptz not null,
    person     text        not null,
    did        text        not null,
    journey_id text,
    about      text        not null default '',
    constraint audit_did_check check (did ~ '^[a-z][a-z-]{0,40}$'),
    constraint audit_about_check check (length(about) <= 400)
);
create index on access.audit (journey_id, at);
create index on access.audit (person, at);
comment on column access.audit.person is 'Opaque staff id.';
comment on column access.audit.about is 'Codes only: which part of a page, which filter of an export. Never what was searched for.';

create function access.audit_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'the audit only grows' using errcode = '42501';
end
$$;
create trigger audit_only_grows before update or delete or truncate on access.audit
    for each statement execute function access.audit_only_grows();

grant select, insert on access.audit to throughline_sessions;

-- migrate:down
do $$ begin raise exception 'there is no way back: the audit is kept; restore a backup'; end $$;
