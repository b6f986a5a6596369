"""Waivers with an end, and of a whole kind: what is waived until a day stays open and quiet, and is owed again then.

They are about what is owed and share its slice. A waiver for good ends the obligation; see `obligations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Literal

from domain.events import BaseEvent
from domain.obligations import Obligation, Waiver
from domain.part import Part
from domain.pathway import discharge
from domain.pathway.obligation_events import OfOne, of
from domain.pathway.obligations import Obligations, kept
from domain.plans import Actor
from domain.values import Instant, PrivateWords, Stage
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.obligation_events import ObligationRaised
    from domain.state import JourneyState

part = Part("obligations")


class ObligationWaivedUntil(OfOne):
    """A named person decided that it need not be done until a day.

    Attributes:
        until: The day at the site on which it is owed again.
        ends_at: When that day begins.
        reason: None where the waiver of its whole kind says it.
    """

    type: Literal["obligation.waived-until"] = "obligation.waived-until"
    until: date
    ends_at: Instant
    reason: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        return f"Waived until {self.until}: {self._duty()}{said_by(self.by)}"


class ObligationKindWaived(BaseEvent):
    """A named person decided that nothing of a kind need be done until a day, what is raised until then included."""

    type: Literal["obligation-kind.waived"] = "obligation-kind.waived"
    kind: str
    until: date
    ends_at: Instant
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"Every {self.kind} is waived until {self.until}{said_by(self.by)}"


class ObligationKindWaiverUndone(BaseEvent):
    """What is raised of that kind from now on is owed as ever."""

    type: Literal["obligation-kind.waiver-undone"] = "obligation-kind.waiver-undone"
    kind: str
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"No {self.kind} is waived any longer{said_by(self.by)}"


def may_be_waived(state: JourneyState, owed: Obligation) -> bool:
    """Whether anybody may: what keeps the journey moving is always owed."""
    decided = owed.kind == discharge.COMPLETE_DISCHARGE.kind and state.stage is Stage.DISCHARGING
    return bool(owed.waivable_by) and not decided


@part.consequence
def waive_what_is_raised(state: JourneyState, event: ObligationRaised) -> Iterator[BaseEvent]:
    """While its kind is waived by someone who may waive this one."""
    owed, waiver = event.obligation, state.obligations.waiver_of(event.obligation.kind, event.at)
    if waiver is None or waiver.until is None or waiver.ends_at is None:
        return
    if may_be_waived(state, owed) and waiver.by.role in owed.waivable_by:
        yield ObligationWaivedUntil(
            **event.context, **of(owed), until=waiver.until, ends_at=waiver.ends_at, by=waiver.by
        )


@part.evolves
def keep_it_quiet(state: JourneyState, event: ObligationWaivedUntil) -> Obligations:
    """It stays open, and nobody is told of it."""
    owed = state.obligations.open.get(event.obligation)
    if owed is None:
        return state.obligations
    return kept(state, owed.waived(Waiver(at=event.at, by=event.by, until=event.until, ends_at=event.ends_at)))


@part.evolves
def waive_a_kind(state: JourneyState, event: ObligationKindWaived) -> Obligations:
    """Until the day named."""
    held, waiver = state.obligations, Waiver(at=event.at, by=event.by, until=event.until, ends_at=event.ends_at)
    return held.changed(kinds_waived={**held.kinds_waived, event.kind: waiver})


@part.evolves
def waive_a_kind_no_longer(state: JourneyState, event: ObligationKindWaiverUndone) -> Obligations:
    """What is raised from now on."""
    held = state.obligations
    return held.changed(kinds_waived={kind: each for kind, each in held.kinds_waived.items() if kind != event.kind})
