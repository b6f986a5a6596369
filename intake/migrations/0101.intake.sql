-- Intake: what was received, what could not be used, who the clients are, and which journey is theirs.

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
    raw              bytea NOT NULL,
    received_at      timestamptz NOT NULL,
    event            text NOT NULL,
    authority        text NOT NULL,
    mrn              text NOT NULL,
    visit            text NOT NULL,
    verdict          text NOT NULL CHECK (verdict IN ('accept', 'error', 'reject')),
    ack              bytea,
    warnings         text[] NOT NULL DEFAULT '{}',
    state            text NOT NULL CHECK (state IN ('received', 'done', 'ignored', 'parked', 'quarantined')),
    reason_code      text,
    reason           text,
    attempts         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz NOT NULL DEFAULT now(),
    parked_at        timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT now(),
    journey_id       uuid,
    site             text,
    UNIQUE (listener, sending_app, sending_facility, control_id, sha256)
);
COMMENT ON COLUMN intake.messages.business_sha256 IS
    'Same for one event sent again under another control id';
COMMENT ON COLUMN intake.messages.site IS 'The site that a person named, where the message did not tell it';
COMMENT ON COLUMN intake.messages.ack IS 'Replayed byte for byte to a sender that repeats itself; null: none wanted';

CREATE INDEX messages_waiting ON intake.messages (authority, mrn, received_id) WHERE state = 'received';
CREATE INDEX messages_due ON intake.messages (received_id) WHERE state = 'received';
CREATE INDEX messages_parked ON intake.messages (authority, mrn) WHERE state = 'parked';
CREATE INDEX messages_business ON intake.messages (business_sha256);

CREATE TABLE intake.quarantine (
    quarantine_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_id    bigint UNIQUE REFERENCES intake.messages,
    listener       text NOT NULL,
    sha256         bytea NOT NULL,
    raw            bytea NOT NULL,
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
    authority      text NOT NULL,
    mrn            text NOT NULL,
    family_name    text NOT NULL DEFAULT '',
    given_name     text NOT NULL DEFAULT '',
    birth_date     date,
    sex            text,
    member_id      text,
    payer_id       text,
    identity_as_of timestamptz NOT NULL,
    UNIQUE (authority, mrn)
);

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
COMMENT ON COLUMN intake.journeys.started_at IS 'When the journey gate confirmed it; null: to be opened (again)';

CREATE UNIQUE INDEX one_open_journey ON intake.journeys (client_ref) WHERE closed_at IS NULL;

-- migrate:down
do $$ begin raise exception 'there is no way back: what was received is kept; restore a backup'; end $$;
