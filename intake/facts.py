"""The content of a received message as intake's own types, the same for every protocol."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from domain.pathway.crisis import CrisisPlace
from domain.values import Instant, Value


class AdmissionKind(StrEnum):
    """How a client was announced."""

    PRE_ADMITTED = "pre-admitted"  #: expected, not yet here
    REGISTERED = "registered"  #: as an outpatient
    ADMITTED = "admitted"


class CancelReason(StrEnum):
    """Why an admission was cancelled. HL7 does not distinguish an error from a change of mind."""

    CANCELLED = "cancelled"
    PRE_ADMISSION_CANCELLED = "pre-admission-cancelled"


class RecordNumber(Value):
    """A client as the sender names them: who issued the record number, and the number."""

    authority: str
    mrn: str


IdentityField = Literal["family_name", "given_name", "birth_date", "sex", "member_id", "payer_id"]


class Identity(Value):
    """What a message says about a person. None: nothing was said. A field named in `cleared` must be deleted."""

    key: RecordNumber
    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    sex: str | None = None
    member_id: str | None = None
    payer_id: str | None = None
    cleared: frozenset[IdentityField] = frozenset()


class _ClientFact(Value):
    """What a message says about a client.

    Attributes:
        place: Where the visit is, if it is at a hospital (PV1-2).
    """

    identity: Identity
    visit: str = ""
    place: CrisisPlace | None = None
    occurred_at: Instant

    @property
    def key(self) -> RecordNumber:
        """The client that the fact is about."""
        return self.identity.key


class Admission(_ClientFact):
    """The client is, or will be, at the centre. It opens a journey, or is passed to the open one.

    Attributes:
        locations: The names that the message gives for where the client is; see `locations.Locations`.
    """

    kind: AdmissionKind
    locations: tuple[str, ...] = ()


class AdmissionCancelled(_ClientFact):
    """An earlier admission was cancelled."""

    reason: CancelReason


class DischargeReported(_ClientFact):
    """The sender ended the visit. It does not end the journey by itself."""


class DischargeCancelled(_ClientFact):
    """The sender takes back that the visit ended."""


class ChangedToInpatient(_ClientFact):
    """An outpatient or emergency visit became a stay on a ward."""


class IdentityChanged(_ClientFact):
    """Something about the person or their coverage changed. Never opens a journey."""


class NeedsPerson(Value):
    """An event that software must not act on: merges, deletions, re-openings, unknown events.

    Attributes:
        event: The event in short form, as in `event.Event`.
        code: Why it is kept, short and stable.
        advice: One sentence that says what to do.
    """

    event: str
    code: str
    advice: str


class Ignored(Value):
    """An event that changes no journey, and the rule that says so: its code and its reason (`rules.Rule`)."""

    event: str
    code: str
    reason: str


ClientFact = (
    Admission | AdmissionCancelled | DischargeReported | DischargeCancelled | ChangedToInpatient | IdentityChanged
)
Fact = ClientFact | NeedsPerson | Ignored
