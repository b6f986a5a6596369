"""Keeps the card and the search attributes of a journey up to date."""

from __future__ import annotations

from temporalio import workflow

from domain.state import JourneyState
from workflows.card import Shown, attributes, cannot_record, card, card_while_reading, shown
from workflows.not_recorded import NotRecorded, shown_on_the_card


class Display:
    """What one run shows in the Temporal UI. Search attributes are upserted only if they change."""

    def __init__(self) -> None:
        self._shown: Shown | None = None
        self._cause_shown: str | None = None

    def show(self, state: JourneyState, mark: str, trouble: NotRecorded | None, waiting: list[str]) -> None:
        """Shows where the journey stands.

        Args:
            state: The state on record.
            mark: Of the last event in it.
            trouble: Why decisions cannot be recorded now, if so.
            waiting: The kinds of the commands that wait to be recorded.
        """
        now = workflow.now()
        workflow.set_current_details("\n".join([*_first_lines(trouble, waiting), card(state, now)]))
        values = shown(state, now, mark, trouble.code if trouble else None)
        if values != self._shown:
            self._shown = values
            workflow.upsert_search_attributes(attributes(values))

    def show_reading(self, trouble: NotRecorded | None, waiting: list[str]) -> None:
        """Shows the same until the record has been read. Other search attributes keep the values of the run before."""
        workflow.set_current_details("\n".join([*_first_lines(trouble, waiting), card_while_reading()]))
        if trouble is not None and trouble.code != self._cause_shown:
            self._cause_shown = trouble.code
            workflow.upsert_search_attributes(cannot_record(trouble.code))


def _first_lines(trouble: NotRecorded | None, waiting: list[str]) -> list[str]:
    return [shown_on_the_card(trouble, waiting), ""] if trouble else []
