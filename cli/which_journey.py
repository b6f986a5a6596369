"""Which journey a person means: by its id, by its short reference, or, to read only, by the beginning of its id."""

from __future__ import annotations

import re

from cli.access import the_record
from cli.output import Exit, Stop
from domain.reference import ReferenceWrong, number_in
from eventstore.port import EventStore
from record.codec import is_journey
from record.listing import streams

SHORTEST = 6
"""The fewest characters of an id that stand for it."""
_MOST = 100
_LIKE_A_REFERENCE = re.compile(r"[jJ][ -]?[0-9a-zA-Z]{4,}[ -]?[0-9a-zA-Z]")
_PART_OF_AN_ID = re.compile(r"[0-9a-fA-F-]{1,35}")


async def journey_to_read(store: EventStore, given: str) -> str:
    """The id of the journey that is meant: by its full id, its reference, or a beginning that only its id has.

    Stops with `NOT_FOUND` if there is none, and with `USAGE` if several begin like that or the reference is wrong. It
    says nothing of the journeys that it might have been.
    """
    if is_journey(given) and await store.head(given):
        return given
    found = await _by_reference(store, given) or await _by_beginning(store, given)
    if found is None:
        _require_right(given)
        raise Stop(
            Exit.NOT_FOUND,
            "no journey with that id or reference is on record: see `throughline journeys --all`; "
            f"of an id, give {SHORTEST} characters at least",
        )
    return found


async def journey_to_decide_on(given: str) -> str:
    """The same for a decision, which takes the full id or the full reference: a slip must not reach another client.

    Stops with `USAGE` if it is a part of an id or a wrong reference, and with `NOT_FOUND` if no journey has that
    reference. Whether a journey has that id is left to Temporal.
    """
    if _PART_OF_AN_ID.fullmatch(given):
        raise Stop(Exit.USAGE, "give the journey's full id, or its reference such as J-004K-K: not a part of its id")
    _require_right(given)
    try:
        number_in(given)
    except ReferenceWrong:
        return given
    async with the_record() as store:
        found = given if is_journey(given) and await store.head(given) else await _by_reference(store, given)
    if found is None:
        raise Stop(Exit.NOT_FOUND, "no journey with that reference is on record: see `throughline journeys --all`")
    return found


async def _by_reference(store: EventStore, given: str) -> str | None:
    """By the position of its first event, which is the number behind the reference."""
    try:
        number = number_in(given)
    except ReferenceWrong:
        return None
    for first in await store.read_all(after_position=number - 1, limit=1) if number else ():
        if first.version == 1 and is_journey(first.stream):
            return first.stream
    return None


async def _by_beginning(store: EventStore, given: str) -> str | None:
    if len(given) < SHORTEST or not _PART_OF_AN_ID.fullmatch(given):
        return None
    found: list[str] = []
    async for stream in streams(store, given.lower()):
        found.append(stream)
        if len(found) > _MOST:
            break
    if len(found) > 1:
        many = f"more than {_MOST}" if len(found) > _MOST else str(len(found))
        raise Stop(Exit.USAGE, f"{many} journeys have ids that begin like that: give more of the id, or the reference")
    return found[0] if found else None


def _require_right(given: str) -> None:
    if not _LIKE_A_REFERENCE.fullmatch(given):
        return
    try:
        number_in(given)
    except ReferenceWrong as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
