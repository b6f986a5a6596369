"""What `throughline reconcile` says and how it ends, without a house."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cli import recovery
from cli.output import Exit, Stop
from recovery.differences import Difference, Kind
from recovery.reconcile import Comparison


class Found:
    """Finds what it was given."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    async def compare(self, _: object) -> Comparison:
        return self._comparison


def told(monkeypatch: pytest.MonkeyPatch, comparison: Comparison, *, as_json: bool = False) -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[Found, None]]:
        yield Found(comparison), None

    monkeypatch.setattr(recovery, "_reconciler", opened)
    asyncio.run(recovery.reconcile(json=as_json))


def difference(kind: Kind) -> Difference:
    return Difference(journey_id="j", kind=kind, on_record=3, in_workflow=3, sentence="It is so.")


def test_states_of_another_schema_are_said_not_to_be_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(monkeypatch, Comparison(journeys=5, asked=5, differences=(), of_another_schema=2))
    shown = capsys.readouterr().out
    assert "2 run under another state schema" in shown and "was not compared" in shown
    assert "all agree" not in shown
    told(monkeypatch, Comparison(journeys=5, asked=5, differences=(), of_another_schema=2), as_json=True)
    assert json.loads(capsys.readouterr().out)["of_another_schema"] == 2
    told(monkeypatch, Comparison(journeys=5, asked=5, differences=()))
    shown = capsys.readouterr().out
    assert "all agree with the record" in shown and "schema" not in shown


def test_a_journey_that_reads_its_record_is_named_and_is_no_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(monkeypatch, Comparison(journeys=5, asked=5, differences=(difference(Kind.WAITING),)))
    assert "1 waiting" in capsys.readouterr().out
    with pytest.raises(Stop, match="1 of 5 journeys differ") as stopped:
        told(monkeypatch, Comparison(journeys=5, asked=5, differences=(*map(difference, (Kind.WAITING, Kind.BEHIND)),)))
    assert stopped.value.code == Exit.DIFFERS
