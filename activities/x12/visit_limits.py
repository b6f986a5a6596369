"""Checks whether the visits or days that a payer allows are enough for a course."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from activities.x12.response import Benefit, number
from activities.x12.rules import Rules, is_behavioural

_REMAINING, _USED, _TOTAL = ("29",), ("24",), ("23", "22", "25", "21", "")
_USED_ALL = Decimal(0)


def limit_doubts(benefits: Sequence[Benefit], rules: Rules) -> tuple[str, ...]:
    """Codes for what a person must judge: the visits or days left are too few or unknown."""
    limited = [b for b in benefits if b.info == "F" and is_behavioural(b)]
    counted = [quantity for b in limited if (quantity := _days(b)) is not None]
    left = [n for period, n in counted if period in _REMAINING]
    totals = [n for period, n in counted if period in _TOTAL]
    used = [n for period, n in counted if period in _USED]
    if not left and totals:
        left = [max(min(totals) - max(used, default=_USED_ALL), _USED_ALL)]
    if limited and (not left or len(counted) < len(limited)):
        return ("LIMIT-UNREAD",)
    return ("LIMIT-TOO-FEW",) if left and min(left) < rules.planned_days else ()


def _days(benefit: Benefit) -> tuple[str, Decimal] | None:
    if benefit.quantity_unit in ("VS", "DY", "99", "CA", "CE", "QA", "P6") and benefit.quantity is not None:
        known = benefit.quantity_unit in ("VS", "DY")
        return (benefit.period, benefit.quantity) if known else None
    for segment in benefit.delivery:
        counted = number(segment.at(2))
        if segment.at(1) in ("VS", "DY") and counted is not None and not segment.at(3):
            return segment.at(5), counted
    return None
