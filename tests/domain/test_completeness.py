"""Nothing is declared without its rule."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from domain import events as ev
from domain.catalogue import CATALOGUE
from domain.commands import BaseCommand, Decision
from domain.effects import Effect
from domain.evolve import _changes
from domain.obligations import ObligationKind
from domain.pathway import COMMANDS, DECISIONS
from domain.values import LADDER, LevelOfCare, Role, Stage

EVENTS: tuple[type[ev.BaseEvent], ...] = get_args(get_args(ev.Event)[0])


def declared(module: object, base: type) -> set[type]:
    return {
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, base) and thing != base
    }


def test_the_unions_name_everything_declared() -> None:
    assert set(EVENTS) == declared(ev, ev.BaseEvent)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_is_folded_by_a_rule_of_its_own(kind: type[ev.BaseEvent]) -> None:
    assert kind in _changes.registry


@pytest.mark.parametrize("kind", COMMANDS.values(), ids=lambda kind: kind.__name__)
def test_every_command_leads_to_something_and_says_what(kind: type[BaseCommand]) -> None:
    assert kind.decide is not BaseCommand.decide
    assert re.fullmatch(r"[A-Z].{20,}[^.]\.", kind.description().removesuffix(" "))


def test_no_command_is_left_out_of_the_parts() -> None:
    def beneath(base: type[BaseCommand]) -> set[type[BaseCommand]]:
        return {each for below in base.__subclasses__() for each in (below, *beneath(below))}

    concrete = {kind for kind in beneath(BaseCommand) if "kind" in kind.model_fields}
    assert {kind for kind in concrete if not kind.__module__.startswith("tests.")} == set(COMMANDS.values())


@pytest.mark.parametrize("kind", DECISIONS, ids=lambda kind: kind.__name__)
def test_every_decision_declares_who_when_and_what(kind: type[Decision]) -> None:
    declared = kind.declared
    assert declared.label[0].isupper() and not declared.label.endswith(".")
    assert declared.by and set(declared.by) <= set(Role)
    assert declared.at and set(declared.at) <= set(Stage)
    assert kind.model_fields["by"].is_required()
    own = {name: field for name, field in kind.model_fields.items() if name not in {"id", "by", "kind"}}
    assert [name for name, field in own.items() if not (field.description or "").endswith(".")] == []


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
    for kinds in (COMMANDS.values(), get_args(get_args(Effect)[0])):
        names = [kind.model_fields["kind"].default for kind in kinds]
        assert len(set(names)) == len(names)


def test_the_ladder_has_every_level() -> None:
    assert set(LADDER) == set(LevelOfCare) and len(LADDER) == len(LevelOfCare)
