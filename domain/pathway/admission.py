"""Admission: the messages that begin a journey, repeat its beginning, or take it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from domain import events as ev
from domain.commands import AdmissionsMessage, BaseCommand, Occasion
from domain.policy import CURRENT
from domain.refusal import Refused
from domain.state import JourneyState
from domain.values import Instant, Key, Words


class OpenJourney(BaseCommand):
    """An admissions message begins a journey. `admitted_at` is when the source says it happened."""

    kind: Literal["open-journey"] = "open-journey"
    journey_id: Key
    client_ref: Key
    message: Key
    admitted_at: Instant

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """The first events. Opening twice is answered without a second opening."""
        if state.version == 0:
            yield ev.JourneyOpened(
                **when,
                journey_id=self.journey_id,
                client_ref=self.client_ref,
                policy=CURRENT,
                admitted_at=self.admitted_at,
                message=self.message,
            )


class RepeatAdmission(AdmissionsMessage):
    """Another admissions message arrived for this client; it is noted, and nothing starts again."""

    kind: Literal["repeat-admission"] = "repeat-admission"

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Refused once the journey has ended, so that a new one can begin."""
        if state.stage.is_end:
            raise Refused("journey-ended", "This journey has ended; the admission begins a new one.")
        yield ev.AdmissionRepeated(**when, message=self.message, occurred_at=self.occurred_at)


class CancelAdmission(AdmissionsMessage):
    """The admission was cancelled at its source (ADT A11, A27, A38); ends the journey if care has not begun."""

    kind: Literal["cancel-admission"] = "cancel-admission"
    reason: Words = "cancelled at the source"

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Once care has begun, a person decides."""
        if state.stage.is_end:
            raise Refused("journey-ended", "This journey has already ended; nothing is left to cancel.")
        yield ev.AdmissionCancelled(
            **when,
            message=self.message,
            occurred_at=self.occurred_at,
            reason=self.reason,
            care_had_begun=state.care_began,
        )
