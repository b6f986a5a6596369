from __future__ import annotations

from pathlib import Path

import pytest

from centre.files import EXAMPLE, CentreFileError, centre_folder
from centre.systems import read_systems

GOOD = (EXAMPLE / "centre.toml").read_text()


def written(tmp_path: Path, old: str = "", new: str = "") -> Path:
    assert old in GOOD
    file = tmp_path / "centre.toml"
    file.write_text(GOOD.replace(old, new, 1))
    return file


def test_the_example_is_read() -> None:
    systems = read_systems(EXAMPLE / "centre.toml")
    assert systems.submitter.usage == "T"
    assert systems.mail.sender.endswith(".example")
    assert systems.mail.password() is None


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('sender = "throughline@clinic.example"', "sender = 5\nusername = 'secret-name'", 12, "mail.sender"),
        ('sender = "throughline@clinic.example"', "sender = 'the desk'", 12, "mail.sender: this is not a mail address"),
        ('npi = "1999999984"', "", 3, "submitter.npi is missing"),
        ("[mail]", "[mailboxes]\noperations = 'o@clinic.example'\n[mail]", 11, "mailboxes is not known"),
    ],
)
def test_a_wrong_part_is_named_with_its_line_and_not_quoted(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    with pytest.raises(CentreFileError) as caught:
        read_systems(written(tmp_path, old, new))
    assert reason in str(caught.value)
    assert caught.value.line == line
    assert "secret-name" not in str(caught.value)


def with_password(tmp_path: Path, file: str) -> Path:
    return written(tmp_path, "[mail]", f'[mail]\npassword_file = "{file}"')


def test_the_password_is_read_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "mail-password").write_text("opens\n")
    assert read_systems(with_password(tmp_path, "mail-password")).mail.password() == "opens"
    assert read_systems(with_password(tmp_path, str(tmp_path / "mail-password"))).mail.password() == "opens"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8")]
)
def test_a_password_that_cannot_be_read_stops_with_the_line(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(CentreFileError, match=reason) as caught:
        read_systems(with_password(tmp_path, "secret"))
    assert caught.value.line == 12


def test_a_file_where_a_folder_is_wanted_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "centre.json").write_text("{}")
    for wrong in ("centre.json", "nowhere"):
        with pytest.raises(CentreFileError, match=f"{wrong}: is not a folder; set THROUGHLINE_CENTRE to the folder"):
            centre_folder(tmp_path / wrong)
    assert centre_folder(tmp_path) == tmp_path
    assert centre_folder(None) == EXAMPLE
