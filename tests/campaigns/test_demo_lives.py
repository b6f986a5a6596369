"""A few of the demonstration's clients on the real server, beside the pure core.

`make campaign` plays all of them five times.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cli.demo.open_clients import EVERYBODY
from cli.demo.play import Action
from cli.demo.script import Client
from domain.values import Stage
from tests.campaigns.demo_lives import Life, late, live_all, lives
from tests.campaigns.report import any_seed

pytestmark = pytest.mark.stack
NAMES = {client.name for client in EVERYBODY}
[CANCELLED] = (client for client in EVERYBODY if client.name == "cancelled")
OTHERWISE = replace(CANCELLED, stages=(*CANCELLED.stages[:-1], Stage.WITHDRAWN), happens=("level.started",))


async def test_clients_go_as_scripted_and_as_the_pure_core_decides_and_it_is_noticed_if_not(
    record_property: Callable[[str, object], None],
) -> None:
    """The last one is cancelled, although the script here says that they withdraw in care."""
    seed = any_seed()
    lived = await live_all([*lives(seed, 2), Life(2, OTHERWISE, timedelta(hours=30))], seed, minutes=3)
    report = str(lived.report(f"python -m tests.campaigns.demo_lives --seed {seed} --clients 2"))
    record_property("campaign", report)
    assert [each for each in lived.faults if not each.startswith("client 2, cancelled, ")] == [], report
    [stages, happened] = lived.faults
    assert "stages were REFERRED" in stages and happened.endswith("level.started did not happen")
    assert lived.counts["clients"] == 3 and lived.counts["as scripted"] == 2, report
    assert lived.counts["decisions"] > 3 and lived.counts["events"] > 3 * 10, report


def test_every_client_has_a_part_before_any_has_another() -> None:
    drawn = list(lives(7, 3 * len(EVERYBODY)))
    assert {each.client.name for each in drawn[: len(EVERYBODY)]} == NAMES
    assert Counter(each.client.name for each in drawn) == dict.fromkeys(NAMES, 3)
    assert [each.number for each in drawn] == [*range(3 * len(EVERYBODY))]
    assert len({each.ahead for each in drawn}) == len(drawn)
    assert all(timedelta(0) < each.ahead <= timedelta(weeks=2) for each in drawn)


def test_the_same_seed_draws_the_same() -> None:
    def said(life: Life) -> tuple[str, timedelta, list[timedelta]]:
        return life.client.name, life.ahead, [each.at for each in script(life.client)]

    one, same, other = (said(next(lives(seed, 1))) for seed in (1, 1, 2))
    assert one == same != other


def script(client: Client) -> tuple[Action, ...]:
    return (*client.messages, *client.silences, *client.changes, *client.withdrawals, *client.steps)


@pytest.mark.parametrize("client", EVERYBODY, ids=lambda client: client.name)
def test_what_comes_late_comes_in_the_order_of_the_script(client: Client) -> None:
    before = sorted(range(len(script(client))), key=lambda number: script(client)[number].at)
    later = script(late(client, random.Random(3)))
    pairs = [(script(client)[number].at, later[number].at) for number in before]
    assert all(timedelta(0) <= after - at < timedelta(minutes=4) for at, after in pairs)
    assert [after for _, after in pairs] == sorted(after for _, after in pairs)
    assert len({at for at, _ in pairs}) == len({after for _, after in pairs}), "what came together still does"
    assert any(after > at for at, after in pairs)
