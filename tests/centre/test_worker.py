"""What the worker makes of a centre's folder before it reaches for anything else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import worker
from activities.ports import Notice
from centre.files import EXAMPLE, CentreFileError
from centre.staff_file import StaffFile
from centre.systems import read_systems
from deploy.settings import Settings
from deploy.values import HostPort
from domain.obligation_terms import Channel
from domain.values import Role
from tests.activities.mail_server import mail_server

NOTICE = Notice(key="k-1", channel=Channel.PAGE, to=Role.OPERATIONS, subject="Look", body="Look.\n")


def settings(folder: Path | None) -> Settings:
    return Settings(
        home=Path("/nowhere"),
        database_url="postgresql://nowhere/x",
        clinic_url="http://127.0.0.1:9",
        smtp=HostPort("127.0.0.1", 9),
        centre=folder,
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "staff.toml",
            '["s-107", "s-104"]',
            '["s-107", "s-999"]',
            r"staff\.toml, line \d+: there is no person with .* s-999",
        ),
        ("centre.toml", "[submitter]", "[sender]", r"centre\.toml: submitter is missing"),
        ("staff.toml", None, None, r"staff\.toml: cannot be read: No such file"),
        ("centre.toml", None, None, r"centre\.toml: cannot be read: No such file"),
    ],
)
async def test_a_folder_that_cannot_be_used_stops_the_worker(
    tmp_path: Path, file: str, old: str | None, new: str | None, message: str
) -> None:
    folder = tmp_path / "centre"
    shutil.copytree(EXAMPLE, folder)
    if old is None or new is None:
        (folder / file).unlink()
    else:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))
    keys: Any = None
    with pytest.raises(CentreFileError, match=message):
        async with worker.clinic(settings(folder), keys):
            pass


def test_without_a_folder_the_worker_says_that_it_uses_the_example() -> None:
    with capture_logs() as logs:
        assert worker._centre(settings(None)) == EXAMPLE
    assert [(each["event"], each["log_level"]) for each in logs] == [("centre-is-an-example", "warning")]


async def test_a_page_goes_from_the_file_to_the_person_on_call(tmp_path: Path) -> None:
    folder = tmp_path / "centre"
    shutil.copytree(EXAMPLE, folder)
    staff = StaffFile(folder / "staff.toml")
    async with mail_server() as (port, taken):
        post = worker._messenger(HostPort("127.0.0.1", port), read_systems(folder / "centre.toml"), staff)
        await post.send(NOTICE)
        await post.send(NOTICE.model_copy(update={"key": "k-2", "repeat": 1}))
        text = (folder / "staff.toml").read_text()
        (folder / "staff.toml").write_text(text.replace('["s-107", "s-104"]', '["s-104"]  # from today on'))
        await post.send(NOTICE.model_copy(update={"key": "k-3"}))
    assert [to for to, _ in taken] == [[f"{staff_id}@pager.clinic.example"] for staff_id in ("s-107", "s-104", "s-104")]
