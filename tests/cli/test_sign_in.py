"""Signing in on the command line, and deciding through the board as the person who has signed in."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cli.output import Exit
from cli.sign_in import SignedIn
from deploy.settings import Settings
from tests.cli.conftest import Call, Command, environment
from tests.cli.test_house import admitted

pytestmark = pytest.mark.stack
STATE = "signed-in.json"


@pytest.fixture
def board(house: Command) -> str:
    """The address of the house's board."""
    address = Settings.load({"THROUGHLINE_HOME": str(house.home)}).board_page
    assert address is not None
    return address


@pytest.fixture(autouse=True)
def signed_out(house: Command) -> Iterator[None]:
    yield
    (house.home / STATE).unlink(missing_ok=True)


def browser_of(person: str, board: str) -> httpx2.Client:
    """A browser in which a person has signed in at the board."""
    browser = httpx2.Client(follow_redirects=True, timeout=30)
    asked = browser.get(board)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', asked.text))
    arrived = browser.post(str(asked.url), data={**fields, "person": person})
    assert str(arrived.url) == f"{board}/", arrived.text
    return browser


def code_for(address: str, browser: httpx2.Client) -> str:
    """The code that the board shows in the browser for the command that printed the address."""
    asked = browser.get(address)
    fields = dict(re.findall(r'name="(csrf|challenge)" value="([^"]*)"', asked.text))
    shown = browser.post(f"{address.partition('?')[0]}", data=fields)
    found = re.search(r"<output>([^<]+)</output>", shown.text)
    assert found, shown.text
    return found[1]


def sign_in(home: Path, browser: httpx2.Client, code: str | None = None) -> tuple[int, str]:
    """Runs the command as a person does: it prints an address and waits for the code."""
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "sign-in"],
        env={**environment(home), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        address = running.stdout.readline().split()[-1]
        out, err = running.communicate((code or code_for(address, browser)) + "\n", timeout=60)
    return running.returncode, out + err


def test_a_decision_is_recorded_as_that_of_the_person_who_signed_in(
    house: Command, board: str, call: Call, tmp_path: Path
) -> None:
    journey = admitted(lambda *arguments, **more: call(*arguments, home=house.home, **more), tmp_path)
    acknowledge = ("acknowledge-obligation", journey, "--obligation", "decide-placement-1", "--json")
    before = call(*acknowledge, home=house.home)
    assert before.code == Exit.REFUSED and "throughline sign-in" in before.err

    browser = browser_of("s-102", board)
    code, told = sign_in(house.home, browser)
    assert (code, "signed in as s-102" in told) == (Exit.OK, True), told
    assert (house.home / STATE).stat().st_mode & 0o077 == 0

    taken = call(*acknowledge, home=house.home)
    assert taken.code == Exit.OK, taken.err
    assert taken.json["position"] > 0
    events = call("journey", journey, "--json", home=house.home).json["events"]
    [event] = [each for each in events if each["type"] == "obligation.acknowledged"]
    assert event["data"]["by"] == {"id": "s-102", "role": "clinician"} and event["meta"]["via"] == "cli"

    refused = call("accept-cost", journey, "--estimate", "estimate-1", home=house.home)
    assert refused.code == Exit.REFUSED and "not-their-decision" in refused.err
    unread = call("decide-placement", journey, "--recommended", "none", "--actual", "IOP", home=house.home)
    assert unread.code == Exit.USAGE and "recommended" in unread.err


def test_a_code_is_good_for_the_command_that_asked_alone_and_once(house: Command, board: str) -> None:
    browser = browser_of("s-102", board)
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "sign-in"],
        env={**environment(house.home), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as another:
        assert another.stdout is not None
        anothers = code_for(another.stdout.readline().split()[-1], browser)
        another.communicate("\n", timeout=60)
    code, told = sign_in(house.home, browser, anothers)
    assert code == Exit.REFUSED and "run `throughline sign-in` again" in told
    assert not (house.home / STATE).exists()


def test_a_token_that_opens_nothing_is_said_to_be_over(house: Command, board: str, call: Call) -> None:
    kept = SignedIn(board=board, person="s-102", token="x" * 43, ends_at="2026-01-01T00:00:00Z")
    (house.home / STATE).write_text(kept.model_dump_json())
    answer = call("end-leave", "0b6a1c9e-0000-4000-8000-000000000000", home=house.home)
    assert answer.code == Exit.REFUSED and "your sign-in is over" in answer.err
    assert "x" * 43 not in answer.err
