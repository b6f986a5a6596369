"""A statement asked again and again over one connection: every answer to its own question, whatever happens beside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, LiteralString
from urllib.parse import parse_qs

import psycopg
import pytest
from psycopg import AsyncConnection, OperationalError, errors

from eventstore.appending.pipeline import Pipeline
from tests.locks import until_blocked_by


class Server:
    """A database, and how often a connection to it was opened."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opened: list[AsyncConnection[Any]] = []

    async def connect(self) -> AsyncConnection[Any]:
        self.opened.append(await AsyncConnection.connect(self.url, autocommit=True))
        return self.opened[-1]

    async def execute(self, query: LiteralString, *arguments: object) -> None:
        async with await AsyncConnection.connect(self.url, autocommit=True) as other:
            await other.execute(query, arguments)

    async def end_its_session(self) -> None:
        await self.execute("select pg_terminate_backend(%s, 5000)", self.opened[-1].info.backend_pid)


@pytest.fixture
def server(database_url: str) -> Server:
    return Server(database_url)


class Proxy:
    """Stands before a server, and can stop to read, or end its side of every connection, as a failing network does."""

    def __init__(self, url: str) -> None:
        address, _, query = url.partition("?")
        self._socket = f"{parse_qs(query)['host'][0]}/.s.PGSQL.5432"
        self._address = address
        self._reads = asyncio.Event()
        self._reads.set()
        self._clients: list[asyncio.StreamWriter] = []
        self._servers: list[asyncio.StreamWriter] = []
        self._pumps: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Proxy:
        self._listener = await asyncio.start_server(self._join, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        self.url = f"{self._address.replace('@/', f'@127.0.0.1:{port}/')}?sslmode=disable&gssencmode=disable"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for end in (*self._clients, *self._servers):
            end.close()

    def stop_reading(self) -> None:
        self._reads.clear()

    def end(self) -> None:
        for client in self._clients:
            client.write_eof()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._socket)
        self._clients.append(writer)
        self._servers.append(to_server)
        self._pumps.append(asyncio.create_task(self._pump(reader, to_server, self._reads)))
        self._pumps.append(asyncio.create_task(self._pump(from_server, writer)))

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, may_read: asyncio.Event | None = None
    ) -> None:
        while may_read is None or await may_read.wait():
            data = await source.read(65_536)
            if not data:
                return
            sink.write(data)


def pipeline(server: Server, statement: LiteralString, *, patience: float = 20) -> Pipeline:
    return Pipeline(server.connect, statement, "text", patience=patience)


@pytest.fixture
async def double(server: Server) -> AsyncIterator[Pipeline]:
    opened = pipeline(server, "select 2 * $1::integer as n, $1 from generate_series(1, $1::integer)")
    yield opened
    opened.close()


async def test_each_is_given_its_own_answer(double: Pipeline, server: Server) -> None:
    answers = await asyncio.gather(*(double.ask(str(n)) for n in range(40)))
    assert answers == [[(2 * n, str(n))] * n for n in range(40)]
    assert len(server.opened) == 1


async def test_one_that_is_refused_does_not_touch_those_beside_it(double: Pipeline, server: Server) -> None:
    one, refused, other = await asyncio.gather(*map(double.ask, ["1", "two", "3"]), return_exceptions=True)
    assert one == [(2, "1")] and other == [(6, "3")] * 3
    assert isinstance(refused, errors.InvalidTextRepresentation)
    assert len(server.opened) == 1


async def test_each_is_a_transaction_of_its_own(server: Server) -> None:
    await server.execute("create table kept (n integer unique)")
    kept = pipeline(server, "insert into kept values ($1::integer) returning n")
    answers = await asyncio.gather(*map(kept.ask, ["1", "1", "2"]), return_exceptions=True)
    kept.close()
    assert [type(each) for each in answers] == [list, errors.UniqueViolation, list]
    with psycopg.connect(server.url) as connection:
        assert connection.execute("select n from kept order by n").fetchall() == [(1,), (2,)]


async def test_the_next_is_on_its_way_before_the_last_is_answered(server: Server) -> None:
    """While the first waits for a lock the server has the second already: freed, it answers both."""
    locked = pipeline(server, "select pg_advisory_xact_lock(1), $1")
    async with await AsyncConnection.connect(server.url) as holder:
        await holder.execute("select pg_advisory_xact_lock(1)")
        asked = [asyncio.create_task(locked.ask(each)) for each in "ab"]
        await until_blocked_by(server.url, holder.info.backend_pid)
        assert not any(each.done() for each in asked)
        await holder.rollback()
    assert [rows[0][1] for rows in await asyncio.gather(*asked)] == ["a", "b"]
    locked.close()


async def test_more_than_a_socket_takes_at_once_arrives_whole(server: Server) -> None:
    measured = pipeline(server, "select length($1), $1")
    texts = [letter * 3_000_000 for letter in "abc"]
    answers = await asyncio.gather(*map(measured.ask, texts))
    measured.close()
    assert [(rows[0][0], rows[0][1] == text) for rows, text in zip(answers, texts, strict=True)] == [
        (3_000_000, True)
    ] * 3


async def test_who_stops_waiting_does_not_shift_the_answers(double: Pipeline) -> None:
    await double.ask("1")
    asked = [asyncio.create_task(double.ask(str(n))) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    asked[1].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[0] == [(2, "1")] and answers[2] == [(6, "3")] * 3
    assert isinstance(answers[1], asyncio.CancelledError)


async def test_all_that_wait_fail_when_the_connection_is_lost_and_the_next_opens_another(server: Server) -> None:
    locked = pipeline(server, "select pg_advisory_xact_lock(1), $1")
    async with await AsyncConnection.connect(server.url) as holder:
        await holder.execute("select pg_advisory_xact_lock(1)")
        asked = [asyncio.create_task(locked.ask(each)) for each in "abc"]
        await until_blocked_by(server.url, holder.info.backend_pid)
        await server.end_its_session()
        async with asyncio.timeout(20):
            failed = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(each, OperationalError) for each in failed)
    assert (await locked.ask("d"))[0][1] == "d"
    assert len(server.opened) == 2
    locked.close()


async def test_a_connection_that_ends_while_more_is_still_to_be_sent_keeps_nobody_waiting(server: Server) -> None:
    async with Proxy(server.url) as proxy:
        server.url = proxy.url
        measured = pipeline(server, "select length($1)")
        assert await measured.ask("a") == [(1,)]
        proxy.stop_reading()
        asked = [asyncio.create_task(measured.ask(text)) for text in ("x" * 50_000_000, "y")]
        for _ in range(3):
            await asyncio.sleep(0)  # they have sent what the socket takes
        assert not any(each.done() for each in asked)
        proxy.end()
        async with asyncio.timeout(20):
            failed = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(each, OperationalError) for each in failed)
        measured.close()


async def test_a_connection_lost_while_nobody_waited_is_replaced(double: Pipeline, server: Server) -> None:
    assert await double.ask("1") == [(2, "1")]
    await server.end_its_session()
    async with asyncio.timeout(20):
        while not await answered(double):
            pass
    assert len(server.opened) == 2


async def test_a_connection_that_cannot_be_made_is_tried_again_with_the_next(server: Server) -> None:
    absent = pipeline(server, "select n, $1 from not_yet_there")
    with pytest.raises(errors.UndefinedTable):
        await absent.ask("a")
    await server.execute("create table not_yet_there as select 7 as n")
    assert await absent.ask("b") == [(7, "b")]
    assert [each.closed for each in server.opened] == [True, False]
    absent.close()


async def test_a_connection_that_is_not_made_in_time_fails_all_that_wait_for_it_in_that_time(server: Server) -> None:
    slow = asyncio.Event()

    async def connect() -> AsyncConnection[Any]:
        await slow.wait()
        return await server.connect()

    impatient = Pipeline(connect, "select $1", "text", patience=0.05)
    async with asyncio.timeout(20):
        failed = await asyncio.gather(*map(impatient.ask, "ab"), return_exceptions=True)
    assert [str(each) for each in failed] == ["no connection in time"] * 2
    slow.set()
    impatient_no_more = Pipeline(connect, "select $1", "text", patience=20)
    assert await impatient_no_more.ask("c") == [("c",)]
    impatient_no_more.close()


async def test_a_statement_whose_rows_a_migration_gave_other_types_can_be_asked_again(server: Server) -> None:
    await server.execute("create table kept as select 1 as n")
    kept = pipeline(server, "select *, $1 from kept")
    assert await kept.ask("a") == [(1, "a")]
    await server.execute("alter table kept alter n type text")
    with pytest.raises(errors.FeatureNotSupported):
        await kept.ask("b")
    assert await kept.ask("c") == [("1", "c")]
    kept.close()


async def test_closing_fails_who_waits_and_is_for_good(server: Server) -> None:
    locked = pipeline(server, "select pg_advisory_xact_lock(1), $1")
    async with await AsyncConnection.connect(server.url) as holder:
        await holder.execute("select pg_advisory_xact_lock(1)")
        asked = asyncio.create_task(locked.ask("a"))
        await until_blocked_by(server.url, holder.info.backend_pid)
        locked.close()
        locked.close()
        with pytest.raises(OperationalError):
            await asked
    with pytest.raises(OperationalError, match="closed"):
        await locked.ask("b")
    assert len(server.opened) == 1


async def test_closing_while_a_connection_is_made_leaves_none(server: Server) -> None:
    opening = pipeline(server, "select $1")
    asked = asyncio.create_task(opening.ask("a"))
    await asyncio.sleep(0)
    opening.close()
    with pytest.raises(OperationalError, match="closed"):
        await asked
    assert [each.closed for each in server.opened] == [True]


async def answered(double: Pipeline) -> bool:
    try:
        return await double.ask("1") == [(2, "1")]
    except OperationalError:
        return False
