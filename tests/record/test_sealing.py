"""Words are sealed, and what is left open is the same journey."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from clientkeys.errors import KeyDestroyed, SealBroken
from domain.benefits import Benefits, Evidence, Topic, Verdict
from domain.commands import BaseCommand
from domain.comparing import fingerprint
from domain.decide import decide
from domain.events import BaseEvent
from domain.evolve import evolve, fold
from domain.pathway import Event
from domain.pathway.care import LevelOfCareEnded
from domain.pathway.coverage import BenefitsAnswered
from domain.pathway.discharge import DischargePlanUpdated, UpdateDischargePlan
from domain.pathway.obligation_events import ObligationWaived
from domain.plans import DischargePlan
from domain.refusal import Refusal
from domain.state import JourneyState
from eventstore import InvalidRequest, StoredEvent
from record.codec import from_record, to_record
from record.sealing import MASK, Sealer, split
from tests.clientkeys.memory import MemoryKeyring
from tests.domain.strategies import FITTING, command
from tests.domain.walk import CLINICIAN, MONDAY, STAGES, Walk, in_hospital_before_care, on_leave_again
from tests.eventstore.memory import MemoryEventStore

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
CLIENT = "client-1"
CANARY = "Orsolya Quillfeather, who fears the sea"
LINES = st.lists(st.sampled_from(["", "  ", "\n", "call 988", MASK, CANARY]), max_size=3).map(tuple)
PLANS = st.builds(DischargePlan, follow_ups=LINES, crisis_contacts=LINES, resources=LINES)


def opened(event: BaseEvent) -> Event:
    """The event as its open data tells it."""
    record = to_record(event)
    data, _ = split(event, record.data)
    return EVENT.validate_python({**data, "type": record.type, "at": event.at, "cause": event.cause})


def masked(state: JourneyState) -> dict[str, Any]:
    return split(state, state.model_dump(mode="json"))[0]


@pytest.mark.parametrize(
    "begin",
    [*STAGES.values(), in_hospital_before_care, on_leave_again],
    ids=[*STAGES, "in hospital", "on leave again"],
)
def test_a_state_is_the_same_with_and_without_its_words(begin: Callable[[], Walk]) -> None:
    """Else a journey that reads its record would take itself for another one, and stand still."""
    walk = begin()
    open_ = fold([opened(event) for event in walk.record])
    assert open_.model_dump(mode="json") == masked(walk.state)
    assert fingerprint(open_) == fingerprint(walk.state)


@given(data=st.data(), start=st.sampled_from(list(STAGES)))
@settings(deadline=None)
def test_open_events_fold_to_the_same_journey_with_its_words_masked(data: st.DataObject, start: str) -> None:
    walk = STAGES[start]()
    whole, open_ = walk.state, fold([opened(event) for event in walk.record])
    now = walk.now
    for number in range(data.draw(st.integers(0, 6))):
        kinds: list[type[BaseCommand]] = [*FITTING[whole.stage], UpdateDischargePlan]
        asked = data.draw(command(data.draw(st.sampled_from(kinds)), 1000 + number, whole, able=True))
        if isinstance(asked, UpdateDischargePlan):
            asked = asked.model_copy(update={"plan": data.draw(PLANS)})
        outcome = decide(whole, asked, now)
        again = decide(open_, asked, now)
        if isinstance(outcome, Refusal) or isinstance(again, Refusal):
            assert outcome == again
            continue
        assert outcome.events == again.events
        for event in outcome.events:
            whole, open_ = evolve(whole, event), evolve(open_, opened(event))
    assert open_.model_dump(mode="json") == masked(whole)
    assert (open_.stage, open_.next_deadline()) == (whole.stage, whole.next_deadline())


async def recorded(store: MemoryEventStore, sealer: Sealer, *events: Event) -> tuple[StoredEvent, ...]:
    sealed = await sealer.seal(events, stream="journey-1", key="k", client_ref=CLIENT)
    return (await store.append("journey-1", expected_version=0, key="k", events=sealed)).events


def waived(reason: str = CANARY) -> ObligationWaived:
    return ObligationWaived(
        at=MONDAY, cause="k", obligation="enrol-1", kind="enrol", title="Enrol the client", reason=reason, by=CLINICIAN
    )


def planned(*lines: str) -> DischargePlanUpdated:
    plan = DischargePlan(follow_ups=lines, crisis_contacts=(CANARY,))
    return DischargePlanUpdated(at=MONDAY, cause="k", plan=plan, by=CLINICIAN)


async def test_words_come_back_whole_and_stand_nowhere_in_the_clear() -> None:
    sealer, events = Sealer(MemoryKeyring()), (waived(), planned("", CANARY, " "), waived(MASK))
    stored = await recorded(MemoryEventStore(), sealer, *events)
    assert await sealer.open(stored) == events
    assert all(each.sealed and CANARY not in each.model_dump_json() for each in stored)
    assert stored[1].data["plan"] == {
        "follow_ups": ["", MASK, " "],
        "crisis_contacts": [MASK],
        "resources": [],
        "medication": [],
        "summary": [],
    }
    assert not any(word.encode() in (each.sealed or b"") for each in stored for word in CANARY.split())


async def test_what_a_payer_wrote_is_sealed_and_what_it_is_about_stays_open() -> None:
    said = Evidence(topics=(Topic.OTHER_PAYER,), about="EB-1-MH", text=CANARY, other_payer="Harbor Mind Care")
    answered = BenefitsAnswered(at=MONDAY, cause="k", benefits=Benefits(verdict=Verdict.NEEDS_REVIEW, evidence=(said,)))
    sealer = Sealer(MemoryKeyring())
    (stored,) = await recorded(MemoryEventStore(), sealer, answered)
    open_said = {"topics": ["other-payer"], "about": "EB-1-MH", "text": MASK, "other_payer": "Harbor Mind Care"}
    assert stored.data["benefits"]["evidence"] == [open_said]
    assert await sealer.open([stored]) == (answered,)


async def test_an_event_without_words_needs_no_key_and_no_client() -> None:
    [record] = await Sealer(MemoryKeyring()).seal(
        [LevelOfCareEnded(at=MONDAY, cause="k", level="OP")], stream="journey-1", key="k", client_ref=""
    )
    assert (record.sealed, record.key_id) == (None, None)


async def test_words_without_a_client_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="reference"):
        await Sealer(MemoryKeyring()).seal([waived()], stream="journey-1", key="k", client_ref="")


async def test_a_retry_makes_the_same_bytes_and_another_place_makes_others() -> None:
    sealer = Sealer(MemoryKeyring())

    async def sealed(*events: Event, key: str = "k", stream: str = "journey-1", client: str = CLIENT) -> list[Any]:
        return [each.sealed for each in await sealer.seal(events, stream=stream, key=key, client_ref=client)]

    first = await sealed(waived(), waived())
    assert first == await sealed(waived(), waived())
    others = [
        *await sealed(waived(), key="l"),
        *await sealed(waived(), stream="j"),
        *await sealed(waived(), client="c"),
    ]
    assert len({*first, *others}) == 5


async def test_a_store_takes_the_retry_for_the_same_append() -> None:
    store, sealer = MemoryEventStore(), Sealer(MemoryKeyring())
    await recorded(store, sealer, waived())
    again = await sealer.seal([waived()], stream="journey-1", key="k", client_ref=CLIENT)
    assert (await store.append("journey-1", expected_version=0, key="k", events=again)).replayed


async def test_once_the_key_is_destroyed_only_the_mask_is_left() -> None:
    keyring = MemoryKeyring()
    sealer = Sealer(keyring)
    [stored] = await recorded(MemoryEventStore(), sealer, waived())
    await keyring.destroy(CLIENT)
    assert await sealer.unseal(stored) == stored
    assert await sealer.open([stored]) == (waived(MASK),) == (from_record(stored),)
    with pytest.raises(KeyDestroyed):
        await sealer.seal([waived()], stream="journey-1", key="l", client_ref=CLIENT)


@pytest.mark.parametrize("part", ["event_id", "type", "sealed"])
async def test_sealed_bytes_that_were_moved_or_changed_are_found_out(part: str) -> None:
    sealer = Sealer(MemoryKeyring())
    one, other = await recorded(MemoryEventStore(), sealer, waived(), planned("x"))
    with pytest.raises(SealBroken) as broken:
        await sealer.unseal(one.model_copy(update={part: getattr(other, part)}))
    assert broken.value.__suppress_context__
    with pytest.raises(SealBroken):
        flipped = bytearray(one.sealed or b"")
        flipped[-1] ^= 1
        await sealer.unseal(one.model_copy(update={"sealed": bytes(flipped)}))


async def test_any_walk_comes_back_whole() -> None:
    seed = random.randrange(10**9)
    rng, sealer = random.Random(seed), Sealer(MemoryKeyring())
    walk: Walk = STAGES[rng.choice(list(STAGES))]()
    stored = await recorded(MemoryEventStore(), sealer, *walk.record)
    assert await sealer.open(stored) == tuple(walk.record), f"seed {seed}"
    assert fold([from_record(each) for each in stored]).stage is walk.state.stage, f"seed {seed}"
