"""The client's death: every contact stops at once, the journey ends, and a named role reviews it.

A death that was recorded by mistake can be corrected: the journey stands where it stood, and what was owed is owed
again. Once it was reviewed, the medical director alone corrects it, until the end is final.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, NOT_ENDED, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import reopening, suspension
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.obligation_changes import cancelled, met, raised_within
from domain.pathway.place_search import places_given_up
from domain.plans import Actor, Transition
from domain.refusal import require
from domain.values import CLINICAL, Instant, LevelOfCare, PrivateWords, Role, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.admission import AdmissionRepeated
    from domain.state import JourneyState

part = Part("death")

REVIEW_DEATH = ObligationKind(
    kind="mortality-review",
    title="Review the client's death",
    ended_by="review-death",
    priority=Priority.CLINICAL,
    outlives_care=True,
)
CHECK_DEATH = ObligationKind(
    kind="check-death",
    title="An admission came for a client recorded as deceased: find out who it is about",
    waivable_by=(Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    completable_by=(Role.ADMISSIONS, *CLINICAL),
    priority=Priority.SAFETY,
    outlives_care=True,
)
_REVIEWERS = (Role.SUPERVISOR, Role.MEDICAL_DIRECTOR)


class Death(Slice):
    """The client's death.

    Attributes:
        recorded_at: When it was true, as far as is known; None while the client lives.
        move: The move that was under way then.
        reviewed: Whether the review is done.
    """

    recorded_at: Instant | None = None
    move: Transition | None = None
    reviewed: bool = False

    @property
    def is_recorded(self) -> bool:
        """Whether the client is on record as deceased."""
        return self.recorded_at is not None

    @property
    def may_be_a_mistake(self) -> bool:
        """Whether nobody has reviewed it yet."""
        return self.is_recorded and not self.reviewed


class ClientDied(BaseEvent):
    """The client died: nobody contacts them or asks staff to.

    Attributes:
        level: The level of care at which they were; None outside care.
        source: From whom it is known.
    """

    type: Literal["client.died"] = "client.died"
    level: LevelOfCare | None = None
    source: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The client died; all contacts stop{said_by(self.by)}"


class DeathCorrected(BaseEvent):
    """The death was recorded by mistake. `level`: where care goes on, as if it had never stopped."""

    type: Literal["death.corrected"] = "death.corrected"
    level: LevelOfCare | None = None
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The death was recorded by mistake; the journey goes on{said_by(self.by)}"


class DeathReviewed(BaseEvent):
    """The mortality review is done."""

    type: Literal["death.reviewed"] = "death.reviewed"
    finding: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The death was reviewed{said_by(self.by)}"


class RecordDeath(
    Decision, label="Record the client's death", by=(Role.ADMISSIONS, *CARE_TEAM), at=NOT_ENDED, high_risk=True
):
    """Record that the client died: every contact stops at once, and a review is owed."""

    kind: Literal["record-death"] = "record-death"
    source: Words = Field(description="From whom it is known, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """At any stage; what was held for a move is given back."""
        require_since_the_level_began(state, when)
        yield ClientDied(**when, level=state.level, source=self.source, by=self.by)
        yield from places_given_up(state, when)


class CorrectDeath(Decision, label="Correct a recorded death", by=_REVIEWERS, at=(Stage.DECEASED,), high_risk=True):
    """Record that the client lives: the journey stands where it stood, and what was owed is owed again."""

    kind: Literal["correct-death"] = "correct-death"
    reason: Words = Field(description="How the mistake came about, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """After the review by the medical director, until the end is final."""
        if not state.death.may_be_a_mistake:
            reopening.require_correctable(state)
            require(
                self.by.role is Role.MEDICAL_DIRECTOR,
                "director-decides",
                "The death was reviewed. Only the medical director corrects it now. Ask them.",
            )
        died = state.death.recorded_at or when["at"]
        require(
            when["at"] >= died,
            "before-the-death",
            f"The death is on record from {died:%Y-%m-%d %H:%M} UTC. Give a time after that, or none.",
        )
        last = state.care.stays[-1] if state.care.stays else None
        in_care = last is not None and not state.discharge.discharged
        level = last.level if last is not None and in_care else None
        yield DeathCorrected(**when, level=level, reason=self.reason, by=self.by)


class ReviewDeath(Decision, label="Record the mortality review", by=_REVIEWERS, at=(Stage.DECEASED,), high_risk=True):
    """Record that the client's death was reviewed; from then on the medical director alone can correct it."""

    kind: Literal["review-death"] = "review-death"
    finding: Words = Field(description="What the review found, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Once it is known who an admission was about that came since."""
        _require_no_review(state)
        require(
            not state.open_of(CHECK_DEATH.kind),
            "identity-open",
            "An admission came since for this client. Find out who it is about, then review the death or correct it.",
        )
        yield DeathReviewed(**when, finding=self.finding, by=self.by)


def _require_no_review(state: JourneyState) -> None:
    require(
        state.death.may_be_a_mistake,
        "reviewed-already",
        "The death was reviewed, so this journey is over. A new admission begins a new one.",
    )


@part.evolves
def die(state: JourneyState, event: ClientDied) -> Death:
    """What was under way is kept, should it be a mistake."""
    return Death(recorded_at=event.at, move=state.moves.current)


@part.evolves
def live(state: JourneyState, event: DeathCorrected) -> Death:
    """As if nobody had said so."""
    return Death()


@part.evolves
def review(state: JourneyState, event: DeathReviewed) -> Death:
    """It stands."""
    return state.death.changed(reviewed=True)


@part.consequence
def owe_only_the_review(state: JourneyState, event: ClientDied) -> Iterator[BaseEvent]:
    """Nobody is reminded of the client's duties again."""
    yield from suspension.paused(event, state.obligations.of_care())
    yield raised_within(state, event, REVIEW_DEATH, "mortality_review_business_days")


@part.consequence
def owe_no_review_of_a_mistake(state: JourneyState, event: DeathCorrected) -> Iterator[BaseEvent]:
    """The client lives."""
    yield from cancelled(state, event, REVIEW_DEATH)
    yield from met(state, event, CHECK_DEATH)


def an_admission_came(state: JourneyState) -> bool:
    """Whether one ever came while the client was recorded as deceased."""
    return state.obligations.raised.get(CHECK_DEATH.kind, 0) > 0


@part.consequence
def note_the_review(state: JourneyState, event: DeathReviewed) -> Iterator[BaseEvent]:
    """It was owed since the death."""
    yield from met(state, event, REVIEW_DEATH)


@part.consequence
def ask_who_was_admitted(state: JourneyState, event: AdmissionRepeated) -> Iterator[BaseEvent]:
    """One of the two records is wrong, and a person finds out which."""
    if state.stage is Stage.DECEASED and event.admits and not state.open_of(CHECK_DEATH.kind):
        yield raised_within(state, event, CHECK_DEATH, "death_check_hours")
