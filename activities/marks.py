"""What tells one recorded event from any other, short enough to be shown: the journey and the record can compare it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from eventstore.events import StoredEvent

_DIGITS = 16


def mark(event_id: UUID, recorded_at: datetime) -> str:
    """Another one for each recording: also for the same event under the same key, recorded again after a restore.

    It says nothing of what the event holds.
    """
    text = f"{event_id} {recorded_at.astimezone(UTC).isoformat(timespec='microseconds')}"
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def mark_of_last(events: Sequence[StoredEvent]) -> str:
    """The mark of the last of `events`; empty if there is none."""
    return mark(events[-1].event_id, events[-1].recorded_at) if events else ""
