"""The ports: what a journey needs from each clinic system, in the domain's terms.

Every call carries a `key`. A call repeated with the same key, by a retry, a continue-as-new or a rebuilt
cluster, must have no second effect at the other side; a message to a person may arrive twice, with the same id.
Adapters raise `ClinicUnavailable` if trying again may help and `ClinicRefused` if it cannot, and no other errors. No
exception text contains client data.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from activities.creations import Creations
from domain.benefits import Benefits
from domain.obligation_terms import Channel
from domain.plans import SearchedFacility
from domain.values import Instant, LevelOfCare, Role, Value


class ClinicError(Exception):
    """A clinic system did not do what was asked.

    Attributes:
        system: Which one, e.g. `eligibility`.
        code: Short and stable, for people and programs, e.g. `timeout`, `http-422`, `aaa-42`.
        advice: What to do next, one sentence without client data.
        retry_after: How long the system asks us to wait, elapsed; None if it does not say.
    """

    retry_after: timedelta | None = None

    def __init__(self, system: str, code: str, advice: str) -> None:
        super().__init__(f"{system}: {code}: {advice}")
        self.system = system
        self.code = code
        self.advice = advice


class ClinicUnavailable(ClinicError):
    """It may work later: time-outs, refused connections, HTTP 429 and 5xx, SMTP 4yz, AAA 42 that allows a retry."""


class ClinicRefused(ClinicError):
    """Trying again will not help: HTTP 4xx, SMTP 5yz, an answer that cannot be read. A person must look at it."""


class ClientIdentity(Value):
    """A client's identity for other systems. It never leaves an adapter: not logged, not returned to a workflow."""

    client_ref: str
    mrn: str
    family_name: str
    given_name: str
    birth_date: date | None = None
    sex: str | None = None
    member_id: str | None = None
    payer_id: str | None = None


class ClientDirectory(Protocol):
    """Finds the person behind an opaque client reference."""

    async def find(self, client_ref: str) -> ClientIdentity | None:
        """The identity last received for `client_ref`, or None if it is not known."""


class EligibilityInquiry(Value):
    """Is this client covered, on this day, for this kind of care?

    Attributes:
        key: Idempotency key; also the X12 trace.
        client_ref: Opaque; the adapter looks the person up.
        service_date: Calendar day at the site.
    """

    key: str
    client_ref: str
    service_date: date


class Eligibility(Protocol):
    """The clearinghouse."""

    async def check(self, inquiry: EligibilityInquiry) -> Benefits:
        """The payer's answer. "The plan is not active" is an answer, not an error."""


class EpisodeStatus(StrEnum):
    """FHIR R4 EpisodeOfCare.status."""

    PLANNED = "planned"
    WAITLIST = "waitlist"
    ACTIVE = "active"
    ONHOLD = "onhold"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"


class TaskStatus(StrEnum):
    """The FHIR R4 Task.status values of an obligation."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class EhrTask(Value):
    """An obligation as the EHR's task list shows it. `due` is absolute."""

    id: str
    status: TaskStatus
    description: str
    owner: Role
    due: Instant
    urgent: bool = False


class EhrRecord(Value):
    """What the EHR should hold about a journey: the complete state, not a change.

    Attributes:
        key: Idempotency key of this update.
        revision: Rises with each update; an older one never overwrites a newer one.
        as_of: When the last event in this update occurred. If the status changed, the old status ended then. If it is
            None, that end is left out.
        tasks: The obligations whose state may have changed since the last update.
    """

    key: str
    revision: int
    journey_id: str
    client_ref: str
    status: EpisodeStatus
    level: LevelOfCare | None
    started: Instant
    ended: Instant | None = None
    as_of: Instant | None = None
    tasks: tuple[EhrTask, ...] = ()


class Ehr(Protocol):
    """The electronic health record."""

    async def sync(self, record: EhrRecord, creations: Creations | None = None) -> str:
        """Brings the EHR up to date with `record`; returns the EpisodeOfCare's id there.

        `creations` holds what earlier attempts of this call created but no search has confirmed yet.
        """


class PlaceRequest(Value):
    """A place at a level of care. The same key finds the place already held for it.

    Attributes:
        wanted_from: The journey's present moment: a place that started earlier is no use.
        wanted_by: The latest start that is of use, included as `wanted_from` is.
        lost: Ids of Slots that are not to be held: people reported that those places fell through.
    """

    key: str
    journey_id: str
    client_ref: str
    level: LevelOfCare
    wanted_from: Instant
    wanted_by: Instant
    lost: tuple[str, ...] = ()


class Place(Value):
    """A place held for a journey: the FHIR Slot's id, the facility's name, when it starts."""

    slot: str
    facility: str
    starts_at: Instant


class PlaceSearch(Value):
    """What a search came to: the place that is held now, if any, and what each facility answered."""

    place: Place | None
    facilities: tuple[SearchedFacility, ...] = ()


class Places(Protocol):
    """Beds and programme places, ours and our partners'."""

    async def hold(self, request: PlaceRequest) -> PlaceSearch:
        """Holds a free place, unless there is certainly none."""

    async def release(self, key: str, journey_id: str) -> None:
        """Gives back the place that the journey holds under `key`, if it holds one."""


class Notice(Value):
    """A message to one person who holds a role. No name, record number or diagnosis: staff open the journey for more.

    Attributes:
        person: Staff id of the person it is meant for; None means the person on call for the role.
        site: The site that it is about; None means any site.
        repeat: How often this role was already told without an answer. Each time the next person on call is told.
    """

    key: str
    channel: Channel
    to: Role
    person: str | None = None
    subject: str
    body: str
    site: str | None = None
    repeat: int = 0


class Recipient(Value):
    """A possible recipient of a notice.

    Attributes:
        staff_id: The person; None if `address` is the role's own.
        in_place_of: The absent person whom they cover.
        is_fallback: Whether the role's own address is used because no one on call can be reached.
        note: A sentence about the staff list to add to the notice.
    """

    address: Annotated[str, Field(repr=False)]
    staff_id: str | None = None
    in_place_of: str | None = None
    is_fallback: bool = False
    note: str | None = None


class Roster(Protocol):
    """The staff, as far as sending a notice needs it."""

    def recipients(self, notice: Notice, now: Instant) -> Sequence[Recipient]:
        """The possible recipients at `now`, in order of preference. The last is the role's own address."""


class Messenger(Protocol):
    """Mail and paging."""

    async def send(self, notice: Notice) -> str:
        """Sends `notice`; returns the Message-ID, which is the same for the same key."""
