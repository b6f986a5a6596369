"""One command for each decision a person can take on a journey, made from the decision's declaration."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from cyclopts import Parameter
from psycopg import AsyncConnection
from pydantic import ValidationError

from cli import api
from cli import options as opt
from cli.access import load_settings, the_journeys_to_decide, told_in_one_line
from cli.catalogue import attribute_of
from cli.output import Exit, Stop, show_fields, show_json
from cli.which_journey import journey_to_decide_on
from dashboard.enrolling import room
from domain.commands import EVERY_STAGE, EVERYONE, Decision, Declaration
from domain.decision_options import Option, given_as_fields, options_of
from domain.pathway import DECISIONS
from domain.refusal import Refused
from eventstore.following.bulk import open_session
from workflows.client import CommandNotRecorded, CommandRefused, JourneyNotRunning, JourneysUnreachable
from workflows.messages import JourneyStatus

_NOBODY_NAMED = opt.Who()


def who_may(declared: Declaration) -> str:
    """The roles that may take the decision, as text."""
    return "anyone" if declared.by == EVERYONE else ", ".join(declared.by)


def where(declared: Declaration) -> str:
    """The stages at which it may be taken, as text."""
    return "any stage" if declared.at == EVERY_STAGE else ", ".join(declared.at)


def _command(decision: type[Decision]) -> Callable[..., Awaitable[None]]:
    async def command(
        journey_id: str, *, who: opt.Who = _NOBODY_NAMED, occurred_at: opt.OccurredAt = None, **given: Any
    ) -> None:
        if not who.is_direct:
            journey = await journey_to_decide_on(journey_id)
            _show(await api.decide(journey, decision.name(), _body(who, occurred_at, given)), who)
            return
        fields = {**who.common(), "occurred_at": occurred_at, **given_as_fields(decision, given)}
        said = _read(decision, fields)
        _show((await _told(await journey_to_decide_on(journey_id), said)).model_dump(mode="json"), who)

    signature = inspect.Signature(list(_parameters(decision)))
    command.__name__ = attribute_of(decision.name())
    command.__doc__ = _help(decision)
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
    return command


def _help(decision: type[Decision]) -> str:
    declared = decision.declared
    warning = " A mistake here can harm the client: check twice." if declared.high_risk else ""
    return f"{decision.description()}\n\nBy {who_may(declared)}. At {where(declared)}.{warning}"


def _parameters(decision: type[Decision]) -> Iterator[inspect.Parameter]:
    yield inspect.Parameter("journey_id", inspect.Parameter.POSITIONAL_ONLY, annotation=opt.JourneyId)
    keyword = inspect.Parameter.KEYWORD_ONLY
    for option in options_of(decision):
        default = inspect.Parameter.empty if option.required else () if option.is_list else None
        yield inspect.Parameter(option.name, keyword, default=default, annotation=_annotation(option))
    yield inspect.Parameter("occurred_at", keyword, default=None, annotation=opt.OccurredAt)
    yield inspect.Parameter("who", keyword, default=_NOBODY_NAMED, annotation=opt.Who)


def _annotation(option: Option) -> Any:
    if option.is_list:
        help_text = f"{option.description} Repeat the option for more."
        return Annotated[tuple[str, ...], Parameter(name=option.flag, help=help_text, show_default=False)]
    negative = f"--no-{option.flag.removeprefix('--')}" if option.kind is bool and not option.required else ()
    read_as: Any = option.kind if option.kind is bool or option.choices else str  # the decision reads the rest itself
    return Annotated[
        read_as if option.required else read_as | None, Parameter(help=option.description, negative=negative)
    ]


def _read(decision: type[Decision], fields: dict[str, Any]) -> Decision:
    try:
        return decision.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        names = [part for part in first["loc"] if isinstance(part, str)]
        flags = {option.name: option.flag for option in options_of(decision)}
        flag = next((flags[name] for name in reversed(names) if name in flags), f"--{names[0]}" if names else "")
        raise Stop(Exit.USAGE, f"{flag}: {first['msg']}") from None


def _body(who: opt.Who, occurred_at: datetime | None, given: dict[str, Any]) -> dict[str, Any]:
    """The options as the API takes them, but for those that were left out."""
    when = occurred_at.isoformat() if occurred_at else None
    every = {"id": who.decision_id(), "role": who.role, "occurred_at": when, **given}
    return {name: value for name, value in every.items() if value is not None and value != ()}


async def _told(journey_id: str, command: Decision) -> JourneyStatus:
    journeys = await the_journeys_to_decide()
    try:
        with told_in_one_line():
            async with room(_read_models, journey_id, command):
                return await journeys.tell(journey_id, command)
    except Refused as refused:
        raise Stop(Exit.REFUSED, f"refused ({refused.refusal.code}): {refused.refusal.sentence}") from None
    except CommandRefused as refused:
        raise Stop(Exit.REFUSED, f"refused ({refused.code}): {refused.sentence}") from None
    except JourneyNotRunning as error:
        raise Stop(Exit.NOT_FOUND, str(error)) from None
    except CommandNotRecorded as error:
        raise Stop(Exit.UNREACHABLE, f"{error} Ask again with --id {command.id} for its outcome") from None
    except JourneysUnreachable as error:
        again = f"{error}; repeat with --id {command.id} to be sure it is done once"
        raise Stop(Exit.UNREACHABLE, again) from None


@asynccontextmanager
async def _read_models() -> AsyncIterator[AsyncConnection[Any]]:
    async with await open_session(load_settings().require_database_url(), "enrolment") as session:
        yield session


def _show(status: Mapping[str, Any], who: opt.Who) -> None:
    if who.json:
        show_json(status)
    else:
        show_fields({name.replace("_", " "): value for name, value in status.items()})


globals().update({attribute_of(each.name()): _command(each) for each in DECISIONS})
"""Each command is looked up here by the name that `cli.catalogue.path_of_decision` gives it."""
