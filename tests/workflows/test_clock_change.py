"""A step-up over a clock change, on the real parts: its 24 hours and its escalation are elapsed hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.moves import StepUpWindowMissed
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated
from domain.values import Role
from tests.workflows.house import Case, House
from tests.workflows.paths import IOP, OP, enrol

pytestmark = pytest.mark.stack

HOUR = timedelta(hours=1)


def clock_changes_after(moment: datetime, zone: str) -> datetime:
    """The last full hour before the site's clocks are set forward or back next."""
    local, hour = ZoneInfo(zone), moment.replace(minute=0, second=0, microsecond=0)
    while (hour + HOUR).astimezone(local).utcoffset() == hour.astimezone(local).utcoffset():
        hour += HOUR
    return hour


async def wait_until(case: Case, moment: datetime) -> None:
    """In steps, and without what nobody does meanwhile: no session, no look at the plan."""
    while (left := moment - await case.now()) > timedelta(minutes=1):
        state = await case.state()
        until = (await case.now() + timedelta(days=85)).date()
        for kind in ("see-client", "refresh-discharge-plan"):
            for owed in state.open_of(kind):
                await case.do(WaiveObligation, obligation=owed.id, reason="as scripted", until=until, all_of_kind=True)
        await case.later(seconds=min(left, timedelta(days=80)).total_seconds())


async def test_a_step_up_over_a_clock_change_has_24_elapsed_hours_and_tells_people_on_time(house: House) -> None:
    case = await house.admit()
    await enrol(case, OP)
    zone = (await case.state()).calendar.zone
    change = clock_changes_after(datetime.now(UTC), zone)
    await wait_until(case, change - 10 * HOUR)
    await case.do(RequestStepUp, to=IOP, reason="worse")
    move = (await case.state()).moves.current
    assert move is not None
    began = move.due_at - 24 * HOUR
    before, after = (each.astimezone(ZoneInfo(zone)) for each in (began, move.due_at))
    assert before.utcoffset() != after.utcoffset() and before.hour != after.hour, "the clocks change meanwhile"
    await case.later(hours=25)
    record = await case.record()
    told = [each for each in record if isinstance(each, ObligationEscalated) and each.kind == "complete-step-up"]
    first = {each.to: each for each in reversed(told)}
    planned = {role: (each.planned_at - began) / HOUR for role, each in first.items()}
    assert planned == {Role.CLINICIAN: 0, Role.SUPERVISOR: 12, Role.MEDICAL_DIRECTOR: 24}
    assert all(each.at - each.planned_at < timedelta(minutes=1) for each in first.values())
    [missed] = [each for each in record if isinstance(each, StepUpWindowMissed)]
    assert timedelta(0) < missed.at - move.due_at < timedelta(minutes=1)
