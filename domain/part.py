"""How a part of the pathway says what it does. The parts are composed in `domain.pathway`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from domain.events import BaseEvent, EventContext
from domain.values import Instant, Value

if TYPE_CHECKING:
    from domain.effects import Effect
    from domain.state import JourneyState

Rule = TypeVar("Rule", bound=Callable[..., Any])
Evolves = Callable[["JourneyState", Any], "Slice"]
Consequence = Callable[["JourneyState", Any, Instant], Iterator[BaseEvent]]
Calls = Callable[["JourneyState", Any], "Effect | None"]


class Slice(Value):
    """A part's own share of a journey's state."""

    def moments(self) -> Iterator[Instant]:
        """The moments at which time alone changes something here."""
        yield from ()

    def pass_time(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """What has fallen due by `when`, each once. A slice that has this has moments too."""
        yield from ()


class Part:
    """A part of the pathway: its slice of the state and its rules.

    Rules are functions of the state and an event. The annotation of their argument `event` says which events they are
    for: one class, several joined by `|`, or `BaseEvent` for all. Annotations are only read once all parts are known,
    so a part names the events of any other without importing it at run time.
    """

    def __init__(self, name: str, *, optional: bool = False) -> None:
        """`optional`: a centre's policy may leave it out."""
        self.name = name
        self.optional = optional
        self._evolves: list[Evolves] = []
        self._consequences: list[Callable[..., Iterator[BaseEvent]]] = []
        self._calls: list[Calls] = []

    def evolves(self, rule: Rule) -> Rule:
        """Registers what an event makes of the part's slice. The rule returns the slice, from the state before."""
        self._evolves.append(rule)
        return rule

    def consequence(self, rule: Rule) -> Rule:
        """Registers what follows from an event without being asked. The rule sees the state after it.

        A rule that asks something of another system takes `now` as a third argument: a call begins now, also where
        what led to it was typed in late.
        """
        self._consequences.append(rule)
        return rule

    def calls(self, rule: Rule) -> Rule:
        """Registers the call to a clinic system that an event asks for. The rule sees the state before it."""
        self._calls.append(rule)
        return rule


EventTypes = Mapping[str, type[BaseEvent]]
"""Event classes by their class name."""


class Composition:
    """The rules of all parts, by event.

    Attributes:
        evolves: Name of the slice and rule, for each part that the event changes.
        follows: Name of the part and rule, in the order of the parts. Each sees what those before it made of the state.
        calls: The calls the event asks for, if it asks for any.
    """

    def __init__(self, parts: Iterable[Part], events: EventTypes) -> None:
        self.evolves: dict[type[BaseEvent], list[tuple[str, Evolves]]] = {each: [] for each in events.values()}
        self.consequence: dict[type[BaseEvent], list[tuple[str, Consequence]]] = {each: [] for each in events.values()}
        self.calls: dict[type[BaseEvent], list[Calls]] = {}
        for part in parts:
            for evolves in part._evolves:
                for event in _events_of(evolves, events):
                    self._add(event, part.name, evolves)
            for consequence in part._consequences:
                for event in _events_of(consequence, events):
                    self.consequence[event].append((part.name, _with_now(consequence)))
            for calls in part._calls:
                for event in _events_of(calls, events):
                    self.calls.setdefault(event, []).append(calls)

    def _add(self, event: type[BaseEvent], name: str, rule: Evolves) -> None:
        if any(each == name for each, _ in self.evolves[event]):
            raise TypeError(f"two rules change {name} on {event.__name__}; the second is {rule.__qualname__}")
        self.evolves[event].append((name, rule))


def _with_now(rule: Callable[..., Iterator[BaseEvent]]) -> Consequence:
    if "now" in rule.__annotations__:
        return rule
    return lambda state, event, now: rule(state, event)


def _events_of(rule: Callable[..., Any], events: EventTypes) -> list[type[BaseEvent]]:
    named = [each.strip() for each in str(rule.__annotations__["event"]).split("|")]
    if named == ["BaseEvent"]:
        return list(events.values())
    if unknown := [each for each in named if each not in events]:
        raise LookupError(f"{rule.__module__}.{rule.__qualname__} is for {', '.join(unknown)}: no such event")
    return [events[each] for each in named]
