"""The centre's files are read once, and again as soon as one of them has changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from centre.files import EXAMPLE, CentreFileError
from centre.loading import load
from domain.sites import all_sites, use_sites


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Path]:
    before = all_sites()
    shutil.copytree(EXAMPLE, tmp_path / "centre")
    yield tmp_path / "centre"
    use_sites(before)


def titles() -> list[str]:
    return [each.title for each in all_sites() if each.title == "Main site" or each.title.startswith("New")]


def rewrite(centre: Path, was: str, now: str) -> None:
    file = centre / "sites" / "main.toml"
    file.write_text(file.read_text().replace(was, now))


def replace_at_the_same_time_and_size(centre: Path) -> None:
    file, new = centre / "sites" / "main.toml", centre / "sites" / "main.new"
    new.write_text(file.read_text().replace("Main site", "New one!!"))
    os.utime(new, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    assert new.stat().st_size == file.stat().st_size
    new.replace(file)


def test_what_has_not_changed_is_not_read_again(centre: Path) -> None:
    assert load(centre) is load(centre)


def test_another_folder_is_another_centre(centre: Path) -> None:
    rewrite(centre, "Main site", "New name")
    load(centre)
    load()
    assert titles() == ["Main site"]


def test_sites_that_were_put_aside_are_known_again(centre: Path) -> None:
    load(centre)
    use_sites([])
    load(centre)
    assert titles() == ["Main site"]


@pytest.mark.parametrize(
    "change",
    [lambda centre: rewrite(centre, "Main site", "New name"), replace_at_the_same_time_and_size],
)
def test_a_file_that_has_changed_is_read_again(centre: Path, change: Callable[[Path], None]) -> None:
    load(centre)
    change(centre)
    load(centre)
    assert titles() in (["New name"], ["New one!!"])


def test_a_site_that_was_taken_away_is_gone(centre: Path) -> None:
    shutil.copy(centre / "sites" / "main.toml", centre / "sites" / "other.toml")
    other = centre / "sites" / "other.toml"
    other.write_text(other.read_text().replace('id = "main"', 'id = "other"'))
    assert "other" in [each.id for each in load(centre).sites]
    other.unlink()
    assert "other" not in [each.id for each in load(centre).sites]


def test_a_file_that_has_become_unusable_is_refused_each_time(centre: Path) -> None:
    load(centre)
    rewrite(centre, "version = 1", "version = 0")
    for _ in range(2):
        with pytest.raises(CentreFileError, match=r"main\.toml"):
            load(centre)
