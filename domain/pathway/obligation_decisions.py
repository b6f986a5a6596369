"""Obligations acknowledged, completed or waived by a person, and waivers taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.clock import after_hours
from domain.commands import EVERY_STAGE, EVERYONE, NOT_ENDED, Decision
from domain.events import BaseEvent, EventContext
from domain.obligations import Obligation
from domain.part import Part
from domain.pathway import hospital
from domain.pathway.obligation_changes import reopened, require_owed_by_then, stands_for
from domain.pathway.obligation_events import (
    ObligationAcknowledged,
    ObligationCancelled,
    ObligationMet,
    ObligationReopened,
    ObligationWaived,
    Reopening,
    of,
)
from domain.pathway.waivers import (
    ObligationKindWaived,
    ObligationKindWaiverUndone,
    ObligationWaivedUntil,
    may_be_waived,
)
from domain.refusal import Refused, require
from domain.values import Key, Role, Words
from domain.wording import any_of

if TYPE_CHECKING:
    from domain.state import JourneyState

part = Part("obligation_decisions")

_OBLIGATION = "The obligation's id, as `throughline journey` lists it."


class AcknowledgeObligation(Decision, label="Acknowledge an obligation", by=EVERYONE, at=EVERY_STAGE):
    """Say that you have an obligation in hand: reminders pause for a while, the due time does not move."""

    kind: Literal["acknowledge-obligation"] = "acknowledge-obligation"
    obligation: Key = Field(description=_OBLIGATION)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """By its owner or one who was told, a limited number of times. Those not told yet are told all the same."""
        owed = _owed(state, self.obligation)
        terms = state.policy.obligations[owed.kind].acknowledgement
        require(
            self.by.id == owed.assignee or self.by.role in {*owed.told_roles(), *terms.also_by},
            "not-theirs-to-acknowledge",
            f"Only its owner ({owed.owner}) or one who was told can acknowledge {owed.id}. Ask one of them.",
        )
        require(
            owed.acknowledged_times < (terms.times or state.policy.acknowledged_times),
            "acknowledged-too-often",
            f"{owed.id} cannot be acknowledged again. Do it, or have it assigned to someone who can.",
        )
        quiet_until = after_hours(when["at"], terms.hours or state.policy.acknowledged_hours)
        at = owed.at_a_time_to_tell(quiet_until, state.calendar)
        yield ObligationAcknowledged(**when, **of(owed), quiet_until=at, by=self.by)


class CompleteObligation(Decision, label="Complete an obligation", by=EVERYONE, at=EVERY_STAGE):
    """Record that what was owed was done outside this system, also late."""

    kind: Literal["complete-obligation"] = "complete-obligation"
    obligation: Key = Field(description=_OBLIGATION)
    note: Words = Field(description="What was done, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Refused where a decision of its own ends it; otherwise each kind says who may."""
        owed = _owed(state, self.obligation)
        require(
            owed.by_hand,
            "has-its-own-decision",
            f"{owed.id} ends by its own decision: {owed.title.lower()}.",
        )
        require(
            self.by.role in owed.completable_by,
            "not-theirs-to-complete",
            f"Only {any_of(owed.completable_by)} can complete {owed.id}. Ask one of them.",
        )
        require_owed_by_then([owed], when)
        any_day = owed.kind != hospital.SEE_AFTER_HOSPITAL_VISIT.kind  # what else has a window may be done before it
        require(
            any_day or owed.counts_on(state.calendar.local_date(when["at"])),
            "too-early",
            f"{owed.id} is met on or after {owed.counts_from}. Record what was done earlier where it belongs, and "
            "complete this one then.",
        )
        late = owed.is_overdue(when["at"])
        yield ObligationMet(**when, **of(owed), late=late, by=self.by, note=self.note)


class WaiveObligation(Decision, label="Waive an obligation", by=EVERYONE, at=EVERY_STAGE, high_risk=True):
    """Decide that an obligation need not be done, for good or until a day, and say why."""

    kind: Literal["waive-obligation"] = "waive-obligation"
    obligation: Key = Field(description=_OBLIGATION)
    reason: Words = Field(description="Why, for the record.")
    until: date | None = Field(
        default=None,
        description="The day at the site on which it is owed again, such as 2026-03-01. Left out: never.",
    )
    all_of_kind: bool = Field(
        default=False,
        description="All that are open of its kind; with a day, also those raised before that day.",
    )

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Never what keeps the journey moving; otherwise each kind says who may."""
        named = _owed(state, self.obligation)
        these = state.open_of(named.kind) if self.all_of_kind else [named]
        for owed in these:
            _require_may_waive(state, owed, self.by.role)
        if self.until is not None:
            yield from self._until(state, these, self.until, when)
            return
        for owed in these:
            yield ObligationWaived(**when, **of(owed), about=owed.about, reason=self.reason, by=self.by)

    def _until(
        self, state: JourneyState, these: Iterable[Obligation], until: date, when: EventContext
    ) -> Iterator[BaseEvent]:
        today, most = state.calendar.local_date(when["at"]), state.policy.waiver_days
        require(
            today < until <= today + timedelta(days=most),
            "waiver-too-long",
            f"A waiver with an end lasts from 1 to {most} days. Name a day after {today}, "
            f"{today + timedelta(days=most)} at the latest, or none if it is for good.",
        )
        ends_at = state.calendar.day_begins(until)
        for number, owed in enumerate(these):
            if self.all_of_kind and number == 0:
                yield ObligationKindWaived(
                    **when, kind=owed.kind, until=until, ends_at=ends_at, reason=self.reason, by=self.by
                )
            yield ObligationWaivedUntil(
                **when, **of(owed), until=until, ends_at=ends_at, reason=self.reason, by=self.by
            )


class UndoWaiver(Decision, label="Undo a waiver", by=EVERYONE, at=NOT_ENDED):
    """Take a waiver back: the same obligation is owed again as it was, overdue at once if its due time has passed."""

    kind: Literal["undo-waiver"] = "undo-waiver"
    obligation: Key = Field(description="The waived obligation's id, as `throughline journey` lists it.")
    reason: Words = Field(description="Why, for the record.")
    all_of_kind: bool = Field(
        default=False, description="The waiver of its whole kind, and of all that are open because of it."
    )

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """By those who may waive it. What was raised in its place since then is not owed beside it."""
        waived = _waived(state)
        named = waived.get(self.obligation)
        if named is None:
            known = ", ".join(sorted(waived)) or "none"
            raise Refused(
                "not-waived",
                f"No waiver of that obligation can be undone: it is not waived, or nothing is left of what it was for. "
                f"Waived: {known}.",
            )
        _require_may_waive(state, named, self.by.role)
        these = [each for each in waived.values() if each.kind == named.kind] if self.all_of_kind else [named]
        if self.all_of_kind and named.kind in state.obligations.kinds_waived:
            yield ObligationKindWaiverUndone(**when, kind=named.kind, reason=self.reason, by=self.by)
        for owed in these:
            if not any(stands_for(owed, earlier) for earlier in these if earlier.id not in state.obligations.open):
                yield from self._reopen(state, owed, when)

    def _reopen(self, state: JourneyState, owed: Obligation, when: EventContext) -> Iterator[BaseEvent]:
        for later in state.open_of(owed.kind):
            if owed.id not in state.obligations.open and stands_for(later, owed):
                yield ObligationCancelled(**when, **of(later), because=ObligationReopened.type_name())
        again = owed.changed(waiver=None)
        yield reopened(again, Reopening.WAIVER_UNDONE, when, reason=self.reason, by=self.by)


def _require_may_waive(state: JourneyState, owed: Obligation, role: Role) -> None:
    require(
        may_be_waived(state, owed),
        "not-waivable",
        f"{owed.id} keeps the journey moving and cannot be waived: {owed.title.lower()}.",
    )
    require(
        role in owed.waivable_by,
        "not-theirs-to-waive",
        f"{owed.id} can be waived by: {', '.join(owed.waivable_by)}. Ask one of them.",
    )


def _waived(state: JourneyState) -> dict[str, Obligation]:
    """What is waived now, until a day or for good, by id."""
    until = {key: owed for key, owed in state.obligations.open.items() if owed.waiver is not None}
    return {**state.obligations.waived, **until}


def _owed(state: JourneyState, obligation_id: str) -> Obligation:
    return state.obligations.the_open(obligation_id)
