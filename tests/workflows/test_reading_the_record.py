"""A new run reads its record before it answers or decides anything, whatever happens to the record just then."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from activities import recorder
from activities import signatures as sig
from clientkeys.errors import KeysUnavailable
from domain.comparing import comparable
from domain.evolve import fold
from domain.pathway.admission import AdmissionRepeated, RepeatAdmission
from domain.pathway.placement import DecidePlacement, PlacementDecided
from domain.state import JourneyState
from domain.values import Stage
from eventstore import EventStore, StoredEvent, StoreUnavailable
from record.sealing import Sealer
from recovery.differences import Kind, OnRecord, difference
from recovery.running import RunningJourneys
from tests.recovery.records import holding
from tests.workflows.house import Case, House, until
from tests.workflows.paths import OP, enrol
from tests.workflows.stores import Around
from workflows.card import STAGE
from workflows.client import CommandNotRecorded, CommandRefused, Journeys, JourneysUnreachable
from workflows.messages import READING

pytestmark = pytest.mark.stack


class Unread(Around):
    """Cannot be read or written while `is_away`."""

    is_away = False

    async def read(self, stream: str, *, after_version: int = 0, limit: int | None = None) -> tuple[StoredEvent, ...]:
        if self.is_away:
            raise StoreUnavailable("the database is down")
        return await super().read(stream, after_version=after_version, limit=limit)


def at_once(house: House) -> Journeys:
    """Asks once and does not wait for a run that is still reading."""
    return Journeys(house.client, patience=timedelta(seconds=1))


async def kind(case: Case) -> Kind | None:
    """What `reconcile` calls the journey."""
    state = fold(await case.record())
    workflow = await RunningJourneys(case.house.client).find(case.id)
    found = difference(case.id, OnRecord(version=state.version, closed=False, state=state), workflow)
    return found.kind if found else None


async def reading(case: Case) -> bool:
    try:
        return (await at_once(case.house).snapshot(case.id)).is_reading
    except JourneysUnreachable:
        return False


async def test_until_it_has_it_tells_no_empty_journey_and_keeps_what_it_is_told(idle_house: House) -> None:
    store = Unread(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        before = await case.screened()
        store.is_away = True
        await case.roll_over()
        await until(lambda: reading(case), "the new run is reading")
        snapshot = await at_once(idle_house).snapshot(case.id)
        assert snapshot.state.version == before.version
        for ask in (at_once(idle_house).status, at_once(idle_house).state):
            with pytest.raises(JourneysUnreachable, match=READING):
                await ask(case.id)
        attributes = (await case.handle.describe()).typed_search_attributes
        assert attributes.get(STAGE) == before.stage
        assert await kind(case) in (Kind.WAITING, Kind.NOT_RECORDED)
        placement = case.command(DecidePlacement, recommended=OP, actual=OP)
        with pytest.raises(CommandNotRecorded) as kept:
            await case.journeys.tell(case.id, placement)
        assert kept.value.code == sig.RECORD_UNREACHABLE
        assert await kind(case) is Kind.NOT_RECORDED
        await case.roll_over()  # what is kept outlives one more run that cannot read
        await until(lambda: reading(case), "the next run is reading")
        assert (await at_once(idle_house).snapshot(case.id)).state == snapshot.state
        store.is_away = False
        await case.journeys.look_again(case.id)
        assert (await case.settled()).stage is Stage.COST_REVIEW
        assert [type(event) for event in await case.record()].count(PlacementDecided) == 1
        assert fold(await case.record()) == await case.state()
        assert not (await case.journeys.snapshot(case.id)).is_reading


async def test_a_long_record_is_read_in_batches(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    case = await house.admit()
    for _ in range(20):
        await case.do(RepeatAdmission, message="again")
    before = await case.settled()
    monkeypatch.setattr(recorder, "READ_AT_ONCE", 7)
    await case.roll_over()
    assert comparable(await case.settled()) == comparable(before)
    [*_, last] = await case.histories()
    scheduled = [each.activity_task_scheduled_event_attributes.activity_type.name for each in last.events]
    record_checks = [each for each in scheduled if each == sig.CHECK_RECORD]
    assert len(record_checks) == -(-before.version // 7)
    await case.do(RepeatAdmission, message="again")
    assert sum(isinstance(event, AdmissionRepeated) for event in await case.record()) == 21


async def test_neither_needs_nor_shows_words_of_the_client(idle_house: House) -> None:
    """A run begins while the keys are away, and Temporal is not given the words again."""

    class Away(Sealer):
        async def unseal(self, stored: StoredEvent) -> object:  # type: ignore[override]
            raise KeysUnavailable("the keys are away")

    async with idle_house.working():
        case = await idle_house.admit()
        await enrol(case)
        before = await case.settled()
    async with idle_house.working(sealer=Away(idle_house.sealer._keyring)):
        await case.roll_over()
        after = await case.settled()
    assert comparable(after) == comparable(before)
    assert "[sealed]" in after.discharge.plan.follow_ups and not after.discharge.plan.missing()
    [*_, last] = await case.histories()
    assert "a first visit within a week" not in last.to_json()


class Story(Around):
    """Reads as another record does, where a test says so."""

    instead: EventStore | None = None

    async def read(self, stream: str, *, after_version: int = 0, limit: int | None = None) -> tuple[StoredEvent, ...]:
        return await (self.instead or self.inner).read(stream, after_version=after_version, limit=limit)


@pytest.mark.parametrize("code", [sig.AHEAD_OF_RECORD, sig.DIFFERS_FROM_RECORD])
async def test_a_record_that_was_changed_between_two_runs_stops_the_journey(idle_house: House, code: str) -> None:
    store = Story(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        before = await case.screened()
        held = await idle_house.store.read(case.id)
        store.instead = await (_shorter if code == sig.AHEAD_OF_RECORD else _altered)(case, held)
        await case.roll_over()

        async def stands_still() -> bool:
            try:
                return (await at_once(idle_house).snapshot(case.id)).stopped == code
            except JourneysUnreachable:
                return False

        await until(stands_still, "the journey stands still")
        assert (await case.journeys.snapshot(case.id)).state.version == before.version
        refused = await case.refused(DecidePlacement, recommended=OP, actual=OP)
        assert refused.code == "standing-still"
        with pytest.raises(CommandRefused, match=code):
            await case.journeys.look_again(case.id)
        store.instead = None
        assert (await case.journeys.look_again(case.id)).version == before.version
        assert await case.settled() == before


async def _shorter(case: Case, held: tuple[StoredEvent, ...]) -> EventStore:
    return await holding(case.id, held[:2])


async def _altered(case: Case, held: tuple[StoredEvent, ...]) -> EventStore:
    other = {**held[0].data, "client_ref": "another-client"}
    return await holding(case.id, (held[0].model_copy(update={"data": other}), *held[1:]))


async def test_decisions_sent_while_it_reads_are_answered_in_their_order(house: House) -> None:
    case = await house.admit()
    await case.settled()
    commands = [case.command(RepeatAdmission, message="again") for _ in range(8)]
    async with asyncio.TaskGroup() as racing:
        racing.create_task(case.handle.signal("roll-over"))
        for each in commands:
            racing.create_task(case.journeys.tell(case.id, each))
    state: JourneyState = await case.settled()
    repeated = [event.cause for event in await case.record() if isinstance(event, AdmissionRepeated)]
    assert sorted(repeated) == sorted(each.cause for each in commands)
    assert state.version == len(await case.record())
