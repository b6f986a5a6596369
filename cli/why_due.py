"""`throughline why-due`: from what a due time was counted, so that a person can count it again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from cyclopts import Parameter

from centre.files import CentreFileError, centre_folder
from centre.policies import read_policies
from centre.rule_sources import RuleSources
from cli import options as opt
from cli.access import load_settings, told_in_one_line
from cli.journeys import recorded
from cli.output import Exit, Stop, show_fields, show_json, stdout
from domain.clock import TimeKind
from domain.due_times import day_in_words
from domain.evolve import evolve
from domain.obligations import Obligation
from domain.pathway import Event
from domain.pathway.obligation_events import ObligationRaised
from domain.refusal import UnknownHere
from domain.state import JourneyState
from domain.why_due import WhyDue, why_due, why_due_if
from record.codec import from_record


def _day(_: object, tokens: Any) -> date:
    try:
        return date.fromisoformat(tokens[0].value)
    except ValueError:
        raise ValueError("write a day like 2026-03-01") from None


async def why_due_command(
    journey_id: opt.JourneyToRead,
    obligation: str,
    /,
    *,
    if_: Annotated[date | None, Parameter(name="--if", converter=_day)] = None,
    json: bool = False,
) -> None:
    """Say why an obligation is due when it is: start, rule, event, calendar, pauses and the days that did not count.

    Parameters
    ----------
    obligation:
        The obligation's id, as `throughline journey` lists it.
    if_:
        Say also when it would be due had it started on this day, at the same time of day at the site. Where a person
        named the day, such as the end of a leave or of a waiver: had they named this day. Nothing else changes.
    json:
        Print one JSON object.
    """
    with told_in_one_line():
        events = [from_record(each) for each in await recorded(journey_id)]
    state, ever_owed = fold_with_all_owed(events)
    owed = ever_owed.get(obligation)
    if owed is None:
        known = ", ".join(sorted(state.obligations.open)) or "none"
        raise Stop(Exit.NOT_FOUND, f"that obligation was never owed on this journey; open: {known}")
    try:
        why = why_due(state, owed)
        instead = why_due_if(state, owed, if_) if if_ else None
    except UnknownHere as error:
        raise Stop(Exit.FAILED, str(error)) from None
    if json:
        show_json({"obligation": owed, "why": why, "rule": rule_source(why), "if": instead})
        return
    show_fields({**about(owed, events), **fields(why), "Source of the rule": rule_source(why)})
    if instead is not None and if_ is not None:
        stdout.print(f"\nIf {_changed(why)} had been {day_in_words(if_)}, and nothing else changed", markup=False)
        show_fields(fields(instead))


def fold_with_all_owed(events: Iterable[Event]) -> tuple[JourneyState, dict[str, Obligation]]:
    """The state after these events, and all that was ever owed, each as it was while it was last open."""
    state, owed = JourneyState(), dict[str, Obligation]()
    for event in events:
        state = evolve(state, event)
        owed |= state.obligations.open
    return state, owed


def about(owed: Obligation, events: list[Event]) -> dict[str, object]:
    """What is owed, and the event from which it followed."""
    return {"Obligation": f"{owed.id}: {owed.title}", "Owner": owed.owner, "Source event": _source(owed, events)}


def _source(owed: Obligation, events: list[Event]) -> str | None:
    """The last event of that type by the same command before it was raised."""
    raising = next(n for n, e in enumerate(events) if isinstance(e, ObligationRaised) and e.obligation.id == owed.id)
    for number in range(raising - 1, -1, -1):
        event = events[number]
        if event.type == owed.source and event.cause == events[raising].cause:
            return f"#{number + 1} {event.type}: {event.sentence()}"
    return owed.source


def fields(why: WhyDue) -> dict[str, object]:
    """All that the due time is counted from, and the due time, in words."""
    counted = why.counted
    return {
        "Start": _both(why, counted.since),
        "Counted": f"{counted.amount} {counted.kind}" if counted.day is None else f"to the end of {counted.day}",
        "Rule": f"{counted.rule} of policy {why.policy}" if counted.rule else "the day that was named",
        "Days at this level before": counted.earlier_days or None,
        "Calendar": f"site {why.site}, version {why.calendar}, {why.zone}",
        "Closes": ", ".join(f"{day} {at:%H:%M}" for day, at in why.closes_at.items()),
        "Days not counted": "; ".join(f"{day} {reason}" for day, reason in why.not_counted) or None,
        "Pauses": "; ".join(why.pauses) or None,
        "Can be met from": day_in_words(why.first_day) if why.first_day else None,
        "Falls due": _end(why),
        "Due": _both(why, why.due_at),
    }


def _end(why: WhyDue) -> str:
    if why.due_day is None:
        return "when the hours are over, also on days off"
    ends = "when the site closes on" if why.counted.kind is TimeKind.BUSINESS_DAYS else "when the day ends at the site,"
    return f"{ends} {day_in_words(why.due_day)}; exactly then it is on time"


def _both(why: WhyDue, at: datetime) -> str:
    local = why.at_site(at)
    return f"{day_in_words(local.date())} {local:%H:%M %Z}, {at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"


def _changed(why: WhyDue) -> str:
    return "the day named" if why.counted.kind is TimeKind.NAMED_DAY else "the start"


def rule_source(why: WhyDue) -> str | None:
    """Where the policy's file says that the number comes from, and when a person compared it."""
    try:
        policies = read_policies(centre_folder(load_settings().centre) / "policies")
    except CentreFileError:
        return None
    return RuleSources(policies).of(why.policy, why.counted.rule)
