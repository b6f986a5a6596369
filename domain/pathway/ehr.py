"""The EHR: it is told what the journey says, the newest version only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.effects import SyncEhr, ehr_key
from domain.part import Part, Slice

if TYPE_CHECKING:
    from domain.pathway.calls import EffectSettled
    from domain.state import JourneyState

part = Part("ehr")


class Ehr(Slice):
    """What the EHR knows: the version of the journey it last answered for."""

    synced: int = 0

    def wish(self, news: int) -> SyncEhr | None:
        """The call it is owed once `news` is the last version it must hear of, or None. Only the newest counts."""
        return SyncEhr(key=ehr_key(news), revision=news) if news > self.synced else None


@part.evolves
def note_its_answer(state: JourneyState, event: EffectSettled) -> Ehr:
    """A refusal counts as an answer; a person then does it by hand."""
    if event.revision is None:
        return state.ehr
    return state.ehr.changed(synced=max(state.ehr.synced, event.revision))
