"""Starts the Temporal server on SQLite files, and its web page, on 127.0.0.1.

Workflow time skipping is on, so that a demonstration or a test can move a journey through its weeks.
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from deploy.cache import Cache
from deploy.errors import PortTakenError, ProcessFailedError
from deploy.processes import Command, Ready, Supervisor, free_ports, port_is_free, port_open
from deploy.temporal_build import Progress, TemporalCli, find_temporal
from deploy.temporal_config import (
    LOCALHOST,
    SERVER_PORTS,
    cli_arguments,
    dynamic_config,
    server_config,
    ui_config,
)
from deploy.temporal_setup import answers

SERVER_PORT: Final = 7233
UI_PORT: Final = 8233

_DATABASE: Final = "temporal.db"
_MADE: Final = "made"  # exists once the server has served from the database


class Temporal:
    """The server, and its web page, for one data directory."""

    def __init__(self, supervisor: Supervisor, folder: Path, *, free: bool, progress: Progress) -> None:
        """Keep the server's files in `folder`. `free` takes any free ports, else the well-known ones."""
        self._supervisor = supervisor
        self._folder = folder
        self._free = free
        self._progress = progress

    async def start(self, namespace: str, *, ui: bool) -> tuple[str, str | None]:
        """Start the server and, if asked, the web page, which opens on `namespace`; gRPC address and page URL.

        Raises PortTakenError, BuildFailedError or ProcessFailedError.
        """
        if not self._free:
            require_free({"Temporal": SERVER_PORT, **({"Temporal's web page": UI_PORT} if ui else {})})
        found = await find_temporal(self._supervisor, Cache(), self._progress)
        self._progress("starting the Temporal server …")
        await asyncio.to_thread(self._tidy)
        if isinstance(found, TemporalCli):
            server, page = await self._with_ports(
                [SERVER_PORT, UI_PORT], lambda ports: self._start_cli(found.program, ports, ui=ui)
            )
            address = f"{LOCALHOST}:{server}"
        else:
            wanted = [SERVER_PORT, *[0] * (SERVER_PORTS - 1)]
            ports = await self._with_ports(wanted, lambda ports: self._start_server(found.server, ports))
            address = f"{LOCALHOST}:{ports[0]}"
            page = await self._start_page(found.ui, address, namespace) if ui else 0
        (self._folder / _MADE).touch()
        return address, f"http://{LOCALHOST}:{page}" if ui else None

    async def _start_server(self, program: Path, ports: Sequence[int]) -> None:
        _write(self._folder / "dynamic.yaml", dynamic_config())
        _write(self._folder / "server.yaml", server_config(ports, _DATABASE, "dynamic.yaml"))
        argv = [str(program), "--config-file", "server.yaml", "--allow-no-auth", "start"]
        await self._run("temporal", argv, lambda: answers(f"{LOCALHOST}:{ports[0]}"))

    async def _start_cli(self, program: Path, ports: Sequence[int], *, ui: bool) -> None:
        argv = [str(program), *cli_arguments(ports[0], ports[1] if ui else None, _DATABASE)]
        await self._run("temporal", argv, lambda: answers(f"{LOCALHOST}:{ports[0]}"))

    async def _start_page(self, program: Path, address: str, namespace: str) -> int:
        folder = self._folder / "ui"
        folder.mkdir(exist_ok=True)

        async def start(ports: Sequence[int]) -> None:
            _write(folder / "local.yaml", ui_config(ports[0], address, namespace))
            argv = [str(program), "--root", ".", "--config", folder.name, "--env", "local", "start"]
            await self._run("temporal-ui", argv, lambda: port_open(LOCALHOST, ports[0]))

        return (await self._with_ports([UI_PORT], start))[0]

    async def _run(self, name: str, argv: list[str], ready: Ready) -> None:
        # TEMPORAL_* variables are for clients; the server would take some of them as its own options.
        env = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        await self._supervisor.start(Command(name, argv, env, cwd=self._folder, grace_seconds=5.0), ready)

    async def _with_ports(
        self, wanted: Sequence[int], start: Callable[[Sequence[int]], Awaitable[None]]
    ) -> Sequence[int]:
        """Start on the wanted ports, 0 meaning a free one. A free port can be lost to another program: try again."""
        for last in (False, False, True):
            spare = iter(free_ports(len(wanted)))
            ports = [next(spare) if self._free or port == 0 else port for port in wanted]
            try:
                await start(ports)
                return ports
            except ProcessFailedError:
                if last or all(port_is_free(port) for port in ports):
                    raise
        raise AssertionError("unreachable")

    def _tidy(self) -> None:
        """Make what an earlier run left fit for a new one.

        Files of a first start that was cut short go: the server takes a half-made schema for a whole one. The
        addresses of an earlier run go: the server would wait most of a minute for those peers to answer.
        """
        if (self._folder / _MADE).exists():
            with closing(sqlite3.connect(self._folder / _DATABASE, isolation_level=None)) as connection:
                connection.execute("DELETE FROM cluster_membership")
        else:
            for file in self._folder.glob(f"{_DATABASE}*"):
                file.unlink()


def require_free(ports: dict[str, int]) -> None:
    """Raise PortTakenError, which names the port and what it is for, when one of them is in use."""
    for name, port in ports.items():
        if not port_is_free(port):
            raise PortTakenError(
                f"port {port} of {LOCALHOST}, for {name}, is taken by another program: stop it"
                f" (`lsof -i :{port}` names it), or set TEMPORAL_ADDRESS to a Temporal server"
            )


def _write(path: Path, config: dict[str, Any]) -> None:
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
