"""Nothing is declared without its rule."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from domain import commands as cmd
from domain import events as ev
from domain.catalogue import CATALOGUE
from domain.decide import RULES
from domain.effects import Effect
from domain.evolve import _changes
from domain.obligations import ObligationKind
from domain.values import LADDER, LevelOfCare, Role

EVENTS: tuple[type[ev.BaseEvent], ...] = get_args(get_args(ev.Event)[0])
COMMANDS: tuple[type[cmd.BaseCommand], ...] = get_args(get_args(cmd.Command)[0])


def declared(module: object, base: type) -> set[type]:
    return {
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, base) and thing != base
    }


def test_the_unions_name_everything_declared() -> None:
    assert set(EVENTS) == declared(ev, ev.BaseEvent)
    assert set(COMMANDS) == declared(cmd, cmd.BaseCommand) - {cmd.Decision}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_is_folded_by_a_rule_of_its_own(kind: type[ev.BaseEvent]) -> None:
    assert kind in _changes.registry


def test_every_command_has_its_rule() -> None:
    assert set(RULES) == set(COMMANDS)


def test_every_decision_is_by_somebody() -> None:
    people = set(get_args(cmd.ByPeople))
    assert people == {kind for kind in COMMANDS if issubclass(kind, cmd.Decision)}
    assert all(kind.model_fields["by"].is_required() for kind in people)


@pytest.mark.parametrize("kind", ObligationKind)
def test_every_obligation_has_an_owner_and_a_ladder_that_ends_with_somebody(kind: ObligationKind) -> None:
    duty = CATALOGUE[kind]
    assert duty.title and duty.owner in Role and duty.repeat_hours > 0
    assert duty.steps and all(role in Role for _, role, _ in duty.steps)


def test_no_obligation_kind_begins_another() -> None:
    clashes = [(a, b) for a in ObligationKind for b in ObligationKind if a != b and a.startswith(b)]
    assert clashes == []  # an id is told apart by the kind it begins with


def test_event_types_are_unique_and_dotted() -> None:
    names = [kind.model_fields["type"].default for kind in EVENTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z-]+\.[a-z-]+", name) for name in names)


def test_command_and_effect_kinds_are_unique() -> None:
    for kinds in (COMMANDS, get_args(get_args(Effect)[0])):
        names = [kind.model_fields["kind"].default for kind in kinds]
        assert len(set(names)) == len(names)


def test_the_ladder_has_every_level() -> None:
    assert set(LADDER) == set(LevelOfCare) and len(LADDER) == len(LevelOfCare)
