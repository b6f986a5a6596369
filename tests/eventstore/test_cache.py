"""The cache that the tests keep fetched versions of PostgreSQL in."""

import asyncio
from pathlib import Path

import pytest

from tests.eventstore.cache import Cache


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_two_builders_take_turns_and_a_broken_build_leaves_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    waited: list[str] = []
    built = asyncio.Event()

    def must_wait() -> None:
        waited.append("second")
        built.set()

    async def second() -> bool:
        async with cache.building(must_wait):
            return cache.place("thing", "1").exists()

    with pytest.raises(ZeroDivisionError):
        async with cache.building(lambda: None) as folder:
            (folder / "half").write_text("x")
            raise ZeroDivisionError
    async with cache.building(lambda: None) as folder:
        task = asyncio.create_task(second())
        await built.wait()
        (folder / "thing").write_text("whole")
        (folder / "thing").rename(cache.place("thing", "1"))
    assert await task
    assert waited == ["second"]
    assert names_in(tmp_path) == {"building.lock", cache.place("thing", "1").name}


async def test_what_a_killed_builder_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".unfinished-abc"
    left.mkdir()
    (left / "half").write_text("x")
    async with Cache(tmp_path).building(lambda: None):
        assert not left.exists()
