"""Follow-up: contacts with the client after discharge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.commands import CARE_TEAM, Decision, Occasion
from domain.obligations import Obligation, ObligationKind
from domain.plans import Contact
from domain.refusal import Refused, require
from domain.state import JourneyState
from domain.values import Stage


class RecordFollowUp(Decision, label="Record a follow-up", by=CARE_TEAM, at=(Stage.DISCHARGED, Stage.FOLLOW_UP)):
    """Record an attempt to reach the client after discharge."""

    kind: Literal["record-follow-up"] = "record-follow-up"
    contact: Contact = Field(description="Whether the client was reached.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """It counts towards the follow-up that is due first."""
        owed = state.open_of(ObligationKind.FOLLOW_UP)
        if not owed:
            raise Refused("nothing-owed", "No follow-up is open on this journey.")
        counts_from = _counts_from(state, owed[0])
        require(
            state.policy.site.local_date(when["at"]) >= counts_from,
            "too-early",
            f"{owed[0].id} is met by a contact on or after {counts_from}. Note this one elsewhere and call again then.",
        )
        yield ev.FollowUpRecorded(**when, obligation=owed[0].id, contact=self.contact, by=self.by)


def _counts_from(state: JourneyState, owed: Obligation) -> date:
    """The day after discharge for the first (HEDIS FUH: not the same day), then the day the one before was due."""
    before = int(owed.id.rpartition("-")[2]) - 2
    days = state.policy.follow_up_days[before] if before >= 0 else 1
    return state.policy.site.local_date(owed.raised_at) + timedelta(days=days)
