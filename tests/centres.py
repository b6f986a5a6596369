"""An invented centre with three sites in three zones, as files and as the domain knows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from centre.files import EXAMPLE
from centre.loading import load
from domain.sites import Calendar, all_sites, site_named, use_sites

ZONES = {"harbour": "America/New_York", "mesa": "America/Phoenix", "pier": "America/Los_Angeles"}
"""Phoenix keeps no daylight saving time."""
_SITE = """\
id = "{site}"
title = "{title}"
policy = "us-generic-1"
locations = ["{title} Clinic", "9.8.{number}"]
"""
_CALENDAR = """
[[calendars]]
version = {version}
zone = "{zone}"
known_until = 2032-12-31
closes_at = {{ monday = 17:00:00, tuesday = 17:00:00, wednesday = 17:00:00, thursday = 17:00:00, friday = 17:00:00 }}
closures = [{closures}]

[calendars.holidays]
2026-10-12 = "Columbus Day"
"""


def three_sites(folder: Path, *, closed: str | None = None, closures: str = "") -> Path:
    """Writes the files of the centre; `closed` has a second calendar with these closures."""
    (folder / "sites").mkdir(parents=True, exist_ok=True)
    shutil.copytree(EXAMPLE / "policies", folder / "policies", dirs_exist_ok=True)
    for number, (site, zone) in enumerate(ZONES.items(), start=1):
        text = _SITE.format(site=site, title=site.title(), number=number)
        text += _CALENDAR.format(version=1, zone=zone, closures="")
        if site == closed:
            text += _CALENDAR.format(version=2, zone=zone, closures=closures)
        (folder / "sites" / f"{site}.toml").write_text(text)
    return folder


@contextmanager
def deployed(*changes: dict[str, Any]) -> Iterator[None]:
    """Newer calendars of site `main` until the block ends, each with these changes to the one before."""
    before, site = all_sites(), site_named("main")
    calendars = list(site.calendars)
    for change in changes:
        newest = calendars[-1].model_dump() | {"version": calendars[-1].version + 1} | change
        calendars.append(Calendar.model_validate(newest))
    use_sites([site.changed(calendars=tuple(calendars))])
    try:
        yield
    finally:
        use_sites(before)


@contextmanager
def loaded(folder: Path) -> Iterator[None]:
    """The centre of `folder` until the block ends."""
    before = all_sites()
    load(folder)
    try:
        yield
    finally:
        use_sites(before)


@contextmanager
def without_file(site: str) -> Iterator[None]:
    """The centre with another site in place of this one, whose file is gone."""
    before = all_sites()
    use_sites([site_named(site).changed(id="another-site")])
    try:
        yield
    finally:
        use_sites(before)
