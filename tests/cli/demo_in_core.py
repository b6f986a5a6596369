"""Plays a client of the demonstration in the pure core alone, which takes no time: on any day, beginning at any hour.

Every clinic system answers at once, as the client's script says. Places that a facility withdraws are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from cli.demo.open_clients import END
from cli.demo.outcome import differences
from cli.demo.play import Action
from cli.demo.script import Client, Message, ScriptStep, Silence, Visit
from dashboard.reading import path
from domain import effects as fx
from domain.benefits import Benefits, CostShare, Verdict
from domain.commands import BaseCommand
from domain.decide import decide
from domain.pathway import Event
from domain.pathway.admission import CancelAdmission, OpenJourney
from domain.pathway.attendance import NoteAttendance
from domain.pathway.calls import Answer, BenefitsAnswer, Done, PlaceAnswer, SettleEffect
from domain.pathway.crisis import CrisisPlace
from domain.pathway.deadlines import TimePassed
from domain.pathway.hospital import ReportHospitalVisit
from domain.pathway.obligation_events import ObligationEscalated
from domain.plans import Actor
from domain.refusal import Refusal
from domain.sessions.attendance import attendance_of
from domain.sessions.facts import Entry
from domain.state import JourneyState
from domain.values import Role

_NEXT_PLACE = timedelta(hours=1)


class ClientInCore:
    """One client who is admitted at `start`.

    Attributes:
        refused: The decisions that were refused, in words.
    """

    def __init__(self, client: Client, start: datetime) -> None:
        self.refused: list[str] = []
        self._client, self._start, self._now = client, start, start
        self._state, self._events = JourneyState(), list[Event]()
        self._silent, self._entries = set[Role](), list[Entry]()
        self._searches = 0

    def differences(self) -> list[str]:
        """Plays the whole script; how it went otherwise than the script says, in words."""
        who = {"journey_id": "j", "client_ref": "c", "site": "main", "message": "m"}
        self._tell(OpenJourney(id="open", **who, admitted_at=self._start))
        for action in sorted(_after_the_admission(self._client), key=lambda each: each.at):
            self._wait_until(self._start + action.at)
            self._act(action)
        self._wait_until(self._start + END)
        escalated = [each for each in self._events if isinstance(each, ObligationEscalated)]
        told = dict.fromkeys(each.to for each in escalated if each.obligation == self._client.about)
        types = (each.type for each in self._events)
        return [*self.refused, *differences(self._client, path(self._events), types, tuple(told))]

    def _act(self, action: Action) -> None:
        if isinstance(action, Silence):
            self._silent.add(action.role)
        elif isinstance(action, Message):
            self._tell(self._message(action))
        elif isinstance(action, Visit):
            self._enter(action)
        elif isinstance(action, ScriptStep) and action.role not in self._silent:
            by = Actor(id="s-102", role=action.role)
            self._tell(action.build(self._state, f"{int(action.at.total_seconds())}/{action.role}", by))

    def _message(self, message: Message) -> BaseCommand:
        if message.at_hospital:
            place = CrisisPlace.EMERGENCY_DEPARTMENT
            return ReportHospitalVisit(id="h", message="h", visit="v", place=place, occurred_at=self._now)
        return CancelAdmission(id="c", message="c", occurred_at=self._now)

    def _enter(self, visit: Visit) -> None:
        by = Actor(id="s-103", role=Role.CASE_MANAGER)
        entry = Entry(entry=f"e-{len(self._entries)}", entered_at=self._now, by=by, said=visit.said(self._start))
        before, known = attendance_of(self._entries), attendance_of([*self._entries, entry])
        self._entries.append(entry)
        if known != before:
            number = len(self._entries)
            self._tell(NoteAttendance(id=f"attendance/{number}", entries=number, known=known))

    def _wait_until(self, at: datetime) -> None:
        while (due := self._state.next_deadline()) is not None and due <= at:
            self._now = max(self._now, due)
            self._tell(TimePassed(id=f"time/{len(self._events)}"))
        self._now = max(self._now, at)

    def _tell(self, command: BaseCommand) -> None:
        outcome = decide(self._state, command, self._now)
        if isinstance(outcome, Refusal):
            self.refused.append(f"{command.name()} was refused: {outcome.code}")
            return
        self._state, self._events = outcome.state, [*self._events, *outcome.events]
        for effect in self._state.pending().values():
            settled = f"settle/{len(self._events)}"
            answer = SettleEffect(id=settled, key=effect.key, answer=self._answer(effect), revision=effect.told)
            return self._tell(answer)  # which may end or ask for others

    def _answer(self, effect: fx.Effect) -> Answer:
        if isinstance(effect, fx.CheckBenefits):
            inactive = self._client.clinic.get("coverage") == "inactive"
            verdict = Verdict.INACTIVE if inactive else Verdict.CLEAR
            return BenefitsAnswer(benefits=Benefits(verdict=verdict, cost_share=CostShare(copay=30)))
        return self._place(effect) if isinstance(effect, fx.HoldPlace) else Done()

    def _place(self, effect: fx.HoldPlace) -> PlaceAnswer:
        """The place that is held already, or one on the next full hour once it was searched for often enough."""
        move = self._state.moves.current
        if move is not None and move.held_key == effect.hold_key:
            return PlaceAnswer(facility=move.place, starts_at=move.starts_at, place_id=move.place_id)
        self._searches += 1
        [*scripted] = self._client.clinic.get("places", {}).values()
        if scripted and self._searches < scripted[0]["from_search"]:
            return PlaceAnswer()
        starts_at = self._now.replace(minute=0, second=0, microsecond=0) + _NEXT_PLACE
        return PlaceAnswer(facility="Harbour Day Hospital", starts_at=starts_at, place_id=effect.key)


def _after_the_admission(client: Client) -> Iterator[Action]:
    """What is scripted after it; what comes at the same time in the order of the demonstration."""
    told: tuple[Action, ...] = (*client.messages, *client.silences, *client.steps)
    yield from (each for each in told if each.at > timedelta(0))
