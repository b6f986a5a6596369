"""What is looked at regularly beside the review of the level of care: by the team each week, and by a physician who
certifies that the level is needed. They share the part of the reviews.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.due_times import Counted
from domain.events import BaseEvent
from domain.obligation_terms import ObligationKind, Priority
from domain.pathway import suspension
from domain.pathway.obligation_changes import cancelled, raised
from domain.pathway.obligation_events import ObligationRaised
from domain.pathway.reviews import part, week_at, week_of_care
from domain.policy import ReviewRule
from domain.values import CLINICAL, Role

if TYPE_CHECKING:
    from domain.pathway.care import CareStartTakenBack, LevelOfCareEnded, LevelOfCareStarted
    from domain.pathway.corrections import EnrolmentCorrected
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
    from domain.state import JourneyState

TEAM_REVIEW = ObligationKind(
    kind="team-review",
    title="Talk about the client in the team",
    completable_by=CLINICAL,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
RECERTIFY = ObligationKind(
    kind="recertify",
    title="Certify that the client needs this level of care, or end it",
    completable_by=(Role.MEDICAL_DIRECTOR,),
    waivable_by=(Role.MEDICAL_DIRECTOR,),
    priority=Priority.COVERAGE,
)


@part.consequence
def owe_what_recurs(state: JourneyState, event: LevelOfCareStarted) -> Iterator[BaseEvent]:
    """As the level's rule says; sooner where the client came back from a higher level."""
    rule = _rule(state)
    if rule is None:
        return
    if rule.team_weekly and not state.open_of(TEAM_REVIEW.kind):
        yield _team_review(state, event, week_at(state, event.at))
    if rule.recertify_days is not None and not state.open_of(RECERTIFY.kind):
        yield _certification(state, event, rule.recertify_days)


@part.consequence
def owe_the_next_time(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """In the week after, or so many days after. A later week that was waived ahead is not owed again."""
    rule = _rule(state)
    if rule is None:
        return
    if event.kind == TEAM_REVIEW.kind and rule.team_weekly:
        waived = state.obligations.waived.get(event.obligation)
        week = max(week_at(state, event.at), waived.counted.amount if waived else 0)
        yield _team_review(state, event, week + 1)
    if event.kind == RECERTIFY.kind and rule.recertify_days is not None:
        counted = Counted.calendar_days(rule.recertify_days, since=event.at, rule=_name(state, "recertify_days"))
        yield raised(state, event, RECERTIFY, counted)


@part.consequence
def owe_nothing_that_recurs(
    state: JourneyState, event: LevelOfCareEnded | EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """The next level has its own. After a discharge it is kept in case that was a mistake."""
    if not state.discharge.discharged:
        yield from cancelled(state, event, TEAM_REVIEW, RECERTIFY)
        yield from suspension.no_longer_waiting(state, event, TEAM_REVIEW, RECERTIFY)


def _team_review(state: JourneyState, event: BaseEvent, week: int) -> ObligationRaised:
    counted = week_of_care(state, week, _name(state, "team_weekly")).in_the_last(7)
    return raised(state, event, TEAM_REVIEW, counted)


def _certification(state: JourneyState, event: BaseEvent, days: int) -> ObligationRaised:
    if _came_from_above(state):
        return raised(
            state, event, RECERTIFY, state.policy.counted("recertification_after_return_days", since=event.at)
        )
    since = state.level_since or event.at
    return raised(
        state, event, RECERTIFY, Counted.calendar_days(days, since=since, rule=_name(state, "recertify_days"))
    )


def _came_from_above(state: JourneyState) -> bool:
    *_, before, now = (None, *state.care.stays)
    return before is not None and now is not None and state.policy.is_above(before.level, now.level)


def _name(state: JourneyState, rule: str) -> str:
    return f"levels.{state.level}.review.{rule}"


def _rule(state: JourneyState) -> ReviewRule | None:
    """That of the level which the centre gives now."""
    return state.policy.level(state.level).review if state.level and not state.discharge.discharged else None
