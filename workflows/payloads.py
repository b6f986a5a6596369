"""Makes the EHR record and the text of notices from the state. Pure."""

from __future__ import annotations

from activities.ports import EhrRecord, EhrTask, EpisodeStatus, Notice, TaskStatus
from domain.effects import Notify, SyncEhr
from domain.obligations import Obligation, ObligationStatus
from domain.state import JourneyState
from domain.values import Stage
from domain.wording import named

_EPISODE = {
    Stage.ACTIVE: EpisodeStatus.ACTIVE,
    Stage.TRANSITION: EpisodeStatus.ACTIVE,
    Stage.DISCHARGING: EpisodeStatus.ACTIVE,
    Stage.EXTERNAL: EpisodeStatus.ONHOLD,
    Stage.DISCHARGED: EpisodeStatus.FINISHED,
    Stage.FOLLOW_UP: EpisodeStatus.FINISHED,
    Stage.CANCELLED: EpisodeStatus.CANCELLED,
    Stage.WITHDRAWN: EpisodeStatus.CANCELLED,
    Stage.DECEASED: EpisodeStatus.FINISHED,
}
_TASK = {
    ObligationStatus.OPEN: TaskStatus.REQUESTED,
    ObligationStatus.ACKNOWLEDGED: TaskStatus.ACCEPTED,
    ObligationStatus.MET: TaskStatus.COMPLETED,
    ObligationStatus.MET_LATE: TaskStatus.COMPLETED,
    ObligationStatus.WAIVED: TaskStatus.CANCELLED,
    ObligationStatus.CANCELLED: TaskStatus.CANCELLED,
}


def ehr_record(state: JourneyState, effect: SyncEhr, key: str) -> EhrRecord:
    """What the EHR should hold: the episode's current state and every task that it has not been told of."""
    if state.admission.opened_at is None:
        raise ValueError("a journey that was never opened has nothing to tell the EHR")
    return EhrRecord(
        key=key,
        revision=effect.revision,
        journey_id=state.journey_id,
        client_ref=state.client_ref,
        status=_episode_status(state),
        level=state.level or state.placement.level,
        started=state.care.stays[0].since if state.care.stays else state.admission.opened_at,
        ended=state.care.stays[-1].until if state.care.stays else state.ended_at,
        as_of=state.news_at,
        tasks=tuple(_task(state, owed) for _, owed in state.obligations.untold.values()),
    )


def _episode_status(state: JourneyState) -> EpisodeStatus:
    if state.stage is Stage.CLOSED:
        return EpisodeStatus.FINISHED if state.care.began else EpisodeStatus.CANCELLED
    if state.stage is Stage.EXTERNAL and not state.care.began:
        return EpisodeStatus.PLANNED
    return _EPISODE.get(state.stage, EpisodeStatus.PLANNED)


def _task(state: JourneyState, owed: Obligation) -> EhrTask:
    return EhrTask(
        id=f"{state.journey_id}.{owed.id}",
        status=_TASK[owed.status],
        description=owed.title,
        owner=owed.owner,
        due=owed.due_at,
        urgent=owed.urgent,
    )


def notice(state: JourneyState, effect: Notify, key: str) -> Notice:
    """The notice to a person: what is owed, by when, and where to look. Nothing about the client."""
    owed = state.obligations.open.get(effect.obligation)
    urgency = "OVERDUE: " if effect.overdue else ""
    owner = f" {named(owed.owner, owed.assignee)} owns it." if owed and owed.assignee else ""
    return Notice(
        key=key,
        channel=effect.how,
        to=effect.to,
        person=effect.person,
        site=state.admission.site,
        subject=f"{urgency}{effect.title}",
        body=(
            f"{effect.title}.\n"
            f"Due {effect.due_at:%Y-%m-%d %H:%M} UTC. Obligation {effect.obligation}.{owner}\n"
            f"Open journey {state.journey_id} to see more: throughline journey {state.journey_id}\n"
        ),
        repeat=max(0, owed.steps_taken - len(owed.escalation)) if owed else 0,
    )
