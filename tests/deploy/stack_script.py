"""A stack in a process of its own, for the tests to interrupt or kill. Arguments: the data directory."""

import asyncio
import signal
import sys
from pathlib import Path

from deploy.settings import Settings
from deploy.stack import Stack


async def main() -> None:
    async with Stack(Settings(home=Path(sys.argv[1])), ports="free") as stack:
        await stack.start_process("extra", [sys.executable, "-c", "import time; time.sleep(600)"])
        stopped = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, stopped.set)
        print("up", flush=True)  # noqa: T201
        await stopped.wait()
    print("down", flush=True)  # noqa: T201


asyncio.run(main())
