"""Records of many journeys to measure with: the demonstration's paths through the pure domain, interleaved in time.

Every path is decided for real, once for each of a few admission days; the journeys of a record are copies of those
under ids of their own. So a record of a million events takes seconds to make and reads like a centre's own.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from psycopg import AsyncConnection

from centre.loading import load
from cli.demo.script import CLIENTS, Client, Visit
from domain import effects as fx
from domain.benefits import Benefits, CostShare, Verdict
from domain.commands import BaseCommand
from domain.decide import decide
from domain.pathway.admission import CancelAdmission, OpenJourney
from domain.pathway.attendance import NoteAttendance
from domain.pathway.authorisation import OBTAIN_AUTHORISATION
from domain.pathway.calls import Answer, BenefitsAnswer, Done, PlaceAnswer, SettleEffect
from domain.pathway.care import EXTERNAL_CONTACT
from domain.pathway.deadlines import TimePassed
from domain.pathway.obligation_decisions import CompleteObligation
from domain.plans import Actor
from domain.refusal import Refusal
from domain.sessions.attendance import attendance_of
from domain.sessions.facts import Entry
from domain.state import JourneyState
from domain.values import Role
from eventstore.events import NewEvent
from eventstore.postgres import batch_text
from eventstore.request import AppendRequest
from record.codec import to_record

FIRST_DAY = datetime(2025, 1, 6, 17, 0, tzinfo=UTC)
_VERDICTS = (Verdict.CLEAR, Verdict.CLEAR, Verdict.CLEAR_AUTH_REQUIRED)
_STAFF = Actor(id="s-103", role=Role.CASE_MANAGER)
_LONG_AFTER = timedelta(weeks=30)


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """One append: what a journey decided at one moment."""

    at: datetime
    journey: str
    expected_version: int
    key: str
    events: tuple[NewEvent, ...]
    close: bool


def steps(journeys: int, *, seed: int = 1, days: int = 200, variants: int = 25) -> Iterator[JourneyStep]:
    """The appends of `journeys` journeys admitted within `days` days, in the order of their time."""
    dice = random.Random(seed)
    chosen = [(number % len(CLIENTS), dice.randrange(variants)) for number in range(journeys)]
    opened = [template(path, variant * days // variants, variant) for path, variant in chosen]
    order = [
        (step.at, dice.random(), number, place)
        for number, taken in enumerate(opened)
        for place, step in enumerate(taken)
    ]
    # Steps of one moment keep their order within a journey.
    places = [0] * journeys
    for _, _, number, _ in sorted(order):
        step = opened[number][places[number]]
        places[number] += 1
        yield _copy_for(step, number)


@cache
def template(path: int, day: int, variant: int) -> Sequence[JourneyStep]:
    """One walk of a demonstrated path from an admission on that day; variants differ in delays and answers."""
    load()
    dice = random.Random(f"{path}/{day}/{variant}")
    walk = _Walk(CLIENTS[path], FIRST_DAY + timedelta(days=day), dice)
    walk.play()
    return tuple(walk.steps)


def opened(
    journey: str, client_ref: str, at: datetime, *, variant: int, decisions: Iterable[BaseCommand] = ()
) -> Sequence[JourneyStep]:
    """A journey from its admission at `at` to the answers of its first calls, and these decisions one after the other.

    Then it waits for a person.
    """
    load()
    walk = _Walk(CLIENTS[0], at, random.Random(variant), journey, client_ref)
    walk.open()
    for decision in decisions:
        walk.decide(decision)
    return tuple(walk.steps)


def _copy_for(step: JourneyStep, number: int) -> JourneyStep:
    journey, events = f"bench-{number:07}", step.events
    if step.expected_version == 0:
        data = {**events[0].data, "journey_id": journey, "client_ref": f"client-{number:07}"}
        events = (events[0].model_copy(update={"data": data}), *events[1:])
    return JourneyStep(step.at, journey, step.expected_version, step.key, events, step.close)


class _Walk:
    """One client of the script, with the clinic's systems and the clock played by dice."""

    def __init__(
        self, client: Client, start: datetime, dice: random.Random, journey: str = "j", client_ref: str = "c"
    ) -> None:
        self.client, self.start, self.dice = client, start, dice
        self.journey, self.client_ref = journey, client_ref
        self.now = start
        self.state = JourneyState()
        self.steps: list[JourneyStep] = []
        self._asked = 0
        self._entries: list[Entry] = []

    def play(self) -> None:
        """From the admission to the end of the script, and on until nothing more falls due for a while."""
        self.open()
        moments = {step.at for step in self.client.steps} | {message.at for message in self.client.messages}
        for offset in sorted(moments):
            self._until(self.start + offset + timedelta(minutes=self.dice.randrange(600)))
            self._by_hand(OBTAIN_AUTHORISATION.kind, Role.UTILISATION_REVIEW)
            self._act(offset)
        self._until(self.now + _LONG_AFTER, at_most=10)

    def open(self) -> None:
        """The admission, and the answers to the calls that follow from it."""
        who = {"journey_id": self.journey, "client_ref": self.client_ref}
        self._tell(OpenJourney(id="open", **who, site="main", message="m", admitted_at=self.start))
        self._settle_all()

    def decide(self, decision: BaseCommand) -> None:
        """A decision, and the answers to the calls that follow from it; an authorisation is obtained first."""
        self._by_hand(OBTAIN_AUTHORISATION.kind, Role.UTILISATION_REVIEW)
        self._tell(decision)
        self._settle_all()

    def _act(self, offset: timedelta) -> None:
        if any(each.at == offset and each.event == "A11" for each in self.client.messages):
            self._tell(CancelAdmission(id="cancel", message="m-2"))
        for step in self.client.steps:
            if isinstance(step, Visit):
                if step.at == offset:
                    self._visit(step)
            elif step.at == offset and not any(s.role is step.role and s.at <= offset for s in self.client.silences):
                self._asked += 1
                by = Actor(id=f"s-{101 + self.dice.randrange(40)}", role=step.role)
                self._tell(step.build(self.state, f"decision-{self._asked}", by))
                self._settle_all()

    def _visit(self, visit: Visit) -> None:
        """The journey is told of a session, as soon as it is entered."""
        self._entries.append(
            Entry(entry=f"e-{len(self._entries)}", entered_at=self.now, by=_STAFF, said=visit.said(self.start))
        )
        number, known = len(self._entries), attendance_of(self._entries)
        self._tell(NoteAttendance(id=f"attendance/{number}", entries=number, known=known))

    def _until(self, moment: datetime, at_most: int = 1000) -> None:
        for _ in range(at_most):
            due = self.state.next_deadline()
            if due is None or due > moment:
                break
            self.now = max(self.now, due)
            self._asked += 1
            self._tell(TimePassed(id=f"time-{self._asked}"))
            self._settle_all()
            if self.dice.random() < 0.3:
                self._by_hand(EXTERNAL_CONTACT.kind, Role.CASE_MANAGER)
        self.now = max(self.now, moment)

    def _by_hand(self, kind: str, role: Role) -> None:
        for owed in self.state.open_of(kind):
            self._asked += 1
            by = Actor(id="s-200", role=role)
            self._tell(CompleteObligation(id=f"hand-{self._asked}", by=by, obligation=owed.id, note="called"))
            self._settle_all()

    def _settle_all(self) -> None:
        while pending := self.state.pending():
            effect = next(iter(pending.values()))
            self.now += timedelta(seconds=self.dice.randrange(1, 20))
            self._asked += 1
            answer = self._answer(effect)
            self._tell(
                SettleEffect(id=f"{effect.key}/{self._asked}", key=effect.key, answer=answer, revision=effect.told)
            )

    def _answer(self, effect: fx.Effect) -> Answer:
        if isinstance(effect, fx.CheckBenefits):
            inactive = self.client.clinic.get("coverage") == "inactive"
            verdict = Verdict.INACTIVE if inactive else self.dice.choice(_VERDICTS)
            share = CostShare(copay=30, deductible_remaining=400, coinsurance="0.2")
            return BenefitsAnswer(benefits=Benefits(verdict=verdict, cost_share=share, payer="P1", trace="t-1"))
        if isinstance(effect, fx.HoldPlace):
            late = self.client.clinic.get("places", {}).get(effect.level, {}).get("from_search", 1)
            if int(effect.key.rpartition("-")[2]) < late:
                return PlaceAnswer()
            return PlaceAnswer(facility="North Clinic", starts_at=self.now + timedelta(hours=3))
        return Done(reference=f"r-{self._asked}")

    def _tell(self, command: BaseCommand) -> None:
        outcome = decide(self.state, command, self.now)
        if isinstance(outcome, Refusal) or not outcome.events:
            return
        expected = self.state.version
        self.state = outcome.state
        events = tuple(to_record(each, {"workflow_id": "journey/bench", "run_id": "r"}) for each in outcome.events)
        self.steps.append(JourneyStep(self.now, self.journey, expected, command.cause, events, self.state.is_finished))


async def fill(database_url: str, appends: Iterable[JourneyStep], *, at_once: int = 400) -> int:
    """Records `appends` in an empty record, many to a transaction; how many events that were."""
    total = 0
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        for batch in _batches(appends, at_once):
            requests = [AppendRequest(s.journey, s.expected_version, s.key, s.events, s.close) for s in batch]
            cursor = await connection.execute("select outcome from es.append_many(%s)", [batch_text(requests)])
            outcomes = {row[0] async for row in cursor}
            if outcomes != {"recorded"}:
                raise RuntimeError(f"the record was not empty: {outcomes}")
            total += sum(len(step.events) for step in batch)
    return total


def _batches(appends: Iterable[JourneyStep], at_once: int) -> Iterator[list[JourneyStep]]:
    batch: list[JourneyStep] = []
    streams: set[str] = set()
    for step in appends:
        if step.journey in streams or len(batch) == at_once:
            yield batch
            batch, streams = [], set()
        batch.append(step)
        streams.add(step.journey)
    if batch:
        yield batch
