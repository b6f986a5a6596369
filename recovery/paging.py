"""The page for what no program may fix: one page for all of it, repeated while it lasts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from activities.ports import Notice
from domain.obligation_terms import Channel
from domain.values import Instant, Role
from recovery.differences import PAGES_BY_ITSELF
from recovery.reconcile import Mended

AGAIN_AFTER = timedelta(hours=4)
"""While the same journeys stand still, operations are paged once in each period of this length."""
_NAMED = 10


def page_for(mended: Sequence[Mended], now: Instant) -> Notice | None:
    """The page for operations; None if no person has to act. Its key is made of what was found and the period.

    A journey that cannot record or stands still sends its own page, and sooner.
    """
    stuck = [each for each in mended if each.is_for_a_person and each.difference.kind not in PAGES_BY_ITSELF]
    if not stuck:
        return None
    return Notice(
        key=f"reconcile/{_digest(stuck)}/{int(now.timestamp() // AGAIN_AFTER.total_seconds())}",
        channel=Channel.PAGE,
        to=Role.OPERATIONS,
        subject=f"{len(stuck)} journey{'s' if len(stuck) > 1 else ''} need an engineer: record and workflow differ",
        body="\n".join([*map(_line, stuck[:_NAMED]), *_rest(stuck), "", "See all: throughline reconcile", ""]),
    )


def _line(each: Mended) -> str:
    found = each.difference
    failed = f" Not fixed: {each.failed}." if each.failed else ""
    return f"Journey {found.journey_id} is {found.kind}. {found.sentence}{failed}"


def _rest(stuck: Sequence[Mended]) -> list[str]:
    return [f"and {len(stuck) - _NAMED} more"] if len(stuck) > _NAMED else []


def _digest(stuck: Sequence[Mended]) -> str:
    named = sorted(f"{each.difference.journey_id} {each.difference.kind}" for each in stuck)
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:32]
