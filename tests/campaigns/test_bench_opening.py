"""What is measured can be measured: a small run of `bench.opening` opens every journey and gives every figure."""

from __future__ import annotations

import pytest

from bench.opening.__main__ import measure

pytestmark = pytest.mark.stack


async def test_every_admission_is_opened_and_every_figure_is_there() -> None:
    measured = await measure(admissions=12, senders=3)
    assert measured["admissions"] == 12
    for name in ("acknowledged_per_second", "opened_per_second", "bare_workflows_per_second", "opened_p99_s"):
        assert measured[name] > 0
    assert measured["calls_settled_each"] >= 0
    assert measured["opened_p50_s"] <= measured["opened_p99_s"]
    assert set(measured["cpu_s"]) >= {"worker", "intake", "temporal", "postgres", "clinic", "projector", "senders"}
    assert len(measured["stages"]) == 4
