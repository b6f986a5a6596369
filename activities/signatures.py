"""What a workflow may ask an activity: names, requests and answers. Adapters and SQL stay out of its sight."""

from __future__ import annotations

from domain.pathway import Event
from domain.pathway.calls import Answer
from domain.values import Value

RECORD = "record-events"
LOOK = "look-into-record"
CHECK_BENEFITS = "check-benefits"
SYNC_EHR = "sync-ehr"
HOLD_PLACE = "hold-place"
RELEASE_PLACE = "release-place"
NOTIFY = "notify"
RECONCILE = "reconcile"
SIGN_HEAD = "sign-head"

RECORD_UNREACHABLE = "record-unreachable"
"""Error type: the record's database does not answer, or takes nothing now."""


KEYS_UNREACHABLE = "keys-unreachable"
"""Error type: the database of the clients' keys does not answer."""


RECORD_SCHEMA = "record-schema-missing"
"""Error type: the record's tables are missing or old, or the worker's role may not use them."""


KEYS_SCHEMA = "keys-schema-missing"
"""Error type: the same for the table of the clients' keys."""


WRONG_KEK = "wrong-key-encryption-key"
"""Error type: the client's key was wrapped by a key-encryption key that the worker's file does not hold."""


KEY_UNUSABLE = "key-unusable"
"""Error type: the client's key is missing or was changed, but was not destroyed."""


RECORD_REFUSED = "record-refused"
"""Error type: the record's database answers and does not take these events."""


UNEXPECTED = "unexpected-error"
"""Error type: an error that was not foreseen; a fault of this release."""


AHEAD_OF_RECORD = "ahead-of-record"
"""Error type: the workflow knows events the record lacks. Nobody decides any further until a person has looked."""


RECORD_CLOSED = "record-closed"
"""Error type: the stream takes no more events although the journey is not over."""


NOT_RECORDABLE = "not-recordable"
"""Error type: the events hold what no record keeps; a fault of this release."""


KEY_DESTROYED = "key-destroyed"
"""Error type: the client's key was destroyed and the journey still has words to record."""


UNREADABLE = "unreadable-record"
"""Error type: the record holds an event that this release cannot read, or sealed words that cannot be opened."""


DIFFERS_FROM_RECORD = "differs-from-record"
"""Why a journey stands still: the record tells another story of the events that it has folded."""


NOT_SIGNED = "not-signed"
"""Error type: the head of the record cannot be signed or kept with the key and the file that were given."""


class RecordRequest(Value):
    """Events to record as the outcome of one command.

    Attributes:
        stream: The journey.
        expected_version: What the workflow has folded so far.
        key: The command's id; a retry, reset or rebuilt cluster uses the same.
        close: Whether these are the journey's last events.
        client_ref: The client whose words are in the events.
        keys_are_away: Whether the database of the keys did not answer a moment ago. Events that need the client's key
            are then not recorded, and nothing is waited for.
    """

    stream: str
    expected_version: int
    key: str
    events: tuple[Event, ...]
    close: bool = False
    client_ref: str = ""
    keys_are_away: bool = False


class Recorded(Value):
    """What the record holds after the expected version.

    Attributes:
        events: To be folded, whoever wrote them.
        as_asked: False if the record held something else: fold it and decide again.
    """

    events: tuple[Event, ...]
    as_asked: bool


class LookRequest(Value):
    """What does the record hold beyond the `version` events that the workflow has folded?"""

    stream: str
    version: int


class Looked(Value):
    """What the record holds.

    Attributes:
        version: How many events; less than asked about if the record has lost some.
        closed: Whether it takes no more.
        fingerprint: Of the state after as many of them as the workflow has folded.
        events: The ones after that.
    """

    version: int
    closed: bool
    fingerprint: str
    events: tuple[Event, ...]


class HeadSigned(Value):
    """Which event's hash was signed; None: nothing is on record, or no key was given."""

    position: int | None


class Reconciled(Value):
    """What one scheduled comparison came to: how many differences of each kind, how many of them it set right."""

    journeys: int
    found: dict[str, int]
    mended: int
    paged: bool


class ReleaseRequest(Value):
    """Give back what is held under `key`."""

    key: str
    journey_id: str


class Answered(Value):
    """A clinic system's answer, ready to become a command."""

    answer: Answer
