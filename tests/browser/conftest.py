"""The board in a real browser, on a real system. Debian's Chromium is used where it is installed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from cli.demo.open_clients import EVERYBODY
from tests.cli.conftest import command, temporary_home, up

expect.set_options(timeout=30_000)
_WHOLE_PLAY_SECONDS = 600.0  # two minutes on a machine that does nothing else
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class RunningBoard:
    """A board that is up. `home` is the data directory of its system."""

    home: Path

    @property
    def settings(self) -> dict[str, str]:
        """The addresses that the system told other commands."""
        found: dict[str, Any] = json.loads((self.home / "stack.json").read_text())
        return dict(found["env"])

    @property
    def url(self) -> str:
        """The board's address."""
        return self.settings["THROUGHLINE_BOARD_URL"]


@pytest.fixture(scope="module")
def demonstration() -> Iterator[RunningBoard]:
    """The demonstration, played to its end and up: pages that are filled.

    To try a test again and again, set DEMONSTRATION to the data directory of one that is up already.
    """
    if running := os.environ.get("DEMONSTRATION"):
        yield RunningBoard(Path(running))
        return
    with temporary_home() as home, command(home, "demo") as system:
        system.until(lambda: "stays up until Ctrl-C" in system.out, _WHOLE_PLAY_SECONDS)
        everybody = len(EVERYBODY)
        assert f"{everybody} of {everybody} paths went as scripted." in system.out, system.out[-3000:]
        assert f"THROUGHLINE_HOME={home / 'demo'} throughline journeys --all" in system.out
        yield RunningBoard(home / "demo")


@pytest.fixture(scope="module")
def first_day() -> Iterator[RunningBoard]:
    """A system where nothing has happened yet: pages that are empty."""
    with temporary_home() as home, up(home):
        yield RunningBoard(home)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a module: while it is there, no other test of this process can run a loop."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("no Chromium is installed: apt-get install chromium")
    if found is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


@contextmanager
def signed_in(browser: Browser, board: RunningBoard, person: str, **context: Any) -> Iterator[Page]:
    """A page of a person who has signed in, in a browser context of their own."""
    opened: BrowserContext = browser.new_context(**{"viewport": {"width": 1366, "height": 768}, **context})
    try:
        opened.set_default_timeout(60_000)
        page = opened.new_page()
        page.goto(board.url)
        page.click(f"button[value={person}]")
        page.wait_for_selector("h1", state="attached")
        yield page
    finally:
        opened.close()
