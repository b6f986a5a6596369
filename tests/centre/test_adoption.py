"""A version that was in use never reads differently: the record knows what it said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from centre.adoption import AlteredVersion, adopt, adopt_calendars
from centre.sites import read_sites
from domain.adopted import CalendarAdopted, digest_of
from domain.sites import Calendar, Site, site_named
from eventstore import EventStore, open_store
from tests.centres import three_sites

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)


@pytest.fixture
async def store(migrated_database: str) -> AsyncIterator[EventStore]:
    async with open_store(migrated_database) as opened:
        yield opened


def altered(site: Site, **changes: object) -> Site:
    calendar = Calendar.model_validate(site.calendar.model_dump() | changes)
    return site.changed(calendars=(calendar,))


async def test_each_calendar_is_put_on_record_once_whoever_starts_and_how_often(
    store: EventStore, tmp_path: Path
) -> None:
    sites = read_sites(three_sites(tmp_path, closed="mesa"))
    await asyncio.gather(*(adopt_calendars(store, sites, NOW + timedelta(seconds=n)) for n in range(8)))
    await adopt_calendars(store, sites, NOW + timedelta(days=30))
    recorded = await store.read_all()
    assert sorted(each.stream for each in recorded) == [
        *("calendar/harbour/1", "calendar/mesa/1", "calendar/mesa/2", "calendar/pier/1")
    ]
    assert {each.type for each in recorded} == {"calendar.adopted"}
    head = await store.head("calendar/mesa/2")
    assert head is not None and head.closed


async def test_the_record_can_say_what_the_calendar_said(store: EventStore) -> None:
    site = site_named("main")
    await adopt_calendars(store, [site], NOW)
    [stored] = await store.read("calendar/main/1")
    assert Calendar.model_validate(stored.data["document"]) == site.calendar
    assert stored.data["digest"] == digest_of(stored.data["document"])
    assert (stored.data["site"], stored.data["version"], stored.occurred_at) == ("main", 1, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"zone": "America/Denver"},
        {"known_until": date(2033, 12, 31)},
        {"holidays": {}},
        {"closures": [{"first_day": date(2026, 5, 1), "reason": "burst pipe"}]},
    ],
)
async def test_a_version_that_was_in_use_and_reads_differently_is_refused(
    store: EventStore, changes: dict[str, object]
) -> None:
    site = site_named("main")
    await adopt_calendars(store, [site], NOW)
    with pytest.raises(AlteredVersion) as refused:
        await adopt_calendars(store, [altered(site, **changes)], NOW)
    assert str(refused.value).startswith("main.toml: calendar 1 of site main was in use with other content")
    assert "new version" in str(refused.value)
    assert len(await store.read_all()) == 1


async def test_two_workers_with_different_files_cannot_both_start(store: EventStore) -> None:
    site = site_named("main")
    files = [site, altered(site, holidays={})]
    told = await asyncio.gather(*(adopt_calendars(store, [each], NOW) for each in files), return_exceptions=True)
    assert [type(each) for each in told if each is not None] == [AlteredVersion]
    assert len(await store.read_all()) == 1


async def test_it_is_told_whether_a_version_was_new(store: EventStore) -> None:
    event = CalendarAdopted.of("main", site_named("main").calendar, NOW)
    assert [await adopt(store, event), await adopt(store, event)] == [True, False]
