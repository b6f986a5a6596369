"""Watches one journey event by event and fails on what must never happen."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.benefits import Verdict
from domain.clock import TimeKind
from domain.commands import BaseCommand, Decision
from domain.effects import Effect, HoldPlace, ReleasePlace
from domain.events import BaseEvent
from domain.pathway import Event
from domain.pathway.admission import JourneyOpened
from domain.pathway.authorisation import OBTAIN_AUTHORISATION
from domain.pathway.calls import EffectSettled, PlaceAnswer, SettleEffect
from domain.pathway.care import LevelOfCareStarted
from domain.pathway.cost import CostAccepted, CostDeclined
from domain.pathway.coverage import BenefitsAnswered, BenefitsRequested
from domain.pathway.crisis import CrisisRecorded
from domain.pathway.discharge import Discharged
from domain.pathway.enrolment import Enrolled
from domain.pathway.follow_up import FollowUpRecorded
from domain.pathway.funding import FundingResolved
from domain.pathway.lost_place import PlaceLost
from domain.pathway.moves import TransitionCompleted, TransitionStarted
from domain.pathway.obligation_events import (
    ObligationAcknowledged,
    ObligationAssigned,
    ObligationCancelled,
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationRaised,
    ObligationReopened,
    ObligationWaived,
)
from domain.pathway.place_check import PlaceCheckStarted
from domain.pathway.place_search import PlaceGivenUp, PlaceSearchStarted
from domain.pathway.placement import PlacementDecided
from domain.pathway.return_to_care import CareResumed
from domain.pathway.waivers import ObligationWaivedUntil
from domain.plans import Direction
from domain.state import JourneyState
from domain.values import CLINICAL, Role

_CALLS = (BenefitsRequested, PlaceCheckStarted, PlaceSearchStarted)
ENDINGS = (ObligationMet, ObligationWaived, ObligationCancelled)


class Watch:
    """What was seen of a journey so far.

    Attributes:
        calls: Every call ever asked for, by its key.
        settled: The keys that were answered.
        duties: Ids of all obligations ever raised.
        places_to_return: Holds that a facility granted and that were neither used nor given back.
        aware: Who has heard of each obligation, or acknowledged it.
    """

    def __init__(self) -> None:
        self.record: list[Event] = []
        self.calls: dict[str, Effect] = {}
        self.settled: set[str] = set()
        self.duties: set[str] = set()
        self.places_to_return: set[str] = set()
        self.aware: dict[str, set[Role]] = {}
        self._who_pays = -1

    def batch(self, asked: BaseCommand, events: tuple[Event, ...], now: datetime) -> None:
        """What one command led to, as a whole."""
        self._places(asked, events)
        true_at = (asked.occurred_at if isinstance(asked, Decision) else None) or now
        assert all(event.cause == asked.cause for event in events)
        begun = [e.at for e in events if isinstance(e, LevelOfCareStarted) and e.by_first_session]
        assert all(at <= now for at in begun), "care began with a session that is still to come"
        assert all(event.at == now if isinstance(event, _CALLS) else event.at in (true_at, *begun) for event in events)
        assert all(event.due_at >= now for event in events if isinstance(event, ObligationMoved)), "into the past"
        assert all(event.was_due_at >= now for event in events if isinstance(event, ObligationMoved)), "un-missed"
        if any(isinstance(event, JourneyOpened) for event in events):
            assert not self.record
        decided = [
            e
            for e in events
            if isinstance(e, TransitionCompleted | CareResumed)
            or (isinstance(e, CrisisRecorded) and e.level is not None)
        ]
        started = [e for e in events if isinstance(e, LevelOfCareStarted)]
        assert len(started) == len(decided) + len(begun) and len(begun) <= 1
        assert all(event.by.id for event in decided)
        moves = [e for e in events if isinstance(e, TransitionStarted)]
        assert all(move.by.role in CLINICAL for move in moves)
        assert all((move.due_at - true_at == timedelta(hours=24)) is (move.direction is Direction.UP) for move in moves)

    def event(self, event: Event, before: JourneyState) -> None:
        """One event, before it is folded."""
        if isinstance(event, ObligationRaised):
            assert event.obligation.id not in self.duties
            self.duties.add(event.obligation.id)
        if isinstance(event, ObligationMoved):
            owed = before.obligations.open[event.obligation]
            assert owed.due_at == event.was_due_at != event.due_at
            assert owed.counted.kind is not TimeKind.ELAPSED
        self._endings(event, before)
        if isinstance(event, LevelOfCareStarted):
            assert before.level is None, "two levels at once"
            self._first_session(event, before)
        if isinstance(event, EffectSettled):
            assert event.key not in self.settled
            self.settled.add(event.key)
        if isinstance(event, PlaceGivenUp):
            self.places_to_return.discard(event.hold_key)
        if isinstance(event, PlaceLost) and not event.replaced:
            self.places_to_return.discard(event.hold_key)
        if isinstance(event, TransitionCompleted) and before.moves.current:
            self.places_to_return.discard(before.moves.current.held_key or "")
        self._screening(event, before)
        self._owner(event, before)
        self._people(event, before)
        self._money(event, before)
        if _says_who_pays(event, before):
            self._who_pays = len(self.record)
        self.record.append(event)

    def _first_session(self, event: LevelOfCareStarted, before: JourneyState) -> None:
        """Care begins for a client whom a person enrolled, once they came to a session, and counts from there."""
        assert before.care.began is not event.by_first_session
        if event.by_first_session:
            enrolled = next(e for e in reversed(self.record) if isinstance(e, Enrolled))
            came_at = before.attendance.known.first_kept_at
            assert came_at is not None and enrolled.by.id and enrolled.level == event.level
            assert enrolled.at <= event.at and event.earlier_days == 0

    def _screening(self, event: Event, before: JourneyState) -> None:
        if isinstance(event, PlacementDecided):
            assert before.screening.completed_at is not None, "placed before the client was screened"
        if isinstance(event, Enrolled):
            assert before.consents.to_treatment, "enrolled without consent"

    def calls_after(self, event: Event, state: JourneyState) -> None:
        """The calls out, once the event is folded."""
        for key, call in state.pending().items():
            assert key == call.key and key not in self.settled, "asked for again under a key that was settled"
            assert self.calls.setdefault(key, call) == call, "one key for two calls"
        if isinstance(event, PlaceGivenUp):
            key, call = list(state.calls.open.items())[-1]
            assert isinstance(call, ReleasePlace) and call.hold_key == event.hold_key
            assert key.endswith(f"-{state.version}"), "given up, yet nobody is asked to give it back"

    def time_passed(self, state: JourneyState, now: datetime) -> None:
        """Each person whose turn in an escalation has come was told, or said that they know."""
        for owed in state.obligations.open.values():
            if owed.waiver is not None:
                assert owed.next_at() > now, "its waiver is over"
                continue
            due = {step.to for step in owed.escalation if step.at <= now}
            assert due <= self.aware.get(owed.id, set()), "somebody should have heard of it by now"

    def _owner(self, event: Event, before: JourneyState) -> None:
        """What is raised is owed by the person who has its role for this client, until it is given to another. What
        had waited is owed by the one to whom it was given alone.
        """
        if isinstance(event, ObligationRaised):
            owed = event.obligation
            alone = {each.owed.assignee for each in before.suspension.waiting if each.theirs_alone}
            assert owed.assignee == before.care_team.members.get(owed.owner) or owed.assignee in alone
        if isinstance(event, ObligationAssigned):
            owed = before.obligations.open[event.obligation]
            assert owed.assignee == event.before != event.assignee

    def _endings(self, event: Event, before: JourneyState) -> None:
        held = before.obligations
        if isinstance(event, ENDINGS):
            over = held.waived if isinstance(event, ObligationCancelled) else {}
            assert event.obligation in {**held.open, **over}, "ended twice, or never raised"
        if isinstance(event, ObligationReopened):
            assert event.obligation in {**held.open, **held.waived}, "was not waived"

    def _people(self, event: Event, before: JourneyState) -> None:
        if isinstance(event, ObligationEscalated):
            self.aware.setdefault(event.obligation, set()).add(event.to)
        if isinstance(event, ObligationAcknowledged):
            self.aware.setdefault(event.obligation, set()).add(event.by.role)
        if isinstance(event, ObligationMet) and event.by is not None and event.note is not None:
            assert event.by.role in before.obligations.open[event.obligation].completable_by
        if isinstance(event, ObligationWaived | ObligationWaivedUntil):
            assert event.by.role in before.obligations.open[event.obligation].waivable_by
        if isinstance(event, FollowUpRecorded):
            left = next(e.at for e in self.record if isinstance(e, Discharged))
            site = before.calendar
            assert site.local_date(event.at) > site.local_date(left), "met on the day of discharge"

    def _money(self, event: Event, before: JourneyState) -> None:
        """Care begins at a price accepted, and under an authorisation given, after the last word on who pays."""
        if isinstance(event, CostAccepted):
            by_client = before.funding.is_self_paid
            assert before.cost.estimate is not None and event.estimate == before.cost.estimate.id
            assert any("self-pay" in line for line in before.cost.estimate.assumptions) is by_client
        if isinstance(event, Enrolled):
            assert self._last_of(CostAccepted) > self._who_pays
            benefits, paid_by_plan = before.coverage.benefits, before.funding.route is None
            if paid_by_plan and benefits and benefits.verdict is Verdict.CLEAR_AUTH_REQUIRED:
                ended = [
                    number
                    for number, e in enumerate(self.record)
                    if isinstance(e, ObligationMet | ObligationWaived) and e.kind == OBTAIN_AUTHORISATION.kind
                ]
                assert ended and ended[-1] > self._last_of(FundingResolved, CostDeclined)

    def _last_of(self, *kinds: type[BaseEvent]) -> int:
        """Where in the record the last event of these kinds stands; -1 if nowhere."""
        return max((number for number, event in enumerate(self.record) if isinstance(event, kinds)), default=-1)

    def _places(self, asked: BaseCommand, events: tuple[Event, ...]) -> None:
        if not isinstance(asked, SettleEffect) or not events:
            return
        call = self.calls.get(asked.key)
        if isinstance(call, HoldPlace) and isinstance(asked.answer, PlaceAnswer) and asked.answer.facility:
            self.places_to_return.add(call.hold_key)


def _says_who_pays(event: Event, before: JourneyState) -> bool:
    """Whether a price accepted before holds no longer. That a plan does not pay is no news to who pays themselves."""
    if isinstance(event, BenefitsAnswered):
        return event.benefits.verdict.is_covered or not before.funding.is_self_paid
    return isinstance(event, FundingResolved | CostDeclined)
