"""The database fixture and PostgreSQL's ways."""

import os
import signal

import psutil
import psycopg
import pytest

from tests.campaigns.postgres_killed import Server
from tests.campaigns.report import own_home


def test_each_test_has_an_empty_database_of_its_own(fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        name = connection.execute("select current_database()").fetchone()
    assert tables == (0,)
    assert name is not None
    assert name[0].startswith("test_")


async def test_the_fixture_serves_async_tests_too(fresh_database: str) -> None:
    async with await psycopg.AsyncConnection.connect(fresh_database) as connection:
        cursor = await connection.execute("SHOW fsync")
        assert await cursor.fetchone() == ("on",)


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_what_is_acknowledged_is_on_disk(fresh_database: str, setting: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        shown = connection.execute("select setting, source from pg_settings where name = %s", [setting]).fetchone()
    assert shown == ("on", "command line")


async def test_a_session_that_outlives_its_killed_server_does_not_keep_the_next_one_from_starting() -> None:
    with own_home() as home:
        async with Server.at(home) as server:
            connection = await psycopg.AsyncConnection.connect(server.url)
            session = psutil.Process(connection.info.backend_pid)
            os.kill(session.pid, signal.SIGSTOP)
            await server.kill(sessions_too=False)
            await server.start_again()
            assert not session.is_running()
            async with await psycopg.AsyncConnection.connect(server.url) as again:
                assert await (await again.execute("select 1")).fetchone() == (1,)
            await connection.close()
