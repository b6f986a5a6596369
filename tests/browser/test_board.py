"""The board as people use it: looked at, read aloud, without a mouse, and by two people at once."""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser.conftest import RunningBoard, signed_in
from tests.browser.pages import ERRORS, LISTS, THEMES, journeys_of, overflow, sessions_of, violations

pytestmark = pytest.mark.stack
OPERATIONS, CLINICIAN, CASE_MANAGER = "s-107", "s-102", "s-103"
FAMILY = "Example"
"""The family name of everybody in the demonstration."""
REVIEW, HANDOFF = "Review the level of care", "Complete the handoff to those at the new level"
"""What the rows of the list say is due next, of a client in care and of one who moves up."""


@pytest.fixture
def page(browser: Browser, demonstration: RunningBoard) -> Iterator[Page]:
    """A clinician's page, on which no error is logged but that of a refused form."""
    with signed_in(browser, demonstration, CLINICIAN) as opened:
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda told: complaints.append(told.text) if _is_fault(told) else None)
        yield opened
        assert complaints == []


@pytest.mark.parametrize("theme", THEMES)
def test_no_page_has_a_fault_that_axe_knows(browser: Browser, demonstration: RunningBoard, theme: str) -> None:
    with signed_in(browser, demonstration, OPERATIONS, **THEMES[theme]) as page:
        ours = journeys_of(page, demonstration.url)
        addresses = (
            *(*LISTS, *ERRORS),
            *(ours[REVIEW], ours[HANDOFF], f"{ours[REVIEW]}?everything=true"),
            f"{ours[REVIEW]}?decide=hand-over",
            f"{ours[REVIEW]}?known_at=2026-12-31",
            *sessions_of(page, demonstration.url, ours[REVIEW]),
        )
        found = {}
        for address in addresses:
            page.goto(demonstration.url + address)
            if faults := violations(page):
                found[address] = faults
        assert found == {}


def test_the_first_page_needs_no_scrolling_and_its_numbers_are_the_lengths_of_their_lists(
    page: Page, demonstration: RunningBoard
) -> None:
    page.goto(demonstration.url)
    assert page.evaluate("document.documentElement.scrollHeight") <= 768
    tiles = [
        (int(tile.locator("strong").inner_text()), tile.get_attribute("href")) for tile in page.locator(".tile").all()
    ]
    assert len(tiles) == 4 and any(number for number, _ in tiles)
    for number, address in tiles:
        page.goto(demonstration.url + str(address))
        assert page.locator("table.rows tbody tr").count() == number, address
        assert f"{number} " in page.locator("h1").inner_text(), address


@pytest.mark.parametrize("width", [320, 1366, 1920])
def test_every_page_fits_a_telephone_and_a_wall(browser: Browser, demonstration: RunningBoard, width: int) -> None:
    with signed_in(browser, demonstration, OPERATIONS, viewport={"width": width, "height": 900}) as page:
        ours = journeys_of(page, demonstration.url)
        sessions = sessions_of(page, demonstration.url, ours[REVIEW])
        for address in (*LISTS, *ERRORS, *ours.values(), f"{ours[REVIEW]}?everything=true", *sessions):
            page.goto(demonstration.url + address)
            assert overflow(page) <= 0, address


def test_a_keyboard_is_enough(browser: Browser, demonstration: RunningBoard) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(demonstration.url)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == CASE_MANAGER:
            break
    page.keyboard.press("Enter")
    expect(page.locator("#feed")).to_have_text("live")

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page).to_have_title(re.compile("Duties"))
    expect(page.locator("#feed")).to_have_text("live")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("^J-"))
    expect(page.locator("#feed")).to_have_text("live")

    page.keyboard.press("/")
    reference = page.title().split(" ")[0]
    page.keyboard.type(reference.lower())
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile(reference))
    expect(page.locator("#decide")).to_be_visible()
    context.close()


def test_a_decision_is_refused_at_its_field_and_then_taken_and_seen_at_once(
    page: Page, demonstration: RunningBoard
) -> None:
    address = demonstration.url + journeys_of(page, demonstration.url)[REVIEW]
    page.goto(f"{address}?decide=waive-obligation")
    page.select_option("#field-obligation", index=1)
    page.fill("#field-reason", "done on paper; recorded by mistake")
    page.click("#decide summary")
    page.fill("#field-occurred_at", "yesterday")
    page.click("#decide button.go")
    expect(page.locator("#decide .wrong").first).to_contain_text("Nothing has changed")
    expect(page.locator("#field-reason")).to_have_value("done on paper; recorded by mistake")

    page.goto(f"{address}?decide=assign-care-team")
    page.select_option("#field-team_role", "utilisation-review")
    page.fill("#field-to", "s-104")
    page.click("#decide button.go")
    expect(page.locator("#facts")).to_contain_text("s-104, utilisation review")
    expect(page.locator("#happened")).to_contain_text("Care team: utilisation-review is s-104")


def test_what_people_write_is_nowhere_but_in_the_sealed_record(page: Page, demonstration: RunningBoard) -> None:
    canary = f"canary{uuid.uuid4().hex}"
    addresses: list[str] = []
    page.on("request", lambda asked: addresses.append(asked.url))
    address = demonstration.url + journeys_of(page, demonstration.url)[REVIEW]
    page.goto(f"{address}?decide=assign-care-team")
    page.select_option("#field-team_role", "medical-director")
    page.fill("#field-to", "s-106")
    page.fill("#field-reason", canary)
    page.click("#decide button.go")
    expect(page.locator("#happened")).to_contain_text("Care team: medical-director is s-106")
    page.goto(f"{demonstration.url}/duties")
    page.fill("#find", canary)
    page.press("#find", "Enter")
    expect(page.locator("h1")).to_contain_text("Find")
    assert addresses and not any(canary in each for each in addresses)
    folders = [demonstration.home / name for name in ("logs", "temporal", "postgres")]
    kept = [[each for each in folder.rglob("*") if each.is_file()] for folder in folders]
    assert all(kept), "nothing was searched"
    assert [str(each) for files in kept for each in files if canary.encode() in each.read_bytes()] == []


def test_what_another_person_changes_appears_while_text_is_half_typed(
    browser: Browser, page: Page, demonstration: RunningBoard
) -> None:
    address = demonstration.url + journeys_of(page, demonstration.url)[HANDOFF]
    page.goto(f"{address}?decide=decline-transition")
    expect(page.locator("#feed")).to_have_text("live")
    page.fill("#field-reason", "half a sent")
    page.evaluate("document.querySelector('#field-reason').setSelectionRange(2, 6)")
    with signed_in(browser, demonstration, CASE_MANAGER) as other:
        other.goto(f"{address}?decide=assign-care-team")
        other.select_option("#field-team_role", "operations")
        other.fill("#field-to", "s-107")
        other.click("#decide button.go")
        expect(other.locator("#happened")).to_contain_text("Care team: operations is s-107")
    expect(page.locator("#happened")).to_contain_text("Care team: operations is s-107")
    expect(page.locator("#field-reason")).to_be_focused()
    assert page.evaluate("[document.activeElement.selectionStart, document.activeElement.selectionEnd]") == [2, 6]
    page.keyboard.press("End")
    page.keyboard.type("ence")
    expect(page.locator("#field-reason")).to_have_value("half a sentence")


def test_a_lost_feed_is_said_and_found_again(browser: Browser, demonstration: RunningBoard) -> None:
    with signed_in(browser, demonstration, CLINICIAN) as page:
        expect(page.locator("#feed")).to_have_text("live")
        _board_process(demonstration).kill()
        expect(page.locator("#lost")).to_be_visible()
        expect(page.locator("#feed")).to_have_text("live", timeout=30_000)
        expect(page.locator("#lost")).to_be_hidden()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [320, 1366])
def test_finding_a_client_has_no_fault_in_any_of_its_states(
    browser: Browser, demonstration: RunningBoard, theme: str, width: int
) -> None:
    with signed_in(
        browser, demonstration, CLINICIAN, viewport={"width": width, "height": 768}, **THEMES[theme]
    ) as page:
        for wanted, told in ((FAMILY, FAMILY), ("Nobody", "Nobody fits."), ("-", "There is nothing to look for.")):
            page.fill("#find", wanted)
            page.press("#find", "Enter")
            expect(page.locator("main")).to_contain_text(told)
            assert page.url == f"{demonstration.url}/find"
            assert violations(page) == [], wanted
            assert overflow(page) <= 0, wanted


def test_a_client_is_found_by_name_and_birth_date_and_opened(page: Page, demonstration: RunningBoard) -> None:
    page.fill("#find", FAMILY.upper())
    page.keyboard.press("Enter")
    born = page.locator("td[data-label=Born]").first.inner_text()
    page.fill("input[name=born]", born)
    page.keyboard.press("Enter")
    expect(page.locator("table.rows tbody th").first).to_contain_text(FAMILY)
    reference = page.locator("a.ref").first.inner_text()
    page.click("a.ref >> nth=0")
    expect(page).to_have_title(re.compile(f"^{reference}"))


@pytest.mark.parametrize(("link", "name"), [("as a PDF", ""), ("in large print", "-large-print")])
def test_a_discharge_plan_opens_as_a_document(
    browser: Browser, demonstration: RunningBoard, link: str, name: str
) -> None:
    with signed_in(browser, demonstration, CLINICIAN) as page:
        page.goto(demonstration.url + journeys_of(page, demonstration.url)[REVIEW])
        with page.expect_response(re.compile("discharge-plan")) as answered:
            page.click(f"text={link}")
        page.wait_for_url("**/discharge-plan.pdf*")
        assert page.evaluate("document.contentType") == "application/pdf"
        assert re.search(rf'discharge-plan-J-.+{name}\.pdf"$', answered.value.headers["content-disposition"])
        document = page.request.get(page.url).body()
    assert document.startswith(b"%PDF") and b"/Lang" in document and b"/Title" in document


def test_back_and_reload_restore_the_view(page: Page, demonstration: RunningBoard) -> None:
    page.goto(f"{demonstration.url}/duties")
    page.select_option("select[name=priority]", "clinical")
    page.click(".filters button")
    rows = page.locator("table.rows tbody tr").count()
    page.click("a.ref >> nth=0")
    expect(page).to_have_title(re.compile("^J-"))
    page.go_back()
    assert "priority=clinical" in page.url and page.locator("table.rows tbody tr").count() == rows
    page.reload()
    expect(page.locator("select[name=priority]")).to_have_value("clinical")


def test_a_filter_is_saved_under_a_name_and_removed(page: Page, demonstration: RunningBoard) -> None:
    page.goto(f"{demonstration.url}/duties?priority=clinical&person=s-102")
    page.click(".save summary")
    page.fill(".save input[name=name]", "My clinical work")
    page.click(".save button")
    page.goto(f"{demonstration.url}/duties")
    page.click("text=My clinical work")
    expect(page.locator("select[name=priority]")).to_have_value("clinical")
    expect(page.locator("input[name=person]")).to_have_value("s-102")
    assert violations(page) == []
    page.click("button[aria-label='Remove the saved view My clinical work']")
    expect(page.locator(".view")).to_have_count(0)


def test_the_first_load_is_small_and_comes_from_nowhere_else(browser: Browser, demonstration: RunningBoard) -> None:
    with signed_in(browser, demonstration, OPERATIONS) as page:
        sizes: dict[str, int] = {}
        page.on(
            "response",
            lambda answer: sizes.update(
                {answer.url: _packed(answer.body())} if answer.ok and "/live" not in answer.url else {}
            ),
        )
        page.goto(demonstration.url)
        page.wait_for_timeout(500)
        assert all(each.startswith(demonstration.url) for each in sizes)
        assert sum(sizes.values()) <= 150 * 1024, sizes


def test_a_journey_is_shown_as_it_was_known_at_the_end_of_a_day(page: Page, demonstration: RunningBoard) -> None:
    address = demonstration.url + journeys_of(page, demonstration.url)[HANDOFF]
    page.goto(address)
    page.fill("input[name=known_at]", "2027-01-31")
    page.click(".known button")
    expect(page.locator(".banner.note")).to_contain_text("As known at the end of 31 January 2027")
    expect(page.locator("#standing")).to_contain_text("OP, week 10")
    expect(page.locator("#owed .due.fine").first).to_be_visible()
    expect(page.locator("#owed .due:not(.fine)")).to_have_count(0)
    expect(page.locator("#deciding section")).to_have_count(0)


def test_times_are_the_sites_with_utc_on_hover(page: Page, demonstration: RunningBoard) -> None:
    page.goto(f"{demonstration.url}/duties")
    times = page.locator("table.rows time").all()
    assert times
    for each in times[:10]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", str(each.get_attribute("title")))


def _is_fault(told: ConsoleMessage) -> bool:
    return told.type == "error" and "status of 422" not in told.text


def _packed(body: bytes) -> int:
    return len(gzip.compress(body))


def _board_process(board: RunningBoard) -> psutil.Process:
    [found] = [
        each
        for each in psutil.process_iter(["cmdline"])
        if "board" in (each.info["cmdline"] or []) and str(board.home) in " ".join(each.info["cmdline"])
    ]
    return found
