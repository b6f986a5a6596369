-- The clients whose messages wait to be handled: one row each, so that the next one is found at the same cost however
-- many messages wait, and one client's messages are never handled side by side.

-- migrate:up
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

INSERT INTO intake.queue (client_ref, lane, due_at)
    SELECT DISTINCT client_ref, 'openings', now() FROM intake.messages
    WHERE state = 'received' AND client_ref IS NOT NULL;

-- The index by which single messages were claimed.
DROP INDEX intake.messages_due;
COMMENT ON COLUMN intake.messages.next_attempt_at IS 'Not used any more: see intake.queue';

CREATE INDEX messages_parked_at ON intake.messages (parked_at) WHERE state = 'parked';

-- Leaving the queue is the one thing that intake deletes.
GRANT DELETE ON intake.queue TO throughline_intake_service;

-- migrate:down
do $$ begin raise exception 'there is no way back: relays of this release claim by it; restore a backup'; end $$;
