"""A change of track: a client who is enrolled or in care takes a place in another track at the level they have.

After a move to another level of ours the client has no track until somebody chooses one. It shares the part of the
enrolment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from domain.commands import ADMISSIONS, CARE_TEAM, Decision
from domain.events import BaseEvent, EventContext
from domain.pathway.enrolment import part
from domain.plans import Actor
from domain.refusal import require
from domain.sites import site_named
from domain.track_fit import (
    ByTelehealth,
    CanCome,
    ClientState,
    ComesFor,
    Exceptions,
    TrackException,
    TrackName,
    Wanted,
    WhyExceptions,
    exceptions_in_words,
    fitting_track,
    require_reason,
    telehealth_in_words,
)
from domain.tracks import Condition, FreeTime, UsState
from domain.values import LevelOfCare, PrivateWords, Stage
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.enrolment import Enrolment
    from domain.state import JourneyState


class TrackChanged(BaseEvent):
    """The client has a place in another track at their level.

    Attributes:
        track: Its id in the site's file, or its name where the file names no track at this level.
        before: The track whose place is free again, if they had one.
        telehealth: Whether they take part by telehealth.
        client_state: The state in which they are during sessions, as far as that was asked.
        condition: What they come for, as far as that was said.
        can_come: When they can come beside work, study and family; empty where nobody asked.
        exceptions: What spoke against the track and was decided against.
        reason: Why, of the exceptions.
    """

    type: Literal["track.changed"] = "track.changed"
    level: LevelOfCare
    track: str
    before: str | None = None
    telehealth: bool = False
    client_state: UsState | None = None
    condition: Condition | None = None
    can_come: tuple[FreeTime, ...] = ()
    exceptions: tuple[TrackException, ...] = ()
    reason: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        how, although = telehealth_in_words(self.telehealth), exceptions_in_words(self.exceptions)
        before = f"from the {self.before} track " if self.before else ""
        return f"Changed {before}to the {self.track} track, {self.level}{how}{although}{said_by(self.by)}"


class ChangeTrack(
    Decision,
    label="Change the track",
    by=tuple(dict.fromkeys((*ADMISSIONS, *CARE_TEAM))),
    at=(Stage.ENROLLED, Stage.ACTIVE),
):
    """Give the client a place in another track at their level; after a move, in the first one there."""

    kind: Literal["change-track"] = "change-track"
    track: TrackName
    telehealth: ByTelehealth = False
    client_state: ClientState = None
    condition: ComesFor = None
    can_come: CanCome = ()
    exceptions: Exceptions = ()
    reason: WhyExceptions = None

    def require_known(self, state: JourneyState) -> None:
        """The site's file must have the track, at the client's level, and nothing may speak against it."""
        level = _level(state)
        if state.stage in self.declared.at and level is not None:
            booked = state.enrolment.first_session_at if state.stage is Stage.ENROLLED else None
            said = self.model_dump(include=Wanted.model_fields.keys() - {"role"})
            wanted = Wanted(**said, first_session_at=booked, role=self.by.role)
            fitting_track(site_named(state.admission.site), level, self.track, wanted)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Another than they have."""
        level, held = _level(state), state.enrolment.track
        assert level is not None, "whoever is enrolled or in care is so at a level"
        require(self.track != held, "track-held", "The client has a place in this track already. Choose another.")
        require_reason(self.exceptions, self.reason)
        yield TrackChanged(**when, level=level, before=held, **self.model_dump(include=_SAID), by=self.by)


_SAID = TrackChanged.model_fields.keys() & ChangeTrack.model_fields.keys() - {"by"}
"""What a change says as its decision does."""


def _level(state: JourneyState) -> LevelOfCare | None:
    return state.level or state.enrolment.level


@part.evolves
def change(state: JourneyState, event: TrackChanged) -> Enrolment:
    """The place in the track before is free again."""
    return state.enrolment.changed(level=event.level, track=event.track)
