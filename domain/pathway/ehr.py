"""The EHR: it is told what the journey says, the newest version only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.effects import SyncEhr
from domain.events import BaseEvent
from domain.part import Part, Slice
from domain.values import Instant

if TYPE_CHECKING:
    from domain.pathway.calls import EffectSettled
    from domain.state import JourneyState

part = Part("ehr")


class Ehr(Slice):
    """What the EHR knows.

    Attributes:
        revision: Version of the last event that it must hear of.
        as_of: When that was true.
        synced: The revision it last answered for.
    """

    revision: int = 0
    as_of: Instant | None = None
    synced: int = 0

    def wish(self) -> SyncEhr | None:
        """The call it is owed, or None once it knows all. Only the newest counts."""
        if self.revision <= self.synced:
            return None
        return SyncEhr(key=f"ehr-{self.revision}", revision=self.revision)

    def awaits(self, revision: int) -> bool:
        """Whether an answer for `revision` is news, also where a newer wish has taken its place."""
        return self.synced < revision <= self.revision


@part.evolves
def note_news(state: JourneyState, event: BaseEvent) -> Ehr:
    """Most events are; that the EHR itself need not be told is none."""
    if not event.is_news or getattr(event, "about", None) == "sync-ehr":
        return state.ehr
    return state.ehr.changed(revision=state.version + 1, as_of=event.at)


@part.evolves
def note_its_answer(state: JourneyState, event: EffectSettled) -> Ehr:
    """A refusal counts as an answer; a person then does it by hand."""
    if event.revision is None:
        return state.ehr
    return state.ehr.changed(synced=max(state.ehr.synced, event.revision))
