"""What a notice and the EHR are told, from the state alone; no server needed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from activities.ports import EhrRecord, EpisodeStatus, TaskStatus
from domain.effects import Notify, SyncEhr
from domain.pathway.death import CorrectDeath, RecordDeath
from domain.pathway.obligation_events import ObligationEscalated
from tests.domain import walk as walks
from tests.domain.walk import Walk, answered
from workflows.payloads import ehr_record, notice


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


def told_to_the_ehr(walk: Walk) -> EhrRecord:
    (wish,) = (call for call in walk.state.pending().values() if isinstance(call, SyncEhr))
    return ehr_record(walk.state, wish, wish.key)


@pytest.mark.parametrize(
    ("walk_to", "status"),
    [
        (walks.withdrawing, EpisodeStatus.PLANNED),
        (walks.withdrawn, EpisodeStatus.CANCELLED),
        (walks.died, EpisodeStatus.FINISHED),
        (walks.in_hospital_before_care, EpisodeStatus.PLANNED),
        (walks.in_emergency_department, EpisodeStatus.ONHOLD),
        (walks.in_hospital, EpisodeStatus.ONHOLD),
    ],
)
def test_the_ehr_is_told_how_the_client_left(walk_to: Callable[[], Walk], status: EpisodeStatus) -> None:
    record = told_to_the_ehr(walk_to())
    assert record.status is status
    assert (record.ended is not None) is (status in (EpisodeStatus.CANCELLED, EpisodeStatus.FINISHED))


def test_the_ehr_hears_that_a_duty_ended_with_the_death_and_that_care_goes_on_after_a_mistake() -> None:
    walk = walks.enrolled()
    walk.settle_all()
    walk.do(RecordDeath, source="their sister")
    tasks = {task.id.partition(".")[2]: task.status for task in told_to_the_ehr(walk).tasks}
    owed = (
        *("review-1", "continued-stay-1", "team-review-1", "recertify-1", "see-client-1", "refresh-discharge-plan-1"),
        "assign-case-manager-1",
    )
    ended = dict.fromkeys(owed, TaskStatus.CANCELLED)
    assert tasks == {**ended, "mortality-review-1": TaskStatus.REQUESTED}
    walk.do(CorrectDeath, reason="another client", by=walks.DIRECTOR)
    record = told_to_the_ehr(walk)
    assert (record.status, record.ended, record.level) == (EpisodeStatus.ACTIVE, None, "IOP")
