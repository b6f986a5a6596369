"""Open journeys are started again on an empty Temporal server, through every error that keeps them from it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cli import house
from deploy.stack import Stack
from eventstore.errors import InvalidRequest, StoreUnavailable
from recovery.reconcile import Comparison

SECRET = "Bartolomea wants a window"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError(SECRET), "KeyError"),
        (InvalidRequest(SECRET), "InvalidRequest"),
        (StoreUnavailable("OperationalError"), "unavailable"),
    ],
)
async def test_any_error_is_told_and_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    tries: list[object] = []

    async def start_missing(settings: Any) -> tuple[Comparison, tuple[()]]:
        tries.append(settings)
        if len(tries) == 1:
            raise error
        return Comparison(journeys=0, asked=0, differences=()), ()

    lines: list[str] = []
    monkeypatch.setattr(house, "start_missing", start_missing)
    monkeypatch.setattr(house, "_RECOVERY_PAUSE_SECONDS", 0)
    stack = cast(Stack, SimpleNamespace(settings=None, temporal_begins_empty=True))
    await house._Recovery(stack, lines.append)._until_done()
    assert len(tries) == 2
    assert len(lines) == 1 and told in lines[0] and SECRET not in lines[0]
