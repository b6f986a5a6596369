"""The clinic's systems refuse, fail and dawdle: the journey asks a person, asks again, or waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from temporalio.common import RetryPolicy

import workflows.calls
import workflows.journey
from activities import signatures
from domain.benefits import CostShare, Verdict
from domain.effects import Effect
from domain.pathway.calls import RESOLVE_EFFECT, Answer, EffectSettled
from domain.pathway.coverage import VERIFY_BENEFITS, RecordBenefits
from domain.pathway.death import RecordDeath
from domain.pathway.discharge import ReportDischarge
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp
from domain.pathway.place_search import PlaceHeld
from domain.pathway.placement import DecidePlacement
from domain.state import JourneyState
from domain.values import Role, Stage
from tests.workflows.house import Case, House, until
from tests.workflows.paths import IOP, OP, PHP, enrol

pytestmark = pytest.mark.stack


async def failures(case: Case) -> list[str]:
    settled = [event for event in await case.record() if isinstance(event, EffectSettled)]
    return [event.failure for event in settled if event.failure]


async def test_a_benefit_check_that_fails_for_good_is_done_by_hand(house: House) -> None:
    case = await house.admit(eligibility_answer="999")
    state = await case.settled()
    assert state.stage is Stage.BENEFITS_CHECK
    assert [owed.kind for owed in state.open_of(VERIFY_BENEFITS.kind)] == [VERIFY_BENEFITS.kind]
    assert [code for code in await failures(case) if code.startswith("eligibility/")]
    await case.do(RecordBenefits, verdict=Verdict.CLEAR, cost_share=CostShare(copay=20), note="by telephone")
    state = await case.settled()
    assert state.stage is Stage.PLACEMENT
    assert not state.open_of(VERIFY_BENEFITS.kind)


async def test_an_ehr_that_refuses_is_somebodys_duty_once_and_the_journey_goes_on(house: House) -> None:
    case = await house.admit(ehr_refused=True)
    await enrol(case)
    state = await case.state()
    assert state.stage is Stage.ACTIVE
    assert [owed.id for owed in state.open_of(RESOLVE_EFFECT.kind)] == ["resolve-effect-1"]
    assert len(await failures(case)) > 1
    house.clinic.script(case.person.mrn, ehr_refused=False)
    await case.do(ReportDischarge, message="left")
    state = await case.settled()
    assert not state.open_of(RESOLVE_EFFECT.kind)
    assert sum(case.id in str(episode["identifier"]) for episode in house.clinic.fhir("EpisodeOfCare")) == 1


async def test_a_call_that_fails_is_made_again_under_the_same_key(house: House) -> None:
    case = await house.admit(eligibility_failures=2, ehr_failures=2)
    state = await case.settled()
    assert state.stage is Stage.PLACEMENT
    inquiries = house.clinic.ledger(system="eligibility", client=case.person.member_id)
    assert len(inquiries) == 3
    assert len({entry["key"] for entry in inquiries}) == 1
    attempts = [
        event.activity_task_started_event_attributes.attempt for event in await case.happened("activity_task_started")
    ]
    assert max(attempts) == 3
    written = Counter((entry["key"], entry["target"]) for entry in house.clinic.ledger(system="ehr", journey=case.id))
    assert set(written.values()) == {1}
    assert not await failures(case)


async def test_a_notice_that_is_turned_away_arrives_once(house: House) -> None:
    case = await house.admit()
    await enrol(case)
    house.clinic.script("*", mail_failures=2)
    await case.do(RequestStepUp, to=IOP, reason="worse")
    await case.settled()
    assert Counter(mail["subject"] for mail in case.mail()) == {"Complete the step-up": 1}


async def test_a_notice_under_way_when_the_client_dies_is_never_sent(house: House) -> None:
    case = await house.admit()
    await enrol(case)
    house.clinic.script("*", mail_failures=1_000)
    await case.do(RequestStepUp, to=IOP, reason="worse")
    await until(lambda: _is_pending(case, "notify"), "a notice that cannot be sent")
    await case.do(RecordDeath, source="their sister")
    house.clinic.script("*", mail_failures=0)
    await case.settled()
    assert {mail["subject"] for mail in case.mail()} <= {"Review the client's death"}
    assert await case.happened("activity_task_cancel_requested")


async def _is_pending(case: Case, kind: str) -> bool:
    return any(call.kind == kind for call in (await case.state()).pending().values())


async def syncs(case: Case) -> int:
    """How often the EHR was told something."""
    scheduled = await case.happened("activity_task_scheduled")
    names = [each.activity_task_scheduled_event_attributes.activity_type.name for each in scheduled]
    return names.count(signatures.SYNC_EHR)


async def test_a_slow_ehr_hears_only_the_newest(house: House) -> None:
    case = await house.admit(ehr_delay=0.05)
    await case.screened()
    before = await syncs(case)
    await case.do(DecidePlacement, recommended=OP, actual=OP)
    for number in range(6):
        await case.do(ReportDischarge, message=f"message-{number}")
    state = await case.settled()
    assert state.ehr.synced == state.news
    assert await syncs(case) - before < 7


async def test_a_search_without_result_is_repeated_until_a_place_is_held(house: House) -> None:
    case = await house.admit(places={PHP: {"from_search": 3}})
    await enrol(case, IOP)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    state = await case.settled()
    assert state.moves.current is not None and state.moves.current.place is None
    assert (await case.refused(ConfirmArrival)).code == "no-place-yet"
    state = await case.later(hours=9)
    assert state.moves.current is not None and state.moves.current.place is not None
    assert state.moves.current.searches == 3


async def test_an_ehr_that_does_not_answer_the_question_is_in_the_end_operations_duty(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seldom = RetryPolicy(initial_interval=timedelta(hours=8), backoff_coefficient=1.0)
    monkeypatch.setattr(workflows.calls, "_RETRY", seldom)
    house.clinic.script("*", quirks={"search_answer": "outcome"})
    case = await house.admit()

    async def is_being_asked() -> bool:
        return any(key.startswith("ehr") for key in (await case.state()).pending())

    async def has_given_up() -> bool:
        return bool(await failures(case))

    await until(is_being_asked, "the EHR is being asked")
    await house.skipper.fast_forward(case.handle, timedelta(hours=25))
    await until(has_given_up, "the call was given up")
    assert await failures(case) == ["ehr/no-searchset"]
    assert not house.clinic.ledger(journey=case.id, system="ehr")
    (owed,) = (await case.state()).open_of(RESOLVE_EFFECT.kind)
    assert (owed.owner, owed.about) == (Role.OPERATIONS, "sync-ehr")
    house.clinic.script("*", quirks={"search_answer": "searchset"})
    state = await case.later(hours=9)
    assert "Do by hand what a clinic system would not do" in [mail["subject"] for mail in case.mail()]
    assert not state.open_of(RESOLVE_EFFECT.kind)
    assert len(house.clinic.fhir("Patient", identifier=case.person.mrn)) == 1


async def test_not_knowing_whether_there_is_a_place_is_operations_duty_and_searched_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows.calls, "_RETRY", RetryPolicy(maximum_attempts=2))
    case = await house.admit()
    await enrol(case, IOP)
    house.clinic.script("*", quirks={"search_answer": "html"})
    await case.do(RequestStepUp, to=PHP, reason="worse")
    state = await case.settled()
    assert "places/not-json" in await failures(case)
    assert "hold-place" in [owed.about for owed in state.open_of(RESOLVE_EFFECT.kind)]
    assert not house.clinic.ledger(journey=case.id, system="places")
    house.clinic.script("*", quirks={"search_answer": "searchset"})
    state = await case.later(hours=5)
    assert state.moves.current is not None and state.moves.current.place is not None


async def test_other_patients_records_are_no_concern_of_a_journey(house: House) -> None:
    house.clinic.script("*", quirks={"ignore_criteria": True, "include_others": True, "page_size": 2})
    first, second = await house.admit(), await house.admit()
    await asyncio.gather(enrol(first), enrol(second))
    for case in (first, second):
        (patient,) = clinic_records(house, "Patient", case.person.mrn)
        (episode,) = clinic_records(house, "EpisodeOfCare", case.id)
        assert episode["patient"]["reference"] == f"Patient/{patient['id']}"
        assert episode["status"] == "active"


async def test_an_ehr_whose_index_lags_gets_one_of_each(house: House) -> None:
    house.clinic.script("*", quirks={"index_lag": 2, "ignore_if_none_exist": True, "lost_creates": 1})
    case = await house.admit()
    await enrol(case)
    assert not await failures(case)
    for kind, identifier in (("Patient", case.person.mrn), ("EpisodeOfCare", case.id)):
        assert len(clinic_records(house, kind, identifier)) == 1
    created = house.clinic.ledger(journey=case.id, kind="create")
    assert len(created) == len({entry["key"] for entry in created})


def clinic_records(house: House, kind: str, identifier: str) -> list[dict[str, Any]]:
    return [entry for entry in house.clinic.fhir(kind) if identifier in str(entry.get("identifier"))]


async def test_a_place_lies_ahead_of_the_journeys_own_present(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    await case.later(weeks=7)
    asked = await case.now()
    house.clinic.script(case.person.mrn, ehr_failures=1)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    await case.settled()
    (held,) = [event for event in await case.record() if isinstance(event, PlaceHeld)]
    assert asked < held.starts_at <= asked + timedelta(hours=25)


async def test_a_call_that_cannot_even_be_made_stops_the_journey_visibly(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours must not lose the effect in silence: the workflow task fails until it is mended."""

    async def broken(state: JourneyState, effect: Effect) -> Answer:
        raise ValueError("nothing is known of this effect")

    case = await house.admit()
    await case.screened()
    placement = case.command(DecidePlacement, recommended=OP, actual=OP)
    with monkeypatch.context() as patched:
        patched.setattr(workflows.journey, "carry_out", broken)
        telling = asyncio.create_task(case.journeys.tell(case.id, placement))

        async def it_is_visible() -> bool:
            return bool(await case.happened("workflow_task_failed"))

        await until(it_is_visible, "the workflow task failed visibly")
    await asyncio.gather(telling, return_exceptions=True)  # told that Temporal will not take it just now, or answered
    await case.settled()
    assert (await case.journeys.tell(case.id, placement)).stage is Stage.COST_REVIEW
    assert sum(event.type == "placement.decided" for event in await case.record()) == 1


async def test_an_opening_makes_three_calls_and_records_four_times(house: House) -> None:
    """It is opened, told to the EHR, answered by the payer, and told again: more than that would slow each opening."""
    case = await house.admit()
    await case.settled()
    (history,) = await case.histories()
    scheduled = [e.activity_task_scheduled_event_attributes for e in history.events]
    calls = Counter(each.activity_type.name for each in scheduled if each.activity_type.name)
    assert calls == {signatures.CHECK_BENEFITS: 1, signatures.SYNC_EHR: 2, signatures.RECORD: 4}
    written = [(e["kind"], e["target"].partition("/")[0]) for e in house.clinic.ledger(system="ehr", journey=case.id)]
    created = {"Patient": 1, "EpisodeOfCare": 1, "Task": 4}
    assert Counter(kind for action, kind in written if action == "create") == created
    assert Counter(kind for action, kind in written if action == "update") == {"EpisodeOfCare": 1, "Task": 1}
