"""Who decides is proven before anything is recorded: on a real server, with a worker that trusts three keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from access.signatures import Signer, Standing, TrustedKeys
from domain.authorship import KEY_NOT_TRUSTED, NOT_SIGNED, ROLE_NOT_THEIRS, SIGNATURE_WRONG, SITE_NOT_THEIRS, Via
from domain.commands import BaseCommand, Decision, SignedCommand
from domain.pathway.admission import AdmissionRepeated, CancelAdmission
from domain.pathway.placement import DecidePlacement, PlacementDecided
from domain.values import Role, Stage
from eventstore import SchemaMissing
from intake.facts import AdmissionKind
from intake.gate import GateUnavailable
from intake.temporal_gate import TemporalGate
from tests.access.test_signatures import API, INTAKE, STRANGER, TRUSTED
from tests.domain.walk import MONDAY
from tests.workflows.house import Case, House, until
from tests.workflows.paths import IOP, OP, enrol
from tests.workflows.stores import Fails
from workflows.client import CommandNotRecorded, CommandRefused, Journeys

pytestmark = pytest.mark.stack

OPERATIONS = "A decision that was kept for later was refused"


def sign(journey_id: str, command: BaseCommand) -> BaseCommand:
    """As the API and intake do."""
    assert isinstance(command, SignedCommand)
    if isinstance(command, Decision):
        return Signer(API).sign(journey_id, command, Standing(Via.API, roles=(command.by.role,), sites=("main",)))
    return Signer(INTAKE).sign(journey_id, command, Standing(Via.INTAKE))


@pytest.fixture
async def guarded(idle_house: House) -> AsyncIterator[House]:
    """A house whose worker believes nobody without a signature."""
    async with idle_house.working(authors=TRUSTED):
        yield idle_house


async def admitted(house: House) -> Case:
    case = await house.admit(journeys=Journeys(house.client, sign=sign))
    await case.screened()
    return case


def placement(case: Case, **fields: Any) -> SignedCommand:
    command = case.command(DecidePlacement, **{"recommended": OP, "actual": OP, **fields})
    assert isinstance(command, SignedCommand)
    return command


async def refused(case: Case, command: BaseCommand) -> str:
    """The code with which Temporal's own client is refused what it sends by hand."""
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await case.handle.execute_update(command.name(), command)
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError) and cause.non_retryable
    return str(cause.type)


async def test_a_whole_enrolment_is_signed_and_recorded_as_such(guarded: House) -> None:
    case = await guarded.admit(journeys=Journeys(guarded.client, sign=sign))
    await enrol(case)
    stored = await guarded.store.read(case.id)
    vias = {each.meta["command_id"].partition("/")[0]: each.meta.get("via") for each in stored}
    assert vias["decide-placement"] == vias["accept-cost"] == vias["confirm-enrolment"] == Via.API
    assert vias["open"] is None, "the opening is not signed: docs/decisions/021"


async def test_an_update_sent_by_hand_is_refused_unless_it_is_signed(guarded: House) -> None:
    case = await admitted(guarded)
    before, events = await case.state(), len(await case.record())
    good, acting = placement(case), (Role.CLINICIAN,)
    forged = {
        NOT_SIGNED: good,
        KEY_NOT_TRUSTED: Signer(STRANGER).sign(case.id, good, Standing(Via.API, acting)),
        SIGNATURE_WRONG: Signer(API).sign("another-journey", good, Standing(Via.API, acting)),
        ROLE_NOT_THEIRS: Signer(API).sign(case.id, good, Standing(Via.API)),
        SITE_NOT_THEIRS: Signer(API).sign(case.id, good, Standing(Via.API, acting, sites=("east",))),
    }
    assert {code: await refused(case, command) for code, command in forged.items()} == {code: code for code in forged}
    altered = sign(case.id, good).model_copy(update={"recommended": IOP, "actual": IOP})
    assert await refused(case, altered) == SIGNATURE_WRONG
    assert await case.state() == before and len(await case.record()) == events
    assert not (await case.journeys.snapshot(case.id)).waiting
    assert (await case.do(DecidePlacement, recommended=OP, actual=OP)).stage is Stage.COST_REVIEW


async def test_a_forgery_under_an_id_does_not_take_it_from_the_decision(guarded: House) -> None:
    """Temporal keeps the outcome of an Update under its id; the client asks again under another."""
    case = await admitted(guarded)
    good = placement(case)
    with pytest.raises(CommandRefused) as failed:
        await Journeys(guarded.client).tell(case.id, good)
    assert failed.value.code == NOT_SIGNED
    assert (await case.journeys.tell(case.id, good)).stage is Stage.COST_REVIEW
    assert sum(isinstance(each, PlacementDecided) for each in await case.record()) == 1


async def test_only_intake_can_send_an_admissions_message(guarded: House) -> None:
    case = await admitted(guarded)
    cancel = case.command(CancelAdmission, message="message-2")
    assert await refused(case, cancel) == NOT_SIGNED
    assert isinstance(cancel, SignedCommand)
    assert await refused(case, Signer(API).sign(case.id, cancel, Standing(Via.API))) == KEY_NOT_TRUSTED
    assert (await case.state()).stage is Stage.PLACEMENT
    unsigned, signed = (TemporalGate(each, guarded.store) for each in (guarded.journeys, case.journeys))
    message = (case.id, "message-3", next(iter(AdmissionKind)), MONDAY)
    with pytest.raises(GateUnavailable, match=NOT_SIGNED):
        await unsigned.repeat_admission(*message)
    await signed.repeat_admission(*message)
    assert [each.message for each in await case.record() if isinstance(each, AdmissionRepeated)] == ["message-3"]


async def kept(house: House) -> tuple[Case, SignedCommand]:
    """A signed decision that the next run has to record."""
    store = Fails(house.store)
    async with house.working(store, authors=TRUSTED):
        case = await admitted(house)
        command = placement(case)
        store.failing[case.id] = SchemaMissing()
        with pytest.raises(CommandNotRecorded):
            await case.journeys.tell(case.id, command)
        await case.roll_over()
    return case, command


async def test_a_kept_decision_keeps_its_signature(idle_house: House) -> None:
    case, command = await kept(idle_house)
    async with idle_house.working(authors=TRUSTED):
        await case.journeys.look_again(case.id)
        assert (await case.state()).stage is Stage.COST_REVIEW
        of_it = [e.meta for e in await idle_house.store.read(case.id) if e.meta["command_id"] == command.cause]
        assert of_it[0]["signed"]["signature"]["value"] and {each["via"] for each in of_it} == {Via.API}


async def test_a_kept_decision_that_is_no_longer_believed_is_told_to_operations(idle_house: House) -> None:
    case, command = await kept(idle_house)
    async with idle_house.working(authors=TrustedKeys(())):
        await case.handle.signal("catch-up")
        await idle_house.skipper.fast_forward(case.handle, timedelta(minutes=6))

        async def is_paged() -> bool:
            return any(each["subject"] == OPERATIONS for each in case.mail())

        await until(is_paged, "operations are told")
        [page] = [each["body"] for each in case.mail() if each["subject"] == OPERATIONS]
        assert KEY_NOT_TRUSTED in page and "nobody can prove who took it" in page
        assert not (await case.journeys.snapshot(case.id)).waiting
        assert not [each for each in await case.record() if isinstance(each, PlacementDecided)]
    assert command.cause not in page
