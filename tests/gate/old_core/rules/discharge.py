"""Discharge, its plan from day one, and the follow-up after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.obligations import Obligation, ObligationKind
from tests.gate.old_core.plans import Direction
from tests.gate.old_core.refusal import Refused, require
from tests.gate.old_core.rules.common import Occasion, require_clinician, require_stage
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import Stage

_BEFORE_THE_END = (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL, Stage.DISCHARGING)


def update_plan(state: JourneyState, command: cmd.UpdateDischargePlan, when: Occasion) -> Iterator[ev.Event]:
    """The plan may be written from enrolment on and completed until discharge."""
    require_stage(state, Stage.ENROLLING, *_BEFORE_THE_END, to="update the discharge plan")
    yield ev.DischargePlanUpdated(**when, plan=command.plan, by=command.by)


def discharge(state: JourneyState, command: cmd.Discharge, when: Occasion) -> Iterator[ev.Event]:
    """Ends care. A planned ending needs the whole plan; an unplanned one records what is missing."""
    require_stage(state, *_BEFORE_THE_END, to="discharge the client")
    require_clinician(command.by, "discharge a client")
    gaps = state.discharge_plan.missing()
    require(
        not gaps or not command.reason.is_planned,
        "plan-incomplete",
        f"The discharge plan lacks {', '.join(gaps)}. Complete it, then discharge.",
    )
    move = state.transition
    yield ev.Discharged(**when, reason=command.reason, gaps=gaps, by=command.by)
    if state.place_in_use is not None:
        yield ev.PlaceGivenUp(**when, hold_key=state.place_in_use)
    if move is not None and move.direction is Direction.UP:
        yield ev.PlaceGivenUp(**when, hold_key=move.hold_key)


def record_follow_up(state: JourneyState, command: cmd.RecordFollowUp, when: Occasion) -> Iterator[ev.Event]:
    """An attempt to reach the client counts towards the follow-up that is due first."""
    require_stage(state, Stage.DISCHARGED, Stage.FOLLOW_UP, to="record a follow-up")
    owed = state.open_of(ObligationKind.FOLLOW_UP)
    if not owed:
        raise Refused("nothing-owed", "No follow-up is open on this journey.")
    counts_from = _counts_from(state, owed[0])
    require(
        state.policy.site.local_date(when["at"]) >= counts_from,
        "too-early",
        f"{owed[0].id} is met by a contact on or after {counts_from}. Note this one elsewhere and call again then.",
    )
    yield ev.FollowUpRecorded(**when, obligation=owed[0].id, contact=command.contact, by=command.by)


def _counts_from(state: JourneyState, owed: Obligation) -> date:
    """The day after discharge for the first (HEDIS FUH: not the same day), then the day the one before was due."""
    before = int(owed.id.rpartition("-")[2]) - 2
    days = state.policy.follow_up_days[before] if before >= 0 else 1
    return state.policy.site.local_date(owed.raised_at) + timedelta(days=days)
