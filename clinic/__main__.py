"""`python -m clinic`: one process, loopback only; prints where it listens as one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP

from clinic.app import Clinic, build
from clinic.state import State

_HOST = "127.0.0.1"


def main() -> None:
    """Reads the command line and serves until stopped."""
    parser = argparse.ArgumentParser(prog="clinic", description=__doc__)
    parser.add_argument("--http-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="written once both listeners are up")
    parser.add_argument("--state", type=Path, help="a file that keeps all state across restarts")
    parser.add_argument("--places", type=int, default=60, help="places opened at each level of care")
    wanted = parser.parse_args()
    asyncio.run(_serve(build(State(wanted.state), wanted.places), wanted))


async def _serve(clinic: Clinic, wanted: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    door = _listen(wanted.http_port)
    mail = await loop.create_server(
        lambda: SMTP(clinic.mailbox, hostname="clinic.invalid", loop=loop), _HOST, wanted.smtp_port
    )
    _announce(door.getsockname()[1], mail.sockets[0].getsockname()[1], wanted.ready_file)
    config = uvicorn.Config(clinic.http, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    async with mail:
        await uvicorn.Server(config).serve(sockets=[door])


def _listen(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only if the protocol is named; without it each answer waits 40 ms for an ACK
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((_HOST, port))
    door.listen(512)
    return door


def _announce(http_port: int, smtp_port: int, ready_file: Path | None) -> None:
    line = json.dumps({"http_port": http_port, "smtp_port": smtp_port, "pid": os.getpid()})
    if ready_file is not None:
        unfinished = ready_file.with_suffix(".part")
        unfinished.write_text(line + "\n")
        unfinished.replace(ready_file)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
