"""The record on every major version of PostgreSQL that is here, and what goes from one server to another."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from deploy.postgres import create_database, wheel_programs
from deploy.settings import Settings
from deploy.stack import Stack
from eventstore import KeyReused, StreamClosed, VersionConflict, open_store
from migrations import migrate
from tests.eventstore.facts import fact, numbers, record
from tests.eventstore.majors import SUPPORTED, found
from tests.eventstore.test_concurrency import tail, write

pytestmark = pytest.mark.stack


@dataclass(frozen=True)
class Server:
    """A running server and its programs."""

    major: int
    programs: Path
    url: str

    async def database(self, name: str) -> str:
        """The URL of a new empty database."""
        await create_database(self.url, name)
        return self.url.replace("/throughline?", f"/{name}?")

    def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """What one of its programs prints."""
        command = [str(self.programs / program), *arguments]
        env = {**os.environ, "LC_ALL": "C"}
        return subprocess.run(command, input=stdin, capture_output=True, check=True, text=True, env=env).stdout


@pytest.fixture(scope="module", params=SUPPORTED, ids=lambda major: f"PostgreSQL-{major}")
async def server(request: pytest.FixtureRequest, session_home: Path) -> AsyncIterator[Server]:
    major: int = request.param
    programs = found().get(major)
    if programs is None:
        pytest.skip(f"PostgreSQL {major} is not here: install it, or try `make majors`")
    async with Stack(Settings(home=session_home / f"pg{major}"), temporal=False, programs=programs) as stack:
        yield Server(major, programs, stack.database_url)


@pytest.fixture(scope="module")
async def elsewhere(session_home: Path) -> AsyncIterator[Server]:
    """A server that has seen nothing yet."""
    async with Stack(Settings(home=session_home / "elsewhere"), temporal=False) as stack:
        yield Server(max(SUPPORTED), wheel_programs(), stack.database_url)


async def test_it_is_the_version_it_is_called(server: Server) -> None:
    with psycopg.connect(server.url) as connection:
        assert connection.info.server_version // 10_000 == server.major


async def test_an_owner_who_is_no_superuser_may_migrate_one_database_and_another(server: Server) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create role centre login createrole")
        for name in ("owned", "owned_too"):
            connection.execute(f"create database {name} owner centre".encode())
    for name in ("owned", "owned_too"):
        url = server.url.replace("postgres@", "centre@").replace("/throughline?", f"/{name}?")
        assert migrate(url) and not migrate(url)
        async with open_store(url) as store:
            await record(store, "a", 1)


async def test_the_contract_holds(server: Server) -> None:
    url = await server.database("contract")
    migrate(url)
    async with open_store(url) as store:
        first = await store.append("a", expected_version=0, key="k", events=[fact(1), fact(2)])
        again = await store.append("a", expected_version=9, key="k", events=[fact(1), fact(2)])
        assert again == first.model_copy(update={"replayed": True})
        with pytest.raises(VersionConflict) as conflict:
            await store.append("a", expected_version=1, key="late", events=[fact(3)])
        assert numbers(conflict.value.held) == [2]
        with pytest.raises(KeyReused):
            await store.append("a", expected_version=2, key="k", events=[fact(3)])
        await store.append("a", expected_version=2, key="end", events=[fact(3)], close=True)
        with pytest.raises(StreamClosed):
            await store.append("a", expected_version=3, key="more", events=[fact(4)])
        assert numbers(await store.read_all()) == [1, 2, 3]
    for statement in (b"update es.events set data = '{}'", b"delete from es.appends", b"truncate es.streams"):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.DatabaseError) as refused:
            connection.execute(statement)
        assert refused.value.sqlstate == "TL004"


async def test_a_reader_beside_writers_sees_every_event_once_in_order(server: Server) -> None:
    url = await server.database("concurrent")
    migrate(url)
    writers, appends = 4, 10
    total = writers * appends
    async with open_store(url, max_size=writers + 1) as store, asyncio.TaskGroup() as group:
        reader = group.create_task(tail(store, total))
        for writer in range(writers):
            group.create_task(write(store, writer, streams=2, appends=appends))
    assert [position for position, _ in reader.result()] == list(range(1, total + 1))


async def test_a_dump_goes_on_in_another_server(server: Server, elsewhere: Server) -> None:
    url = await server.database("moving")
    migrate(url)
    async with open_store(url) as store:
        await record(store, "a", 1, 2)
        await store.append("b", expected_version=0, key="end", events=[fact(3)], close=True)
        before = await store.read_all()

    there = await elsewhere.database(f"moved_{server.major}")
    _move_roles(server, elsewhere)
    dump = server.run("pg_dump", url)
    server.run("psql", "-X", "--quiet", "--set=ON_ERROR_STOP=1", there, stdin=dump)

    assert migrate(there) == []
    async with open_store(there) as store:
        assert await store.read_all() == before
        again = await store.append("a", expected_version=0, key="step-0", events=[fact(1)])
        assert again.replayed and again.events == before[:1]
        with pytest.raises(StreamClosed):
            await store.append("b", expected_version=1, key="more", events=[fact(4)])
        waiting = asyncio.create_task(tail(store, len(before) + 2))
        await record(store, "a", 4)
        await record(store, "c", 5)
        assert [position for position, _ in await waiting] == [1, 2, 3, 4, 5]


def _move_roles(source: Server, target: Server) -> None:
    """Roles are the server's, so a dump of a database does not hold them."""
    made = source.run("pg_dumpall", "--roles-only", "--no-role-passwords", "--dbname", source.url)
    target.run("psql", "-X", "--quiet", target.url, stdin=made)  # those it has already are refused, and stay
