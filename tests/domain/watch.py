"""Watches one journey event by event and fails on what must never happen."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain import events as ev
from domain.benefits import Verdict
from domain.catalogue import CATALOGUE
from domain.commands import BaseCommand, Decision
from domain.effects import Effect, HoldPlace, ReleasePlace
from domain.obligations import ObligationKind
from domain.pathway.calls import PlaceAnswer, SettleEffect
from domain.plans import SELF_PAID, Direction, FundingRoute
from domain.state import JourneyState
from domain.values import CLINICAL, Role

_CALLS = (ev.BenefitsRequested, ev.PlaceSearchStarted)
ENDINGS = (ev.ObligationMet, ev.ObligationWaived, ev.ObligationCancelled)


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
        self.record: list[ev.Event] = []
        self.calls: dict[str, Effect] = {}
        self.settled: set[str] = set()
        self.duties: set[str] = set()
        self.places_to_return: set[str] = set()
        self.aware: dict[str, set[Role]] = {}
        self._who_pays = -1

    def batch(self, asked: BaseCommand, events: tuple[ev.Event, ...], now: datetime) -> None:
        """What one command led to, as a whole."""
        self._places(asked, events)
        true_at = (asked.occurred_at if isinstance(asked, Decision) else None) or now
        assert all(event.cause == asked.cause for event in events)
        assert all(event.at == (now if isinstance(event, _CALLS) else true_at) for event in events)
        if any(isinstance(event, ev.JourneyOpened) for event in events):
            assert not self.record
        decided = [e for e in events if isinstance(e, ev.Enrolled | ev.TransitionCompleted)]
        started = [e for e in events if isinstance(e, ev.LevelOfCareStarted)]
        assert len(started) == len(decided)
        assert all(event.by.id for event in decided)
        moves = [e for e in events if isinstance(e, ev.TransitionStarted)]
        assert all(move.by.role in CLINICAL for move in moves)
        assert all((move.due_at - true_at == timedelta(hours=24)) is (move.direction is Direction.UP) for move in moves)

    def event(self, event: ev.Event, before: JourneyState) -> None:
        """One event, before it is folded."""
        if isinstance(event, ev.ObligationRaised):
            assert event.obligation.id not in self.duties
            self.duties.add(event.obligation.id)
        if isinstance(event, ENDINGS):
            assert event.obligation in before.obligations, "ended twice, or never raised"
        if isinstance(event, ev.LevelOfCareStarted):
            assert before.level is None, "two levels at once"
        if isinstance(event, ev.EffectSettled):
            assert event.key not in self.settled
            self.settled.add(event.key)
        if isinstance(event, ev.PlaceGivenUp):
            self.places_to_return.discard(event.hold_key)
        if isinstance(event, ev.TransitionCompleted) and before.transition:
            self.places_to_return.discard(before.transition.hold_key)
        self._people(event, before)
        self._money(event, before)
        if _says_who_pays(event, before):
            self._who_pays = len(self.record)
        self.record.append(event)

    def calls_after(self, event: ev.Event, state: JourneyState) -> None:
        """The calls out, once the event is folded."""
        for key, call in state.pending().items():
            assert key == call.key and key not in self.settled, "asked for again under a key that was settled"
            assert self.calls.setdefault(key, call) == call, "one key for two calls"
        if isinstance(event, ev.PlaceGivenUp):
            key, call = list(state.effects.items())[-1]
            assert isinstance(call, ReleasePlace) and call.hold_key == event.hold_key
            assert key.endswith(f"-{state.version}"), "given up, yet nobody is asked to give it back"

    def time_passed(self, state: JourneyState, now: datetime) -> None:
        """Whoever stands on a ladder by now has heard, or said themselves that they know."""
        for owed in state.obligations.values():
            due = {rung.to for rung in owed.ladder if rung.at <= now}
            assert due <= self.aware.get(owed.id, set()), "somebody should have heard of it by now"

    def _people(self, event: ev.Event, before: JourneyState) -> None:
        if isinstance(event, ev.ObligationEscalated):
            self.aware.setdefault(event.obligation, set()).add(event.to)
        if isinstance(event, ev.ObligationAcknowledged):
            self.aware.setdefault(event.obligation, set()).add(event.by.role)
        if isinstance(event, ev.ObligationWaived):
            assert event.by.role in CATALOGUE[before.obligations[event.obligation].kind].waivable_by
        if isinstance(event, ev.FollowUpRecorded):
            left = next(e.at for e in self.record if isinstance(e, ev.Discharged))
            site = before.policy.site
            assert site.local_date(event.at) > site.local_date(left), "met on the day of discharge"

    def _money(self, event: ev.Event, before: JourneyState) -> None:
        """Care begins at a price accepted, and under an authorisation given, after the last word on who pays."""
        if isinstance(event, ev.CostAccepted):
            by_client = before.funding in (FundingRoute.SELF_PAY, FundingRoute.SLIDING_SCALE)
            assert before.estimate is not None and event.estimate == before.estimate.id
            assert any("self-pay" in line for line in before.estimate.assumptions) is by_client
        if isinstance(event, ev.Enrolled):
            assert self._last_of(ev.CostAccepted) > self._who_pays
            benefits, paid_by_plan = before.benefits, before.funding is None
            if paid_by_plan and benefits and benefits.verdict is Verdict.CLEAR_AUTH_REQUIRED:
                ended = [
                    number
                    for number, e in enumerate(self.record)
                    if isinstance(e, ev.ObligationMet | ev.ObligationWaived)
                    and e.obligation.startswith(ObligationKind.OBTAIN_AUTHORISATION)
                ]
                assert ended and ended[-1] > self._last_of(ev.FundingResolved, ev.CostDeclined)

    def _last_of(self, *kinds: type[ev.BaseEvent]) -> int:
        """Where in the record the last event of these kinds stands; -1 if nowhere."""
        return max((number for number, event in enumerate(self.record) if isinstance(event, kinds)), default=-1)

    def _places(self, asked: BaseCommand, events: tuple[ev.Event, ...]) -> None:
        if not isinstance(asked, SettleEffect) or not events:
            return
        call = self.calls.get(asked.key)
        if isinstance(call, HoldPlace) and isinstance(asked.answer, PlaceAnswer) and asked.answer.facility:
            self.places_to_return.add(call.hold_key)


def _says_who_pays(event: ev.Event, before: JourneyState) -> bool:
    """Whether a price accepted before holds no longer. That a plan does not pay is no news to who pays themselves."""
    if isinstance(event, ev.BenefitsAnswered):
        return event.benefits.verdict.is_covered or before.funding not in SELF_PAID
    return isinstance(event, ev.FundingResolved | ev.CostDeclined)
