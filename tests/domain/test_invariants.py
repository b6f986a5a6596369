"""What must hold on every journey, whatever is asked of it, in whatever order and however late.

Hypothesis walks journeys with fitting and with senseless commands, answers of every kind to every call, and
pauses from nothing to a month, and checks the invariants after each step.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import TypeAdapter

from domain import commands as cmd
from domain import events as ev
from domain.decide import RULES, decide
from domain.effects import Effect, HoldPlace
from domain.evolve import evolve, fold
from domain.obligations import ObligationKind
from domain.plans import Direction
from domain.refusal import Refusal
from domain.rules.common import CLINICAL
from domain.state import JourneyState
from domain.values import Stage
from tests.domain.strategies import ANSWERS, DIRECTOR, FITTING, answers_to, command
from tests.domain.walk import MONDAY, STAGES, place_held, returning, stepping_up, window_missed

EVENT: TypeAdapter[ev.Event] = TypeAdapter(ev.Event)
IN_CARE = (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL, Stage.DISCHARGING)
ENDINGS = (ev.ObligationMet, ev.ObligationWaived, ev.ObligationCancelled)
MOVING = {"searching": stepping_up, "held": place_held, "missed": window_missed, "returning": returning}
SCRIPTS = {stage: walk_to().script for stage, walk_to in (STAGES | MOVING).items()}
HOURS = st.sampled_from([0, 1, 3, 4, 8, 12, 24, 72, 7 * 24, 40 * 24])


class Journeys(RuleBasedStateMachine):
    """One journey, its whole record, and what was seen of its calls and duties."""

    def __init__(self) -> None:
        super().__init__()
        self.state = JourneyState()
        self.replayed = JourneyState()
        self.record: list[ev.Event] = []
        self.now: datetime = MONDAY
        self.asked = 0
        self.last: cmd.BaseCommand | None = None
        self.calls: dict[str, Effect] = {}
        self.settled: set[str] = set()
        self.duties: set[str] = set()
        self.places_to_return: set[str] = set()

    # ---- what is asked of it ---------------------------------------------------------------------------

    @initialize(stage=st.sampled_from(list(SCRIPTS)), hours=HOURS)
    def comes_to(self, stage: str, hours: int) -> None:
        for self.now, asked in SCRIPTS[stage]:
            if isinstance(asked, cmd.OpenJourney):
                asked = asked.model_copy(update={"admitted_at": self.now - timedelta(hours=hours)})
            self.take(asked)

    @rule(data=st.data())
    def is_asked_what_fits(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(FITTING[self.state.stage]))
        self.take(data.draw(command(kind, self.number(), self.state, able=True)))

    @rule(data=st.data(), kind=st.sampled_from(list(RULES)))
    def is_asked_anything(self, data: st.DataObject, kind: type[cmd.BaseCommand]) -> None:
        self.take(data.draw(command(kind, self.number(), self.state, able=False)))

    @precondition(lambda self: self.state.pending())
    @rule(data=st.data())
    def is_answered(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.state.pending())))
        answer = data.draw(answers_to(self.state.pending()[key]))
        self.take(cmd.SettleEffect(id=self.name(), key=key, answer=answer))

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def is_answered_late_or_twice(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.calls)))
        self.take(cmd.SettleEffect(id=self.name(), key=key, answer=data.draw(ANSWERS)))

    @rule(hours=HOURS)
    def waits(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.pass_time()

    @precondition(lambda self: self.state.next_deadline() is not None)
    @rule()
    def waits_for_its_deadline(self) -> None:
        deadline = self.state.next_deadline()
        assert deadline is not None
        self.now = max(self.now, deadline)
        assert self.pass_time(), "a deadline came and nothing happened"

    @precondition(lambda self: self.last is not None)
    @rule()
    def is_asked_the_same_again(self) -> None:
        assert self.last is not None
        assert decide(self.state, self.last, self.now) == ()

    # ---- taking a command ------------------------------------------------------------------------------

    def number(self) -> int:
        self.asked += 1
        return self.asked

    def name(self) -> str:
        return f"step-{self.number()}"

    def pass_time(self) -> tuple[ev.Event, ...]:
        happened = self.take(cmd.TimePassed(id=self.name()))
        following = self.state.next_deadline()
        assert following is None or following > self.now
        return happened

    def take(self, asked: cmd.BaseCommand) -> tuple[ev.Event, ...]:
        outcome = decide(self.state, asked, self.now)
        if isinstance(outcome, Refusal):
            assert outcome.code and outcome.sentence.endswith(".")
            return ()
        assert outcome == decide(self.state, asked, self.now)
        self.check_places(asked, outcome)
        self.check_batch(asked, outcome)
        for event in outcome:
            self.check_event(event)
            self.state = evolve(self.state, event)
            self.check_calls()
        self.record += outcome
        self.last = asked if outcome else self.last
        self.check_round_trip(outcome)
        return outcome

    def check_batch(self, asked: cmd.BaseCommand, events: tuple[ev.Event, ...]) -> None:
        assert all(event.cause == asked.id and event.at == self.now for event in events)
        if any(isinstance(event, ev.JourneyOpened) for event in events):
            assert not self.record
        decided = [e for e in events if isinstance(e, ev.Enrolled | ev.TransitionCompleted)]
        started = [e for e in events if isinstance(e, ev.LevelOfCareStarted)]
        assert len(started) == len(decided)
        assert all(event.by.id for event in decided)
        moves = [e for e in events if isinstance(e, ev.TransitionStarted)]
        assert all(move.by.role in CLINICAL for move in moves)
        assert all(
            (move.due_at - self.now == timedelta(hours=24)) is (move.direction is Direction.UP) for move in moves
        )

    def check_event(self, event: ev.Event) -> None:
        if isinstance(event, ev.ObligationRaised):
            assert event.obligation.id not in self.duties
            self.duties.add(event.obligation.id)
        if isinstance(event, ENDINGS):
            assert event.obligation in self.state.obligations, "ended twice, or never raised"
        if isinstance(event, ev.LevelOfCareStarted):
            assert self.state.level is None, "two levels at once"
            assert any(isinstance(e, ev.CostAccepted) for e in self.record)
        if isinstance(event, ev.EffectSettled):
            assert event.key not in self.settled
            self.settled.add(event.key)
        if isinstance(event, ev.PlaceGivenUp):
            self.places_to_return.discard(event.hold_key)
        if isinstance(event, ev.TransitionCompleted) and self.state.transition:
            self.places_to_return.discard(self.state.transition.hold_key)

    def check_calls(self) -> None:
        for key, call in self.state.pending().items():
            assert key == call.key and key not in self.settled
            assert self.calls.setdefault(key, call) == call

    def check_places(self, asked: cmd.BaseCommand, events: tuple[ev.Event, ...]) -> None:
        if not isinstance(asked, cmd.SettleEffect) or not events:
            return
        call = self.calls.get(asked.key)
        if isinstance(call, HoldPlace) and isinstance(asked.answer, cmd.PlaceAnswer) and asked.answer.facility:
            self.places_to_return.add(call.hold_key)

    def check_round_trip(self, events: tuple[ev.Event, ...]) -> None:
        read = [EVENT.validate_json(EVENT.dump_json(event)) for event in events]
        assert tuple(read) == events
        kept = JourneyState.model_validate_json(self.replayed.model_dump_json())
        assert kept == self.replayed
        self.replayed = fold(read, kept)

    # ---- what must hold --------------------------------------------------------------------------------

    @invariant()
    def the_record_tells_the_whole_state(self) -> None:
        assert self.state.version == len(self.record)
        assert self.replayed == self.state

    @invariant()
    def no_open_journey_is_silent(self) -> None:
        if self.record and not self.state.stage.is_end:
            assert self.state.obligations
            assert self.state.waiting_for() is not None
            assert self.state.next_deadline() is not None

    @invariant()
    def an_ended_journey_owes_the_client_nothing(self) -> None:
        if self.state.stage.is_end:
            kinds = {owed.kind for owed in self.state.obligations.values()}
            assert kinds <= {ObligationKind.RESOLVE_EFFECT}
            assert self.state.ended_at is not None and self.state.transition is None

    @invariant()
    def levels_of_care_never_overlap(self) -> None:
        stays = self.state.stays
        assert all(a.until is not None and a.until <= b.since for a, b in pairwise(stays))
        assert (self.state.level is not None) is (self.state.stage in IN_CARE)

    @invariant()
    def the_stage_says_where_the_client_is(self) -> None:
        stage, level = self.state.stage, self.state.level
        assert (self.state.transition is not None) is (stage is Stage.TRANSITION)
        if level is not None and stage in (Stage.ACTIVE, Stage.DISCHARGING):
            assert level.is_ours
        if level is not None and stage is Stage.EXTERNAL:
            assert not level.is_ours

    @invariant()
    def care_is_watched_over(self) -> None:
        kinds = {owed.kind for owed in self.state.obligations.values()}
        expected = {
            Stage.ACTIVE: ObligationKind.REVIEW,
            Stage.EXTERNAL: ObligationKind.EXTERNAL_CONTACT,
            Stage.DISCHARGING: ObligationKind.COMPLETE_DISCHARGE,
        }
        assert self.state.stage not in expected or expected[self.state.stage] in kinds
        move = self.state.transition
        assert move is None or move.obligation in self.state.obligations
        assert move is None or not move.window_missed or ObligationKind.INTERIM_CONTACT in kinds

    @invariant()
    def no_place_is_held_for_nobody(self) -> None:
        move = self.state.transition
        assert self.places_to_return <= ({move.hold_key} if move else set())

    def teardown(self) -> None:
        """The whole record folds to the state, and an ended journey finishes once all is answered."""
        assert fold(self.record) == self.state
        if not self.state.stage.is_end:
            return
        for _ in range(20):
            for key in list(self.state.pending()):
                self.take(cmd.SettleEffect(id=self.name(), key=key, answer=cmd.Done()))
            for owed in list(self.state.obligations):
                self.take(cmd.CompleteObligation(id=self.name(), obligation=owed, note="done", by=DIRECTOR))
        assert self.state.is_finished and self.state.next_deadline() is None


TestJourneys = Journeys.TestCase
TestJourneys.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
