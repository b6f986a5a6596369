"""The activities that a workflow may call: names, requests and answers. It does not see adapters or SQL."""

from __future__ import annotations

from domain.authorship import Authorship
from domain.comparing import Fingerprint
from domain.pathway import Event
from domain.pathway.calls import Answer
from domain.refusal import Refusal
from domain.values import Instant, Value

RECORD = "record-events"
CHECK_RECORD = "check-record"
CHECK_BENEFITS = "check-benefits"
SYNC_EHR = "sync-ehr"
HOLD_PLACE = "hold-place"
RELEASE_PLACE = "release-place"
NOTIFY = "notify"
RECONCILE = "reconcile"
SIGN_HEAD = "sign-head"
NEXT_OPENING = "next-opening"
SEND_DIGESTS = "send-digests"

SITE_UNKNOWN = "site-unknown"
"""Error type: the centre has no such site, or no longer."""

RECORD_UNREACHABLE = "record-unreachable"
"""Error type: the record's database does not answer, or accepts nothing now."""


KEYS_UNREACHABLE = "keys-unreachable"
"""Error type: the database of the clients' keys does not answer."""


RECORD_SCHEMA = "record-schema-missing"
"""Error type: the record's tables are missing or old, or the worker's role may not use them."""


KEYS_SCHEMA = "keys-schema-missing"
"""Error type: the table of the clients' keys is missing or old, or the worker's role may not use it."""


WRONG_KEK = "wrong-key-encryption-key"
"""Error type: the client's key was wrapped by a key-encryption key that is not in the worker's file."""


KEY_UNUSABLE = "key-unusable"
"""Error type: the client's key is missing or was changed, but was not destroyed."""


RECORD_REFUSED = "record-refused"
"""Error type: the record's database answers but refuses these events."""


UNEXPECTED = "unexpected-error"
"""Error type: an unexpected error; a bug in this release."""


AHEAD_OF_RECORD = "ahead-of-record"
"""Error type: the workflow knows events that the record lacks. No decisions are taken until a person has checked."""


RECORD_CLOSED = "record-closed"
"""Error type: the stream takes no more events although the journey is not over."""


NOT_RECORDABLE = "not-recordable"
"""Error type: the events have content that the record cannot store; a bug in this release."""


KEY_DESTROYED = "key-destroyed"
"""Error type: the client's key was destroyed, and the journey still has text to record."""


UNREADABLE = "unreadable-record"
"""Error type: the record holds an event that this release cannot read, or sealed text that cannot be opened."""


DIFFERS_FROM_RECORD = "differs-from-record"
"""Why a journey stands still: the record's events contradict those that it has folded."""


NOT_SIGNED = "not-signed"
"""Error type: the head of the record cannot be signed with the given key or written to the given file."""


class RecordRequest(Value):
    """Events to record as the outcome of one command.

    Attributes:
        stream: The journey.
        expected_version: How many events the workflow has folded so far.
        key: The command's id; a retry, reset or rebuilt cluster uses the same.
        close: Whether these are the journey's last events.
        client_ref: The client whose words are in the events.
        keys_are_away: Whether the keys' database did not answer a moment ago. Events that need the client's key then
            fail at once.
        authorship: Who is said to have given the command, to be checked. None for what the journey gives itself: its
            opening, a deadline that has come, the answer to a call.
    """

    stream: str
    expected_version: int
    key: str
    events: tuple[Event, ...]
    close: bool = False
    client_ref: str = ""
    keys_are_away: bool = False
    authorship: Authorship | None = None


class Recorded(Value):
    """What the record holds after the expected version.

    Attributes:
        events: The events to fold, even if another writer recorded them.
        as_asked: False if the record held something else: fold it and decide again.
        mark: Of the last of these events; see `activities.marks`. Empty if there is none, or a release before marks
            answered.
        refusal: Why the command was not believed to be from whom it names. Then nothing was recorded.
    """

    events: tuple[Event, ...]
    as_asked: bool
    mark: str = ""
    refusal: Refusal | None = None


class CheckRequest(Value):
    """Asks what the record holds after the first `after` events.

    Attributes:
        known: The workflow's state, to compare with a fold of the record. None: compare nothing.
    """

    stream: str
    after: int
    known: Fingerprint | None = None


class RecordChecked(Value):
    """What the record holds.

    The recorder compares, not the workflow, so that a worker of another schema finds the result in the history when it
    replays.

    Attributes:
        version: How many events; less than the workflow knows if the record has lost some.
        closed: Whether it takes no more.
        differs: Whether the state that was asked about is not what its events lead to. False where that cannot be said:
            it was folded under another schema, or the record has lost events.
        events: The ones asked for, oldest first, as many as fit into one answer. What the record seals is masked.
        mark: Of the last of these events, as in `Recorded`.
    """

    version: int
    closed: bool
    differs: bool
    events: tuple[Event, ...]
    mark: str = ""


class HeadSigned(Value):
    """Which event's hash was signed. None: the record is empty, or no key was given."""

    position: int | None


class Reconciled(Value):
    """The result of one scheduled comparison.

    Attributes:
        found: How many differences of each kind.
        mended: How many of them it fixed.
        of_another_schema: How many journeys have a state that this worker could not compare with the record.
        asked: How many journeys were asked for their states.
        other_heads: How many of those since Temporal listed another head than the record has.
    """

    journeys: int
    found: dict[str, int]
    mended: int
    paged: bool
    of_another_schema: int = 0
    asked: int = 0
    other_heads: int = 0


class OpeningRequest(Value):
    """Asks when the site opens next after `after`."""

    site: str
    after: Instant


class Opening(Value):
    """The answer."""

    at: Instant


class DigestRequest(Value):
    """Send the digests of the site: what is new from `since` to `until`, and what is due soon after `until`."""

    site: str
    since: Instant
    until: Instant


class DigestsSent(Value):
    """How many. They were not `made` if the site is closed at that moment. It is as short for a large site."""

    made: bool
    digests: int = 0


class ReleaseRequest(Value):
    """Give back what is held under `key`."""

    key: str
    journey_id: str


class Answered(Value):
    """A clinic system's answer, ready to become a command."""

    answer: Answer
