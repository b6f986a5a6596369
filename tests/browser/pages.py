"""Every page of the board with an address of its own, and what each must be free of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from dashboard.board.words import zone_of

LISTS = (
    *("/", "/journeys", "/journeys?standing=ended", "/duties", "/duties?stuck=true", "/sessions", "/tracks"),
    *("/messages", "/find", "/audit"),
)
ERRORS = ("/nothing-here", "/journeys/nothing-here", "/journeys?stage=nonsense", "/duties?after=nonsense")
THEMES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced colours": {"forced_colors": "active"},
}


def journeys_of(page: Page, url: str) -> dict[str, str]:
    """The address of a journey's page by what its row says is owed."""
    page.goto(f"{url}/journeys")
    rows = page.locator("table.rows tbody tr")
    found: dict[str, str] = {}
    for at in range(rows.count()):
        row = rows.nth(at)
        what, address = row.locator("td[data-label=What]").inner_text(), row.locator("a.ref").get_attribute("href")
        found.setdefault(what.splitlines()[0].strip(), str(address))
    return found


def sessions_of(page: Page, url: str, journey: str) -> tuple[str, str]:
    """The addresses of a client's sessions, and of a day with one of them."""
    page.goto(f"{url}{journey}/sessions")
    latest = str(page.locator("table.rows time").first.get_attribute("datetime"))
    day = f"/sessions?day={datetime.fromisoformat(latest).astimezone(zone_of('main')).date()}"
    page.goto(url + day)
    assert page.locator("table.rows tbody tr").count(), day
    return f"{journey}/sessions", day


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page, with no rule left out."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{each['id']}: {each['help']}: {[node['html'][:160] for node in each['nodes']][:3]}" for each in found]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
