"""The record goes out as CloudEvents and comes back the same, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from eventstore import NewEvent, PostgresEventStore, SchemaMissing, VersionConflict, open_store
from eventstore.cloudevents import ExportRefused, ImportRefused, check_lines, export_lines, import_lines
from eventstore.verification.verify import FaultKind, verify
from tests.eventstore.facts import NOON, fact

AWKWARD = {
    "text": 'a "quoted" \\ line,"data":{"x":1}}\n\u2028é🙂',
    "number": 0.1,
    "none": None,
    "list": [1, {"b": 1, "a": []}],
}


@pytest.fixture
async def exported(database_url: str, postgres_store: PostgresEventStore) -> list[str]:
    """Seven events in three streams: several in one append, one sealed, one awkward, one stream closed."""
    awkward = NewEvent(type="test.awkward", schema_version=3, data=AWKWARD, occurred_at=NOON, meta=AWKWARD)
    sealed = fact(5).model_copy(update={"sealed": bytes(range(256)), "key_id": UUID(int=9)})
    await postgres_store.append("a", expected_version=0, key="k", events=[fact(1, actor="x"), fact(2)])
    await postgres_store.append("b/c", expected_version=0, key="k", events=[awkward])
    await postgres_store.append("a", expected_version=2, key="k2", events=[fact(3)])
    await postgres_store.append("a", expected_version=3, key="k3", events=[sealed])
    await postgres_store.append("é", expected_version=0, key="end", events=[fact(6), fact(7)], close=True)
    return [*export_lines(database_url)]


@pytest.fixture
def empty_record(migrated_url_factory: Callable[[], str]) -> str:
    return migrated_url_factory()


def contents(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        tables = ("events", "appends", "streams")
        return [
            row
            for table in tables
            for row in connection.execute(f"select t.*::text from es.{table} t order by 1".encode()).fetchall()
        ]


def test_what_is_imported_is_the_same_letter_for_letter(
    exported: list[str], database_url: str, empty_record: str
) -> None:
    told: list[int] = []
    assert import_lines(empty_record, exported, progress=told.append) == 7
    assert told[-1] == 7
    assert contents(empty_record) == contents(database_url)
    assert verify(empty_record) == verify(database_url)
    assert [*export_lines(empty_record)] == exported


async def test_a_restored_record_goes_on_and_knows_its_keys(exported: list[str], empty_record: str) -> None:
    import_lines(empty_record, exported)
    async with open_store(empty_record) as store:
        again = await store.append("a", expected_version=0, key="k", events=[fact(1), fact(2)])
        assert (again.replayed, again.position) == (True, 2)
        with pytest.raises(VersionConflict):
            await store.append("a", expected_version=0, key="other", events=[fact(8)])
        assert (await store.append("a", expected_version=4, key="k4", events=[fact(8)])).position == 8
    assert verify(empty_record).is_sound


def test_an_export_can_be_written_anew_by_another_program(exported: list[str], empty_record: str) -> None:
    rewritten = [json.dumps(json.loads(line), indent=None, sort_keys=True) for line in exported]
    assert rewritten != exported
    assert import_lines(empty_record, rewritten) == 7


def test_an_export_is_read_by_the_official_reader(exported: list[str]) -> None:
    events = [JSONFormat().read(CloudEvent, line) for line in exported]
    assert [event.get_extension("sequence") for event in events] == [str(n) for n in range(1, 8)]
    assert events[2].get_data() == AWKWARD
    assert events[0].get_time() == NOON
    assert (events[0].get_type(), events[0].get_subject(), events[0].get_specversion()) == ("test.counted", "a", "1.0")
    assert "sealed" not in events[0].get_attributes()


@pytest.mark.parametrize(
    "damage", ["delete from es.appends where first_position = 4", "delete from es.events where position > 5"]
)
def test_a_damaged_record_is_not_exported_as_if_it_were_whole(
    damage: str, exported: list[str], database_url: str
) -> None:
    with psycopg.connect(database_url) as owner:
        for table in ("events", "appends"):
            owner.execute(f"alter table es.{table} disable trigger user".encode())
        owner.execute(damage.encode())
    with pytest.raises(ExportRefused, match="verify"):
        list(export_lines(database_url))


def test_nothing_is_imported_into_a_record_that_holds_something(exported: list[str], database_url: str) -> None:
    before = contents(database_url)
    with pytest.raises(ImportRefused, match="empty"):
        import_lines(database_url, exported)
    assert contents(database_url) == before


def _drop(lines: list[str]) -> Iterator[str]:
    yield from lines[:3]
    yield from lines[4:]


def _swap(lines: list[str]) -> Iterator[str]:
    yield from (lines[1], lines[0], *lines[2:])


def _alter(lines: list[str]) -> Iterator[str]:
    yield from (*lines[:3], lines[3].replace('"number":3', '"number":4'), *lines[4:])


def _cut(lines: list[str]) -> Iterator[str]:
    yield from (*lines[:3], lines[3][:-20])


def _foreign(lines: list[str]) -> Iterator[str]:
    yield from (*lines[:3], '{"specversion":"1.0"}')


def _with(number: int, **said: object) -> Callable[[list[str]], Iterator[str]]:
    def spoilt(lines: list[str]) -> Iterator[str]:
        changed = json.dumps({**json.loads(lines[number]), **said}, ensure_ascii=True)
        yield from (*lines[:number], changed, *lines[number + 1 :])

    return spoilt


@pytest.mark.parametrize(
    "spoil",
    [
        *(_drop, _swap, _alter, _cut, _foreign),
        _with(3, appendkey="other"),
        _with(6, closes=False),
        _with(3, closes=True),
        _with(3, time="2026-03-02T12:00:00"),
        _with(3, streamversion=str(2**70)),
        _with(3, subject="\ud800"),
        _with(3, data={"number": "\x00"}),
        _with(3, sequence="0"),
        _with(3, id="not an id"),
    ],
)
def test_a_spoilt_export_leaves_the_record_empty(
    spoil: Callable[[list[str]], Iterator[str]], exported: list[str], empty_record: str
) -> None:
    with pytest.raises(ImportRefused):
        import_lines(empty_record, spoil(exported))
    assert contents(empty_record) == []


def test_an_export_is_checked_without_a_database(exported: list[str]) -> None:
    assert check_lines(exported).events == 7
    with pytest.raises(ImportRefused, match="another key"):
        check_lines(_with(3, appendkey="other")(exported))
    altered = check_lines(_alter(exported)).fault
    assert altered is not None
    assert (altered.kind, altered.position) == (FaultKind.ALTERED, 4)


def test_what_has_no_record_can_neither_give_nor_take(
    database_url_factory: Callable[[], str], exported: list[str]
) -> None:
    nothing = database_url_factory()
    with pytest.raises(SchemaMissing):
        list(export_lines(nothing))
    with pytest.raises(SchemaMissing):
        import_lines(nothing, exported)
