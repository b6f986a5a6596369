"""Whether a client can be enrolled in a track: what the site's file says of it, compared with what the desk says.

The file changes from day to day, so it is asked before a decision is taken in and never by `decide`. Where the file
names no track at a level, the track is whatever the desk writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from domain.refusal import Refused, require
from domain.sessions.facts import Modality
from domain.sites import Site
from domain.tracks import Condition, FreeTime, Track, UsState
from domain.values import CLINICAL, Instant, LevelOfCare, Role, Value, Words
from domain.wording import any_of


class TrackException(StrEnum):
    """What speaks against a track and was decided against, with a reason."""

    CONDITION = "condition"  #: who leads it is no specialist in it
    LICENCE = "licence"  #: nobody who leads it is licensed where the client is; a clinician says so
    HOURS = "hours"  #: the first session is at another time
    AVAILABILITY = "availability"  #: the client cannot come to all of it
    FULL = "full"  #: it has no place left


_ALTHOUGH = {
    TrackException.CONDITION: "though led by no specialist in the condition",
    TrackException.LICENCE: "though led by nobody licensed in the client's state",
    TrackException.HOURS: "though the first session is outside the track's hours",
    TrackException.AVAILABILITY: "though the client cannot come to all of it",
    TrackException.FULL: "though the track was full",
}
"""Each at the end of a sentence."""


TrackName = Annotated[Words, Field(description="The track's id, such as evening; `throughline tracks` lists them.")]
ByTelehealth = Annotated[bool, Field(description="Whether the client takes part by telehealth.")]
ClientState = Annotated[
    UsState | None,
    Field(description="The state in which the client is during sessions, such as CA; asked for telehealth."),
]
ComesFor = Annotated[Condition | None, Field(description="What the client comes for, as far as it is known.")]
CanCome = Annotated[
    tuple[FreeTime, ...],
    Field(
        max_length=21,
        description="When the client can come beside work, study and family, on the site's clock: mon 17:00-21:00, one "
        "for each time; left out, nobody has asked.",
    ),
]
Exceptions = Annotated[
    tuple[TrackException, ...],
    Field(description=f"What speaks against the track and is meant to be so: {', '.join(TrackException)}."),
]
WhyExceptions = Annotated[Words | None, Field(description="Why, if there are exceptions.")]


def require_reason(exceptions: tuple[TrackException, ...], reason: str | None) -> None:
    """Refuses an exception for which nobody says why."""
    require(not exceptions or reason is not None, "reason-missing", "Say why the exception is made.")


def telehealth_in_words(telehealth: bool) -> str:
    """For the middle of a sentence."""
    return ", by telehealth" if telehealth else ""


def exceptions_in_words(exceptions: Iterable[TrackException]) -> str:
    """For the end of a sentence."""
    return "".join(f", {_ALTHOUGH[each]}" for each in exceptions)


class Wanted(Value):
    """What a client wants of a track.

    Attributes:
        exceptions: What was looked at and decided against.
        role: Of the person who decides.
    """

    telehealth: bool = False
    client_state: UsState | None = None
    condition: Condition | None = None
    can_come: tuple[FreeTime, ...] = ()
    first_session_at: Instant | None = None
    exceptions: tuple[TrackException, ...] = ()
    role: Role


def fitting_track(site: Site, level: LevelOfCare, name: str, wanted: Wanted) -> Track | None:
    """The track of that name; None where the site's file names no track at this level.

    Raises:
        Refused: There is no such track at the level, or something speaks against it.
    """
    if not site.tracks_at(level):
        return None
    track = known_track(site, level, name)
    others = site.tracks_at(level)
    _require_modality(track, others, wanted)
    _require_licence(track, others, wanted)
    _require_specialist(track, others, wanted)
    _require_free(track, others, wanted)
    if wanted.first_session_at is not None:
        is_meant = TrackException.HOURS in wanted.exceptions
        require_its_hours(site, track, wanted.first_session_at, is_meant=is_meant)
    return track


def known_track(site: Site, level: LevelOfCare, name: str) -> Track:
    """The track of that name at the level.

    Raises:
        Refused: The site's file has no such track at the level, or nobody is enrolled in it.
    """
    track, choose = site.track(name), f"Choose one of {_names(site.tracks_at(level))}."
    if track is None:
        raise Refused("track-unknown", f"This site has no such track at {level}. {choose}")
    require(track.level == level, "track-of-another-level", f"That track is at {track.level}, not at {level}. {choose}")
    require(not track.makeup_only, "track-for-makeup", f"That track only makes up for missed sessions. {choose}")
    return track


def _require_modality(track: Track, others: Iterable[Track], wanted: Wanted) -> None:
    modality = Modality.TELEHEALTH if wanted.telehealth else Modality.IN_PERSON
    require(
        modality in track.modalities,
        "modality-not-offered",
        f"This track meets {track.modalities_in_words()} only, and the client was to come {_how(modality)}. Change "
        f"that, or choose another: {_names(each for each in others if modality in each.modalities)}.",
    )


def _require_licence(track: Track, others: Iterable[Track], wanted: Wanted) -> None:
    if not wanted.telehealth:
        return
    state = wanted.client_state
    if state is None:
        raise Refused(
            "client-state-unknown",
            "By telehealth the licence counts where the client is, and their state is unknown. Ask them in which state "
            "they will be during sessions, and give it as the client's state.",
        )
    may = track.treats_in(state) or (TrackException.LICENCE in wanted.exceptions and wanted.role in CLINICAL)
    require(
        may,
        "not-licensed-there",
        f"Nobody who leads this track is licensed in {state}. Choose another ({_names(_licensed(others, state))}), or "
        f"have a {any_of(CLINICAL)} enrol the client with the exception {TrackException.LICENCE} and the reason.",
    )


def _licensed(tracks: Iterable[Track], state: UsState) -> Iterable[Track]:
    return (each for each in tracks if each.treats_in(state) and Modality.TELEHEALTH in each.modalities)


def _require_specialist(track: Track, others: Iterable[Track], wanted: Wanted) -> None:
    condition = wanted.condition
    require(
        condition is None or condition in track.conditions or TrackException.CONDITION in wanted.exceptions,
        "no-specialist",
        f"Those who lead this track are specialists in {', '.join(track.conditions)}, not in {condition}. Choose "
        f"another ({_names(each for each in others if condition in each.conditions)}), or give the exception "
        f"{TrackException.CONDITION} and the reason.",
    )


def _require_free(track: Track, others: Iterable[Track], wanted: Wanted) -> None:
    free, whole = wanted.can_come, "at none of these times" if track.by_appointment else "not to all of it"
    fitting = _names(each for each in others if each.fits(free))
    require(
        not free or track.fits(free) or TrackException.AVAILABILITY in wanted.exceptions,
        "client-cannot-come-then",
        f"This track meets {track.hours_in_words()}, and the client can come {', '.join(free)}: {whole}. Choose one "
        f"that fits ({fitting}), put the client on the waitlist for one, or give the exception "
        f"{TrackException.AVAILABILITY} and the reason.",
    )


def require_its_hours(site: Site, track: Track, first_session_at: Instant, *, is_meant: bool) -> None:
    """Refuses a first session at a time at which the track does not meet, unless that is meant.

    Raises:
        Refused: It does not meet then.
    """
    local = first_session_at.astimezone(ZoneInfo(site.calendar.zone))
    closed = site.calendar.day_off(local.date())
    require(
        is_meant or (track.meets_at(local) and closed is None),
        "track-does-not-meet-then",
        f"The track meets {track.hours_in_words()}, and {local:%a} {local:%Y-%m-%d %H:%M} at {site.title} is not then"
        f"{f' ({closed})' if closed else ''}. Give another time, or say that it is meant to be then: give the reason, "
        f"and of an enrolment the exception {TrackException.HOURS}.",
    )


def _names(tracks: Iterable[Track]) -> str:
    return ", ".join(each.id for each in tracks if not each.makeup_only) or "there is none"


def _how(modality: Modality) -> str:
    return "by telehealth" if modality is Modality.TELEHEALTH else "in person"
