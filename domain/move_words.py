"""What a page says of a move, beside where it leads: how far it is prepared, and what goes on after it."""

from __future__ import annotations

from domain.pathway import first_visit, handoff, taper
from domain.state import JourneyState


def move_words(state: JourneyState) -> dict[str, str]:
    """Each by its name, as far as there is anything to say."""
    words = {
        "Handoff": handoff.in_words(state),
        "First visit": first_visit.in_words(state),
        "Taper": taper.in_words(state),
    }
    return {name: said for name, said in words.items() if said is not None}
