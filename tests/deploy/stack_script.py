"""A stack in a process of its own, for the tests to interrupt or kill. Arguments: the data directory."""

import asyncio
import sys
from pathlib import Path

from deploy.settings import Settings
from deploy.stack import Stack


async def main() -> None:
    async with Stack(Settings(Path(sys.argv[1])), ports="free") as stack:
        await stack.start_process("extra", [sys.executable, "-c", "import time; time.sleep(600)"])
        waiting = asyncio.create_task(stack.run_until_stopped())
        await asyncio.sleep(0)  # it heeds signals from its first step on, and only then may a test send one
        print("up", flush=True)  # noqa: T201
        await waiting
    print("down", flush=True)  # noqa: T201


asyncio.run(main())
