"""Who is told that something changed: nobody about another site, also if they name the journey."""

from __future__ import annotations

import pytest

from dashboard.board.changes import Changed, Subscription

CHANGED = Changed(7, {"j-1": "main", "j-2": "north"})


@pytest.mark.parametrize(
    ("sites", "journey", "concerns"),
    [
        (None, None, True),
        (("main",), None, True),
        (("south",), None, False),
        (None, "j-2", True),
        (("north",), "j-2", True),
        (("main",), "j-2", False),
        (None, "j-3", False),
    ],
)
async def test_a_page_is_told_what_concerns_it(
    sites: tuple[str, ...] | None, journey: str | None, concerns: bool
) -> None:
    page = Subscription(sites, journey)
    page.tell(CHANGED)
    assert await page.wait(0) == (7 if concerns else None)
    assert await page.wait(0) is None
