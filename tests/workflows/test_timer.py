"""One durable timer, always for the next deadline, and escalations that speak at their planned moments."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from domain.pathway.admission import RepeatAdmission
from domain.pathway.consents import RecordConsent
from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.obligation_decisions import AcknowledgeObligation
from domain.pathway.obligation_events import ObligationEscalated
from domain.pathway.obligations import Obligations
from domain.pathway.placement import DecidePlacement
from domain.plans import Actor
from domain.sites import site_named
from domain.values import Role
from tests.workflows.house import House
from tests.workflows.paths import IOP, enrol

pytestmark = pytest.mark.stack

DIRECTOR = Actor(id="director-1", role=Role.MEDICAL_DIRECTOR)
_CLOSE = timedelta(seconds=5)


async def test_a_decision_that_moves_no_deadline_starts_no_timer(house: House) -> None:
    case = await house.admit()
    await enrol(case)
    started = len(await case.happened("timer_started"))
    due = (await case.state()).next_deadline()
    for number in range(3):
        await case.do(RepeatAdmission, message=f"message-{number}")
        await case.do(RecordConsent, consent="telehealth", answer=("given", "declined")[number % 2])
    assert (await case.settled()).next_deadline() == due
    assert len(await case.happened("timer_started")) == started


async def test_there_is_never_more_than_one_timer(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    await case.later(days=45)
    running = 0
    for history in await case.histories():
        for event in history.events:
            running += event.HasField("timer_started_event_attributes")
            running -= event.HasField("timer_canceled_event_attributes")
            running -= event.HasField("timer_fired_event_attributes")
            assert running <= 1 or event.HasField("timer_started_event_attributes")
    assert running == 1


async def test_a_escalation_speaks_at_its_planned_moments(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    review = (await case.state()).obligations.open["review-1"]
    await case.later(seconds=(review.escalation[-1].at - await case.now()).total_seconds() + 3600)
    every = [event for event in await case.record() if isinstance(event, ObligationEscalated)]
    spoke = [event for event in every if event.obligation == review.id]
    assert [event.planned_at for event in spoke] == [step.at for step in review.escalation]
    assert [event.to for event in spoke] == [*[Role.CLINICIAN] * 3, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR]
    assert all(timedelta(0) <= event.at - event.planned_at < _CLOSE for event in spoke)
    assert [event.overdue for event in spoke] == [False, False, True, True, True]
    assert len(case.mail()) == len(every)


async def test_the_last_step_repeats_until_somebody_acts(house: House) -> None:
    case = await house.admit()
    await case.screened()
    await case.later(days=12)
    spoke = [
        event
        for event in await case.record()
        if isinstance(event, ObligationEscalated) and event.obligation == "decide-placement-1"
    ]
    assert len(spoke) > 4
    calendar = site_named("main").calendar
    for earlier, later in pairwise(spoke[2:]):
        assert later.planned_at == calendar.in_opening_hours(earlier.at + timedelta(hours=24))
    await case.do(DecidePlacement, recommended=IOP, actual=IOP)
    assert "decide-placement-1" not in (await case.settled()).obligations.open


async def test_an_acknowledgement_keeps_the_escalation_quiet_and_the_due_time(house: House) -> None:
    case = await house.admit()
    await enrol(case)
    await case.do(RequestStepUp, to=IOP, reason="worse")
    await case.settled()
    before = (await case.later(hours=25)).obligations.open["complete-step-up-1"]
    await case.later(seconds=(before.next_at() - await case.now()).total_seconds() - 600)
    await case.do(AcknowledgeObligation, obligation=before.id, by=DIRECTOR)
    told = len(case.mail())
    after = (await case.later(minutes=50)).obligations.open[before.id]
    assert (after.due_at, len(case.mail())) == (before.due_at, told)
    await case.later(seconds=(after.next_at() - await case.now()).total_seconds() + 60)
    assert len(case.mail()) == told + 1


async def test_a_due_time_from_which_nothing_follows_does_not_keep_the_journey_busy(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a fault of a release: its due time lies in the past, and the journey is told that time passed for nothing."""
    house.replays = False
    case = await house.admit()
    await case.settled()
    with monkeypatch.context() as fault:
        fault.setattr(Obligations, "pass_time", lambda *_: iter(()))
        due = (await case.state()).next_deadline()
        assert due is not None
        await case.later(seconds=(due - await case.now()).total_seconds() + 3600)
        started = len(await case.happened("timer_started"))
        assert (await case.do(RepeatAdmission, message="message-2")).version, "it still decides"
    await case.later(hours=3)
    assert started < 12
    assert [event for event in await case.record() if isinstance(event, ObligationEscalated)], "it goes on when mended"
