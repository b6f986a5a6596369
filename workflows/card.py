"""What the Temporal UI shows of a journey: search attributes and a card. Nothing here identifies the client.

Both are readable in Temporal without a key, so nothing here is what a person wrote.
"""

from __future__ import annotations

from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from domain.benefit_words import price, summary
from domain.move_words import move_words
from domain.obligations import Obligation
from domain.plans import Direction, Transition
from domain.state import JourneyState
from domain.values import Instant, Stage
from domain.wording import level_in_week, named
from workflows.record_head import record_head

PROGRAMME = SearchAttributeKey.for_keyword("Programme")
STAGE = SearchAttributeKey.for_keyword("Stage")
SITE = SearchAttributeKey.for_keyword("Site")
NEXT_DEADLINE = SearchAttributeKey.for_datetime("NextDeadline")
URGENT = SearchAttributeKey.for_bool("Urgent")
NOT_RECORDED = SearchAttributeKey.for_keyword("NotRecorded")
RECORD_HEAD = SearchAttributeKey.for_keyword("RecordHead")
SEARCH_ATTRIBUTES = (PROGRAMME, STAGE, SITE, NEXT_DEADLINE, URGENT, NOT_RECORDED, RECORD_HEAD)

_BEFORE_CARE = (*(Stage.BENEFITS_CHECK, Stage.FUNDING_EXCEPTION, Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING),)

Shown = tuple[str, str, str, Instant | None, bool, str | None, str | None]
"""Programme, stage, site, next due time, urgent, what keeps decisions from the record, and the record's head."""


def shown(state: JourneyState, now: Instant, mark: str, not_recorded: str | None = None) -> Shown:
    """The values to search by. A journey that cannot record is urgent.

    `mark`: of the last event in `state`; empty if it is not known, and then no head is shown. So a history in which a
    release before marks recorded asks for what it asked for then.
    """
    programme = state.level or state.placement.level
    owed = state.next_due()
    urgent = state.is_urgent(now) or not_recorded is not None
    due, site = owed.due_at if owed else None, state.admission.site or "none"
    head = record_head(state.version, mark).text if mark else None
    return programme or "none", state.stage, site, due, urgent, not_recorded, head


def attributes(values: Shown) -> list[SearchAttributeUpdate[Any]]:
    """`values` as one upsert."""
    programme, stage, site, due, urgent, cause, head = values
    deadline = NEXT_DEADLINE.value_set(due) if due else NEXT_DEADLINE.value_unset()
    not_recorded = NOT_RECORDED.value_set(cause) if cause else NOT_RECORDED.value_unset()
    where = PROGRAMME.value_set(programme), STAGE.value_set(stage), SITE.value_set(site)
    known_to = RECORD_HEAD.value_set(head) if head else RECORD_HEAD.value_unset()
    return [*where, deadline, URGENT.value_set(urgent), not_recorded, known_to]


def cannot_record(cause: str) -> list[SearchAttributeUpdate[Any]]:
    """The search attributes of a journey that cannot even read its record."""
    return [NOT_RECORDED.value_set(cause), URGENT.value_set(True)]


def card_while_reading() -> str:
    """The card until the journey knows its state."""
    return "Reading its record, at the start of a run."


def card(state: JourneyState, now: Instant) -> str:
    """Stage, level of care, who is waited for and next deadlines, as Markdown."""
    first = state.next_due()
    waiting_for = named(first.owner, first.assignee) if first else "nobody"
    lines = [
        f"**{state.stage}** · level of care {_level(state, now)} · waiting for **{waiting_for}**",
        "",
        *(_line(owed, now) for owed in state.in_order(now)),
        *_screening(state),
        *_doubt(state),
        *_payer(state),
    ]
    if state.moves.current is not None:
        move = state.moves.current
        lines += ["", f"Moving {move.origin} → {move.target}, due {_moment(move.due_at)}{_place(state, move)}"]
    lines += [line for name, said in move_words(state).items() for line in ("", f"{name}: {said}")]
    return "\n".join([*lines, *_plan(state), *_away(state), *_end(state)])


def _plan(state: JourneyState) -> list[str]:
    """How the client's goals stand while they are in care: counts, nothing that was written."""
    return ["", f"Treatment plan: {state.treatment_plan.in_words()}"] if state.level and state.care.is_ours else []


def _end(state: JourneyState) -> list[str]:
    """Until when a mistaken end can be taken back."""
    until = state.closing.correctable_until
    return ["", f"Ended; a mistake can be taken back until {_moment(until)}"] if until else []


def _away(state: JourneyState) -> list[str]:
    """Where the client is in a crisis, and what waits meanwhile. A person wrote the facility, so it is left out."""
    if state.stage.is_end:
        return []
    lines, now = [], state.crisis.current
    if now is not None:
        lines += ["", f"In a crisis since {_moment(now.since)}: {now.place}"]
    if state.against_advice.reported_at is not None and state.level:
        lines += ["", f"Wants to leave against advice since {_moment(state.against_advice.reported_at)}"]
    if state.suspension.ids:
        lines += ["", f"Waiting until the client is back: {', '.join(state.suspension.ids)}"]
    return lines


def _screening(state: JourneyState) -> list[str]:
    """How far the screening has come, and the consents, until care begins."""
    if state.stage not in _BEFORE_CARE:
        return []
    return ["", f"Screening: {state.screening.in_words()}", f"Consents: {state.consents.in_words()}"]


def _level(state: JourneyState, now: Instant) -> str:
    """With the week and the day on which it is that, since the card is only drawn when something happens."""
    if state.level is None:
        return "**none yet**"
    today = state.calendar.local_date(now)
    week, last = state.week_of_service(now), state.care.last_week
    return f"**{level_in_week(state.level, week, last, state.mode)}** on {today}"


def _place(state: JourneyState, move: Transition) -> str:
    if move.place is not None and move.starts_at is not None:
        earlier = ", an earlier one is looked for" if move.next_search_at or move.searched_key != move.held_key else ""
        return f", place held at {move.place} from {_moment(move.starts_at)}{earlier}"
    needs_one = move.direction is Direction.UP and not state.policy.level(move.target).is_ours
    return ", no place held yet" if needs_one else ""


def _payer(state: JourneyState) -> list[str]:
    """The payer's answer and the estimate, until care begins. None of the payer's own words."""
    lines = []
    if state.coverage.benefits is not None and state.stage in _BEFORE_CARE:
        lines += ["", f"Benefits: {summary(state.coverage.benefits, names=False)}"]
        if state.coverage.benefits.evidence:
            lines += [f"The payer's own words: `throughline benefits {state.journey_id}`"]
    if state.cost.estimate is not None and state.stage in (Stage.COST_REVIEW, Stage.ENROLLING):
        lines += ["", f"Cost, {state.cost.estimate.id}: {price(state.cost.estimate)}"]
        lines += [f"- {assumption}" for assumption in state.cost.estimate.assumptions]
    return lines


def timer_summary(state: JourneyState, due: Instant) -> str:
    """What the one timer waits for."""
    for owed in state.obligations.open.values():
        if owed.next_at() == due and owed.waiver is not None:
            return f"{owed.id}: owed again at {_moment(due)}"
        if owed.next_at() == due:
            step = owed.current_step()
            person = owed.assignee if step.to is owed.owner else None
            return f"{owed.id}: tell {named(step.to, person)} at {_moment(due)} (due {_moment(owed.due_at)})"
    return f"place: search, ask about the one held, or end the window of the step-up at {_moment(due)}"


def _line(owed: Obligation, now: Instant) -> str:
    """What is owed, with its flags; what is waived says until when."""
    flags, owner = owed.flags(now), named(owed.owner, owed.assignee)
    mark = f"{'❗ ' if owed.presses(now) else ''}{', '.join(flags)}, " if flags else ""
    return f"- {owed.title} — {mark}due {_moment(owed.due_at)}, {owner} (`{owed.id}`)"


def _doubt(state: JourneyState) -> list[str]:
    if not state.admission.time_doubted:
        return []
    return ["", "The sender's time of the admission cannot be true: what is due counts from its receipt."]


def _moment(moment: Instant) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
