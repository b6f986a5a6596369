"""Whole paths by Updates, on the real parts, in virtual time."""

from __future__ import annotations

import pytest

from domain.evolve import fold
from tests.workflows.house import House
from tests.workflows.paths import PATHS, WholePath

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
async def test_a_path_from_admission_to_its_end(house: House, path: WholePath) -> None:
    case = await house.admit(**path.clinic)
    for step in path.steps:
        await case.settled()
        await step(case)
    ended = await case.ended()
    been = await case.path()
    assert (been.stages, been.levels) == (path.stages, path.levels)
    assert ended["stage"] == path.stages[-1]
    assert fold(await case.record()) == await case.state()
    head = await house.store.head(case.id)
    assert head is not None and head.closed
