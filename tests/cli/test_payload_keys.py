"""Without the payload keys, nothing is sent to Temporal: the command says which setting is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.main import run
from cli.output import Exit
from tests.cli.desk import CLINICIAN

pytestmark = pytest.mark.stack

JOURNEY = "00000000-0000-0000-0000-000000000000"
COMMANDS = [
    ["worker"],
    ["intake"],
    ["request-step-up", JOURNEY, "--to", "PHP", "--reason", "worse", *CLINICIAN],
    ["look-again", JOURNEY],
    ["reconcile"],
    ["recover"],
]


@pytest.fixture
def environment(
    temporal_address: str, migrated_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    monkeypatch.setenv("THROUGHLINE_HOME", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    monkeypatch.delenv("THROUGHLINE_PAYLOAD_KEYS", raising=False)
    return monkeypatch


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda each: each[0])
def test_it_is_named_where_it_is_not_set(
    arguments: list[str], environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == Exit.UNREACHABLE
    assert "THROUGHLINE_PAYLOAD_KEYS is not set" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda each: each[0])
def test_it_is_named_where_its_file_is_missing(
    arguments: list[str], environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("THROUGHLINE_PAYLOAD_KEYS", str(tmp_path / "none"))
    assert run(arguments) == Exit.UNREACHABLE
    assert "put the payload keys there" in capsys.readouterr().err
