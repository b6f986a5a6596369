"""What people decide about: a discharge plan, a transition, an estimate, and the words for their reasons."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from domain.values import Identifying, Instant, Key, LevelOfCare, Role, Value, storable


class Actor(Value):
    """The person who decided: an opaque staff id and the role in which they acted."""

    id: Key
    role: Role


class FundingRoute(StrEnum):
    """Ways on from a plan that does not pay."""

    SELF_PAY = "self-pay"
    SLIDING_SCALE = "sliding-scale"
    OTHER_COVERAGE = "other-coverage"  #: the benefits are checked again
    REFERRED_OUT = "referred-out"  #: the journey closes with a referral elsewhere


SELF_PAID = (FundingRoute.SELF_PAY, FundingRoute.SLIDING_SCALE)
"""Routes on which no plan has a say."""


class ReviewOutcome(StrEnum):
    """What a review may decide."""

    CONTINUE = "continue"
    STEP_UP = "step-up"
    STEP_DOWN = "step-down"
    DISCHARGE = "discharge"


class DischargeReason(StrEnum):
    """Why care ends. Only the planned ones demand a complete plan."""

    GOALS_MET = "goals-met"
    TRANSFERRED = "transferred"
    AGAINST_ADVICE = "against-advice"
    DISENGAGED = "disengaged"
    ADMINISTRATIVE = "administrative"
    MOVED = "moved"

    @property
    def is_planned(self) -> bool:
        """Whether the centre controls the timing, so that nothing excuses an incomplete plan."""
        return self in (DischargeReason.GOALS_MET, DischargeReason.TRANSFERRED)


class Contact(StrEnum):
    """How an attempt to reach a client went."""

    REACHED = "reached"
    NOT_REACHED = "not-reached"


class Direction(StrEnum):
    """Which way a transition goes."""

    UP = "up"
    DOWN = "down"


Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(storable), Identifying()]
Lines = Annotated[tuple[Line, ...], Field(max_length=50)]


class Initiator(StrEnum):
    """Who wished it."""

    CLIENT = "client"
    FAMILY_OR_GUARDIAN = "family-or-guardian"
    CENTRE = "centre"
    REFERRER = "referrer"
    PAYER = "payer"


class Disposition(StrEnum):
    """Where a client goes when care ends."""

    HOME = "home"  #: with no further care arranged
    OUTPATIENT_ELSEWHERE = "outpatient-elsewhere"
    HIGHER_LEVEL_ELSEWHERE = "higher-level-elsewhere"
    HOSPITAL = "hospital"
    RESIDENTIAL = "residential"
    CUSTODY = "custody"
    UNKNOWN = "unknown"


_PROMISED = ("follow-up appointments", "crisis contacts", "community resources")


class DischargePlan(Value):
    """ "Each client leaves with a personalized schedule of follow-up appointments, crisis contacts, and
    community resources": those three, their medication and a summary of care, each in lines written for the client.
    """

    follow_ups: Lines = Field(default=(), description="Appointments after discharge, one for each line.")
    crisis_contacts: Lines = Field(default=(), description="Whom to call in a crisis, one for each line.")
    resources: Lines = Field(default=(), description="Community resources, one for each line.")
    medication: Lines = Field(default=(), description="Medication on leaving, one for each line; say so if none.")
    summary: Lines = Field(default=(), description="What care was given and what helped, in the client's words.")

    def is_begun(self) -> bool:
        """Whether anything is written yet."""
        return any(line.strip() for lines in self._parts().values() for line in lines)

    def missing(self) -> tuple[str, ...]:
        """The parts that are still empty; a blank line is not a line."""
        return tuple(name for name, lines in self._parts().items() if not any(line.strip() for line in lines))

    def missing_of_promise(self) -> tuple[str, ...]:
        """Those among them that each client is promised: without one of these no planned discharge is possible."""
        return tuple(name for name in self.missing() if name in _PROMISED)

    def _parts(self) -> dict[str, tuple[str, ...]]:
        return {
            "follow-up appointments": self.follow_ups,
            "crisis contacts": self.crisis_contacts,
            "community resources": self.resources,
            "medication": self.medication,
            "summary": self.summary,
        }


class FacilityAnswer(StrEnum):
    """What a facility answered when a place was searched."""

    FREE = "free"
    NONE_IN_TIME = "none-in-time"
    NO_ANSWER = "no-answer"

    @property
    def in_words(self) -> str:
        """The same for people."""
        return {"free": "free", "none-in-time": "none in time", "no-answer": "did not answer"}[self.value]


class SearchedFacility(Value):
    """A facility that was searched for a place.

    Attributes:
        facility: Its name, as the scheduling system has it.
        starts_at: When its earliest free place starts.
    """

    facility: str
    answer: FacilityAnswer
    starts_at: Instant | None = None


class RelapsePreventionPlan(Value):
    """What a client in maintenance watches for and does, each in lines written with them."""

    warning_signs: Lines = Field(default=(), description="Signs that it is getting worse, one for each line.")
    coping_steps: Lines = Field(default=(), description="What the client does then, one for each line.")
    support_people: Lines = Field(default=(), description="Who supports the client, one for each line.")
    whom_to_call: Lines = Field(default=(), description="Whom to call, day and night, one for each line.")

    def missing(self) -> tuple[str, ...]:
        """The parts that are still empty; a blank line is not a line."""
        parts = {
            "warning signs": self.warning_signs,
            "coping steps": self.coping_steps,
            "support people": self.support_people,
            "whom to call": self.whom_to_call,
        }
        return tuple(name for name, lines in parts.items() if not any(line.strip() for line in lines))


class Transition(Value):
    """A move between levels that has begun and not ended.

    Attributes:
        number: Counts the journey's transitions.
        searches: Searches for a place so far.
        next_search_at: Elapsed; None while a search runs, or where none is wanted.
        holds: Places held so far, and one: the next search holds what it finds under a key of its own.
        searched_key: The key under which the last search holds what it finds.
        place: The facility of the held place.
        starts_at: When the held place starts; `place_id` is its id in the scheduling system.
        held_key: The key under which it is held.
        checks: How often it was asked whether the place is still held.
        next_check_at: When it is asked again; None while it is being asked, or where it is not.
        lost: Ids of places that people reported as lost; none of them is held again.
        facilities: What each facility answered in the last search.
    """

    number: int
    direction: Direction
    origin: LevelOfCare
    target: LevelOfCare
    due_at: Instant
    searches: int = 0
    next_search_at: Instant | None = None
    holds: int = 1
    searched_key: str | None = None
    place: str | None = None
    place_id: str | None = None
    starts_at: Instant | None = None
    held_key: str | None = None
    checks: int = 0
    next_check_at: Instant | None = None
    lost: tuple[str, ...] = ()
    window_missed: bool = False
    facilities: tuple[SearchedFacility, ...] = ()

    @property
    def hold_key(self) -> str:
        """Idempotency key of the place that the next search holds."""
        return f"place-{self.number}" if self.holds == 1 else f"place-{self.number}-{self.holds}"

    @property
    def hold_keys(self) -> tuple[str, ...]:
        """Each key under which a place may be held for this transition."""
        return tuple(dict.fromkeys(key for key in (self.held_key, self.searched_key) if key))


class Stay(Value):
    """A period at one level of care, ours or another facility's.

    Attributes:
        earlier_days: Days at this level in stays before it that its weeks are counted on from.
        last_week: The week of service after which only those whom the policy names may continue care at this level.
        by_first_session: Whether it began with the first session that the client came to.
    """

    level: LevelOfCare
    ours: bool
    since: Instant
    until: Instant | None = None
    earlier_days: int = 0
    last_week: int | None = None
    by_first_session: bool = False


class Estimate(Value):
    """What care is expected to cost the client, US dollars.

    Attributes:
        id: Names the estimate a client accepts, so that an older one cannot be accepted by mistake.
        low: With the best known values; None if it cannot be known.
        high: With the worst; None if it cannot be known.
        assumptions: Said aloud to the client.
    """

    id: str
    level: LevelOfCare
    days: int
    low: Decimal | None
    high: Decimal | None
    assumptions: tuple[str, ...] = ()
