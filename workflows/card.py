"""What the Temporal UI shows of a journey: search attributes and a card. No word that says who the client is."""

from __future__ import annotations

from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from domain.benefit_words import price, summary
from domain.obligations import Obligation
from domain.plans import Direction, Transition
from domain.state import JourneyState
from domain.values import Instant, Stage
from domain.wording import level_in_week

PROGRAMME = SearchAttributeKey.for_keyword("Programme")
STAGE = SearchAttributeKey.for_keyword("Stage")
SITE = SearchAttributeKey.for_keyword("Site")
NEXT_DEADLINE = SearchAttributeKey.for_datetime("NextDeadline")
URGENT = SearchAttributeKey.for_bool("Urgent")
NOT_RECORDED = SearchAttributeKey.for_keyword("NotRecorded")
SEARCH_ATTRIBUTES = (PROGRAMME, STAGE, SITE, NEXT_DEADLINE, URGENT, NOT_RECORDED)

_BEFORE_CARE = (*(Stage.BENEFITS_CHECK, Stage.FUNDING_EXCEPTION, Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING),)

Shown = tuple[str, str, str, Instant | None, bool, str | None]
"""Programme, stage, site, next due time, urgent, and the cause that keeps decisions from the record."""


def shown(state: JourneyState, now: Instant, not_recorded: str | None = None) -> Shown:
    """The values to search by. A journey that cannot record is urgent."""
    programme = state.level or state.placement.level
    owed = state.next_due()
    urgent = state.is_urgent(now) or not_recorded is not None
    due, site = owed.due_at if owed else None, state.admission.site or "none"
    return programme or "none", state.stage, site, due, urgent, not_recorded


def attributes(values: Shown) -> list[SearchAttributeUpdate[Any]]:
    """`values` as one upsert."""
    programme, stage, site, due, urgent, cause = values
    deadline = NEXT_DEADLINE.value_set(due) if due else NEXT_DEADLINE.value_unset()
    not_recorded = NOT_RECORDED.value_set(cause) if cause else NOT_RECORDED.value_unset()
    where = PROGRAMME.value_set(programme), STAGE.value_set(stage), SITE.value_set(site)
    return [*where, deadline, URGENT.value_set(urgent), not_recorded]


def cannot_record(cause: str) -> list[SearchAttributeUpdate[Any]]:
    """What is known of a journey that cannot even read its record."""
    return [NOT_RECORDED.value_set(cause), URGENT.value_set(True)]


def card_while_reading() -> str:
    """The card until the journey knows its state."""
    return "Reading its record, at the start of a run."


def card(state: JourneyState, now: Instant) -> str:
    """Stage, level of care, waiting for whom, next deadlines, as Markdown."""
    lines = [
        f"**{state.stage}** · level of care {_level(state, now)} · waiting for **{state.waiting_for() or 'nobody'}**",
        "",
        *(_line(owed, now) for owed in state.in_order(now)),
        *_doubt(state),
        *_payer(state),
    ]
    if state.moves.current is not None:
        move = state.moves.current
        lines += ["", f"Moving {move.origin} → {move.target}, due {_moment(move.due_at)}{_place(state, move)}"]
    return "\n".join(lines)


def _level(state: JourneyState, now: Instant) -> str:
    """With the week and the day on which it is that, since the card is only drawn when something happens."""
    if state.level is None:
        return "**none yet**"
    today = state.calendar.local_date(now)
    return f"**{level_in_week(state.level, state.week_of_service(now), state.care.last_week)}** on {today}"


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
        lines += ["", f"Benefits: {summary(state.coverage.benefits)}"]
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
            return f"{owed.id}: tell {step.to} at {_moment(due)} (due {_moment(owed.due_at)})"
    return f"place: search, ask about the one held, or end the window of the step-up at {_moment(due)}"


def _line(owed: Obligation, now: Instant) -> str:
    """What is owed, with its flags; what is waived says until when."""
    flags = owed.flags(now)
    mark = f"{'❗ ' if owed.presses(now) else ''}{', '.join(flags)}, " if flags else ""
    return f"- {owed.title} — {mark}due {_moment(owed.due_at)}, {owed.owner} (`{owed.id}`)"


def _doubt(state: JourneyState) -> list[str]:
    if not state.admission.time_doubted:
        return []
    return ["", "The sender's time of the admission cannot be true: what is due counts from its receipt."]


def _moment(moment: Instant) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
