"""The parts of the pathway. Each module is one part, whole: its slice of the state, commands, events, rules, what
follows from events, and what is owed. The two that would be too long for one module have several.

A new command, event or kind of obligation is a class or a value in its part; a new part is a module named in `PARTS`,
and its slice a field of `domain.state.JourneyState`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, SerializeAsAny

from domain.commands import BaseCommand, Decision
from domain.events import BaseEvent
from domain.obligation_terms import ObligationKind
from domain.part import Composition
from domain.pathway import (
    admission,
    against_advice,
    attendance,
    authorisation,
    calendars,
    calls,
    care,
    care_team,
    closing,
    consents,
    corrections,
    cost,
    coverage,
    crisis,
    deadlines,
    death,
    discharge,
    ehr,
    enrolment,
    first_visit,
    follow_up,
    funding,
    handoff,
    hospital,
    leave,
    lost_place,
    maintenance,
    move_decisions,
    moves,
    notices,
    obligation_decisions,
    obligation_events,
    obligations,
    place_check,
    place_search,
    placement,
    policy_change,
    recurring_reviews,
    reopening,
    return_to_care,
    reviews,
    screening,
    suspension,
    taper,
    track_change,
    treatment_decisions,
    treatment_plan,
    waitlist,
    waivers,
    withdrawal,
)

PARTS = (
    *(admission, calendars, coverage, screening, consents, funding, placement, cost),
    *(authorisation, waitlist, enrolment, track_change, care, attendance, reviews, recurring_reviews, leave),
    *(moves, move_decisions, place_search, place_check, lost_place),
    *(handoff, first_visit, taper),
    *(discharge, treatment_plan, treatment_decisions, maintenance, against_advice),
    *(corrections, crisis, hospital, withdrawal, death, closing, reopening, return_to_care),
    *(obligation_events, obligations),
    *(waivers, notices, follow_up, suspension, obligation_decisions),
    *(care_team, policy_change, calls, ehr, deadlines),
)
"""In the order in which their rules follow an event; lists of decisions have it too."""

_Kind = TypeVar("_Kind")


def _declared(kind: type[_Kind]) -> Iterator[type[_Kind]]:
    """The classes of this kind that the parts declare."""
    for part in PARTS:
        for thing in vars(part).values():
            if isinstance(thing, type) and issubclass(thing, kind) and thing.__module__ == part.__name__:
                yield thing


COMMANDS: dict[str, type[BaseCommand]] = {each.name(): each for each in _declared(BaseCommand)}
"""Every command by its name."""
PART_OF_COMMAND: dict[type[BaseCommand], str] = {
    each: part.part.name for part in PARTS for each in COMMANDS.values() if each.__module__ == part.__name__
}
"""The name of the part that each command belongs to."""
DECISIONS: tuple[type[Decision], ...] = tuple(each for each in COMMANDS.values() if issubclass(each, Decision))
"""Every decision by a person."""
EVENTS: dict[str, type[BaseEvent]] = {
    each.type_name(): each for each in _declared(BaseEvent) if not each.model_fields["type"].is_required()
}
"""Every event of a journey by the name of its type."""


def _kinds_of_obligations() -> Iterator[tuple[ObligationKind, str]]:
    """Each kind with the name of its part."""
    held_by: dict[str, str] = {}
    for part in PARTS:
        for thing in vars(part).values():
            if isinstance(thing, ObligationKind):
                if first := held_by.get(thing.kind):
                    raise TypeError(f"{thing.kind} is in {first} and {part.__name__}: import the module, not the kind")
                held_by[thing.kind] = part.__name__
                yield thing, part.part.name


OBLIGATIONS: dict[str, ObligationKind] = {each.kind: each for each, _ in _kinds_of_obligations()}
"""Every kind of obligation by its name."""
PART_OF_OBLIGATION: dict[str, str] = {each.kind: part for each, part in _kinds_of_obligations()}
"""The name of the part that each kind of obligation belongs to."""
PART_NAMES: dict[str, bool] = {part.part.name: part.part.optional for part in PARTS}
"""The names of all parts, and whether a policy may leave the part out."""
RULES = Composition(dict.fromkeys(part.part for part in PARTS), {each.__name__: each for each in EVENTS.values()})


def _read(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    command = COMMANDS.get(data.get("kind", ""))
    if command is None:
        raise ValueError("no command of that kind is known to this release")
    return command.model_validate(data)


Command = Annotated[SerializeAsAny[BaseCommand], BeforeValidator(_read)]
"""Any command, told apart by its `kind`."""

if TYPE_CHECKING:
    Event = BaseEvent
else:
    Event = Annotated[reduce(or_, EVENTS.values()), Field(discriminator="type")]
"""Any event of a journey, told apart by its `type`."""
