"""A decision that cannot be recorded: what each cause means, who is told, and in which words. Pure.

No text here says who the client is or what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from activities import signatures as sig
from activities.ports import Notice
from domain.obligations import Channel
from domain.values import Instant, Role, Value

TYPE = "not-recorded"
"""Error type of an Update that was taken in and cannot be recorded yet."""
PAGED_EVERY = timedelta(hours=4)
"""Elapsed time between two pages for one journey while a cause lasts."""
_ONE_PAGE_FOR = timedelta(minutes=15)
"""Journeys that meet a cause they share in the same span of the calendar are one page."""
_GRACE = timedelta(seconds=6)
"""For how long, elapsed, a cause that may pass by itself is only tried again; then callers are told."""
_PAGED_AFTER = timedelta(seconds=30)
"""For how long, elapsed, it is only shown and logged; then operations are paged."""
_SHORTEST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True)
class Cause:
    """What a cause means.

    Attributes:
        sentence: What is wrong and what to do, for an engineer.
        is_of_the_decision: Other decisions of the same journey may be recorded all the same.
        is_of_the_journey: Other journeys are not concerned, so each is paged for by itself.
        may_pass: It often ends by itself within seconds.
    """

    sentence: str
    is_of_the_decision: bool = False
    is_of_the_journey: bool = False
    may_pass: bool = False


CAUSES: Mapping[str, Cause] = {
    sig.RECORD_UNREACHABLE: Cause(
        "The record's database does not answer or takes nothing now: see that it runs and has room.", may_pass=True
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
        "The database of the clients' keys does not answer: see that it runs.", is_of_the_decision=True, may_pass=True
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
        "The client's key was destroyed while the journey ran: find out who destroyed it; care that goes on is a new "
        "journey of a client admitted anew.",
        is_of_the_decision=True,
        is_of_the_journey=True,
    ),
    sig.NOT_RECORDABLE: Cause(
        "The events hold what no record keeps, which is a fault of this release: deploy one that mends it.",
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
    "An error that was not foreseen, a fault of this release: the worker's log says where it was raised.",
    is_of_the_decision=True,
    is_of_the_journey=True,
)


def cause(code: str) -> Cause:
    """What `code` means."""
    return CAUSES.get(code, _FAULT)


class NotRecorded(Value):
    """Why a journey's decisions are not recorded now.

    Attributes:
        code: The cause; see `CAUSES`.
        since: When the first attempt that failed began.
        known: Whether it has lasted long enough to be shown, logged and told to callers.
        stands_still: Whether the journey takes no new decision until a person has it look at the record again.
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
        """How long to wait before the next attempt; elapsed. The longer it has lasted, the longer."""
        return min(max((now - self.since) / 4, _SHORTEST_PAUSE), _LONGEST_PAUSE)

    def is_news_after(self, before: NotRecorded | None) -> bool:
        """Whether it is to be logged; `before`: as the last attempt left it."""
        if before is None or not before.known:
            return self.known
        return (before.code, before.stands_still) != (self.code, self.stands_still)

    def page_is_due(self, now: Instant) -> bool:
        """Whether operations are to be paged, for the first time or again."""
        if not self.known:
            return False
        if self.paged_at is not None:
            return now - self.paged_at >= PAGED_EVERY
        return not cause(self.code).may_pass or now - self.since >= _PAGED_AFTER


def failed(
    before: NotRecorded | None, code: str, since: Instant, now: Instant, *, stands_still: bool = False
) -> NotRecorded:
    """After an attempt that began at `since` and failed with `code`."""
    since = before.since if before else since
    known = (before is not None and before.known) or not cause(code).may_pass or now - since >= _GRACE
    is_the_same = before is not None and (before.code, before.stands_still) == (code, stands_still)
    paged_at = before.paged_at if before and is_the_same else None
    return NotRecorded(code=code, since=since, known=known, stands_still=stands_still, paged_at=paged_at)


def told_to_the_caller(trouble: NotRecorded) -> str:
    """What the person who took the decision reads."""
    if trouble.stands_still:
        until = "until an engineer has the journey look again"
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
    """The first lines of the card. `kept`: the kinds of what waits to be recorded."""
    waiting = f" Waiting to be recorded: {', '.join(kept)}." if kept else ""
    what = "Stands still" if trouble.stands_still else "Cannot be recorded"
    return f"❗ **{what} since {_utc(trouble.since)}: {trouble.code}.** {trouble.sentence}{waiting}"


def page(trouble: NotRecorded, journey_id: str, kept: Sequence[str], now: Instant) -> Notice:
    """Pages operations. A cause that many journeys share gives one page in each quarter of an hour at most."""
    if trouble.stands_still:
        return _page_standing_still(trouble, journey_id, kept, now)
    return _notice(
        key=f"not-recorded/{_scope(trouble, journey_id)}/{_span(now)}",
        subject=f"Decisions cannot be recorded: {trouble.code}",
        body=(
            f"{trouble.sentence}\n"
            f"Journey {journey_id} cannot record since {_utc(trouble.since)}.\n"
            f"Waiting to be recorded: {', '.join(kept) or 'nothing'}.\n"
            "What is decided is kept and recorded once the cause is gone. Reminders that wait with it are not "
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
            f"Journey {journey_id} decides nothing since {_utc(trouble.since)}: new decisions are refused, and its "
            "reminders are not sent. Have a person watch its deadlines.\n"
            f"Waiting to be recorded: {', '.join(kept) or 'nothing'}.\n"
            f"See what differs: throughline reconcile\nOnce it is mended: throughline look-again {journey_id}\n"
        ),
        repeat=_repeat(trouble, now),
    )


def page_when_over(trouble: NotRecorded, journey_id: str, now: Instant) -> Notice:
    """Tells operations that it is over, on the channel on which they were paged."""
    return _notice(
        key=f"recorded-again/{_scope(trouble, journey_id)}/{_span(now)}",
        subject=f"Decisions are recorded again after: {trouble.code}",
        body=(
            f"Journey {journey_id} could not record since {_utc(trouble.since)} and does again.\n"
            "See whether others still cannot: throughline status\n"
        ),
    )


def page_when_refused(journey_id: str, cause: str, kind: str, code: str) -> Notice:
    """Tells operations that a decision which was kept for later was refused when it could be recorded."""
    return _notice(
        key=f"kept-and-refused/{journey_id}/{sha256(cause.encode()).hexdigest()[:32]}",
        subject="A decision that was kept for later was refused",
        body=(
            f"Journey {journey_id}: {kind} could not be recorded when it was taken, was kept, and is now refused "
            f"({code}), as the journey has moved on. It was not done: tell the person who took it.\n"
        ),
    )


def _notice(key: str, subject: str, body: str, repeat: int = 0) -> Notice:
    return Notice(key=key, channel=Channel.PAGE, to=Role.OPERATIONS, subject=subject, body=body, repeat=repeat)


def _repeat(trouble: NotRecorded, now: Instant) -> int:
    """How often operations were paged for it before: the first page comes within minutes, the others in steady turn."""
    return int((now - trouble.since) / PAGED_EVERY)


def _scope(trouble: NotRecorded, journey_id: str) -> str:
    return f"{journey_id}/{trouble.code}" if cause(trouble.code).is_of_the_journey else trouble.code


def _span(now: Instant) -> int:
    return int(now.timestamp() // _ONE_PAGE_FOR.total_seconds())


def _utc(moment: Instant) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
