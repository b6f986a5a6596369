"""One invented client's year: admitted, cared for, moved, and now and then in a crisis. Every chance is invented."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from bench.simulate.staff import Staff
from domain import effects as fx
from domain.benefits import Benefits, CostShare, Verdict
from domain.commands import BaseCommand, SignedCommand
from domain.decide import Decided, decide
from domain.events import BaseEvent
from domain.obligations import Obligation
from domain.pathway.admission import OpenJourney
from domain.pathway.calls import Answer, BenefitsAnswer, Done, PlaceAnswer, SettleEffect
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.deadlines import TimePassed
from domain.pathway.move_decisions import RequestStepUp, StartStepDown
from domain.pathway.withdrawal import RecordWithdrawal
from domain.plans import Actor
from domain.state import JourneyState
from domain.values import Role, Stage

_CLINICIAN = Actor(id="s-clinician", role=Role.CLINICIAN)
_ADMISSIONS = Actor(id="s-admissions", role=Role.ADMISSIONS)
_TRY_AGAIN = timedelta(hours=12)
_MOST_STEPS = 5_000


@dataclass(frozen=True)
class ClientModel:
    """The invented clients, as chances.

    Attributes:
        starts_in_iop: Placed in IOP, not in OP.
        withdraws: Withdraws before care.
        inactive: The plan does not pay.
        step_up_weekly: A step-up to PHP is requested, for each week in our care.
        crisis_weekly: In hospital, for each week in our care.
        no_place: A search finds no place.
        place_lost: A held place has fallen through when it is asked about.
        iop_weeks: The mean of weeks until a review finds that IOP can end.
        op_weeks: The same for OP.
    """

    starts_in_iop: float = 0.6
    withdraws: float = 0.08
    inactive: float = 0.05
    step_up_weekly: float = 0.012
    crisis_weekly: float = 0.002
    no_place: float = 0.35
    place_lost: float = 0.02
    iop_weeks: float = 9.0
    op_weeks: float = 16.0

    def shown(self) -> dict[str, float]:
        """For the results."""
        return asdict(self)


class SimulatedClient:
    """One journey, decided for real, with dice for the client, the staff and the clinic systems.

    Attributes:
        events: All that happened.
        script: What the staff asked of the journey and when, what was refused too.
        refused: The codes of refusals that the staff met and worked around.
    """

    def __init__(self, name: str, admitted: datetime, model: ClientModel, staff: Staff, dice: random.Random) -> None:
        self.state, self.now = JourneyState(), admitted
        self.events: list[BaseEvent] = []
        self.script: list[tuple[datetime, SignedCommand]] = []
        self.refused: list[str] = []
        self._name, self._model, self._staff, self._dice = name, model, staff, dice
        self._plans: list[tuple[datetime, str]] = []
        self._planned: set[str] = set()
        self._asked = 0
        self._week_ends_at = admitted + timedelta(weeks=1)
        self._placed_at = "IOP" if dice.random() < model.starts_in_iop else "OP"
        self._withdraws_at = admitted + timedelta(days=dice.uniform(0, 12)) if dice.random() < model.withdraws else None

    def live(self, until: datetime) -> None:
        """From the admission until then, or to the journey's end.

        Raises:
            RuntimeError: It does not get on: a fault of the rules.
        """
        who = {"journey_id": self._name, "client_ref": self._name, "site": "main", "message": "m"}
        self._tell(OpenJourney(id="open", **who, admitted_at=self.now))
        for _ in range(_MOST_STEPS):
            if self.state.is_finished or (at := min(self._moments(), default=until)) >= until:
                return
            self.now = max(self.now, at)
            self._act()
        raise RuntimeError(f"{self._name} takes more than {_MOST_STEPS} steps at {self.state.stage}")

    def _moments(self) -> Iterator[datetime]:
        if (due := self.state.next_deadline()) is not None:
            yield due
        if self._plans:
            yield self._plans[0][0]
        if self._withdraws_at is not None:
            yield self._withdraws_at
        yield self._week_ends_at

    def _act(self) -> None:
        if self._week_ends_at <= self.now:
            self._week_ends_at += timedelta(weeks=1)
            self._happen()
        elif self._withdraws_at is not None and self._withdraws_at <= self.now:
            self._withdraws_at = None
            self._withdraw()
        elif (due := self.state.next_deadline()) is not None and due <= self.now:
            self._tell(TimePassed(id=self._id("time")))
        elif self._plans and self._plans[0][0] <= self.now:
            self._do(heapq.heappop(self._plans)[1])

    def _withdraw(self) -> None:
        reason, risk = "client-withdrew", self._dice.choice(["low", "unknown"])
        fields = {"reason": reason, "initiator": "client", "risk": risk, "note": "by telephone"}
        self._tell(RecordWithdrawal.model_validate({"id": self._id("withdraw"), "by": _ADMISSIONS, **fields}))

    def _do(self, obligation: str) -> None:
        self._planned.discard(obligation)
        owed = self.state.obligations.open.get(obligation)
        if owed is None:
            return
        move = self.state.moves.current
        must_wait = owed.kind == "complete-step-up" and (move is None or move.place is None)
        in_two_steps = owed.kind == "draft-treatment-plan" and not self.state.treatment_plan.goals
        if must_wait or not self._tell(self._decision(owed)) or in_two_steps:
            self._plan(obligation, self.now + _TRY_AGAIN)

    def _decision(self, owed: Obligation) -> SignedCommand:
        if owed.kind == "external-contact" and self._dice.random() < 0.3:
            return StartStepDown(id=self._id("back"), by=_CLINICIAN, to="IOP", reason="ready to return")
        if owed.kind == "arrange-return" and self._dice.random() < 0.4:
            if self.state.level == "INPATIENT":
                return StartStepDown(id=self._id("back"), by=_CLINICIAN, to="PHP", reason="ready for PHP")
            return EndCrisis(id=self._id("back"), by=_CLINICIAN, safety_rechecked=True, note="back")
        return self._staff.decision(self.state, owed, self._wish())

    def _wish(self) -> str:
        """What the client needs next."""
        if self.state.stage in (Stage.PLACEMENT, Stage.REFERRED):
            return self._placed_at
        mean = self._model.iop_weeks if self.state.level == "IOP" else self._model.op_weeks
        since = self.state.level_since or self.now
        weeks = (self.now - since).days / 7
        done = self._dice.random() < min(weeks / mean, 1) ** 2
        return ("step-down" if self.state.level == "IOP" else "discharge") if done else "continue"

    def _happen(self) -> None:
        """Now and then something happens that nobody planned, as often as the model says for a week."""
        if self.state.stage is not Stage.ACTIVE:
            return
        fate = self._dice.random()
        if fate < self._model.crisis_weekly:
            fields = {"place": "inpatient", "level": "INPATIENT", "reason": "a crisis"}
            self._tell(RecordCrisis.model_validate({"id": self._id("crisis"), "by": _CLINICIAN, **fields}))
        elif fate < self._model.crisis_weekly + self._model.step_up_weekly:
            self._tell(RequestStepUp(id=self._id("up"), by=_CLINICIAN, to="PHP", reason="worse"))

    def _tell(self, command: BaseCommand) -> bool:
        if isinstance(command, SignedCommand):
            self.script.append((self.now, command))
        outcome = decide(self.state, command, self.now)
        if not isinstance(outcome, Decided):
            self.refused.append(f"{command.name()}: {outcome.code}")
            return False
        self.state = outcome.state
        self.events += outcome.events
        while pending := self.state.pending():
            effect = next(iter(pending.values()))
            self._settle(effect)
        self._plan_all()
        return True

    def _settle(self, effect: fx.Effect) -> None:
        settled = SettleEffect(id=self._id("settle"), key=effect.key, answer=self._answer(effect), revision=effect.told)
        outcome = decide(self.state, settled, self.now)
        if not isinstance(outcome, Decided):
            raise RuntimeError(f"an answer was refused: {outcome.code}")
        self.state = outcome.state
        self.events += outcome.events

    def _answer(self, effect: fx.Effect) -> Answer:
        if isinstance(effect, fx.CheckBenefits):
            verdict = Verdict.INACTIVE if self._dice.random() < self._model.inactive else Verdict.CLEAR
            return BenefitsAnswer(benefits=Benefits(verdict=verdict, cost_share=CostShare(copay=30)))
        return self._place(effect) if isinstance(effect, fx.HoldPlace) else Done(reference="r-1")

    def _place(self, effect: fx.HoldPlace) -> PlaceAnswer:
        """A search may find none; a question about a held place may hear that it fell through."""
        move, fate = self.state.moves.current, self._dice.random()
        if move is not None and move.held_key == effect.hold_key:
            if fate < self._model.place_lost:
                return PlaceAnswer()
            return PlaceAnswer(facility=move.place, starts_at=move.starts_at, place_id=move.place_id)
        if fate < self._model.no_place:
            return PlaceAnswer()
        starts_at = self.now + timedelta(hours=self._dice.uniform(1, 20))
        return PlaceAnswer(facility="North Clinic", starts_at=starts_at, place_id=effect.key)

    def _plan_all(self) -> None:
        for owed in self.state.obligations.open.values():
            if owed.id not in self._planned:
                self._plan(owed.id, self._staff.acts_at(owed, self.now, self.state.calendar))

    def _plan(self, obligation: str, at: datetime) -> None:
        self._planned.add(obligation)
        heapq.heappush(self._plans, (at, obligation))

    def _id(self, what: str) -> str:
        self._asked += 1
        return f"{what}-{self._asked}"
