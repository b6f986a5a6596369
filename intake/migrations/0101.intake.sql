-- Intake: what was received, what could not be used, who the clients are, and which journey is theirs.
-- Who clients are is sealed under each client's own key, and found by keyed hashes of record numbers:
-- docs/decisions/009-sealed-fields.md.

-- migrate:up
CREATE SCHEMA IF NOT EXISTS intake;

CREATE TABLE intake.messages (
    received_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id       uuid NOT NULL UNIQUE,
    listener         text NOT NULL,
    sending_app      text NOT NULL,
    sending_facility text NOT NULL,
    control_id       text NOT NULL,
    sha256           bytea NOT NULL,
    business_sha256  bytea NOT NULL,
    content_type     text NOT NULL,
    sealed           bytea,
    key_id           uuid,
    client_ref       uuid,
    received_at      timestamptz NOT NULL,
    event            text NOT NULL,
    visit            text NOT NULL,
    verdict          text NOT NULL CHECK (verdict IN ('accept', 'error', 'reject')),
    ack              bytea,
    warnings         text[] NOT NULL DEFAULT '{}',
    state            text NOT NULL CHECK (state IN ('received', 'done', 'ignored', 'parked', 'quarantined')),
    reason_code      text,
    reason           text,
    attempts         integer NOT NULL DEFAULT 0,
    parked_at        timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT now(),
    journey_id       uuid,
    site             text,
    UNIQUE (listener, sending_app, sending_facility, control_id, sha256)
);
COMMENT ON COLUMN intake.messages.sealed IS 'The message, encrypted with the client''s key; null once erased';
COMMENT ON COLUMN intake.messages.sha256 IS 'Keyed hash of the SHA-256 of the message';
COMMENT ON COLUMN intake.messages.business_sha256 IS 'Keyed hash, the same for one event sent again under another control id';
COMMENT ON COLUMN intake.messages.visit IS 'Keyed hash of the visit number; empty if none was said';
COMMENT ON COLUMN intake.messages.site IS 'The site that a person named, where the message did not tell it';
COMMENT ON COLUMN intake.messages.ack IS 'Replayed byte for byte to a sender that repeats itself; null: none wanted';

CREATE INDEX messages_waiting ON intake.messages (client_ref, received_id) WHERE state = 'received';
CREATE INDEX messages_parked ON intake.messages (client_ref) WHERE state = 'parked';
CREATE INDEX messages_parked_at ON intake.messages (parked_at) WHERE state = 'parked';
CREATE INDEX messages_of_client ON intake.messages (client_ref);
CREATE INDEX messages_business ON intake.messages (business_sha256);

CREATE TABLE intake.quarantine (
    quarantine_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_id    bigint UNIQUE REFERENCES intake.messages,
    listener       text NOT NULL,
    sha256         bytea NOT NULL,
    sealed         bytea,
    key_id         uuid,
    reason_code    text NOT NULL,
    reason         text NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at   timestamptz NOT NULL DEFAULT now(),
    times          integer NOT NULL DEFAULT 1,
    released_at    timestamptz,
    released_by    text
);
COMMENT ON COLUMN intake.quarantine.released_by IS 'Staff id of who let the message go on; null while it waits';
CREATE UNIQUE INDEX quarantine_unreadable ON intake.quarantine (listener, sha256, reason_code)
    WHERE received_id IS NULL;

CREATE TABLE intake.clients (
    client_ref     uuid PRIMARY KEY,
    identity_as_of timestamptz NOT NULL,
    sealed         bytea,
    key_id         uuid,
    erased_at      timestamptz
);
COMMENT ON COLUMN intake.clients.sealed IS 'The person, as JSON, encrypted with the client''s key; null once erased';

-- Whom a sender's record number means. Deleted when the client's key is destroyed: whoever comes back is a new client.
CREATE TABLE intake.known (
    number_hash bytea PRIMARY KEY,
    client_ref  uuid  NOT NULL UNIQUE
);
COMMENT ON COLUMN intake.known.number_hash IS 'Keyed hash of authority and record number';

CREATE TABLE intake.journeys (
    journey_id  uuid PRIMARY KEY,
    client_ref  uuid NOT NULL REFERENCES intake.clients,
    opened_by   uuid NOT NULL UNIQUE,
    site        text NOT NULL,
    visit       text NOT NULL DEFAULT '',
    admitted_at timestamptz NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    closed_at   timestamptz
);
COMMENT ON COLUMN intake.journeys.visit IS 'Keyed hash of the visit number; empty if none was said';
COMMENT ON COLUMN intake.journeys.started_at IS 'When the journey gate confirmed it; null: to be opened (again)';

CREATE UNIQUE INDEX one_open_journey ON intake.journeys (client_ref) WHERE closed_at IS NULL;

-- The clients whose messages wait to be handled: one row each, so that the next one is found at the same cost however
-- many messages wait, and one client's messages are never handled side by side.
CREATE TABLE intake.queue (
    client_ref uuid PRIMARY KEY,
    lane       text NOT NULL CHECK (lane IN ('openings', 'journeys')),
    due_at     timestamptz NOT NULL,
    claim_id   uuid
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON COLUMN intake.queue.lane IS
    'openings: the client has no confirmed open journey. journeys: the client has one, which may not answer';
COMMENT ON COLUMN intake.queue.due_at IS 'When the earliest message may be tried; while claimed, when the claim lapses';
COMMENT ON COLUMN intake.queue.claim_id IS 'Who handles the earliest message now; only they may write what becomes of it';
CREATE INDEX queue_due ON intake.queue (lane, due_at);

-- migrate:down
do $$ begin raise exception 'there is no way back: what was received is kept; restore a backup'; end $$;
