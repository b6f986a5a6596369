"""Choosing where the Temporal server comes from; the cache."""

import asyncio
from pathlib import Path

import pytest

from deploy.cache import Cache
from deploy.temporal_build import OLDEST_SERVER, cli_server_version, go_version
from deploy.temporal_config import DYNAMIC_CONFIG, SERVER_PORTS, cli_arguments, server_config


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
    assert cli_server_version(text) == version


def test_versions_compare_as_numbers() -> None:
    newer, older = cli_server_version("(Server 1.100.0)"), cli_server_version("(Server 1.9.9)")
    assert newer is not None
    assert older is not None
    assert older < OLDEST_SERVER <= newer


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 darwin/arm64", (1, 27, 0)),
        ("go version go1.27rc1 linux/amd64", (1, 26, 99)),
        ("go version devel +abc", None),
    ],
)
def test_gos_version(text: str, version: tuple[int, ...] | None) -> None:
    assert go_version(text) == version


def test_the_server_listens_on_different_ports_of_this_machine_only() -> None:
    services = server_config(range(1, SERVER_PORTS + 1), "t.db", "d.yaml")["services"]
    ports = [port for service in services.values() for name, port in service["rpc"].items() if "Port" in name]
    assert sorted(ports) == list(range(1, SERVER_PORTS + 1))
    assert services["frontend"]["rpc"]["grpcPort"] == 1
    assert all(service["rpc"]["bindOnLocalHost"] is True for service in services.values())


def test_the_command_line_tool_gets_the_same_dynamic_configuration() -> None:
    arguments = cli_arguments(7233, None, "t.db")
    assert "--headless" in arguments
    assert arguments.count("--dynamic-config-value") == len(DYNAMIC_CONFIG)
    assert "frontend.WorkflowTimeSkippingEnabled=true" in arguments
    assert 'history.timerProcessorMaxTimeShift="50ms"' in arguments


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
