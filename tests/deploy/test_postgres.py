"""The database fixture and PostgreSQL's ways."""

import psycopg


def test_each_test_has_an_empty_database_of_its_own(fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        name = connection.execute("SELECT current_database()").fetchone()
    assert tables == (0,)
    assert name is not None
    assert name[0].startswith("test_")


async def test_the_fixture_serves_async_tests_too(fresh_database: str) -> None:
    async with await psycopg.AsyncConnection.connect(fresh_database) as connection:
        cursor = await connection.execute("SHOW fsync")
        assert await cursor.fetchone() == ("on",)
