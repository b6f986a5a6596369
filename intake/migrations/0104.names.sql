-- By what a client is found: keyed hashes of the words of their name and of their record number. See docs/intake.md.

-- migrate:up
create table intake.search_words (
    word_hash  bytea not null,
    client_ref uuid  not null references intake.clients,
    primary key (client_ref, word_hash)
);
create index on intake.search_words (word_hash);
comment on table intake.search_words is
    'Can be filled anew by throughline client index, so that no backup needs it. Deleted when the client''s key is destroyed.';
comment on column intake.search_words.word_hash is
    'Keyed hash of a word of the name, alone and with the birth date, or of the record number without its issuer';
grant delete on intake.search_words to throughline_intake_service;

-- Roles belong to the whole server: another database of it may have made it already.
do $$
begin
    create role throughline_finder nologin;
exception when duplicate_object or unique_violation then
    null;
end
$$;

-- Whoever looks for a client learns which journeys are theirs, and opens what is sealed with the client's key.
grant usage on schema intake to throughline_finder;
grant select on intake.search_words to throughline_finder;
grant select (client_ref, sealed, key_id) on intake.clients to throughline_finder;
grant select (journey_id, client_ref, site, opened_at) on intake.journeys to throughline_finder;

-- migrate:down
do $$ begin raise exception 'there is no way back: the board finds clients by it; restore a backup'; end $$;
