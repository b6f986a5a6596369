"""The limits of one installation: listeners, intake, workers and read models, each with its unit.

Numbers of the clinic (how soon a review is due, say) are not here: they stand in the centre's policies. How often the
record is compared is held by Temporal for all workers at once: the last that starts says it, so give all the same.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


def _limit(default: float, unit: str, description: str, *, least: float = 1, most: float | None = None) -> Any:
    return Field(default=default, description=description, json_schema_extra={"unit": unit}, ge=least, le=most)


def _seconds(default: float, description: str, *, least: float = 0.1) -> Any:
    return _limit(default, "seconds", description, least=least)


def _connections(default: int, description: str, *, least: int = 1) -> Any:
    return _limit(default, "connections", description, least=least)


def _bytes(default: int, description: str) -> Any:
    return _limit(default, "bytes", description, least=1024)


class Limits(BaseModel):
    """Limits with their defaults. Times are elapsed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_connections_per_peer: int = _connections(50, "Most open at once from one address, per listener of intake.")
    keepalive_idle_seconds: int = _limit(60, "seconds", "Silence before TCP probes whether a peer is still there.")
    keepalive_interval_seconds: int = _limit(15, "seconds", "Between two such probes.")
    keepalive_probes: int = _limit(4, "probes", "Without an answer, after which a connection counts as lost.")

    mllp_max_bytes: int = _bytes(5 * 1024 * 1024, "The longest HL7 message over MLLP.")
    mllp_max_connections: int = _connections(100, "Most open at once over MLLP; a new one replaces the idlest.")
    mllp_idle_seconds: float = _seconds(3600.0, "From the end of one message to the first byte of the next.")
    mllp_message_seconds: float = _seconds(30.0, "From a message's first byte to its last.")
    mllp_handling_seconds: float = _seconds(60.0, "From a message's last byte to its answer.")
    mllp_write_seconds: float = _seconds(30.0, "For the peer to take an answer.")

    http_max_bytes: int = _bytes(5 * 1024 * 1024, "The longest body over HTTP.")
    http_max_connections: int = _connections(100, "Most open at once over HTTP; a new one replaces the idlest.")
    http_idle_seconds: int = _limit(5, "seconds", "From an answer to the first byte of the next request.")
    http_head_seconds: float = _seconds(10.0, "From a request's first byte to the end of its head.")
    http_body_seconds: float = _seconds(30.0, "From the end of a request's head to the end of its body.")
    http_handling_seconds: float = _seconds(60.0, "From the end of a request to its answer.")
    http_write_seconds: float = _seconds(30.0, "For the peer to take an answer.")

    intake_receiving_connections: int = _connections(8, "To the database, to store messages.", least=2)
    intake_openings_at_once: int = _limit(16, "messages", "Handled at once for clients without an open journey.")
    intake_openings_seconds: float = _seconds(10.0, "After which such a message is postponed and tried again.")
    intake_openings_connections: int = _connections(8, "To the database, for such messages.", least=2)
    intake_journeys_at_once: int = _limit(8, "messages", "Handled at once for clients with an open journey.")
    intake_journeys_seconds: float = _seconds(20.0, "After which such a message is postponed and tried again.")
    intake_journeys_connections: int = _connections(4, "To the database, for such messages.", least=2)
    intake_slow_seconds: float = _seconds(2.0, "After which a message waits on and gives its place to another.")
    intake_slow_messages: int = _limit(1_000, "messages", "That may wait on in this way, of each kind.")
    intake_connection_seconds: float = _seconds(10.0, "For a free connection of intake to the database.")
    intake_poll_seconds: float = _seconds(1.0, "Between looks at the inbox when nothing has rung.")
    intake_park_hours: float = _limit(72.0, "hours", "That a message waits for the one it belongs to.", least=0.1)
    intake_first_delay_seconds: float = _seconds(1.0, "Before a message that failed is tried again; then doubled.")
    intake_longest_delay_seconds: float = _seconds(60.0, "The most that this delay grows to.")
    intake_attempts: int = _limit(10, "attempts", "After which a message that fails by our own fault is quarantined.")
    intake_lease_seconds: float = _seconds(30.0, "How long a message stays claimed by an intake that died.")

    worker_cached_journeys: int = _limit(2_000, "journeys", "Kept in a worker's memory between two tasks.", least=0)
    worker_journeys_at_once: int = _limit(100, "tasks", "Of journeys, and writes to the record, at once.", least=2)
    worker_fewest_calls: int = _limit(4, "calls", "To systems at once on a busy machine; to staff, five times as many.")
    worker_most_calls: int = _limit(500, "calls", "To systems at once at most, and as many to staff.")
    worker_cpu: float = _limit(0.8, "share", "Of the processors, above which no call is added.", least=0.05, most=1)
    worker_memory: float = _limit(0.95, "share", "Of memory in use, above which no call is added.", least=0.05, most=1)
    worker_stopping_seconds: float = _seconds(10.0, "For a worker to finish its tasks when it is told to stop.")
    worker_directory_connections: int = _connections(12, "Of a worker, to look up clients.", least=2)

    record_connections: int = _connections(8, "Of one worker or intake, to the record.")
    keys_connections: int = _connections(4, "Of one worker or intake, to the keys.")

    reconcile_minutes: float = _limit(10.0, "minutes", "Between two comparisons of record and journeys.", least=1)
    reconcile_asked_within_hours: float = _limit(
        24.0, "hours", "In which each open journey is asked for its state at least once.", least=1, most=24 * 7
    )
    reconcile_fewest_asked: int = _limit(50, "journeys", "Asked for their state in one comparison, if there are some.")

    projector_page_events: int = _limit(2_000, "events", "Taken into the read models in one transaction.")
    projector_poll_seconds: float = _seconds(1.0, "Between checks of the record without a notification.")
    dashboard_patience_seconds: float = _seconds(2.0, "How long a list waits for the projector to catch up.")
    dashboard_folded_events: int = _limit(20_000, "events", "That a list reads itself if the projector is behind.")

    board_connections: int = _connections(8, "Of one board to the database.", least=2)
    board_idle_minutes: float = _limit(
        15.0, "minutes", "Without use, after which a sign-in ends.", least=1, most=24 * 60
    )
    board_session_hours: float = _limit(12.0, "hours", "After which every sign-in ends.", least=0.1, most=24 * 7)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if max(self.intake_openings_seconds, self.intake_journeys_seconds) >= self.intake_lease_seconds:
            raise ValueError(
                "THROUGHLINE_INTAKE_LEASE_SECONDS must be longer than THROUGHLINE_INTAKE_OPENINGS_SECONDS and "
                "THROUGHLINE_INTAKE_JOURNEYS_SECONDS: a claim in use must not lapse"
            )
        if self.reconcile_minutes > self.reconcile_asked_within_hours * 60:
            raise ValueError(
                "THROUGHLINE_RECONCILE_MINUTES must not be longer than THROUGHLINE_RECONCILE_ASKED_WITHIN_HOURS: a "
                "journey is asked by a comparison"
            )
        if self.worker_fewest_calls > self.worker_most_calls:
            raise ValueError("THROUGHLINE_WORKER_FEWEST_CALLS must not be above THROUGHLINE_WORKER_MOST_CALLS")
        return self
