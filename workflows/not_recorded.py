"""A decision that cannot be recorded: what each cause means, who is told, and the texts. Pure.

No text here says who the client is or what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from activities import signatures as sig
from activities.ports import Notice
from domain.authorship import UNPROVEN
from domain.obligation_terms import Channel
from domain.values import Instant, Role, Value

TYPE = "not-recorded"
"""Error type of an Update that was accepted but cannot be recorded yet."""
PAGED_EVERY = timedelta(hours=4)
"""Elapsed time between two pages for one journey while a cause lasts."""
_ONE_PAGE_FOR = timedelta(minutes=15)
"""Journeys with the same shared cause in one period of this length give one page."""
_GRACE = timedelta(seconds=6)
"""For how long, elapsed, a cause that may resolve by itself is only retried. Then callers are told."""
_PAGED_AFTER = timedelta(seconds=30)
"""For how long, elapsed, such a cause is only shown and logged. Then operations are paged."""
_SHORTEST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True)
class Cause:
    """The meaning of a cause.

    Attributes:
        sentence: What is wrong and what to do, for an engineer.
        is_of_the_decision: It concerns one decision; others of the same journey may still be recorded.
        is_of_the_journey: It concerns one journey, so each journey has its own page.
        may_pass: It often resolves by itself within seconds.
    """

    sentence: str
    is_of_the_decision: bool = False
    is_of_the_journey: bool = False
    may_pass: bool = False


CAUSES: Mapping[str, Cause] = {
    sig.RECORD_UNREACHABLE: Cause(
        "The record's database does not answer or accepts nothing now: check that it runs and has room.", may_pass=True
    ),
    sig.RECORD_SCHEMA: Cause(
        "The record's tables are missing or old, or the worker's role may not use them: run the migrations, "
        "check the role."
    ),
    sig.RECORD_REFUSED: Cause(
        "The record's database refused the events: its log and the worker's log say why.",
        is_of_the_decision=True,
        is_of_the_journey=True,
    ),
    sig.KEYS_UNREACHABLE: Cause(
        "The database of the clients' keys does not answer: check that it runs.", is_of_the_decision=True, may_pass=True
    ),
    sig.KEYS_SCHEMA: Cause(
        "The table of the clients' keys is missing or old, or the worker's role may not use it: run the migrations, "
        "check the role.",
        is_of_the_decision=True,
    ),
    sig.WRONG_KEK: Cause(
        "The key-encryption key of the client's key is not in the worker's file: add its line again from the safe "
        "copy, then restart the workers.",
        is_of_the_decision=True,
    ),
    sig.KEY_UNUSABLE: Cause(
        "The client's key is missing or was changed, but was not destroyed: restore the database of the keys.",
        is_of_the_decision=True,
        is_of_the_journey=True,
    ),
    sig.KEY_DESTROYED: Cause(
        "The client's key was destroyed while the journey ran: find out who destroyed it; if care continues, admit the "
        "client again as a new client with a new journey.",
        is_of_the_decision=True,
        is_of_the_journey=True,
    ),
    sig.NOT_RECORDABLE: Cause(
        "The events have content that the record cannot store, a bug in this release: deploy one that fixes it.",
        is_of_the_decision=True,
        is_of_the_journey=True,
    ),
    sig.AHEAD_OF_RECORD: Cause(
        "The record has lost events that the journey knows: restore the record.", is_of_the_journey=True
    ),
    sig.DIFFERS_FROM_RECORD: Cause(
        "The record differs from what the journey knows: find out who wrote to it.", is_of_the_journey=True
    ),
    sig.RECORD_CLOSED: Cause(
        "The journey's record was closed before the journey was over: find out who closed it.", is_of_the_journey=True
    ),
    sig.UNREADABLE: Cause(
        "The record holds an event that this release cannot read: deploy the release that wrote it, or a newer one.",
        is_of_the_journey=True,
    ),
}
_FAULT = Cause(
    "An unexpected error, a bug in this release: the worker's log says where it was raised.",
    is_of_the_decision=True,
    is_of_the_journey=True,
)


def cause(code: str) -> Cause:
    """The meaning of `code`."""
    return CAUSES.get(code, _FAULT)


class NotRecorded(Value):
    """Why a journey's decisions are not recorded now.

    Attributes:
        code: The cause; see `CAUSES`.
        since: When the first failed attempt started.
        known: Whether it has lasted long enough to show it, log it and tell callers.
        stands_still: Whether the journey takes no new decisions until a person makes it check the record again.
        paged_at: When operations were last paged for this cause.
    """

    code: str
    since: Instant
    known: bool = False
    stands_still: bool = False
    paged_at: Instant | None = None

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, for an engineer."""
        return cause(self.code).sentence

    def pause(self, now: Instant) -> timedelta:
        """How long to wait before the next attempt; elapsed. It grows with the time that the problem has lasted."""
        return min(max((now - self.since) / 4, _SHORTEST_PAUSE), _LONGEST_PAUSE)

    def is_news_after(self, before: NotRecorded | None) -> bool:
        """Whether to log it. `before` is the value after the last attempt."""
        if before is None or not before.known:
            return self.known
        return (before.code, before.stands_still) != (self.code, self.stands_still)

    def page_is_due(self, now: Instant) -> bool:
        """Whether to page operations, for the first time or again."""
        if not self.known:
            return False
        if self.paged_at is not None:
            return now - self.paged_at >= PAGED_EVERY
        return not cause(self.code).may_pass or now - self.since >= _PAGED_AFTER


def failed(
    before: NotRecorded | None, code: str, since: Instant, now: Instant, *, stands_still: bool = False
) -> NotRecorded:
    """The new value after an attempt that started at `since` and failed with `code`."""
    since = before.since if before else since
    known = (before is not None and before.known) or not cause(code).may_pass or now - since >= _GRACE
    is_the_same = before is not None and (before.code, before.stands_still) == (code, stands_still)
    paged_at = before.paged_at if before and is_the_same else None
    return NotRecorded(code=code, since=since, known=known, stands_still=stands_still, paged_at=paged_at)


def told_to_the_caller(trouble: NotRecorded) -> str:
    """The text for the person who took the decision."""
    if trouble.stands_still:
        until = "until an engineer makes the journey check its record again"
    else:
        until = "and records it once the cause is gone"
    if trouble.paged_at is None:
        paged = f"Operations are paged if it lasts longer than {_PAGED_AFTER.total_seconds():.0f} seconds."
    else:
        paged = "Operations are being paged."
    return (
        f"not recorded yet ({trouble.code}): {trouble.sentence} Nothing is lost: the journey keeps the decision "
        f"{until}. {paged}"
    )


def shown_on_the_card(trouble: NotRecorded, kept: Sequence[str]) -> str:
    """The first lines of the card. `kept` are the kinds of the commands that wait to be recorded."""
    waiting = f" Waiting to be recorded: {', '.join(kept)}." if kept else ""
    what = "Stands still" if trouble.stands_still else "Cannot be recorded"
    return f"❗ **{what} since {_utc(trouble.since)}: {trouble.code}.** {trouble.sentence}{waiting}"


def page(trouble: NotRecorded, journey_id: str, kept: Sequence[str], now: Instant) -> Notice:
    """The page to operations. A cause that many journeys share gives at most one page every quarter of an hour."""
    if trouble.stands_still:
        return _page_standing_still(trouble, journey_id, kept, now)
    return _notice(
        key=f"not-recorded/{_scope(trouble, journey_id)}/{_span(now)}",
        subject=f"Decisions cannot be recorded: {trouble.code}",
        body=(
            f"{trouble.sentence}\n"
            f"Journey {journey_id} has not been able to record since {_utc(trouble.since)}.\n"
            f"Waiting to be recorded: {', '.join(kept) or 'nothing'}.\n"
            "Decisions are kept and recorded once the cause is gone. Reminders that wait with them are not "
            "sent: have a person watch those deadlines.\n"
            "See which journeys: throughline reconcile\nTry again at once: throughline reconcile --fix\n"
        ),
        repeat=_repeat(trouble, now),
    )


def _page_standing_still(trouble: NotRecorded, journey_id: str, kept: Sequence[str], now: Instant) -> Notice:
    return _notice(
        key=f"stands-still/{journey_id}/{trouble.code}/{_span(now)}",
        subject=f"A journey stands still: {trouble.code}",
        body=(
            f"{trouble.sentence}\n"
            f"Journey {journey_id} has taken no decisions since {_utc(trouble.since)}: new ones are refused, and its "
            "reminders are not sent. Have a person watch its deadlines.\n"
            f"Waiting to be recorded: {', '.join(kept) or 'nothing'}.\n"
            f"See what differs: throughline reconcile\nOnce it is fixed: throughline look-again {journey_id}\n"
        ),
        repeat=_repeat(trouble, now),
    )


def page_when_over(trouble: NotRecorded, journey_id: str, now: Instant) -> Notice:
    """The page to operations that it is over, on the channel on which they were paged."""
    return _notice(
        key=f"recorded-again/{_scope(trouble, journey_id)}/{_span(now)}",
        subject=f"Decisions are recorded again after: {trouble.code}",
        body=(
            f"Journey {journey_id} could not record since {_utc(trouble.since)} and can record again.\n"
            "Check whether others still cannot: throughline status\n"
        ),
    )


def page_when_refused(journey_id: str, cause: str, kind: str, code: str) -> Notice:
    """The page to operations that a kept decision was refused when it could be recorded."""
    why = "nobody can prove who took it" if code in UNPROVEN else "the journey has moved on"
    return _notice(
        key=f"kept-and-refused/{journey_id}/{sha256(cause.encode()).hexdigest()[:32]}",
        subject="A decision that was kept for later was refused",
        body=(
            f"Journey {journey_id}: {kind} could not be recorded when it was taken, was kept, and is now refused "
            f"({code}), because {why}. It was not carried out: tell the person who took it.\n"
        ),
    )


def _notice(key: str, subject: str, body: str, repeat: int = 0) -> Notice:
    return Notice(key=key, channel=Channel.PAGE, to=Role.OPERATIONS, subject=subject, body=body, repeat=repeat)


def _repeat(trouble: NotRecorded, now: Instant) -> int:
    """How often operations were already paged for it. The first page comes within minutes, the others at fixed
    intervals."""
    return int((now - trouble.since) / PAGED_EVERY)


def _scope(trouble: NotRecorded, journey_id: str) -> str:
    return f"{journey_id}/{trouble.code}" if cause(trouble.code).is_of_the_journey else trouble.code


def _span(now: Instant) -> int:
    return int(now.timestamp() // _ONE_PAGE_FOR.total_seconds())


def _utc(moment: Instant) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
