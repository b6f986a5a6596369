"""Starts the Temporal server on a SQLite file, with its web page, on 127.0.0.1.

Workflow time skipping is on, so that a demonstration or a test can move a journey through its weeks.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploy.errors import PortTakenError, ProcessFailedError
from deploy.processes import Command, RunningProcess, Supervisor, free_ports, port_is_free
from deploy.temporal_config import LOCALHOST, server_arguments
from deploy.temporal_database import NAME, mark_ready, prepare_database
from deploy.temporal_program import find_temporal
from deploy.temporal_setup import answers

StartProgress = Callable[[str], None]
"""Told, in a few words, what is being done."""

SERVER_PORT: Final = 7233
UI_PORT: Final = 8233
_PORT_TRIES: Final = 3


class Temporal:
    """The server, and its web page, for one data directory."""

    def __init__(
        self,
        supervisor: Supervisor,
        folder: Path,
        *,
        free: bool,
        ui: bool,
        progress: StartProgress,
        codec_endpoint: str | None = None,
    ) -> None:
        """Keeps the server's files in `folder`.

        Args:
            supervisor: Starts the process and stops it at the end.
            folder: The directory of the server's files; it must exist.
            free: Use any free ports instead of the usual ones.
            ui: Serve the web page as well.
            progress: Called with what is being done.
            codec_endpoint: Where the web page has encrypted payloads decrypted.
        """
        self._supervisor = supervisor
        self._folder = folder
        self._free = free
        self._ui = ui
        self._progress = progress
        self._codec_endpoint = codec_endpoint
        self._port = 0
        self._ui_port = 0
        self.begins_empty = False
        """Whether the latest start found no data: then no workflow runs, even if the record has open journeys."""

    @property
    def address(self) -> str:
        """The gRPC address."""
        return f"{LOCALHOST}:{self._port}"

    @property
    def ui_url(self) -> str | None:
        """The web page's address, if there is one."""
        return f"http://{LOCALHOST}:{self._ui_port}" if self._ui else None

    async def start(self) -> RunningProcess:
        """Starts the server.

        Raises:
            PortTakenError: A well-known port is in use.
            TemporalMissingError: There is no server to start.
            ProcessFailedError: It does not start.
        """
        if not self._free:
            require_free({"Temporal": SERVER_PORT, **({"Temporal's web page": UI_PORT} if self._ui else {})})
        for last in (False,) * (_PORT_TRIES - 1) + (True,):
            self._port, self._ui_port = free_ports(2) if self._free else (SERVER_PORT, UI_PORT)
            try:
                return await self.restart()
            except ProcessFailedError:
                # A free port can be lost to another program between the choice and the start.
                if last or (port_is_free(self._port) and port_is_free(self._ui_port)):
                    raise
        raise AssertionError("unreachable")

    async def restart(self) -> RunningProcess:
        """Starts the server again, on the same ports. Raises as `start` does."""
        program = await asyncio.to_thread(find_temporal)
        self._progress("starting the Temporal server …")
        self.begins_empty = await asyncio.to_thread(prepare_database, self._folder)
        argv = [str(program), *server_arguments(self._port, self._ui_port if self._ui else None, NAME)]
        if self._ui and self._codec_endpoint is not None:
            argv += ["--ui-codec-endpoint", self._codec_endpoint]
        # TEMPORAL_* variables are for clients; the server would take some of them as its own options.
        env = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        command = Command("temporal", argv, env, cwd=self._folder, grace_seconds=5.0)
        process = await self._supervisor.start(command, lambda: answers(self.address))
        mark_ready(self._folder)
        return process


def require_free(ports: dict[str, int]) -> None:
    """Raises PortTakenError, which names the port and its purpose, if one of them is in use."""
    for name, port in ports.items():
        if not port_is_free(port):
            raise PortTakenError(
                f"port {port} of {LOCALHOST}, for {name}, is taken by another program: stop it"
                f" (`lsof -i :{port}` names it), or set TEMPORAL_ADDRESS to a Temporal server"
            )
