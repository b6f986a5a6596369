"""What is costly to get and can be got again: kept outside the clone, shared by all data directories."""

import platform
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import platformdirs

from deploy.locks import locked

_UNFINISHED = ".unfinished-"


class Cache:
    """A folder for finished things. A thing appears in it whole or not at all."""

    def __init__(self, path: Path | None = None) -> None:
        """Use `path`; by default the user's cache directory (XDG_CACHE_HOME is honoured)."""
        self.path = path or platformdirs.user_cache_path("throughline").absolute()

    def place(self, name: str, version: str) -> Path:
        """Where a thing of this version, built for this kind of machine, belongs. It need not exist."""
        return self.path / f"{name}-{version}-{platform.system()}-{platform.machine()}".lower()

    @asynccontextmanager
    async def building(self, on_wait: Callable[[], None]) -> AsyncIterator[Path]:
        """An empty folder to build in, for one builder at a time; removed afterwards, with what is in it.

        It lies in the cache, so a finished thing moves to its place by one rename. `on_wait` is called when
        another process is building and must be waited for: look again afterwards, it may have built the same.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        async with locked(self.path / "building.lock", on_wait):
            for left in self.path.glob(f"{_UNFINISHED}*"):  # of builders that were killed
                shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(dir=self.path, prefix=_UNFINISHED))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
