"""`throughline journeys` and `throughline journey`: the record, for people and programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cli.access import load_settings, the_keys, the_record, told_in_one_line
from cli.options import AtTime, JourneyToRead, Positive
from cli.output import Exit, Stop, complain, show_fields, show_json, stdout, table
from cli.which_journey import journey_to_read
from dashboard.history import AsOf
from dashboard.lists import Listing, list_journeys
from dashboard.missed import MissedDuty, missed_of
from dashboard.reading import JourneyRow, read_journey, row, state_of
from deploy.settings import Settings
from domain.authorship import Via
from domain.benefit_words import price, summary
from domain.move_words import move_words
from domain.obligations import Obligation
from domain.pathway import leave
from domain.plans import Estimate, Transition
from domain.reference import reference, reference_of
from domain.refusal import UnknownHere
from domain.state import JourneyState
from domain.values import Instant
from domain.wording import level_in_week, moment, named
from eventstore.events import StoredEvent
from record.codec import from_record
from record.sealing import Sealer
from workflows.client import workflow_id

_DOUBTED = "the sender's time of it cannot be true: what is due counts from its receipt"
MISSED_COLUMNS = ("Obligation", "Owner", "Was due", "Outcome", "Ended", "By")
_COLUMNS = ("Journey", "Reference", "Site", "Stage", "Level", "Waiting for", "Next", "Due", "")


async def journeys(*, all: bool = False, person: str | None = None, json: bool = False) -> None:
    """List open journeys and ended ones that still owe something: the urgent first, then by what is due next.

    This reads the record. Decisions that cannot be recorded are missing here: see `throughline status` and `reconcile`.

    Args:
        all: Include journeys that have ended.
        person: Staff id: only those where this person owes what is due first. `throughline obligations` has all that
            they owe.
        json: Print a JSON list.
    """
    listing = await _listed(ended=all)
    rows = [each for each in listing.rows if person in (None, each.waiting_for_person)]
    if listing.behind:
        complain(f"as of event {listing.as_of} of {listing.head}: see `throughline projections list`")
    if json:
        show_json([_row_as_json(each) for each in rows])
        return
    if person and not rows:
        stdout.print(f"no journey waits for {person}; `throughline obligations --person {person}` lists all they owe")
        return
    if not rows:
        stdout.print(f"no {'' if all else 'open '}journeys; send an admission with `throughline send FILE`")
        return
    show_rows(rows)
    stdout.print(f"\n{len(rows)} {'' if all else 'open '}{'journey' if len(rows) == 1 else 'journeys'}")


async def journey(
    journey_id: JourneyToRead,
    /,
    *,
    as_of: AtTime = None,
    known_at: AtTime = None,
    at_version: Positive = None,
    at_position: Positive = None,
    everything: bool = False,
    json: bool = False,
    unseal: bool = False,
) -> None:
    """Show one journey: its stage now or at an earlier time, what is owed, and its timeline.

    This reads the record. Decisions that cannot be recorded are missing here: see `throughline status` and `reconcile`.

    Args:
        as_of: Show it as it was at this time, by what had occurred by then. Give a time zone: 2026-03-01T12:00Z.
        known_at: Show it as the record had it at this time, by what had been recorded by then.
        at_version: Show it after this many of its own events.
        at_position: Show it when the whole record had this many events.
        everything: Include bookkeeping events in the timeline.
        json: Print one JSON object with the state and every event. What people wrote about the client reads [sealed].
        unseal: With --json: what people wrote, in the clear. Needs the clients' keys.
    """
    if unseal and not json:
        raise Stop(Exit.USAGE, "--unseal needs --json: the table never shows what people wrote about a client")
    at = AsOf(true_at=as_of, known_at=known_at, version=at_version, position=at_position)
    with told_in_one_line():
        every = await recorded(journey_id)
        stored = _until(at, every)
        if json:
            shown = await unsealed(stored) if unseal else stored
            show_json(_as_json(state_of(shown), shown, at))
            return
        state = state_of(stored)
        if not at.is_now:
            stdout.print(f"As it stood after {len(stored)} of its {len(every)} events.\n", markup=False)
        _show_standing(state, reference(every[0].position), at.moment or datetime.now(UTC))
        _show_missed(stored, at.moment or datetime.now(UTC))
        _show_timeline(stored, everything)


async def _listed(*, ended: bool) -> Listing:
    with told_in_one_line():
        settings = load_settings()
        return await list_journeys(
            settings.require_database_url(),
            datetime.now(UTC),
            ended=ended,
            patience_seconds=settings.dashboard_patience_seconds,
            folded=settings.dashboard_folded_events,
        )


async def recorded(given: str) -> tuple[StoredEvent, ...]:
    """The events of the journey that a person means. Stops as `journey_to_read` does."""
    async with the_record() as store:
        return await read_journey(store, await journey_to_read(store, given))


def _until(at: AsOf, every: tuple[StoredEvent, ...]) -> tuple[StoredEvent, ...]:
    stored = at.of(every)
    if not stored:
        began = moment(every[0].occurred_at)
        raise Stop(Exit.NOT_FOUND, f"that journey had not begun then: its first event was at {began}")
    return stored


def ui_link(settings: Settings, journey_id: str) -> str | None:
    """The journey's page in the Temporal UI, if there is one."""
    if settings.ui_page is None:
        return None
    return f"{settings.ui_page}/{workflow_id(journey_id)}"


def show_rows(rows: list[JourneyRow]) -> None:
    """A table where the terminal has room for one, else some lines for each journey."""
    cells = [_cells(each) for each in rows]
    widths = (max(len(str(cell)) for cell in column) for column in zip(_COLUMNS, *cells, strict=True))
    if sum(widths) + 2 * len(_COLUMNS) <= stdout.width:
        table(None, _COLUMNS, cells)
        return
    for each in rows:
        name, called, site, stage, level, waiting_for, owed, due, flag = _cells(each)
        stdout.print(f"{name}  {called or ''}  {site}", markup=False)
        stdout.print(f"  {stage}  {level or ''}", markup=False)
        if owed:
            stdout.print(f"  next: {owed}, {waiting_for}, {due}", markup=False)
        if flag:
            stdout.print(f"  {flag}", markup=False)


def missed_cells(each: MissedDuty) -> tuple[object, ...]:
    """A row of `MISSED_COLUMNS`."""
    by = f"{each.ended_by} {each.ended_by_id}" if each.ended_by else None
    ended = moment(each.ended_at) if each.ended_at else None
    return each.obligation_id, each.owner, moment(each.due_at), each.outcome, ended, by


def _cells(each: JourneyRow) -> tuple[object, ...]:
    flag = ", ".join(each.flags)
    due = moment(each.next_due) if each.next_due else None
    waiting_for = named(each.waiting_for, each.waiting_for_person) if each.waiting_for else None
    standing = (each.site, each.stage, each.level, waiting_for, each.next_obligation, due, flag)
    return each.journey_id, reference_of(each.number), *standing


def _row_as_json(each: JourneyRow) -> dict[str, Any]:
    return {**each.model_dump(mode="json", exclude={"number"}), "reference": reference_of(each.number)}


def _show_standing(state: JourneyState, called: str, at: Instant) -> None:
    now = row(state, at)
    show_fields(
        {
            "Journey": state.journey_id,
            "Reference": called,
            "Stage": state.stage,
            "Final from": moment(state.closing.correctable_until) if state.closing.correctable_until else None,
            "Level of care": level_in_week(now.level, now.week, now.last_week, state.mode) if now.level else None,
            "Moving to": _move(state.moves.current) if state.moves.current else None,
            **move_words(state),
            "Waiting for": named(now.waiting_for, now.waiting_for_person) if now.waiting_for else None,
            "Care team": ", ".join(named(*each) for each in state.care_team.members.items()) or None,
            "Admission": _DOUBTED if state.admission.time_doubted else None,
            **_away(state),
            "Site": f"{state.admission.site}, calendar {state.admission.calendar}",
            "Policy": state.admission.policy_version,
            "Screening": state.screening.in_words(),
            "Consents": state.consents.in_words(),
            "Leave": leave.in_words(state),
            "Maintenance": _maintenance(state),
            "Treatment plan": state.treatment_plan.in_words() if state.care.began else None,
            "Benefits": summary(state.coverage.benefits) if state.coverage.benefits else None,
            "Cost": _priced(state.cost.estimate) if state.cost.estimate else None,
            "Temporal UI": ui_link(load_settings(), state.journey_id),
        }
    )
    if state.coverage.benefits is not None and state.coverage.benefits.evidence:
        stdout.print(f"\nThe payer's own words: throughline benefits {state.journey_id}", markup=False)
    if state.obligations.open:
        stdout.print()
        owed = state.in_order(at)
        columns = ("Id", "What", "Owner", "Due", "Counted in", "Priority", "")
        table("Owed", columns, [_owed_cells(each, at) for each in owed])
        stdout.print(f"\nWhy then; `throughline why-due {state.journey_id} ID` says it all", markup=False)
        for each in owed:
            stdout.print(f"  {each.id}: {_why(state, each)}", markup=False)


def _show_missed(stored: tuple[StoredEvent, ...], now: Instant) -> None:
    found = missed_of((from_record(each) for each in stored), now)
    if found:
        stdout.print()
        table("Missed", MISSED_COLUMNS, [missed_cells(each) for each in found])


def _move(move: Transition) -> str:
    place = f", place held at {move.place}" if move.place else ""
    return f"{move.target}, due {moment(move.due_at)}{place}"


def _wants_to_leave(state: JourneyState) -> str | None:
    since = state.against_advice.reported_at
    return f"against advice, since {moment(since)}" if since and state.level else None


def _maintenance(state: JourneyState) -> str | None:
    if state.maintenance.since is None or not state.level:
        return None
    return f"since {moment(state.maintenance.since)}, a visit every {state.maintenance.visit_days} days"


def _away(state: JourneyState) -> dict[str, str | None]:
    """Where the client is in a crisis, why they withdrew, and what waits until they are back."""
    now, waits = state.crisis.current, state.suspension.ids
    return {
        "In a crisis": f"{now.where}, since {moment(now.since)}" if now and not state.stage.is_end else None,
        "Wants to leave": _wants_to_leave(state),
        "Withdrawn": state.withdrawal.reason,
        "Waiting duties": ", ".join(waits) if waits and not state.stage.is_end else None,
    }


def _owed_cells(owed: Obligation, at: datetime) -> tuple[object, ...]:
    due, owner = moment(owed.due_at), named(owed.owner, owed.assignee)
    return owed.id, owed.title, owner, due, owed.counted.kind, owed.priority, ", ".join(owed.flags(at))


def _why(state: JourneyState, owed: Obligation) -> str:
    try:
        return state.why_due(owed)
    except UnknownHere:  # this machine's files are older than the journey's calendar
        return f"{owed.counted.amount} {owed.counted.kind}"


def _priced(estimate: Estimate) -> str:
    return "; ".join((f"{estimate.id}: {price(estimate)}", *estimate.assumptions))


def _show_timeline(stored: tuple[StoredEvent, ...], everything: bool) -> None:
    stdout.print()
    events = [(each, from_record(each)) for each in stored]
    rows = [
        (each.version, moment(each.occurred_at), f"{event.sentence()}{_direct(each)}")
        for each, event in events
        if everything or not event.is_bookkeeping
    ]
    table("Timeline", ("#", "When", "What"), rows)
    if len(rows) < len(events):
        stdout.print(f"\n{len(events) - len(rows)} events of bookkeeping are left out; --everything shows them")


def _direct(stored: StoredEvent) -> str:
    """Says of an event that nobody had signed in when it was decided."""
    return " (direct access)" if stored.meta.get("via") == Via.DIRECT else ""


async def unsealed(stored: tuple[StoredEvent, ...]) -> tuple[StoredEvent, ...]:
    """`stored` with what was written about the client decrypted, if the key still exists."""
    async with the_keys() as keys:
        sealer = Sealer(keys)
        return tuple([await sealer.unseal(each) for each in stored])


def _as_json(state: JourneyState, stored: tuple[StoredEvent, ...], at: AsOf) -> dict[str, Any]:
    return {
        "journey": _row_as_json(row(state, at.moment or datetime.now(UTC)).changed(number=stored[0].position)),
        "obligations": state.in_order(at.moment or datetime.now(UTC)),
        "missed": missed_of((from_record(each) for each in stored), at.moment or datetime.now(UTC)),
        "events": [_event_as_json(each) for each in stored],
    }


def _event_as_json(stored: StoredEvent) -> dict[str, Any]:
    shown = stored.model_dump(mode="json", exclude={"sealed", "key_id"})
    return {**shown, "sealed": stored.sealed is not None, "sentence": from_record(stored).sentence()}
