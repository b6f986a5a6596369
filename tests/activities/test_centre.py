from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from activities.centre import EXAMPLE, CentreFileError, read_centre


def written(tmp_path: Path, **changes: Any) -> Path:
    file = tmp_path / "centre.json"
    file.write_text(json.dumps({**EXAMPLE.model_dump(mode="json"), **changes}))
    return file


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    assert read_centre(written(tmp_path)) == EXAMPLE


def test_a_role_that_nobody_can_reach_is_named(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match="medical-director"):
        pagers = {role: address for role, address in EXAMPLE.pagers.items() if role != "medical-director"}
        read_centre(written(tmp_path, pagers=pagers))


def test_a_wrong_part_is_named_and_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match=r"mail\.sender") as caught:
        read_centre(written(tmp_path, mail={"sender": 5, "username": "secret-name"}))
    assert "secret-name" not in str(caught.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match="No such file"):
        read_centre(tmp_path / "missing.json")
