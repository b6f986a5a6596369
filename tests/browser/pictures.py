"""Takes the pictures of the board for the docs: `DEMONSTRATION=<data directory> python -m tests.browser.pictures`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import RunningBoard, signed_in
from tests.browser.pages import journeys_of

_IMAGES = Path(__file__).parents[2] / "docs" / "images"
_WIDE = {"width": 1366, "height": 768}


def main() -> None:
    """Writes the pictures to docs/images."""
    board = RunningBoard(Path(os.environ["DEMONSTRATION"]))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with signed_in(browser, board, "s-105", viewport=_WIDE) as page:
            ours = journeys_of(page, board.url)
            addresses = {
                "today": "/",
                "journeys": "/journeys",
                "duties": "/duties?due=overdue",
                "journey": ours["Complete the step-up"],
                "messages": "/messages",
                "not-found": "/nothing-here",
            }
            for name, address in addresses.items():
                page.goto(board.url + address)
                page.screenshot(path=_IMAGES / f"board-{name}.png")
            page.goto(board.url + ours["Complete the step-up"])
            page.emulate_media(media="print")
            page.screenshot(path=_IMAGES / "board-print.png", full_page=True)
            page.emulate_media(media="screen")
            page.goto(f"{board.url}/find")
            page.fill("#find", "Example")
            page.press("#find", "Enter")
            page.wait_for_selector("td[data-label=Born]")
            page.screenshot(path=_IMAGES / "board-find.png")
        with signed_in(browser, board, "s-107", viewport=_WIDE) as page:
            page.goto(f"{board.url}/audit")
            page.screenshot(path=_IMAGES / "board-audit.png")
        with signed_in(browser, board, "s-105", viewport=_WIDE, color_scheme="dark") as page:
            page.goto(board.url)
            page.screenshot(path=_IMAGES / "board-dark.png")
        with signed_in(browser, board, "s-105", viewport={"width": 390, "height": 844}) as page:
            page.goto(board.url)
            page.screenshot(path=_IMAGES / "board-telephone.png")
        with signed_in(browser, board, "s-105", viewport={"width": 1920, "height": 1080}) as page:
            page.goto(board.url)
            page.screenshot(path=_IMAGES / "board-wall.png")
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(board.url)
        page.screenshot(path=_IMAGES / "board-sign-in.png")
        browser.close()


if __name__ == "__main__":
    main()
