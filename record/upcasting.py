"""Old shapes of events, lifted step by step to the shape this release reads.

The record is never rewritten: what was recorded under version 1 stays so, and a `Upcast` says what its data is
called in version 2. Steps are chained, and a broken chain stops the process when it starts, not years later in
front of the first old event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from domain.events import BaseEvent
from domain.pathway import EVENTS
from eventstore.errors import EventStoreError

Data = dict[str, Any]


class Shape(NamedTuple):
    """A type of event and the version of its data."""

    type: str
    version: int

    def __str__(self) -> str:
        return f"{self.type} v{self.version}"


@dataclass(frozen=True)
class Upcast:
    """From one shape to the next.

    Attributes:
        source: The shape the record holds.
        lift: Makes the next shape's data of this one's. Pure: no clock, no look-up, the same for the same data.
        becomes: The shape that took over from a type that was retired; by default the same type's next version.
    """

    source: Shape
    lift: Callable[[Data], Data]
    becomes: Shape | None = None

    @property
    def target(self) -> Shape:
        """The shape it leads to."""
        return self.becomes or Shape(self.source.type, self.source.version + 1)


STEPS: tuple[Upcast, ...] = ()
"""Every step of this release, none of them ever removed. All events are still of version 1."""

EVENT_TYPES: Mapping[str, type[BaseEvent]] = EVENTS
"""The class behind each type of event that this release writes."""


def current_shapes() -> tuple[Shape, ...]:
    """What this release writes."""
    return tuple(Shape(name, kind.schema_version) for name, kind in EVENT_TYPES.items())


class BrokenChain(EventStoreError):
    """The steps do not lead from every shape to a current one. `faults` names each one that is wrong or missing."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(f"old events could not be read, so nothing starts: {'; '.join(faults)} (mend the steps)")
        self.faults = tuple(faults)


class NotLifted(EventStoreError):
    """An event has a shape that this release does not know, or its data is not of the shape it claims."""


class Chain:
    """All steps, checked once."""

    def __init__(self, steps: Iterable[Upcast] = STEPS, current: Iterable[Shape] | None = None) -> None:
        """Makes the chain from `steps` to the `current` shapes, by default those of this release.

        Raises:
            BrokenChain: A step is missing, there twice, or leads nowhere.
        """
        steps = tuple(steps)
        self._current = dict(current_shapes() if current is None else current)
        self._steps = {step.source: step for step in steps}
        if faults := [*_wrong(steps), *self._missing(), *self._astray()]:
            raise BrokenChain(faults)

    @property
    def older(self) -> frozenset[Shape]:
        """Every shape the record may hold besides the current ones."""
        return frozenset(self._steps)

    @property
    def current(self) -> Mapping[str, int]:
        """The version that is read of each type."""
        return self._current

    def lift(self, shape: Shape, data: Data) -> tuple[str, Data]:
        """The type and data that this release reads instead; the same where it is current already.

        `data` itself is never changed.

        Raises:
            NotLifted: No release up to this one knows the shape, or the data is not of that shape.
        """
        while not self._is_current(shape):
            if shape not in self._steps:
                raise NotLifted(self._unknown(shape))
            step = self._steps[shape]
            try:
                data = step.lift(deepcopy(data))
            except Exception as error:  # its text may quote a client: only its kind is told
                raise NotLifted(
                    f"its data is not of {shape} ({type(error).__name__}): find out who wrote it, or mend the step"
                ) from None
            shape = step.target
        return shape.type, data

    def _is_current(self, shape: Shape) -> bool:
        return self._current.get(shape.type) == shape.version

    def _unknown(self, shape: Shape) -> str:
        newest = self._newest(shape.type)
        knows = f"reads {shape.type} up to v{newest}" if newest else f"does not know {shape.type}"
        return f"this release {knows}, and the event is v{shape.version}: deploy the release that wrote it, or newer"

    def _newest(self, kind: str) -> int:
        return max([self._current.get(kind, 0), *(step.version for step in self._steps if step.type == kind)])

    def _missing(self) -> Iterable[str]:
        """Holes below the newest version of each type; a retired type's newest is the one that became another."""
        for kind in sorted({*self._current, *(shape.type for shape in self._steps)}):
            last = self._current[kind] - 1 if kind in self._current else self._newest(kind)
            for version in range(1, last + 1):
                if (kind, version) not in self._steps:
                    yield f"{Shape(kind, version)} has no step"

    def _astray(self) -> Iterable[str]:
        for shape, step in self._steps.items():
            if shape.version >= self._current.get(shape.type, shape.version + 1):
                yield f"there is a step from {shape}, but {shape.type} is at v{self._current[shape.type]}"
            elif not self._is_current(step.target) and step.target not in self._steps:
                yield f"the step from {shape} leads to {step.target}, which nothing reads"
            elif self._goes_round(shape):
                yield f"the steps from {shape} go round in a circle"

    def _goes_round(self, start: Shape) -> bool:
        been, shape = {start}, self._steps[start].target
        while shape in self._steps and not self._is_current(shape):
            if shape in been:
                return True
            been.add(shape)
            shape = self._steps[shape].target
        return False


def _wrong(steps: Sequence[Upcast]) -> Iterable[str]:
    """What is wrong with the steps by themselves."""
    for shape, times in Counter(step.source for step in steps).items():
        if times > 1:
            yield f"{shape} has {times} steps"
        if shape.version < 1:
            yield f"there is a step from {shape}, but versions begin at 1"
    for step in steps:
        if step.target.type == step.source.type and step.target.version != step.source.version + 1:
            yield f"the step from {step.source} leads to {step.target}: within a type it is one version at a time"
