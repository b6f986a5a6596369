"""One command for each decision a person can take on a journey, made from the decision's declaration."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from cyclopts import Parameter
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from cli import options as opt
from cli.access import the_journeys
from cli.output import Exit, Stop, show_fields, show_json
from domain.commands import Decision
from domain.pathway import DECISIONS
from domain.values import Value
from workflows.client import CommandNotRecorded, CommandRefused, JourneyNotRunning, JourneysUnreachable

_COMMON = Decision.model_fields.keys() | {"kind"}
"""Fields that every decision has; `Who` and `--occurred-at` fill them."""


def fields_of(decision: type[Decision]) -> dict[str, FieldInfo]:
    """The fields that are the decision's own."""
    return {name: field for name, field in decision.model_fields.items() if name not in _COMMON}


def _command(decision: type[Decision]) -> Callable[..., Awaitable[None]]:
    async def command(journey_id: str, *, who: opt.Who, occurred_at: opt.OccurredAt = None, **given: Any) -> None:
        said = {**who.common(), "occurred_at": occurred_at, **_nested(decision, given)}
        await _tell(journey_id, _read(decision, said), who)

    command.__name__ = decision.name().replace("-", "_")
    command.__doc__ = _help(decision)
    signature = inspect.Signature(list(_parameters(decision)))
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
    return command


def _help(decision: type[Decision]) -> str:
    declared = decision.declared
    return (
        f"{decision.description()}\n\n"
        f"By {', '.join(declared.by)}. At {', '.join(declared.at)}."
        f"{' A mistake here can harm the client: check twice.' if declared.high_risk else ''}"
    )


def _parameters(decision: type[Decision]) -> Iterator[inspect.Parameter]:
    yield inspect.Parameter("journey_id", inspect.Parameter.POSITIONAL_ONLY, annotation=opt.JourneyId)
    keyword = inspect.Parameter.KEYWORD_ONLY
    for name, field, required in _options(decision):
        default = inspect.Parameter.empty if required else () if _is_list(field) else None
        yield inspect.Parameter(name, keyword, default=default, annotation=_annotation(name, field, required))
    yield inspect.Parameter("occurred_at", keyword, default=None, annotation=opt.OccurredAt)
    yield inspect.Parameter("who", keyword, annotation=opt.Who)


def _options(decision: type[Decision]) -> Iterator[tuple[str, FieldInfo, bool]]:
    """Each option's name, its field, and whether it must be given; a value of several fields gives one for each."""
    for name, field in fields_of(decision).items():
        inner = _several_fields(field)
        if inner is None:
            yield name, field, field.is_required()
            continue
        for part, part_field in inner.model_fields.items():
            yield part, part_field, part_field.is_required() and field.is_required()


def _annotation(name: str, field: FieldInfo, required: bool) -> Any:
    kind = _kind(field)
    if _is_list(field):
        option = f"--{name.removesuffix('s').replace('_', '-')}"
        return Annotated[tuple[str, ...], Parameter(name=option, help=f"{field.description} Repeat it for each.")]
    negative = f"--no-{name.replace('_', '-')}" if kind is bool and not required else ()
    read_as = kind if kind is bool or issubclass(kind, StrEnum) else str
    return Annotated[read_as if required else read_as | None, Parameter(help=field.description, negative=negative)]


def _kind(field: FieldInfo) -> type:
    annotation = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_origin(annotation) or annotation  # type: ignore[return-value]


def _is_list(field: FieldInfo) -> bool:
    return _kind(field) is tuple


def _several_fields(field: FieldInfo) -> type[Value] | None:
    kind = _kind(field)
    return kind if issubclass(kind, Value) else None


def _nested(decision: type[Decision], given: dict[str, Any]) -> dict[str, Any]:
    """What was given on the line as the decision's fields; what was left out keeps its default."""
    said = {}
    for name, field in fields_of(decision).items():
        inner = _several_fields(field)
        if inner is not None:
            parts = {part: given[part] for part in inner.model_fields if given[part] not in (None, ())}
            if parts or field.is_required():
                said[name] = parts
        elif given[name] is not None:
            said[name] = given[name]
    return said


def _read(decision: type[Decision], said: dict[str, Any]) -> Decision:
    try:
        return decision.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = next((part for part in reversed(first["loc"]) if isinstance(part, str)), "")
        raise Stop(Exit.USAGE, f"--{where.replace('_', '-')}: {first['msg']}") from None


async def _tell(journey_id: str, command: Decision, who: opt.Who) -> None:
    journeys = await the_journeys()
    try:
        standing = await journeys.tell(journey_id, command)
    except CommandRefused as refused:
        raise Stop(Exit.REFUSED, f"refused ({refused.code}): {refused.sentence}") from None
    except JourneyNotRunning as error:
        raise Stop(Exit.NOT_FOUND, str(error)) from None
    except CommandNotRecorded as error:
        raise Stop(Exit.UNREACHABLE, f"{error} Ask again with --id {command.id} for its outcome") from None
    except JourneysUnreachable as error:
        again = f"{error}; repeat with --id {command.id} to be sure it is done once"
        raise Stop(Exit.UNREACHABLE, again) from None
    if who.json:
        show_json(standing)
    else:
        show_fields({name.replace("_", " "): value for name, value in standing.model_dump().items()})


COMMANDS = tuple(_command(decision) for decision in DECISIONS)
