"""Decides a journey anew in the pure core, from what the server was given, and compares event by event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from domain import effects as fx
from domain.commands import BaseCommand
from domain.decide import decide
from domain.pathway import Event
from domain.pathway.deadlines import TimePassed
from domain.refusal import Refusal
from domain.state import JourneyState
from domain.values import Instant
from tests.campaigns.server_inputs import ServerInputs

LATEST_WAKING = timedelta(minutes=5)
"""By how much later than due, on its own clock, a journey may be woken: clocks go on while a busy machine works."""
_SETTLE, _TIME = "settle/", "time/"


@dataclass(frozen=True)
class Refused:
    """A command that the server refused, or that led to nothing there.

    Attributes:
        after: How many events the journey had before and after.
        code: Of the refusal; None if it led to nothing.
    """

    command: BaseCommand
    after: int
    now: Instant
    code: str | None


@dataclass
class Told:
    """All that a journey was told from outside, by cause, and what was refused."""

    commands: dict[str, BaseCommand] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


class PureCore:
    """One journey, decided anew.

    Attributes:
        state: What the core came to.
        decided: How many commands led to events.
        latest: The latest waking.
    """

    def __init__(self, told: Told, inputs: ServerInputs) -> None:
        self.state = JourneyState()
        self.decided = 0
        self.latest = timedelta(0)
        self._told, self._inputs = told, inputs
        self._last_at: datetime | None = None
        self._wished: dict[str, fx.Effect] = {}
        self._refused: Mapping[int, list[Refused]] = {
            version: list(refused) for version, refused in groupby(told.refused, lambda each: each.after)
        }

    def differences(self, record: Sequence[Event], until: datetime) -> Iterator[str]:
        """Where the record differs from what the core decides, as far as the first that does.

        Args:
            record: The journey's events, in their order, as the server recorded them.
            until: Where the journey's clock stood when they were read.
        """
        for cause, events in groupby(record, lambda each: each.cause):
            difference = self._decided_otherwise(cause, tuple(events))
            if difference is not None:
                yield f"event {self.state.version + 1}, {cause}: {difference}"
                return
        yield from self._refused_otherwise()
        yield from self._slept_through(until)

    def _decided_otherwise(self, cause: str, recorded: tuple[Event, ...]) -> str | None:
        """Takes the next command; how what was recorded of it differs, None if it does not."""
        command, now = self._command(cause), self._inputs.decided_at.get(cause)
        if command is None or now is None:
            return "the server was given no such command"
        otherwise = [*self._refused_otherwise(), *self._woken_otherwise(command, now)]
        outcome = decide(self.state, command, now)
        if isinstance(outcome, Refusal):
            otherwise.append(f"the core refuses it: {outcome.code}")
        elif outcome.events != recorded:
            otherwise.append(_first_difference(outcome.events, recorded))
        else:
            self.state, self.decided, self._last_at = outcome.state, self.decided + 1, now
            self._wished |= self.state.pending()
        return "; ".join(otherwise) or None

    def _command(self, cause: str) -> BaseCommand | None:
        if cause.startswith(_SETTLE):
            effect = self._wished.get(cause.removeprefix(_SETTLE))
            return self._inputs.settlement(self.state.journey_id, effect) if effect is not None else None
        return TimePassed(id=cause) if cause.startswith(_TIME) else self._told.commands.get(cause)

    def _refused_otherwise(self) -> Iterator[str]:
        """What the server refused here, or made nothing of, and the core does not."""
        for each in self._refused.get(self.state.version, ()):
            outcome = decide(self.state, each.command, each.now)
            code = outcome.code if isinstance(outcome, Refusal) else None
            if code != each.code or (not isinstance(outcome, Refusal) and outcome.events):
                yield f"{each.command.cause} came to {each.code} on the server, to {code} in the core"

    def _woken_otherwise(self, command: BaseCommand, now: datetime) -> Iterator[str]:
        """A journey is woken for its next moment and for no other, and sleeps through none."""
        due = self.state.next_deadline()
        if isinstance(command, TimePassed) and (due is None or due > now):
            yield f"the server's journey was woken at {now}, the core's waits for {due}"
        yield from self._slept_through(now)

    def _slept_through(self, now: datetime) -> Iterator[str]:
        """What was due before it was known, as after an entry that came late, is due once it is known."""
        due = self.state.next_deadline()
        late = now - max(due, self._last_at or due) if due is not None else timedelta(0)
        self.latest = max(self.latest, late)
        if late > LATEST_WAKING:
            yield f"at {now} nothing had come of what was due at {due}"


def _first_difference(decided: Sequence[object], recorded: Sequence[Event]) -> str:
    """Where they first differ, by the names of fields: what is in them may be long."""
    for number, (ours, theirs) in enumerate(zip(decided, recorded, strict=False)):
        if ours != theirs:
            if type(ours) is not type(theirs):
                return f"the core decides {type(ours).__name__}, recorded is {type(theirs).__name__}"
            fields = [name for name in type(theirs).model_fields if getattr(ours, name) != getattr(theirs, name)]
            return f"{theirs.type}, {number + 1} of {len(recorded)}, differs in {', '.join(fields)}"
    return f"the core decides {len(decided)} events, recorded are {len(recorded)}"
