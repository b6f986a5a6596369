"""What every store promises, checked against each of them."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eventstore import EventStore, InvalidRequest, KeyReused, NewEvent, StreamClosed, StreamHead, VersionConflict
from eventstore.request import event_id
from tests.eventstore.facts import NOON, fact, numbers, record
from tests.eventstore.memory import MemoryEventStore


async def test_an_append_is_read_back_as_it_was_answered(store: EventStore) -> None:
    event = fact(1, actor="test")
    appended = await store.append("a", expected_version=0, key="k", events=[event, fact(2)])

    assert (appended.version, appended.position, appended.replayed) == (2, 2, False)
    assert await store.read("a") == appended.events
    assert await store.read_all() == appended.events
    first = appended.events[0]
    assert NewEvent(**{name: getattr(first, name) for name in NewEvent.model_fields}) == event
    assert [(e.stream, e.version, e.position) for e in appended.events] == [("a", 1, 1), ("a", 2, 2)]
    assert first.recorded_at.utcoffset() == first.occurred_at.utcoffset() == timedelta(0)


async def test_streams_are_listed_in_byte_order_page_by_page(store: EventStore) -> None:
    for name in ("b", "é", "a", "Z"):
        await record(store, name, 1)
    await store.append("b", expected_version=1, key="end", events=[fact(2)], close=True)
    assert [(each.stream, each.version) for each in await store.streams(limit=3)] == [("Z", 1), ("a", 1), ("b", 2)]
    assert [each.stream for each in await store.streams(after="b")] == ["é"]
    assert [each.stream for each in await store.streams(open_only=True)] == ["Z", "a", "é"]


async def test_open_streams_come_with_their_last_events(store: EventStore) -> None:
    assert [each async for each in store.open_streams()] == []
    for name in ("b", "é", "a"):
        await record(store, name, 1)
    await record(store, "a", 2, 3)
    await store.append("b", expected_version=1, key="end", events=[fact(2)], close=True)
    last = {name: (await store.read(name))[-1] for name in ("a", "é")}
    found = {each.stream: each async for each in store.open_streams()}
    assert {name: (each.version, each.event_id, each.recorded_at) for name, each in found.items()} == {
        name: (each.version, each.event_id, each.recorded_at) for name, each in last.items()
    }
    assert (found["a"].version, found["é"].version) == (3, 1)


async def test_positions_are_dense_over_all_streams_and_versions_within_each(store: EventStore) -> None:
    await record(store, "a", 1, 2)
    await record(store, "b", 3)
    await record(store, "a", 4)

    everything = await store.read_all()
    assert [e.position for e in everything] == [1, 2, 3, 4]
    assert [(e.stream, e.version) for e in everything] == [("a", 1), ("a", 2), ("b", 1), ("a", 3)]
    assert [e.recorded_at for e in everything] == sorted(e.recorded_at for e in everything)


async def test_reading_goes_on_after_what_was_seen(store: EventStore) -> None:
    await record(store, "a", 1, 2, 3)
    await record(store, "b", 4)

    assert numbers(await store.read("a", after_version=1)) == [2, 3]
    assert numbers(await store.read("a", after_version=1, limit=1)) == [2]
    assert numbers(await store.read_all(after_position=2, limit=1)) == [3]
    assert await store.read("a", after_version=3) == ()
    assert await store.read("nothing") == ()
    assert await store.read_all(after_position=99) == ()


async def test_the_head_says_where_a_stream_stands(store: EventStore) -> None:
    assert await store.head("a") is None
    await record(store, "a", 1)
    assert await store.head("a") == StreamHead(version=1, closed=False)
    await store.append("a", expected_version=1, key="end", events=[fact(2)], close=True)
    assert await store.head("a") == StreamHead(version=2, closed=True)


async def test_a_retry_gets_the_first_answer_even_when_the_stream_has_moved_on(store: EventStore) -> None:
    first = await store.append("a", expected_version=0, key="k", events=[fact(1, run="one"), fact(2)])
    await record(store, "b", 9)
    await record(store, "a", 3)

    for expected in (0, 2, 3, 77):
        again = await store.append("a", expected_version=expected, key="k", events=[fact(1, run="two"), fact(2)])
        assert again == first.model_copy(update={"replayed": True})
    assert numbers(await store.read_all()) == [1, 2, 9, 3]


async def test_a_retry_gets_the_first_answer_even_when_the_stream_was_closed_since(store: EventStore) -> None:
    first = await store.append("a", expected_version=0, key="k", events=[fact(1)])
    last = await store.append("a", expected_version=1, key="end", events=[fact(2)], close=True)

    for key, number, close, answer in (("k", 1, False, first), ("end", 2, True, last)):
        again = await store.append("a", expected_version=0, key=key, events=[fact(number)], close=close)
        assert again == answer.model_copy(update={"replayed": True})


@pytest.mark.parametrize(
    "other",
    [
        [fact(2)],
        [fact(1), fact(1)],
        [fact(1).model_copy(update={"schema_version": 2})],
        [fact(1).model_copy(update={"type": "test.other"})],
        [fact(1).model_copy(update={"occurred_at": NOON + timedelta(microseconds=1)})],
    ],
)
async def test_a_key_cannot_record_other_content(store: EventStore, other: list[NewEvent]) -> None:
    first = await store.append("a", expected_version=0, key="k", events=[fact(1)])
    await record(store, "b", 5)

    with pytest.raises(KeyReused) as refused:
        await store.append("a", expected_version=1, key="k", events=other)
    assert (refused.value.stream, refused.value.key, refused.value.held) == ("a", "k", first.events)
    with pytest.raises(KeyReused):
        await store.append("a", expected_version=0, key="k", events=[fact(1)], close=True)
    assert len(await store.read_all()) == 2


async def test_the_same_key_in_another_stream_is_another_key(store: EventStore) -> None:
    one = await store.append("a", expected_version=0, key="k", events=[fact(1)])
    two = await store.append("b", expected_version=0, key="k", events=[fact(2)])

    assert not two.replayed
    assert one.events[0].event_id != two.events[0].event_id


async def test_event_ids_follow_from_stream_key_and_place() -> None:
    async def ids() -> list[str]:
        appended = await MemoryEventStore().append("a", expected_version=0, key="k", events=[fact(1), fact(2)])
        return [str(event.event_id) for event in appended.events]

    assert await ids() == await ids()
    assert len(set(await ids())) == 2


@given(stream=st.text('aä/"\\ ', min_size=1), key=st.text("k-0\n", min_size=1), index=st.integers(0, 5_000))
def test_an_event_id_is_a_uuid_of_version_5_by_its_standard(stream: str, key: str, index: int) -> None:
    of_events = UUID("5e0c2f6c-3a64-5b0b-9a8e-6f7d1d0b4c11")
    name = json.dumps([stream, key, index], separators=(",", ":"), ensure_ascii=False)
    assert event_id(stream, key, index) == uuid5(of_events, name)


async def test_the_moment_is_the_content_not_the_zone_it_was_written_in(store: EventStore) -> None:
    abroad = fact(1).model_copy(update={"occurred_at": NOON.astimezone(timezone(timedelta(hours=-5)))})
    await store.append("a", expected_version=0, key="k", events=[fact(1)])
    again = NewEvent.model_validate(abroad.model_dump())
    assert (await store.append("a", expected_version=0, key="k", events=[again])).replayed


async def test_a_writer_that_is_behind_is_given_what_it_missed(store: EventStore) -> None:
    await record(store, "a", 1, 2, 3)

    with pytest.raises(VersionConflict) as refused:
        await store.append("a", expected_version=1, key="late", events=[fact(9)])
    error = refused.value
    assert (error.stream, error.expected, error.actual, numbers(error.held)) == ("a", 1, 3, [2, 3])
    assert error.held == await store.read("a", after_version=1)


@pytest.mark.parametrize("already", [0, 2])
async def test_a_writer_that_is_ahead_is_refused(store: EventStore, already: int) -> None:
    await record(store, "a", *range(already))

    with pytest.raises(VersionConflict) as refused:
        await store.append("a", expected_version=5, key="early", events=[fact(9)])
    assert (refused.value.expected, refused.value.actual, refused.value.held) == (5, already, ())
    assert len(await store.read_all()) == already


async def test_a_closed_stream_takes_no_more(store: EventStore) -> None:
    await store.append("a", expected_version=0, key="end", events=[fact(1)], close=True)

    for expected in (0, 1, 2):
        with pytest.raises(StreamClosed) as refused:
            await store.append("a", expected_version=expected, key="more", events=[fact(2)])
        assert (refused.value.stream, refused.value.version) == ("a", 1)


async def test_a_refused_append_does_not_use_up_its_key(store: EventStore) -> None:
    await record(store, "a", 1)
    with pytest.raises(VersionConflict):
        await store.append("a", expected_version=0, key="k", events=[fact(2)])

    appended = await store.append("a", expected_version=1, key="k", events=[fact(3)])
    assert (appended.version, appended.replayed) == (2, False)


async def test_refusals_show_no_content(store: EventStore) -> None:
    secret = fact(1).model_copy(update={"data": {"number": 1, "said": "canary-7f3a"}})
    await store.append("a", expected_version=0, key="k", events=[secret], close=True)

    for key, expected in (("k", 0), ("other", 0)):
        with pytest.raises((KeyReused, StreamClosed)) as refused:
            await store.append("a", expected_version=expected, key=key, events=[secret])
        assert "canary" not in f"{refused.value} {refused.value!r}"
        assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "call",
    [
        {"stream": ""},
        {"stream": "x" * 501},
        {"stream": "a\x00b"},
        {"key": ""},
        {"key": "\ud800"},
        {"expected_version": -1},
        {"expected_version": 2**63},
        {"events": []},
    ],
)
async def test_a_senseless_append_is_refused_before_anything_happens(store: EventStore, call: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"stream": "a", "expected_version": 0, "key": "k", "events": [fact(1)]}
    with pytest.raises(InvalidRequest):
        await store.append(**(usual | call))
    assert await store.read_all() == ()


async def test_senseless_reads_are_refused(store: EventStore) -> None:
    with pytest.raises(InvalidRequest):
        await store.read("a", after_version=-1)
    with pytest.raises(InvalidRequest):
        await store.read("a", limit=0)
    with pytest.raises(InvalidRequest):
        await store.read_all(after_position=-1)
    with pytest.raises(InvalidRequest):
        await store.read_all(limit=0)
    with pytest.raises(InvalidRequest):
        await store.head("")


async def test_changing_what_was_read_does_not_change_the_record(store: EventStore) -> None:
    await record(store, "a", 1)
    (event,) = await store.read("a")
    event.data["number"] = 2
    assert numbers(await store.read("a")) == [1]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(min_value=-9e14, max_value=9e14)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("äb\"\\'{}%$ ", max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(st.text("abc", max_size=3), json_values))
async def test_any_content_comes_back_unchanged(store: EventStore, data: dict[str, Any]) -> None:
    event = NewEvent(type="test.any", schema_version=1, data=data, occurred_at=NOON, meta=data)
    stream = str(uuid4())  # the store outlives the example
    first = await store.append(stream, expected_version=0, key="k", events=[event])
    assert (first.events[0].data, first.events[0].meta) == (data, data)
    again = await store.append(stream, expected_version=0, key="k", events=[event])
    assert again.events == first.events == await store.read(stream)


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "nodots"},
        {"type": "Upper.case"},
        {"schema_version": 0},
        {"occurred_at": NOON.replace(tzinfo=None)},
        {"occurred_at": "0001-01-01T00:00:00+02:00"},
        {"data": {"x": float("nan")}},
        {"data": {"x": 1e22}},
        {"data": {"x": "canary\x00"}},
        {"data": {"x": ["\ud800"]}},
        {"data": {"x": NOON}},
        {"data": {"x": {1: 2}}},
        {"meta": {"x": {3}}},
        {"unknown": 1},
    ],
)
def test_an_event_that_could_not_be_kept_is_refused_without_showing_it(bad: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"type": "test.a", "schema_version": 1, "data": {}, "occurred_at": NOON}
    with pytest.raises(ValidationError) as refused:
        NewEvent(**(usual | bad))
    assert "canary" not in str(refused.value)
