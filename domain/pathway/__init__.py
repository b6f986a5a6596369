"""The parts of the pathway. Each module has the commands of its part, with what they lead to.

A new decision is a class in its part. It is found here, so nothing else has to name it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny

from domain.commands import BaseCommand, Decision
from domain.pathway import (
    admission,
    calls,
    cost,
    coverage,
    deadlines,
    discharge,
    enrolment,
    follow_up,
    funding,
    moves,
    obligations,
    placement,
    reviews,
)

PARTS = (
    *(admission, coverage, funding, placement, cost, enrolment),
    *(reviews, moves, discharge, follow_up),
    *(obligations, calls, deadlines),
)
"""In the order of a client's way; lists of decisions follow it."""


def _commands_of(part: ModuleType) -> list[type[BaseCommand]]:
    found = (thing for thing in vars(part).values() if isinstance(thing, type) and thing.__module__ == part.__name__)
    return [thing for thing in found if issubclass(thing, BaseCommand)]


COMMANDS: dict[str, type[BaseCommand]] = {each.name(): each for part in PARTS for each in _commands_of(part)}
"""Every command by its name."""
DECISIONS: tuple[type[Decision], ...] = tuple(each for each in COMMANDS.values() if issubclass(each, Decision))
"""Every decision by a person."""


def _read(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    command = COMMANDS.get(data.get("kind", ""))
    if command is None:
        raise ValueError("no command of that kind is known to this release")
    return command.model_validate(data)


Command = Annotated[SerializeAsAny[BaseCommand], BeforeValidator(_read)]
"""Any command, told apart by its `kind`."""
