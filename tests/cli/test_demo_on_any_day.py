"""The demonstration goes as scripted on whatever day it is begun: before a weekend, before a holiday, at night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.demo.open_clients import EVERYBODY
from cli.demo.play import beginning
from cli.demo.script import Client
from tests.cli.demo_in_core import ClientInCore

_FIRST = datetime(2026, 11, 28, tzinfo=UTC)
_TELLS_PEOPLE_IN_TURN = "review-escalates"
"""Whom it reaches by when depends on opening hours: there are many days to look at."""
_PLAYED = [each for each in EVERYBODY if not each.withdrawals]


@pytest.mark.parametrize("client", _PLAYED, ids=lambda client: client.name)
def test_a_client_goes_as_scripted_on_any_day(client: Client) -> None:
    days = 60 if client.name == _TELLS_PEOPLE_IN_TURN else 12
    starts = [beginning(_FIRST + number * timedelta(hours=7 * 24 * 52 / days + 5)) for number in range(days)]
    otherwise = {f"{start:%a %d %B %H:%M}": ClientInCore(client, start).differences() for start in starts}
    assert {start: found for start, found in otherwise.items() if found} == {}
