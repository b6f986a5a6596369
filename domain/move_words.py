"""What a page says of a move, beside where it leads: how far it is prepared, and what goes on after it."""

from __future__ import annotations

from domain.pathway import first_visit, handoff, taper
from domain.plans import SearchedFacility
from domain.state import JourneyState
from domain.wording import moment


def move_words(state: JourneyState) -> dict[str, str]:
    """Each by its name, as far as there is anything to say."""
    words = {
        "Searched": _searched(state),
        "Handoff": handoff.in_words(state),
        "First visit": first_visit.in_words(state),
        "Taper": taper.in_words(state),
    }
    return {name: said for name, said in words.items() if said is not None}


def _searched(state: JourneyState) -> str | None:
    """What each facility answered in the last search for a place; None where none was made or nothing is known."""
    move = state.moves.current
    return "; ".join(_facility_in_words(each) for each in move.facilities) if move and move.facilities else None


def _facility_in_words(said: SearchedFacility) -> str:
    """What one facility answered."""
    since = f" from {moment(said.starts_at)}" if said.starts_at is not None else ""
    return f"{said.facility}: {said.answer.in_words}{since}"
