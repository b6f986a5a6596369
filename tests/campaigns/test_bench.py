"""What is measured can be measured: a small run of `bench.record`, whose readers must see every event exactly once."""

from __future__ import annotations

from typing import Any

import pytest

from bench.record.__main__ import Sizes, measure
from bench.record.appends import EIGHT, SHAPES, SYSTEMS, Cell, Shape, ratio
from bench.record.tail import Seen
from tests.campaigns.report import any_seed

pytestmark = pytest.mark.stack


async def test_every_cell_counts_and_every_figure_is_there() -> None:
    measured = await measure(Sizes(repeats=1, appends=80, followed=100, rebuilt=800), seed=any_seed())
    assert measured["skipped"] == 0, measured
    assert measured["cells_that_do_not_count"] == 0, measured
    assert [(cell["system"], cell["shape"]) for cell in measured["cells"]] == [
        (system, str(shape)) for shape in SHAPES for system in SYSTEMS
    ]
    assert measured["rebuild_events"] > 700  # whole journeys, of some 71 events
    for name in ("append_vs_eventsourcing", "append_vs_bare_insert", "catch_up_vs_eventsourcing",
                 "rebuild_events_per_second"):  # fmt: skip
        assert measured[name] > 0


def cell(system: str, speed: float, *, repeat: int = 0, shape: Shape = EIGHT, sound: bool = True) -> Cell:
    return Cell(system, shape, repeat, speed, 0.001, 0.002, 0 if sound else 3, sound)


def test_a_ratio_is_the_median_of_what_ran_in_the_same_repeat() -> None:
    cells = [
        *(cell("ours", speed, repeat=n) for n, speed in enumerate((30, 10, 80))),
        *(cell("bare insert", speed, repeat=n, sound=False) for n, speed in enumerate((10, 10, 20))),
        cell("ours", 1_000, shape=Shape(1, 1)),
    ]
    assert ratio(cells, "ours", "bare insert") == 3


def test_a_store_whose_reader_missed_an_event_is_not_compared() -> None:
    cells = [cell("ours", 30), cell("eventsourcing", 10, sound=False)]
    assert ratio(cells, "ours", "eventsourcing") is None


@pytest.mark.parametrize(
    ("numbers", "skipped", "repeated"), [([1, 2, 3], 0, 0), ([1, 3], 1, 0), ([1, 2, 2, 3, 3, 3], 0, 3), ([], 3, 0)]
)
def test_what_the_reader_missed_and_saw_again_is_counted(numbers: list[int], skipped: int, repeated: int) -> None:
    seen: Any = Seen()
    seen.counts.update(numbers)
    assert (seen.skipped(1, 3), seen.repeated()) == (skipped, repeated)
