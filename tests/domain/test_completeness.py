"""Nothing is declared without its rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from domain.commands import BaseCommand, Decision
from domain.effects import Effect
from domain.events import BaseEvent
from domain.obligation_terms import ObligationKind
from domain.part import Composition, Part
from domain.pathway import COMMANDS, DECISIONS, EVENTS, OBLIGATIONS, PART_OF_OBLIGATION, PARTS, RULES
from domain.pathway.admission import AdmissionRepeated, JourneyOpened
from domain.pathway.moves import Moves
from domain.policy import policy_named
from domain.state import JourneyState
from domain.values import Role, Stage


@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: kind.__name__)
def test_every_event_changes_something_or_something_follows(kind: type[BaseEvent]) -> None:
    noted_only = kind is AdmissionRepeated
    assert noted_only or RULES.evolves[kind] or RULES.consequences[kind], "no part takes it"


def test_no_event_is_left_out_of_the_parts() -> None:
    def beneath(base: type[BaseEvent]) -> set[type[BaseEvent]]:
        return {each for below in base.__subclasses__() for each in (below, *beneath(below))}

    ours = {each for each in beneath(BaseEvent) if each.__module__.startswith("domain.pathway")}
    assert {each for each in ours if not each.model_fields["type"].is_required()} == set(EVENTS.values())


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.part.name)
def test_every_rule_has_a_name_of_its_own_and_says_what_it_does(part: ModuleType) -> None:
    rules = [*part.part._evolves, *part.part._consequences, *part.part._calls]
    names = [rule.__name__ for rule in rules]
    assert len(set(names)) == len(names) and "_" not in names
    assert all(rule.__doc__ for rule in rules)


def test_a_part_writes_its_own_slice_and_no_other() -> None:
    for part in PARTS:
        held = JourneyState.model_fields.get(part.part.name)
        returned = {rule.__annotations__["return"] for rule in part.part._evolves}
        assert returned == (set() if held is None or not part.part._evolves else {type(held.default).__name__})


def test_two_rules_for_one_slice_and_event_stop_the_process() -> None:
    part = Part("moves")

    @part.evolves
    def first(state: JourneyState, event: JourneyOpened) -> Moves:
        return state.moves

    @part.evolves
    def second(state: JourneyState, event: JourneyOpened) -> Moves:
        return state.moves

    with pytest.raises(TypeError, match=r"two rules change moves on JourneyOpened; the second is .*second"):
        Composition([part], {"JourneyOpened": JourneyOpened})


def test_a_rule_for_an_event_that_is_not_there_stops_the_process_and_is_named() -> None:
    part = Part("made-up")

    @part.consequence
    def wait_for_it(state: JourneyState, event: NeverDeclared) -> Iterator[BaseEvent]:  # type: ignore[name-defined]  # noqa: F821
        yield from ()

    with pytest.raises(LookupError, match="wait_for_it is for NeverDeclared"):
        Composition([part], {"JourneyOpened": EVENTS["journey.opened"]})


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


@pytest.mark.parametrize("duty", OBLIGATIONS.values(), ids=lambda kind: kind.kind)
def test_every_obligation_has_a_title_and_terms_in_the_policy(duty: ObligationKind) -> None:
    assert duty.title and policy_named("us-generic-1").obligations[duty.kind].steps


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.part.name)
def test_an_obligation_belongs_to_the_part_that_raises_it(part: ModuleType) -> None:
    declared = set(re.findall(r"^([A-Z_]+) = ObligationKind", Path(str(part.__file__)).read_text(), re.MULTILINE))
    assert {PART_OF_OBLIGATION[vars(part)[name].kind] for name in declared} <= {part.part.name}


def test_event_types_are_unique_and_dotted() -> None:
    names = [kind.model_fields["type"].default for kind in EVENTS.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z-]+\.[a-z-]+", name) for name in names)


def test_command_and_effect_kinds_are_unique() -> None:
    for kinds in (COMMANDS.values(), get_args(get_args(Effect)[0])):
        names = [kind.model_fields["kind"].default for kind in kinds]
        assert len(set(names)) == len(names)
