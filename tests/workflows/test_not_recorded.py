"""A decision that cannot be recorded: said everywhere with its cause, kept, and recorded once the cause is gone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from activities import recorder
from activities import signatures as sig
from clientkeys.errors import KekNotInFile, KekUnusable, KeyDestroyed, KeysUnavailable
from domain.commands import BaseCommand
from domain.events import BaseEvent
from domain.pathway.admission import AdmissionRepeated, CancelAdmission, JourneyOpened, RepeatAdmission
from domain.pathway.placement import DecidePlacement, PlacementDecided
from domain.values import Stage
from eventstore import EventStoreError, SchemaMissing, StoreUnavailable
from eventstore.errors import InvalidRequest
from intake.facts import AdmissionKind
from intake.gate import GateUnavailable
from intake.temporal_gate import TemporalGate
from tests.workflows.decrypted import decrypted
from tests.workflows.house import Case, House, until
from tests.workflows.paths import OP
from tests.workflows.stores import Fails, FailsLate, Hangs
from tests.workflows.test_dual_write import assert_one_truth
from tests.workflows.test_opening import NOW
from tests.workflows.test_shown import found, metadata
from workflows.card import NOT_RECORDED, URGENT
from workflows.client import CommandNotRecorded, JourneyNotRunning
from workflows.not_recorded import page

pytestmark = pytest.mark.stack

SECRET = "Bartolomea wants a window"

KINDS = [
    (KekNotInFile("not in the file"), sig.WRONG_KEK),
    (KekUnusable("changed"), sig.KEY_UNUSABLE),
    (KeyDestroyed(), sig.KEY_DESTROYED),
    (KeysUnavailable("OperationalError"), sig.KEYS_UNREACHABLE),
    (SchemaMissing(), sig.RECORD_SCHEMA),
    (StoreUnavailable("OperationalError"), sig.RECORD_UNREACHABLE),
    (EventStoreError("the database refused the call (SQLSTATE 23514)"), sig.RECORD_REFUSED),
    (InvalidRequest(SECRET), sig.NOT_RECORDABLE),
    (TypeError(SECRET), sig.UNEXPECTED),
]


def placement(case: Case) -> BaseCommand:
    return case.command(DecidePlacement, id="placement", recommended=OP, actual=OP)


async def not_recorded(case: Case, command: BaseCommand) -> CommandNotRecorded:
    with pytest.raises(CommandNotRecorded) as told:
        await case.journeys.tell(case.id, command)
    return told.value


async def marked(case: Case) -> str | None:
    return (await case.handle.describe()).typed_search_attributes.get(NOT_RECORDED)


def pages(case: Case, subject: str = "cannot be recorded") -> list[str]:
    return [each["body"] for each in case.mail() if subject in each["subject"]]


async def paged(case: Case, times: int = 1, subject: str = "cannot be recorded") -> None:
    async def so_often() -> bool:
        return len(pages(case, subject)) == times

    await until(so_often, f"operations were paged {times} times that it {subject}")


async def was_paged(case: Case) -> str:
    """Returns once the page for this journey's cause has gone out; its key. Other journeys may share it."""

    async def trouble_is_paged() -> bool:
        trouble = (await case.journeys.snapshot(case.id)).not_recorded
        return trouble is not None and trouble.paged_at is not None

    await until(trouble_is_paged, "operations were paged")
    trouble = (await case.journeys.snapshot(case.id)).not_recorded
    assert trouble is not None and trouble.paged_at is not None
    key = page(trouble, case.id, [], trouble.paged_at).key
    await case.house.client.get_workflow_handle(f"page/{key}").result()
    return key


async def recorded_once(case: Case, *kinds: type[BaseEvent]) -> None:
    events = await case.record()
    for kind in kinds:
        assert sum(isinstance(each, kind) for each in events) == 1
    await assert_one_truth(case)


async def idle(case: Case, span: timedelta) -> None:
    """Moves the journey's clock on."""
    await case.house.skipper.fast_forward(case.handle, span)


async def to_the_next_deadline(case: Case, **earlier: float) -> None:
    """Moves the journey's clock to so much before its next deadline."""
    due = (await case.state()).next_deadline()
    assert due is not None
    await idle(case, due - await case.now() - timedelta(**earlier))


async def nothing_is_said(case: Case) -> None:
    async def is_clear() -> bool:
        return await marked(case) is None

    await until(is_clear, "the search attribute is taken back")
    assert "Cannot be recorded" not in (await metadata(case)).current_details
    assert (await case.journeys.snapshot(case.id)).not_recorded is None


@pytest.mark.parametrize(("error", "code"), KINDS, ids=[code for _, code in KINDS])
async def test_the_cause_is_said_everywhere_and_it_heals(idle_house: House, error: Exception, code: str) -> None:
    store = Fails(idle_house.store)
    with capture_logs() as logs:
        async with idle_house.working(store):
            case, other = await idle_house.admit(), await idle_house.admit()
            before = await case.screened()
            await other.screened()
            store.failing[case.id] = error
            told = await not_recorded(case, placement(case))
            assert told.code == code and code in str(told) and "Nothing is lost" in str(told)
            assert code in (await metadata(case)).current_details
            assert "decide-placement" in (await metadata(case)).current_details
            assert (await marked(case), (await case.state())) == (code, before)

            async def is_listed() -> bool:
                return await found(case, f"NotRecorded = '{code}' AND Urgent = true")

            await until(is_listed, "the journey is listed by its cause")
            trouble = (await case.journeys.snapshot(case.id)).not_recorded
            assert trouble is not None and trouble.code == code
            assert (await other.do(DecidePlacement, recommended=OP, actual=OP)).stage is Stage.COST_REVIEW

            await was_paged(case)
            del store.failing[case.id]
            assert (await case.journeys.tell(case.id, placement(case))).stage is Stage.COST_REVIEW
            await case.settled()
            await recorded_once(case, PlacementDecided)
            await nothing_is_said(case)
            assert (await case.handle.describe()).typed_search_attributes.get(URGENT) is False
    said = [each for each in logs if each["event"] == "decision-not-recorded" and each["journey"] == case.id]
    assert [(each["cause"], each["log_level"], each["waiting"]) for each in said] == [
        (code, "error", ["decide-placement"])
    ]
    assert [each["cause"] for each in logs if each["event"] == "recorded-again"] == [code]
    texts = [str(logs), str(idle_house.clinic.get("/mailbox"))]
    histories = [await decrypted(each, idle_house.client.data_converter) for each in await case.histories()]
    texts += [str(history.to_json_dict()) for history in histories]
    assert SECRET not in "\n".join(texts)


async def test_it_heals_by_itself_and_says_that_it_is_over(idle_house: House) -> None:
    store = Fails(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        await case.screened()
        store.failing[case.id] = KeyDestroyed()
        await not_recorded(case, placement(case))
        await paged(case)
        for hours in (5, 5):
            await idle(case, timedelta(hours=hours))
        await paged(case, times=3)
        tried = store.tried[case.id]
        assert tried < 400  # pauses grow: two journeys' days are not a flood
        del store.failing[case.id]
        await idle(case, timedelta(minutes=6))
        assert (await case.settled()).stage is Stage.COST_REVIEW
        await paged(case, subject="recorded again")
        await recorded_once(case, PlacementDecided)
        await nothing_is_said(case)


async def test_reminders_do_not_wait_for_a_decision_whose_words_cannot_be_sealed(idle_house: House) -> None:
    store = Fails(idle_house.store)
    store.only = "decide-placement"
    async with idle_house.working(store):
        case = await idle_house.admit()
        await case.screened()
        await to_the_next_deadline(case, minutes=20)
        store.failing[case.id] = KeyDestroyed()
        await not_recorded(case, placement(case))
        told, before = len(case.mail()), (await case.state()).version
        await idle(case, timedelta(minutes=25))

        async def was_reminded() -> bool:
            return any("cannot be recorded" not in each["subject"] for each in case.mail()[told:])

        await until(was_reminded, "the reminder was sent")
        assert (await case.do(RepeatAdmission, message="again")).version > before
        assert await marked(case) == sig.KEY_DESTROYED
        del store.failing[case.id]
        assert (await case.journeys.look_again(case.id)).stage is Stage.COST_REVIEW
        await case.settled()
        await recorded_once(case, PlacementDecided)


async def test_what_failed_after_the_cause_was_mended_is_tried_again_before_the_engineer_is_answered(
    idle_house: House,
) -> None:
    """The attempt began before: how it ends says nothing about what was mended."""
    store = FailsLate(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        await case.screened()
        store.failing[case.id] = KeyDestroyed()
        await not_recorded(case, placement(case))
        store.may_fail.clear()
        again = asyncio.create_task(case.do(RepeatAdmission, message="again"))  # with it, what waits is tried again
        await until(store.is_asked, "the attempt is under way")
        looking = asyncio.create_task(case.journeys.look_again(case.id))

        async def is_looking() -> bool:
            return any("look-again" in str(each) for each in await case.happened("workflow_execution_update_accepted"))

        await until(is_looking, "the journey was told to look again")
        del store.failing[case.id]
        store.may_fail.set()
        assert (await looking).stage is Stage.COST_REVIEW
        await again
        await recorded_once(case, PlacementDecided)


async def test_a_deadline_that_cannot_be_recorded_is_paged_and_not_made_again_and_again(idle_house: House) -> None:
    store = Fails(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        before = await case.settled()
        await to_the_next_deadline(case, minutes=1)
        store.failing[case.id] = SchemaMissing()
        await idle(case, timedelta(minutes=5))

        async def is_marked() -> bool:
            return await marked(case) == sig.RECORD_SCHEMA

        await until(is_marked, "the journey is marked")
        assert "time-passed" in (await metadata(case)).current_details
        assert (await case.journeys.snapshot(case.id)).waiting == 1
        store.failing.clear()
        await case.journeys.look_again(case.id)
        state = await case.settled()
        assert state.version > before.version
        await assert_one_truth(case)


async def test_an_answer_that_cannot_be_recorded_is_kept_and_the_call_is_not_made_again(idle_house: House) -> None:
    store = Fails(idle_house.store)
    store.only = "settle/benefits"
    async with idle_house.working(store):
        case = await idle_house.admit(eligibility_delay=0.5)
        store.failing[case.id] = TypeError(SECRET)

        async def is_marked() -> bool:
            return await marked(case) == sig.UNEXPECTED

        await until(is_marked, "the journey is marked")
        await case.roll_over()
        await until(is_marked, "the journey is still marked")
        store.failing.clear()
        await case.journeys.look_again(case.id)
        assert (await case.settled()).stage is Stage.PLACEMENT
        asked = [each["key"] for each in idle_house.clinic.ledger(system="eligibility", client=case.person.member_id)]
        assert len(asked) == 1
        await assert_one_truth(case)


async def test_an_opening_that_cannot_be_recorded(idle_house: House) -> None:
    store = Fails(idle_house.store)
    store.fail_all = KekNotInFile("not in the file")
    async with idle_house.working(store):
        case = await idle_house.admit()

        async def is_marked() -> bool:
            return await marked(case) == sig.WRONG_KEK

        await until(is_marked, "the journey is marked")
        await was_paged(case)
        early = await not_recorded(case, case.command(RepeatAdmission, id="repeat/2", message="again"))
        assert early.code == sig.WRONG_KEK
        assert "open-journey" in (await metadata(case)).current_details
        await case.roll_over()
        assert (await not_recorded(case, case.command(RepeatAdmission, id="repeat/2", message="again"))).code
        store.fail_all = None
        assert (await case.journeys.look_again(case.id)).version > 0
        first, *_ = await case.record()
        assert isinstance(first, JourneyOpened)
        await case.settled()
        await recorded_once(case, JourneyOpened, AdmissionRepeated)


async def test_what_is_kept_outlives_a_new_run_and_a_worker(idle_house: House) -> None:
    store = Fails(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        await case.screened()
        store.failing[case.id] = KeyDestroyed()
        await not_recorded(case, placement(case))
        await paged(case)
        since = (await case.journeys.snapshot(case.id)).not_recorded
        await case.roll_over()
        told = await not_recorded(case, placement(case))  # known to the new run as well
        assert told.code == sig.KEY_DESTROYED and "decide-placement" in (await metadata(case)).current_details
        after = (await case.journeys.snapshot(case.id)).not_recorded
        assert since is not None and after is not None and after.since == since.since
    async with idle_house.working():  # another worker, after the cause was mended

        async def is_recorded() -> bool:
            return (await case.state()).stage is Stage.COST_REVIEW

        await idle(case, timedelta(minutes=6))
        await until(is_recorded, "what was kept is recorded")
        assert (await case.journeys.tell(case.id, placement(case))).stage is Stage.COST_REVIEW
        await case.settled()
        await recorded_once(case, PlacementDecided)
        assert len(pages(case)) == 1


async def test_a_kept_decision_that_is_refused_later_is_told_to_a_person(idle_house: House) -> None:
    store = Fails(idle_house.store)
    store.only = "decide-placement"
    async with idle_house.working(store):
        case = await idle_house.admit()
        await case.screened()
        store.failing[case.id] = KeyDestroyed()
        await not_recorded(case, placement(case))
        await case.do(CancelAdmission, message="cancelled")  # it has no words of a person
        await paged(case, subject="was refused")
        assert (await case.ended())["stage"] == Stage.CANCELLED
        with pytest.raises(JourneyNotRunning):
            await case.journeys.tell(case.id, placement(case))
        await assert_one_truth(case)


async def test_intake_keeps_a_fact_that_the_journey_cannot_record(idle_house: House) -> None:
    store = Fails(idle_house.store)
    async with idle_house.working(store):
        case, gate = await idle_house.admit(), TemporalGate(idle_house.journeys, idle_house.store)
        await case.settled()
        store.failing[case.id] = SchemaMissing()
        for _ in range(2):
            with pytest.raises(GateUnavailable, match=sig.RECORD_SCHEMA):
                await gate.repeat_admission(case.id, "message-2", next(iter(AdmissionKind)), NOW)
        store.failing.clear()
        await gate.repeat_admission(case.id, "message-2", next(iter(AdmissionKind)), NOW)
        await case.settled()
        await recorded_once(case, AdmissionRepeated)


async def test_many_journeys_that_cannot_record_do_not_hold_up_another_and_page_once(idle_house: House) -> None:
    store = Fails(idle_house.store)
    async with idle_house.working(store, max_concurrent_activities=4, max_concurrent_workflow_tasks=4):
        cases = [await idle_house.admit() for _ in range(6)]
        for case in cases:
            await case.screened()
        for case in cases[1:]:
            store.failing[case.id] = SchemaMissing()
        told = await asyncio.gather(*(not_recorded(case, placement(case)) for case in cases[1:]))
        assert {each.code for each in told} == {sig.RECORD_SCHEMA}
        assert (await cases[0].journeys.tell(cases[0].id, placement(cases[0]))).stage is Stage.COST_REVIEW
        keys = {await was_paged(case) for case in cases[1:]}
        assert len(keys) <= 2  # one, or two where a new quarter of an hour begins
        store.failing.clear()
        for case in cases[1:]:
            assert (await case.journeys.tell(case.id, placement(case))).stage is Stage.COST_REVIEW


async def test_workers_that_are_lost_say_nothing_of_the_record(
    idle_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both tries end unanswered, as when their workers were killed: it is asked once more, and no one is told."""
    monkeypatch.setattr(recorder, "_STORE_SECONDS", 60)
    store = Hangs(idle_house.store)

    async def both_are_lost() -> bool:
        return store.left == 2

    with capture_logs() as logs:
        async with idle_house.working(store):
            case = await idle_house.admit()
            await case.screened()
            store.hangs.set()
            telling = asyncio.create_task(case.journeys.tell(case.id, placement(case)))
            await until(both_are_lost, "both tries have begun")
            store.hangs.clear()
            assert (await telling).stage is Stage.COST_REVIEW
            assert await marked(case) is None
            await case.settled()
            await recorded_once(case, PlacementDecided)
    assert store.left == 2
    assert not [each for each in logs if each["event"] == "decision-not-recorded"]
