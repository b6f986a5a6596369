"""Where a journey stands on record beside where Temporal lists it, without asking the journey. Pure."""

from __future__ import annotations

from activities.marks import mark
from eventstore.events import OpenStream
from workflows.record_head import RecordHead


def is_same_end(on_record: OpenStream, listed: RecordHead | None) -> bool:
    """Whether both end at the same event. Under which schema the journey was folded makes no difference.

    An answer of no means nothing yet: the list may be seconds old.
    """
    if listed is None or on_record.event_id is None or on_record.recorded_at is None:
        return False
    return listed.is_at(on_record.version, mark(on_record.event_id, on_record.recorded_at))
