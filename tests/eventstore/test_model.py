"""The PostgreSQL store against the one in memory: whatever is asked of both, both give the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from eventstore import EventStore, EventStoreError, NewEvent, StoredEvent, StreamHead, open_store
from tests.eventstore.facts import fact
from tests.eventstore.memory import MemoryEventStore

STREAMS = st.sampled_from(["a", "b"])
KEYS = st.sampled_from(["k1", "k2", "k3", "k4", "k5"])
EVENTS = st.lists(st.builds(fact, st.integers(1, 2)), min_size=0, max_size=3)


def comparable(answer: object) -> object:
    """Everything but the two stores' own clocks."""
    if isinstance(answer, StoredEvent):
        return answer.model_dump(exclude={"recorded_at"})
    if isinstance(answer, tuple):
        return [comparable(item) for item in answer]
    if isinstance(answer, EventStoreError):
        return type(answer), str(answer), comparable(getattr(answer, "held", None))
    if answer is None or isinstance(answer, StreamHead):
        return answer
    return {name: comparable(value) if name == "events" else value for name, value in vars(answer).items()}


class TwoStores(RuleBasedStateMachine):
    fresh_url: Callable[[], str]
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.stack = AsyncExitStack()
        self.memory = MemoryEventStore()
        url = self.fresh_url()
        self.postgres = self.runner.run(self.stack.enter_async_context(open_store(url, max_size=1)))

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())

    def both(self, ask: Callable[[EventStore], Awaitable[Any]]) -> None:
        async def answer(store: EventStore) -> object:
            try:
                return await ask(store)
            except EventStoreError as error:
                return error

        real, model = self.runner.run(answer(self.postgres)), self.runner.run(answer(self.memory))
        assert comparable(real) == comparable(model)

    @rule(stream=STREAMS, key=KEYS, events=EVENTS, off=st.sampled_from([0, 0, 0, 0, -1, 1]), last=st.integers(0, 9))
    def append(self, stream: str, key: str, events: list[NewEvent], off: int, last: int) -> None:
        head = self.runner.run(self.memory.head(stream))
        expected = (head.version if head else 0) + off
        self.both(
            lambda store: store.append(stream, expected_version=expected, key=key, events=events, close=last == 0)
        )

    @rule(stream=STREAMS, after=st.integers(0, 4), limit=st.none() | st.integers(1, 3))
    def read(self, stream: str, after: int, limit: int | None) -> None:
        self.both(lambda store: store.read(stream, after_version=after, limit=limit))

    @invariant()
    def the_records_are_equal(self) -> None:
        self.both(lambda store: store.read_all())
        for stream in ("a", "b"):
            self.both(lambda store, stream=stream: store.head(stream))  # type: ignore[misc]


@pytest.fixture
def machine(migrated_url_factory: Callable[[], str]) -> Iterator[type[TwoStores]]:
    with asyncio.Runner() as runner:
        yield type("Machine", (TwoStores,), {"fresh_url": staticmethod(migrated_url_factory), "runner": runner})


def test_both_stores_answer_alike(machine: type[TwoStores]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
