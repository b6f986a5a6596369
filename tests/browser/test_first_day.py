"""The board on its first day: nothing has happened, and every page says what will appear on it."""

from __future__ import annotations

from contextlib import suppress

import psutil
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import RunningBoard, signed_in
from tests.browser.pages import LISTS, THEMES, overflow, violations
from tests.cli.conftest import tree

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("theme", THEMES)
def test_an_empty_board_says_what_will_be_there(browser: Browser, first_day: RunningBoard, theme: str) -> None:
    with signed_in(browser, first_day, "s-107", **THEMES[theme]) as page:
        for address in LISTS:
            page.goto(first_day.url + address)
            assert page.locator(".empty").count() > 0 or address == "/audit", address  # that one looks is on record
            assert violations(page) == [], address
            assert overflow(page) <= 0, address


def test_who_is_not_signed_in_comes_back_to_the_page_they_asked_for(browser: Browser, first_day: RunningBoard) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{first_day.url}/duties?due=overdue")
    expect(page.locator("h1")).to_have_text("Who are you?")
    page.click("button[value=s-107]")
    assert page.url == f"{first_day.url}/duties?due=overdue"
    page.click(".me summary")
    page.click("text=Sign out")
    expect(page.locator("h1")).to_have_text("You are signed out")
    assert violations(page) == []
    page.goto(first_day.url)
    expect(page.locator("h1")).to_have_text("Who are you?")
    page.context.close()


def test_a_database_that_hangs_is_said_on_a_page(browser: Browser, first_day: RunningBoard) -> None:
    with signed_in(browser, first_day, "s-107") as page:
        servers = tree(first_day.home, "postgres")
        for each in servers:
            each.suspend()
        try:
            answer = page.goto(f"{first_day.url}/duties")
        finally:
            for each in servers:
                with suppress(psutil.NoSuchProcess):  # one of PostgreSQL's ends as soon as it wakes up
                    each.resume()
        assert answer is not None and answer.status == 503
        expect(page.locator("main")).to_contain_text("The database does not answer.")
        for name, theme in THEMES.items():
            page.emulate_media(**theme)
            assert violations(page) == [], name
        assert overflow(page) <= 0
