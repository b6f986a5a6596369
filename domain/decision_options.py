"""What a person fills in for a decision, on the command line and in a form: one option for each value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import StringConstraints
from pydantic.fields import FieldInfo

from domain.commands import Decision
from domain.values import Value

_COMMON = Decision.model_fields.keys() | {"kind"}
"""Fields that every decision has. They are asked for in one way everywhere."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: The field's name, unique in the decision.
        kind: What the field holds: a choice, text, true or false, or `tuple` for a list of lines.
        within: The decision's field that this belongs to, if that field holds several values.
        longest: The most characters of a text; None if that is not limited here.
        pattern: What a text must look like, as a regular expression; None if it may be anything.
        declared: The field as its class declares it, with all its limits.
    """

    name: str
    kind: type
    description: str
    required: bool
    declared: FieldInfo
    within: str | None = None
    longest: int | None = None
    pattern: str | None = None

    @property
    def flag(self) -> str:
        """The option's name on the command line. A list's option is singular and is given once for each line."""
        name = self.name.removesuffix("s") if self.is_list else self.name
        return f"--{name.replace('_', '-')}"

    @property
    def is_list(self) -> bool:
        """Whether it may be given several times."""
        return self.kind is tuple

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values, if it is a choice."""
        return tuple(self.kind) if issubclass(self.kind, StrEnum) else ()


def options_of(decision: type[Decision]) -> tuple[Option, ...]:
    """The options of the decision's own fields, in their order."""
    return tuple(_options(decision))


def _options(decision: type[Decision]) -> Iterator[Option]:
    for name, field in decision.model_fields.items():
        if name in _COMMON:
            continue
        kind = _kind(field)
        if not issubclass(kind, Value):
            yield _option(name, field, required=field.is_required())
            continue
        for part, inner in kind.model_fields.items():
            if not inner.description:  # not for people to fill in
                continue
            required = field.is_required() and inner.is_required()
            yield _option(part, inner, required=required, within=name)


def _option(name: str, field: FieldInfo, *, required: bool, within: str | None = None) -> Option:
    limits = [each for each in _metadata(field) if isinstance(each, StringConstraints)]
    return Option(
        name,
        _kind(field),
        field.description or "",
        required,
        field,
        within=within,
        longest=next((each.max_length for each in limits if each.max_length), None),
        pattern=next((str(each.pattern) for each in limits if each.pattern), None),
    )


def _metadata(field: FieldInfo) -> Iterator[object]:
    """What is said of the field's type beside it: on the field, or inside an optional one."""
    yield from field.metadata
    for each in get_args(field.annotation):
        if get_origin(each) is Annotated:
            yield from get_args(each)[1:]


def given_as_fields(decision: type[Decision], given: dict[str, Any]) -> dict[str, Any]:
    """The decision's fields from the options on the command line, by name. Options left out stay out."""
    fields: dict[str, Any] = {}
    for option in options_of(decision):
        if option.within and decision.model_fields[option.within].is_required():
            fields.setdefault(option.within, {})
        value = given.get(option.name)
        if value is None or value == ():
            continue
        (fields.setdefault(option.within, {}) if option.within else fields)[option.name] = value
    return fields


def _kind(field: FieldInfo) -> type:
    annotation = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    kind = get_origin(annotation) or annotation
    assert isinstance(kind, type)
    return kind
