"""Records as an accident leaves them: what another wrote, a backup of yesterday, another story."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from domain.commands import BaseCommand
from domain.decide import decide
from domain.evolve import fold
from domain.refusal import Refusal
from domain.state import JourneyState
from eventstore import NewEvent, StoredEvent
from record.codec import to_record
from tests.eventstore.memory import MemoryEventStore
from tests.workflows.house import Case


async def written_by_another(case: Case, *commands: BaseCommand) -> JourneyState:
    """Records what `commands` lead to behind the workflow's back; closes the stream if that is the end."""
    store, state = case.house.store, fold(await case.record())
    for command in commands:
        outcome = decide(state, command, await case.now())
        assert not isinstance(outcome, Refusal) and outcome.events
        after = outcome.state
        events = [to_record(event) for event in outcome.events]
        await store.append(
            case.id, expected_version=state.version, key=command.cause, events=events, close=after.is_finished
        )
        state = after
    return state


async def holding(stream: str, events: Sequence[StoredEvent]) -> MemoryEventStore:
    """A record that holds just these events of one journey, each under its own id, so that its seal holds too."""
    store, version = MemoryEventStore(), 0
    for key, append in groupby(events, lambda each: str(each.meta["command_id"])):
        again = [NewEvent(**{name: getattr(each, name) for name in NewEvent.model_fields}) for each in append]
        version = (await store.append(stream, expected_version=version, key=key, events=again)).version
    return store
