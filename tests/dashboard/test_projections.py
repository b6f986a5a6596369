"""Read models under fire: killed, fenced, rebuilt beside writers. Rebuilt equals live, row for row."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from urllib.parse import quote

import psycopg
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from bench.journeys import JourneyStep, steps
from dashboard.projections import JOURNEYS, OBLIGATIONS, READ_MODELS, TIMELINE
from dashboard.projections.folding import Folding
from dashboard.projections.projector import Projector
from dashboard.projections.read_model_batch import ReadModelBatch
from dashboard.projections.rebuild import RebuildRefused, rebuild
from dashboard.projections.standing import generations
from dashboard.projections.verify import verify
from eventstore import EventStore, EventStoreError, NewEvent, StoreUnavailable
from eventstore.errors import Fenced, UnreadableEvent
from eventstore.following.bulk import open_session, read_page
from eventstore.following.checkpoints import live_checkpoints
from tests.dashboard.keeping import append, ask, keep, names, projecting, reached, require_equal
from tests.domain import walk
from tests.domain.walk import MONDAY
from tests.locks import until_blocked_by


def parts(history: Sequence[JourneyStep], dice: random.Random) -> Iterator[Sequence[JourneyStep]]:
    """A history cut at random."""
    start = 0
    while start < len(history):
        end = start + dice.randrange(1, len(history) // 3)
        yield history[start:end]
        start = end


@pytest.mark.parametrize("attempt", range(3))
async def test_whatever_happens_on_the_way_rebuilt_equals_live(
    database_url: str, store: EventStore, attempt: int
) -> None:
    """Random journeys, written in parts; the projector is killed after each, and once read models are rebuilt."""
    seed = random.randrange(10**6)
    try:
        await _go_through_it(database_url, store, random.Random(seed))
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise


async def _go_through_it(url: str, store: EventStore, dice: random.Random) -> None:
    history = list(steps(10, seed=dice.randrange(10**6), variants=4))
    position = 0
    for number, part in enumerate(parts(history, dice)):
        async with projecting(url, page=dice.choice((1, 7, 40))) as task:
            writing = asyncio.create_task(append(store, part))
            if number == 1:
                await rebuild(url, dice.sample(READ_MODELS, 3), page=dice.choice((13, 300)))
            position = await writing
            if dice.random() < 0.5:
                await reached(url, position - dice.randrange(30))
            assert not task.done()
    async with projecting(url, page=50):
        await reached(url, position)
    await require_equal(url, position)
    assert position == sum(len(step.events) for step in history)


async def test_the_cut_of_the_record_into_pages_leaves_no_trace(database_url: str, store: EventStore) -> None:
    position = await append(store, steps(6, seed=3))
    async with projecting(database_url, page=11):
        await reached(database_url, position)
    before = await _tables(database_url)
    await rebuild(database_url, READ_MODELS, page=10_000)
    assert await _tables(database_url) == before


async def test_a_fold_that_forgets_its_journeys_says_the_same(database_url: str, store: EventStore) -> None:
    await append(store, steps(9, seed=5))
    async with await open_session(database_url, "test") as session:
        good, bad = Folding(session), Folding(session, remembered=2)
        after = 0
        while rows := await read_page(session, after, 60):
            assert await bad.changes(rows) == await good.changes(rows)
            assert await bad.changes(rows) == await good.changes(rows)  # the same page over again
            after = rows[-1].position


async def test_of_two_projectors_that_are_both_active_one_is_fenced_and_has_written_nothing(
    database_url: str, store: EventStore
) -> None:
    await append(store, steps(2, seed=1))
    async with (
        await open_session(database_url, "first") as first,
        await open_session(database_url, "second") as second,
        await open_session(database_url, "reader") as reader,
    ):
        start = await live_checkpoints(first, [model.consumer for model in READ_MODELS])
        page, longer = await read_page(reader, 0, 20), await read_page(reader, 0, 50)
        one, other = ReadModelBatch(first, reader, READ_MODELS), ReadModelBatch(second, reader, READ_MODELS)
        await one.prepare()
        await other.prepare()
        async with first.transaction():
            await one.take(start, page)
            losing = asyncio.create_task(other.take(start, longer))
            await until_blocked_by(database_url, first.info.backend_pid)
        with pytest.raises(Fenced):
            await losing
    assert names(await ask(database_url, "select as_of_position as p from dash.freshness"), "p") == [20] * len(
        READ_MODELS
    )
    assert len(await ask(database_url, "select 1 from dash.timeline")) == 20


async def test_a_projector_stands_by_and_takes_over(database_url: str, store: EventStore) -> None:
    history = list(steps(3, seed=2))
    async with projecting(database_url) as first:
        await reached(database_url, await append(store, history[:20]))
        async with projecting(database_url):
            await reached(database_url, await append(store, history[20:40]))
            first.cancel()
            position = await append(store, history[40:])
            await reached(database_url, position)
    await require_equal(database_url, position)


async def test_a_rebuild_beside_writers_and_readers_loses_nothing_and_never_goes_back(
    database_url: str, store: EventStore
) -> None:
    history = list(steps(12, seed=8))
    seen: list[tuple[int, int]] = []

    async def look() -> None:
        while True:
            (row,) = await ask(
                database_url, "select coalesce(max(position), 0) as last, count(*) as rows from dash.timeline"
            )
            assert row["last"] == row["rows"]  # every event up to the last one, in either generation
            seen.append((row["last"], row["rows"]))
            await asyncio.sleep(0)

    async with projecting(database_url):
        await append(store, history[:60])
        looking, writing = asyncio.create_task(look()), asyncio.create_task(append(store, history[60:]))
        live = []
        while not writing.done():
            live.append((await rebuild(database_url, READ_MODELS, page=200)).generations["timeline"])
        position = await writing
        await reached(database_url, position)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
    assert live == list(range(2, len(live) + 2))
    assert seen == sorted(seen)
    await require_equal(database_url, position)
    found, _ = await generations(database_url, READ_MODELS)
    assert [each.status for each in found] == ["live", "retired"] * len(READ_MODELS)


async def test_a_second_rebuild_of_the_same_read_model_is_refused_and_of_another_is_not(
    database_url: str, store: EventStore
) -> None:
    await append(store, steps(3, seed=4))
    refused: list[str] = []

    async def meanwhile() -> None:
        with pytest.raises(RebuildRefused) as refusal:
            await rebuild(database_url, [OBLIGATIONS, TIMELINE])
        refused.append(str(refusal.value))
        await rebuild(database_url, [OBLIGATIONS])

    others: list[asyncio.Task[None]] = []
    begun = asyncio.Event()

    def told(done: int, total: int) -> None:
        if not others:
            others.append(asyncio.create_task(meanwhile()))
            begun.set()

    async with await open_session(database_url, "holder") as holder, holder.transaction():
        await holder.execute("select 1 from dash.timeline")  # so that the switch has to wait
        rebuilding = asyncio.create_task(rebuild(database_url, [TIMELINE], told))
        await begun.wait()
        await others[0]
    assert (await rebuilding).generations == {"timeline": 2}
    assert refused == ["timeline is already being rebuilt: wait until that is done, or stop it"]


async def test_a_killed_rebuild_hinders_nothing(database_url: str, store: EventStore) -> None:
    history = list(steps(4, seed=6))
    async with projecting(database_url):
        await reached(database_url, await append(store, history[:50]))

        def kill(done: int, total: int) -> None:
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name = 'throughline rebuild' and datname = current_database()"
                )

        with pytest.raises(StoreUnavailable):
            await rebuild(database_url, READ_MODELS, kill, page=20)
        found, _ = await generations(database_url, READ_MODELS)
        assert [each.status for each in found] == ["building", "live"] * len(READ_MODELS)
        position = await append(store, history[50:])
        await reached(database_url, position)
        rebuilt = await rebuild(database_url, READ_MODELS)
    found, _ = await generations(database_url, READ_MODELS)
    assert {each.generation for each in found if each.status == "live"} == set(rebuilt.generations.values())
    assert "building" not in {each.status for each in found}
    await require_equal(database_url, position)


async def test_the_switch_waits_for_a_reader_and_holds_up_neither_appends_nor_the_projector_for_long(
    database_url: str, store: EventStore
) -> None:
    history = list(steps(3, seed=7))
    async with projecting(database_url):
        await reached(database_url, await append(store, history[:20]))
        async with await open_session(database_url, "reader") as reader, reader.transaction():
            await reader.execute("select count(*) from dash.journeys")
            rebuilding = asyncio.create_task(rebuild(database_url, [JOURNEYS]))
            await until_blocked_by(database_url, reader.info.backend_pid)
            position = await append(store, history[20:])
            await reached(database_url, position)  # in the old generation
            assert not rebuilding.done()
        assert (await rebuilding).generations == {"journeys": 2}
    await require_equal(database_url, position)


async def test_the_generation_before_can_be_gone_back_to(database_url: str, store: EventStore) -> None:
    history = list(steps(3, seed=9))
    with pytest.raises(RebuildRefused, match="no generation to go back to"):
        await rebuild(database_url, [JOURNEYS], previous=True)
    async with projecting(database_url):
        await append(store, history[:40])
        await rebuild(database_url, [JOURNEYS])
        position = await append(store, history[40:])
        await reached(database_url, position)
        assert (await rebuild(database_url, [JOURNEYS], previous=True)).generations == {"journeys": 1}
        assert (await rebuild(database_url, [JOURNEYS], previous=True)).generations == {"journeys": 2}
    await require_equal(database_url, position)


async def test_verify_names_the_rows_that_are_not_what_the_record_says(database_url: str, store: EventStore) -> None:
    for name in ("a", "b", "c"):
        await keep(store, name, walk.enrolled())
    async with projecting(database_url):
        await reached(database_url, 3 * len(walk.enrolled().record))
    await ask_to_change(
        database_url, "update dash.journeys_g1 set stage = 'CLOSED', level = null where journey_id = 'a'"
    )
    await ask_to_change(database_url, "delete from dash.journeys_g1 where journey_id = 'b'")
    await ask_to_change(
        database_url,
        "insert into dash.obligations_g1 select 'z', obligation_id, kind, owner, status, raised_at, due_at, time_kind,"
        " urgent, steps_taken, last_told_at, quiet_until, acknowledged_by, ended_at, ended_by, late, about,"
        " as_of_position"
        " from dash.obligations_g1 where journey_id = 'c' and kind = 'enrol'",
    )
    verified = {each.read_model: each for each in await verify(database_url, READ_MODELS)}
    assert [(row.key, row.found, row.columns) for row in verified["journeys"].first] == [
        ({"journey_id": "a"}, "changed", ("stage", "level")),
        ({"journey_id": "b"}, "missing", ()),
    ]
    assert [(row.key, row.found) for row in verified["obligations"].first] == [
        ({"journey_id": "z", "obligation_id": "enrol-1"}, "extra")
    ]
    assert {name: each.differing for name, each in verified.items()} == {
        **dict.fromkeys(verified, 0),
        "journeys": 2,
        "obligations": 1,
    }
    await rebuild(database_url, READ_MODELS)
    await require_equal(database_url, 1)


async def test_an_event_newer_than_this_release_stops_everything_before_it(
    database_url: str, store: EventStore
) -> None:
    await keep(store, "j", walk.opened())
    last = len(walk.opened().record)
    newer = NewEvent(type="journey.closed", schema_version=7, data={"why": "?"}, occurred_at=MONDAY)
    await store.append("j", expected_version=last, key="newer", events=[newer])
    async with projecting(database_url, page=2) as task:
        with pytest.raises(UnreadableEvent, match=f"event {last + 1}"):
            await asyncio.wait_for(asyncio.shield(task), 30)
    rows = await ask(database_url, "select as_of_position as p, alarm from dash.freshness")
    assert all(each["p"] <= last and "UnreadableEvent" in each["alarm"] for each in rows)
    assert len(await ask(database_url, "select 1 from dash.timeline")) == rows[0]["p"]


async def test_a_read_model_older_than_this_release_is_left_out_with_an_alarm_until_it_is_rebuilt(
    database_url: str, store: EventStore
) -> None:
    await ask_to_change(database_url, "drop view dash.open_journeys, dash.journeys")
    await ask_to_change(database_url, "alter table dash.journeys_g1 drop column moving_to")
    await keep(store, "j", walk.opened())
    last = len(walk.opened().record)
    with capture_logs() as logs:
        async with projecting(database_url):
            await reached(database_url, last, but=("journeys",))
            (told,) = await ask(database_url, "select * from dash.freshness where read_model = 'journeys'")
            assert (told["as_of_position"], "rebuild" in told["alarm"]) == (0, True)
            await rebuild(database_url, [JOURNEYS])
            await keep(store, "k", walk.enrolled())
            await reached(database_url, last + len(walk.enrolled().record))
    assert [each["read_model"] for each in logs if each["event"] == "outdated"] == ["journeys"]
    await require_equal(database_url, last)


async def test_where_every_read_model_is_older_than_this_release_it_says_so_and_ends(
    database_url: str, store: EventStore
) -> None:
    await ask_to_change(database_url, "alter table dash.timeline_g1 drop column bookkeeping cascade")
    with pytest.raises(EventStoreError, match="throughline projections rebuild"):
        await Projector(database_url, [TIMELINE]).run()


async def test_the_projectors_role_is_enough_to_project_rebuild_and_verify(
    database_url: str, store: EventStore
) -> None:
    as_projector = f"{database_url}&options={quote('-c role=throughline_projector')}"
    position = await append(store, steps(2, seed=11))
    async with projecting(as_projector):
        await reached(database_url, position)
    await rebuild(as_projector, READ_MODELS)
    assert [each.differing for each in await verify(as_projector, READ_MODELS)] == [0] * len(READ_MODELS)
    async with await open_session(as_projector, "test") as session:
        with pytest.raises(Exception, match="permission denied"):
            await session.execute("select sealed from es.events")


async def ask_to_change(url: str, statement: str) -> None:
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(statement.encode())


async def _tables(url: str) -> list[list[dict[str, object]]]:
    return [await ask(url, f"select * from dash.{model.name} order by {', '.join(model.key)}") for model in READ_MODELS]
