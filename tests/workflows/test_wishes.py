"""What a notice says, from the state alone; no server needed."""

from __future__ import annotations

from domain.effects import Notify
from domain.pathway.obligations import ObligationEscalated
from tests.domain.walk import Walk, answered
from workflows.payloads import notice


def notices(walk: Walk, obligation: str) -> list[tuple[str, int]]:
    """Who was told of it so far, and which repeat it was."""
    found = []
    for key, effect in walk.state.pending().items():
        if isinstance(effect, Notify) and effect.obligation == obligation:
            made = notice(walk.state, effect, key)
            found.append((made.to.value, made.repeat))
            walk.settle(key)
    return found


def test_only_repeats_of_the_last_step_are_for_the_next_person_on_call() -> None:
    walk, told = answered(), []
    for _ in range(12):
        walk.later(days=1)
        told += notices(walk, "decide-placement-1")
    steps = len(walk.state.obligations.open["decide-placement-1"].escalation)
    assert len(walk.saw(ObligationEscalated)) > steps
    assert [repeat for _, repeat in told[:steps]] == [0] * steps
    assert [repeat for _, repeat in told[steps:]] == list(range(1, len(told) - steps + 1))
    assert len(told) > steps + 2
    assert {role for role, _ in told[steps:]} == {told[steps - 1][0]}
