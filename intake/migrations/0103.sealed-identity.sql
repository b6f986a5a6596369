-- Who clients are is sealed under each client's own key, and found by keyed hashes of record numbers.
-- What older releases kept in plain text is sealed by intake/conversion.py as soon as intake starts; key_id is null
-- until then. See docs/decisions/009-sealed-fields.md.

-- migrate:up
-- Whom a sender's record number means. Deleted when the client's key is destroyed: whoever comes back is a new client.
CREATE TABLE intake.known (
    number_hash bytea PRIMARY KEY,
    client_ref  uuid  NOT NULL UNIQUE
);
COMMENT ON COLUMN intake.known.number_hash IS 'Keyed hash of authority and record number';

ALTER TABLE intake.clients
    ALTER COLUMN authority DROP NOT NULL,
    ALTER COLUMN mrn DROP NOT NULL,
    ALTER COLUMN family_name DROP NOT NULL,
    ALTER COLUMN family_name DROP DEFAULT,
    ALTER COLUMN given_name DROP NOT NULL,
    ALTER COLUMN given_name DROP DEFAULT,
    ADD COLUMN sealed bytea,
    ADD COLUMN key_id uuid,
    ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN intake.clients.sealed IS 'The person, as JSON, encrypted with the client''s key; null once erased';

ALTER TABLE intake.messages RENAME COLUMN raw TO sealed;
ALTER TABLE intake.messages
    ALTER COLUMN sealed DROP NOT NULL,
    ALTER COLUMN authority DROP NOT NULL,
    ALTER COLUMN mrn DROP NOT NULL,
    ADD COLUMN key_id uuid,
    ADD COLUMN client_ref uuid;
COMMENT ON COLUMN intake.messages.sealed IS 'The message, encrypted with the client''s key; null once erased';
COMMENT ON COLUMN intake.messages.sha256 IS 'Keyed hash of the SHA-256 of the message';
COMMENT ON COLUMN intake.messages.business_sha256 IS 'Keyed hash, the same for one event sent again under another control id';
COMMENT ON COLUMN intake.messages.visit IS 'Keyed hash of the visit number; empty if none was said';

ALTER TABLE intake.quarantine RENAME COLUMN raw TO sealed;
ALTER TABLE intake.quarantine
    ALTER COLUMN sealed DROP NOT NULL,
    ADD COLUMN key_id uuid;
COMMENT ON COLUMN intake.journeys.visit IS 'Keyed hash of the visit number; empty if none was said';

DROP INDEX intake.messages_waiting, intake.messages_parked;
CREATE INDEX messages_waiting ON intake.messages (client_ref, received_id) WHERE state = 'received';
CREATE INDEX messages_parked ON intake.messages (client_ref) WHERE state = 'parked';
CREATE INDEX messages_of_client ON intake.messages (client_ref);
CREATE INDEX messages_plain ON intake.messages (received_id) WHERE key_id IS NULL AND sealed IS NOT NULL;
CREATE INDEX quarantine_plain ON intake.quarantine (quarantine_id) WHERE key_id IS NULL AND sealed IS NOT NULL;

-- migrate:down
do $$ begin raise exception 'there is no way back: what was sealed stays sealed; restore a backup'; end $$;
