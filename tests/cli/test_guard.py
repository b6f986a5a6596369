"""A part that cannot be started again is tried again, whatever kept it from starting."""

from __future__ import annotations

import asyncio
import sys

import psycopg

from cli.guard import Guard
from deploy.processes import RunningProcess
from deploy.stack import Stack

SHORT = [sys.executable, "-c", ""]
LONG = [sys.executable, "-c", "import time; time.sleep(600)"]


async def test_a_part_is_started_again_after_any_error(postgres_stack: Stack) -> None:
    runs_again = asyncio.Event()
    guard = Guard(postgres_stack, lambda said: runs_again.set() if said == "part is running again" else None)
    errors = [psycopg.OperationalError("gone again"), ValueError("odd")]

    async def start_again() -> RunningProcess:
        if errors:
            raise errors.pop(0)
        return await postgres_stack.start_process("part", LONG)

    guard.watch("part", await postgres_stack.start_process("part", SHORT), start_again)
    keeping = asyncio.create_task(guard.keep())
    async with asyncio.timeout(60):
        await runs_again.wait()
    assert not keeping.done()
    keeping.cancel()
    await asyncio.wait((keeping,))
    assert errors == []
