"""The shred drill: after it no database, no backup and no log says a word about the client, and the record is whole."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import structlog

from clientkeys.errors import KeyDestroyed, KeysUnavailable
from domain.evolve import fold
from domain.retention import DestructionReason
from eventstore import StoreUnavailable, StreamHead
from eventstore.verification.verify import verify
from intake.finding import Finder
from intake.privacy import Privacy, Sealed
from intake.registry import Registry
from intake.service import intake_pool
from intake.shredding import NoSuchClient, Shredder, ShredOrder, ShredRefused
from record.codec import from_record
from record.sealing import MASK
from tests.intake.drill import Drill, about, drill, dump, found_in, readable_as, restore, send
from tests.intake.messages import adt, code

pytestmark = pytest.mark.stack

Url = Callable[[], str]


@pytest.fixture
async def client(fresh_database: str, database_url_factory: Url, tmp_path: Path) -> AsyncIterator[Drill]:
    async with drill(fresh_database, database_url_factory(), tmp_path) as ready:
        yield ready


@pytest.fixture
async def in_care(fresh_database: str, database_url_factory: Url, tmp_path: Path) -> AsyncIterator[Drill]:
    async with drill(fresh_database, database_url_factory(), tmp_path, leave_open=True) as ready:
        yield ready


def order(of: Drill | UUID, **changes: Any) -> ShredOrder:
    client_ref = of if isinstance(of, UUID) else UUID(of.client_ref)
    said = {"by": "s-1", "approved_by": "s-2", "reason": DestructionReason.RETENTION_OVER}
    return ShredOrder(client_ref=client_ref, **{**said, **changes})


def shredder(of: Drill, **parts: Any) -> Shredder:
    return Shredder(parts.get("store", of.store), parts.get("keys", of.keys), of.pool)


async def test_before_it_nothing_but_the_keys_tells_the_words(client: Drill) -> None:
    assert await client.sealer.open(await client.store.read(client.journey_id)) == tuple(client.walk.record)
    assert found_in(dump(client.url)) == []
    assert found_in(dump(client.keys_url)) == []
    for role in ("throughline_dashboards", "throughline_projector", "throughline_reader"):
        assert found_in(readable_as(role, client.url)) == []
    assert client.journey_id in readable_as("throughline_reader", client.url)
    with psycopg.connect(client.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("set role throughline_projector")
        connection.execute("select sealed from es.events")


async def test_the_drill(client: Drill, database_url_factory: Url) -> None:
    written, before = io.StringIO(), structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    try:
        rows, backup = client.rows(), dump(client.url)
        await shredder(client).shred(order(client), client.over)
        with psycopg.connect(client.url, autocommit=True) as connection:
            connection.execute("VACUUM FULL")
        await assert_words_are_gone(client)
        assert found_in(dump(client.url)) + found_in(dump(client.keys_url)) == []
        assert client.rows()[: len(rows)] == rows
        assert verify(client.url).fault is None
        await assert_restore_brings_nothing_back(client, backup, database_url_factory())
        await send(client.running, about("A04", control_id="9"))
        await client.running.settled()
    finally:
        structlog.configure(**before)
    assert "client shredded" in written.getvalue()
    assert found_in(written.getvalue()) == []


async def assert_words_are_gone(client: Drill) -> None:
    stored = await client.store.read(client.journey_id)
    told = await client.sealer.open(stored)
    assert told == tuple(map(from_record, stored))
    assert MASK in str(told) and found_in(str(told)) == []
    state, whole = fold(told), client.walk.state
    assert (state.stage, state.next_deadline(), state.version) == (whole.stage, whole.next_deadline(), whole.version)
    assert state.changed(discharge=whole.discharge) == whole
    assert await Registry(client.pool, client.keys).find(client.client_ref) is None


async def assert_restore_brings_nothing_back(client: Drill, backup: str, url: str) -> None:
    restore(backup, url)
    with psycopg.connect(url) as connection:
        kept = connection.execute("select sealed, key_id, sha256 from intake.messages").fetchall()
    assert len(kept) == 3 and all(sealed for sealed, _, _ in kept)  # the backup holds what was erased since
    for sealed, key_id, message_hash in kept:
        with pytest.raises(KeyDestroyed) as lost:
            await Privacy(client.keys).open_message(Sealed(sealed, key_id), message_hash)
        assert found_in(str(lost.value)) == []
    async with intake_pool(url) as pool:
        assert await Registry(pool, client.keys).find(client.client_ref) is None


async def test_the_decision_is_on_record_and_names_nobody_but_staff(client: Drill) -> None:
    await shredder(client).shred(order(client), client.over)
    [decided] = await client.store.read(f"client/{client.client_ref}")
    assert (decided.type, decided.sealed) == ("client.key-destroyed", None)
    assert decided.data == {
        **{"client_ref": client.client_ref, "by": "s-1", "approved_by": "s-2"},
        **{"reason": "retention-over", "order": None},
    }
    assert await client.store.head(f"client/{client.client_ref}") == StreamHead(version=1, closed=True)


async def test_asked_again_it_changes_nothing_and_keeps_the_first_decision(client: Drill) -> None:
    first = await shredder(client).shred(order(client), client.over)
    rows = client.rows()
    again = await shredder(client).shred(order(client, by="s-3"), client.over + timedelta(days=1))
    assert (first.again, again.again, again.decided) == (False, True, first.decided)
    assert client.rows() == rows


class Dies:
    """Does what it is asked once and dies before it can answer."""

    def __init__(self, inner: Any, call: str) -> None:
        self._inner, self._call, self.died = inner, call, False

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._inner, name)
        if name != self._call or self.died:
            return asked

        async def dying(*arguments: Any, **named: Any) -> Any:
            self.died = True
            await asked(*arguments, **named)
            raise StoreUnavailable("killed")

        return dying


@pytest.mark.parametrize(("part", "call"), [("store", "append"), ("keys", "destroy")])
async def test_one_that_died_on_the_way_is_finished_by_asking_again(client: Drill, part: str, call: str) -> None:
    dying = Dies(getattr(client, part), call)
    with pytest.raises(StoreUnavailable):
        await shredder(client, **{part: dying}).shred(order(client), client.over)
    assert (await shredder(client).shred(order(client), client.walk.now)).again  # decided is decided
    await assert_words_are_gone(client)
    assert await client.running.rows("select count(*) from intake.known") == [(0,)]


async def test_nothing_is_destroyed_while_the_keys_do_not_answer(client: Drill) -> None:
    class Away(Dies):
        async def destroy(self, owner: str) -> None:
            raise KeysUnavailable("down")

    with pytest.raises(KeysUnavailable):
        await shredder(client, keys=Away(client.keys, "")).shred(order(client), client.over)
    assert await Registry(client.pool, client.keys).find(client.client_ref) is not None


async def test_while_a_journey_is_open_it_is_refused_even_for_an_order(in_care: Drill) -> None:
    by_law = order(in_care, reason=DestructionReason.LEGAL_ORDER, order="24-CV-1")
    for asked in (order(in_care), by_law):
        with pytest.raises(ShredRefused, match="journey-open"):
            await shredder(in_care).shred(asked, in_care.over)
    assert await in_care.store.read(f"client/{in_care.client_ref}") == ()
    assert await in_care.sealer.open(await in_care.store.read(in_care.journey_id)) == tuple(in_care.walk.record)


async def test_before_the_retention_period_is_over_only_a_legal_order_is_heeded(client: Drill) -> None:
    last = client.walk.now.date()
    too_early = client.walk.now.replace(year=last.year + 10) - timedelta(days=1)
    with pytest.raises(ShredRefused, match=f"retention-runs.*{last.replace(year=last.year + 10)}"):
        await shredder(client).shred(order(client), too_early)
    by_law = order(client, reason=DestructionReason.LEGAL_ORDER, order="24-CV-1")
    assert (await shredder(client).shred(by_law, client.walk.now)).decided.order == "24-CV-1"


async def test_a_message_that_waits_comes_first(client: Drill) -> None:
    client.running.gate.down = True
    await send(client.running, about("A03", control_id="7"))
    with pytest.raises(ShredRefused, match="messages-waiting"):
        await shredder(client).shred(order(client), client.over)


@pytest.mark.parametrize(
    ("changes", "code_"),
    [
        ({"approved_by": "s-1"}, "two-people"),
        ({"reason": DestructionReason.LEGAL_ORDER}, "order-missing"),
        ({"order": "24-CV-1"}, "order-missing"),
    ],
)
async def test_an_order_that_is_none_is_refused(client: Drill, changes: dict[str, Any], code_: str) -> None:
    with pytest.raises(ShredRefused, match=code_):
        await shredder(client).shred(order(client, **changes), client.over)


async def test_a_reference_that_nobody_has_is_said_so_and_leaves_no_trace(client: Drill) -> None:
    stranger = uuid4()
    with pytest.raises(NoSuchClient):
        await shredder(client).shred(order(stranger), client.over)
    assert await client.store.head(f"client/{stranger}") is None
    assert await client.keys.key_of(str(stranger))


async def test_who_comes_back_is_a_new_client_and_old_messages_open_nothing(client: Drill) -> None:
    await shredder(client).shred(order(client), client.over)
    await send(client.running, about("A04", control_id="1"))  # sent again: it was answered before
    await send(client.running, about("A04", control_id="8", visit="V8", evn="20400302101500+0000"))
    await client.running.settled()
    assert len(client.running.gate.opened) == 2
    [client_ref] = {ref for ref, _ in client.running.gate.opened.values()} - {client.client_ref}
    person = await Registry(client.pool, client.keys).find(client_ref)
    assert person is not None and person.mrn == "CANARYMRN"


async def test_a_message_that_arrives_meanwhile_waits_and_belongs_to_the_new_client(client: Drill) -> None:
    destroying, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Dies):
        async def destroy(self, owner: str) -> None:
            destroying.set()
            await go_on.wait()
            await client.keys.destroy(owner)

    shredding = asyncio.create_task(shredder(client, keys=Slow(client.keys, "")).shred(order(client), client.over))
    await destroying.wait()
    sending = asyncio.create_task(
        send(client.running, about("A04", control_id="8", visit="V8", evn="20400302101500+0000"))
    )
    [other] = await send(client.running, adt("A04", control_id="9"))
    assert (code(other), sending.done()) == ("AA", False)
    go_on.set()
    await shredding
    [taken] = await sending
    await client.running.settled()
    assert (code(taken), len({ref for ref, _ in client.running.gate.opened.values()})) == ("AA", 3)


async def test_a_restored_database_of_keys_is_brought_in_line_with_the_record(
    client: Drill, database_url_factory: Url, tmp_path: Path
) -> None:
    backup = dump(client.keys_url)
    await shredder(client).shred(order(client), client.over)
    restored = database_url_factory()
    restore(backup, restored)
    from clientkeys import open_keyring

    async with open_keyring(restored, tmp_path / "kek") as keys:
        assert await keys.key_of(client.client_ref)  # the backup is older than the destruction
        assert await shredder(client, keys=keys).destroy_again() == 1
        with pytest.raises(KeyDestroyed):
            await keys.key_of(client.client_ref)


async def test_nobody_finds_the_client_by_name_any_more(client: Drill) -> None:
    finder = Finder(client.pool, client.keys)
    [found] = await finder.by_name("canaryfamily", None, None)
    assert (str(found.client_ref), await finder.by_number("canarymrn", None)) == (client.client_ref, [found])
    words = await client.running.rows("select client_ref, word_hash from intake.search_words")
    await shredder(client).shred(order(client), client.over)
    assert await finder.by_name("canaryfamily", None, None) == await finder.by_number("canarymrn", None) == []
    assert await client.running.rows("select count(*) from intake.search_words") == [(0,)]
    with psycopg.connect(client.url) as connection:  # from a backup of intake's tables
        connection.cursor().executemany(
            "insert into intake.search_words (client_ref, word_hash) values (%s, %s)", words
        )
    assert await shredder(client).destroy_again() == 1
    assert await client.running.rows("select count(*) from intake.search_words") == [(0,)]


async def test_a_second_journey_counts_too(client: Drill) -> None:
    await send(client.running, about("A04", control_id="8", visit="V8", evn="20270302101500+0000"))
    await client.running.settled()
    with pytest.raises(ShredRefused, match="retention-runs"):
        await shredder(client).shred(order(client), client.walk.now)
    client.running.gate.ended.add(client.journey_id)
    await send(client.running, about("A04", control_id="10", visit="V9", evn="20270402101500+0000"))
    await client.running.settled()
    with pytest.raises(ShredRefused, match="journey-open"):  # announced, and nothing of it is on record yet
        await shredder(client).shred(order(client), client.over)
