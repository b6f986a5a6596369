"""Enrolment: a place in a track, and care begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.commands import ADMISSIONS, Decision, Occasion
from domain.obligations import ObligationKind
from domain.refusal import Refused, require
from domain.state import JourneyState
from domain.values import Stage, Words


class ConfirmEnrolment(Decision, label="Enrol the client", by=ADMISSIONS, at=(Stage.ENROLLING,)):
    """Record that the client is enrolled in a track; care begins."""

    kind: Literal["confirm-enrolment"] = "confirm-enrolment"
    track: Words = Field(description="The group or schedule, for example evening.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """An authorisation still owed comes first."""
        require(
            not state.open_of(ObligationKind.OBTAIN_AUTHORISATION),
            "authorisation-open",
            "The payer has not authorised this level. Complete that obligation, or waive it with a reason.",
        )
        if state.placement is None:
            raise Refused("no-placement", "No level of care was decided. A clinician decides it first.")
        yield ev.Enrolled(**when, level=state.placement, track=self.track, by=self.by)
