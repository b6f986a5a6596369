"""The demonstration as a person or a program runs it: twice, killed, interrupted, all on the same data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.demo.open_clients import EVERYBODY
from cli.output import Exit
from tests.cli.conftest import assert_nothing_left, command, temporary_home

pytestmark = pytest.mark.stack

KEYS = {
    "client",
    "stages",
    "levels_of_care",
    "events",
    "history_events",
    "history_bytes",
    "workflow_tasks",
    "as_scripted",
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Path]:
    """The data directory that all demonstrations here share."""
    with temporary_home() as home:
        yield home


SOME = ("place-falls-through", "waits-for-room", "cancelled")
"""That all go as scripted is seen by the tests in a browser, which look at what is up at the end."""


CHOSEN = [f"--client={name}" for name in SOME]


def assert_as_scripted(told: Any) -> None:
    clients = [client for client in EVERYBODY if client.name in SOME]
    assert [each["client"] for each in told["journeys"]] == [client.name for client in clients]
    for each, client in zip(told["journeys"], clients, strict=True):
        assert each.keys() >= KEYS
        assert tuple(each["stages"]) == client.stages
        assert tuple(each["levels_of_care"]) == client.levels
        assert each["as_scripted"] is True, each["differences"]
        assert 0 < each["workflow_tasks"] < each["history_events"]
        assert each["events"] > len(client.stages)
        assert each["history_bytes"] > 0


def test_once_as_json_it_prints_one_object_and_ends(stage: Path) -> None:
    with command(stage, "demo", "--once", "--json", *CHOSEN) as demo:
        assert demo.ended() == Exit.OK, f"{demo.err}\n{demo.out}"
        assert_as_scripted(json.loads(demo.out))
        assert "Traceback" not in demo.err
        assert_nothing_left(stage)


def test_a_client_that_it_does_not_know_is_refused_before_anything_starts(stage: Path) -> None:
    with command(stage, "demo", "--client", "nobody-of-this-name") as demo:
        assert demo.ended() == Exit.USAGE
        assert "nobody-of-this-name" in demo.err and "iop-eight-weeks" in demo.err
        assert demo.out == ""


def test_again_on_the_same_data_it_tells_its_story_in_order_and_killed_leaves_nothing(stage: Path) -> None:
    """That it stays up at its end, with the links and the board, is seen by the tests in a browser."""
    with command(stage, "demo", *CHOSEN) as demo:
        demo.until(lambda: demo.out.count("Care at") > 3)
        told = [line[:16] for line in demo.out.splitlines()[:-1] if line[:3] == "202"]  # the last may be cut
        assert told == sorted(told)
        demo.process.kill()
        demo.process.wait()
        assert_nothing_left(stage)


def test_interrupted_in_mid_play_it_ends_at_once_and_clean(stage: Path) -> None:
    with command(stage, "demo", "--once", *CHOSEN) as demo:
        demo.until(lambda: demo.out.count("Care at") > 3)
        assert demo.interrupt() == Exit.INTERRUPTED
        assert "Traceback" not in demo.err
        assert "How each path ended" not in demo.out
        assert_nothing_left(stage)
