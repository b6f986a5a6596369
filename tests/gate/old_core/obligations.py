"""Obligations: everything that must not be forgotten, as data.

An obligation has an owner, an absolute due time and a ladder of people to tell. Overdue is a flag, never an
end: an obligation ends only by being met, met late, waived by a named person, or cancelled with a cause. When
its ladder is used up the last rung repeats, so an open obligation always has a next moment.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from tests.gate.old_core.clock import TimeKind
from tests.gate.old_core.values import Instant, Role, Value


class ObligationKind(StrEnum):
    """What is owed. The value is the stem of the obligation's id."""

    VERIFY_BENEFITS = "verify-benefits"
    RESOLVE_FUNDING = "resolve-funding"
    DECIDE_PLACEMENT = "decide-placement"
    OBTAIN_AUTHORISATION = "obtain-authorisation"
    ACCEPT_COST = "accept-cost"
    ENROL = "enrol"
    DRAFT_DISCHARGE_PLAN = "draft-discharge-plan"
    REVIEW = "review"
    COMPLETE_STEP_UP = "complete-step-up"
    INTERIM_CONTACT = "interim-contact"
    COMPLETE_STEP_DOWN = "complete-step-down"
    EXTERNAL_CONTACT = "external-contact"
    COMPLETE_DISCHARGE = "complete-discharge"
    FOLLOW_UP = "follow-up"
    RESOLVE_CANCELLATION = "resolve-cancellation"
    RESOLVE_EFFECT = "resolve-effect"


class ObligationStatus(StrEnum):
    """Open until one of the four ends."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MET = "met"
    MET_LATE = "met-late"
    WAIVED = "waived"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether somebody still owes it."""
        return self in (ObligationStatus.OPEN, ObligationStatus.ACKNOWLEDGED)


class Channel(StrEnum):
    """How a rung reaches its person."""

    MAIL = "mail"
    PAGE = "page"


class Rung(Value):
    """From `at` on, `to` is told by `how`."""

    at: Instant
    to: Role
    how: Channel


class Obligation(Value):
    """One thing owed.

    Attributes:
        id: Kind and number, unique in the journey: `review-2`.
        owner: Who must act first. The ladder tells others, the owner stays.
        due_at: Absolute; counted as `time_kind` says.
        ladder: In order of time.
        repeat_hours: Elapsed hours between repeats of the last rung.
        climbed: Rungs already used, repeats included.
        last_told_at: When the ladder last spoke.
        quiet_until: An acknowledgement keeps the ladder quiet until then, for those it has told already and for
            the role that acknowledged. Whoever has not been told yet is told on time all the same.
        acknowledged_by: The role that acknowledged last.
        urgent: Shown first everywhere.
        about: The kind of call that was refused, for `resolve-effect`.
    """

    id: str
    kind: ObligationKind
    owner: Role
    raised_at: Instant
    due_at: Instant
    time_kind: TimeKind
    ladder: tuple[Rung, ...]
    repeat_hours: int = 24
    status: ObligationStatus = ObligationStatus.OPEN
    climbed: int = 0
    last_told_at: Instant | None = None
    quiet_until: Instant | None = None
    acknowledged_by: Role | None = None
    urgent: bool = False
    about: str | None = None

    def is_overdue(self, now: Instant) -> bool:
        """Whether it is still open after its due time."""
        return self.status.is_open and now >= self.due_at

    def current_rung(self) -> Rung:
        """The rung that speaks next: the earliest unused one, or the last again."""
        return self._rung(min(self._unused(), key=self.speaks_at))

    def next_at(self) -> Instant:
        """When the ladder speaks next; always after the last time it spoke."""
        return min(self.speaks_at(number) for number in self._unused())

    def rungs_reached(self, now: Instant) -> list[int]:
        """The rungs that speak at `now`, counted from 1; one beyond the ladder's end repeats the last.

        One that is kept quiet while a later one speaks is passed over: its role knows.
        """
        return [number for number in self._unused() if self.speaks_at(number) <= now]

    def speaks_at(self, number: int) -> Instant:
        """When this rung, not used yet, speaks unless somebody acknowledges again."""
        at = self._rung(number).at
        if number > len(self.ladder) and self.last_told_at is not None:
            at = self.last_told_at + timedelta(hours=self.repeat_hours)
        if self.quiet_until is not None and self._knows(self._rung(number).to):
            at = max(at, self.quiet_until)
        return at

    def _unused(self) -> range:
        return range(self.climbed + 1, max(self.climbed + 1, len(self.ladder)) + 1)

    def _rung(self, number: int) -> Rung:
        return self.ladder[min(number, len(self.ladder)) - 1]

    def _knows(self, role: Role) -> bool:
        return role is self.acknowledged_by or role in {rung.to for rung in self.ladder[: self.climbed]}
