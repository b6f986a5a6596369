"""The member's part of the cost, chosen from an answer. Unknown stays unknown; ties are for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from activities.x12.response import Benefit, number
from activities.x12.rules import Rules, is_behavioural, key_of
from domain.benefits import CostShare

_PER_DAY = ("27", "7", "")
_REMAINING = ("29",)
_USED = ("24",)
_TOTAL = ("23", "22", "25", "21", "")
_USED_ALL = Decimal(0)


class Purse:
    """Works out one answer's cost share.

    Attributes:
        flags: Codes of what was assumed or left unknown; those in `doubts` need a person.
    """

    def __init__(self, benefits: list[Benefit], rules: Rules) -> None:
        self._benefits = benefits
        self._rules = rules
        self.flags: list[str] = []
        self.doubts: list[str] = []

    def cost_share(self) -> CostShare | None:
        """What the payer said of money, or None where it said nothing."""
        self._note_unreadable()
        share = CostShare(
            copay=self._copay(),
            coinsurance=self._coinsurance(),
            deductible_remaining=self._remaining("C", "DEDUCTIBLE"),
            deductible_total=self._total("C"),
            out_of_pocket_remaining=self._remaining("G", "OUT-OF-POCKET"),
        )
        return share if any(value is not None for _, value in share) else None

    def limits(self) -> None:
        """Adds a doubt where the visits or days left are too few, or cannot be told."""
        limited = [b for b in self._benefits if b.info == "F" and is_behavioural(b)]
        counted = [quantity for b in limited if (quantity := _days(b)) is not None]
        left = [n for period, n in counted if period in _REMAINING]
        totals = [n for period, n in counted if period in _TOTAL]
        used = [n for period, n in counted if period in _USED]
        if not left and totals:
            left = [max(min(totals) - max(used, default=_USED_ALL), _USED_ALL)]
        if limited and (not left or len(counted) < len(limited)):
            self.doubts.append("LIMIT-UNREAD")
        elif left and min(left) < self._rules.planned_days:
            self.doubts.append("LIMIT-TOO-FEW")

    def _note_unreadable(self) -> None:
        if any(b.unreadable and b.info in ("A", "B", "C", "G", "F") for b in self._benefits):
            self.doubts.append("NUMBER-UNREADABLE")

    def _copay(self) -> Decimal | None:
        daily = self._pick("B", _PER_DAY, lambda b: b.amount)
        chosen = self._one("COPAY", daily)
        if chosen is not None and all(b.period == "" for b in daily):
            self.flags.append("COPAY-PERIOD-ASSUMED")
        if chosen is None and any(b.info == "B" and b.period not in _PER_DAY for b in self._benefits):
            self.flags.append("COPAY-NOT-PER-DAY")
        return chosen

    def _coinsurance(self) -> Decimal | None:
        chosen = self._one("COINSURANCE", self._pick("A", None, lambda b: b.fraction), lambda b: b.fraction)
        if chosen is not None and chosen > 1:
            self.doubts.append("COINSURANCE-ABOVE-ONE")
            return None
        return chosen

    def _total(self, info: str) -> Decimal | None:
        return self._one("", self._pick(info, _TOTAL, lambda b: b.amount, family=None))

    def _remaining(self, info: str, name: str) -> Decimal | None:
        both = [self._left(info, name, family=family) for family in (False, True)]
        return min((amount for amount in both if amount is not None), default=None)

    def _left(self, info: str, name: str, *, family: bool) -> Decimal | None:
        said = self._one(name, self._pick(info, _REMAINING, lambda b: b.amount, family=family))
        if said is not None:
            return said
        total = self._one(name, self._pick(info, _TOTAL, lambda b: b.amount, family=family))
        used = self._one(name, self._pick(info, _USED, lambda b: b.amount, family=family))
        return None if total is None or used is None else max(total - used, _USED_ALL)

    def _pick(
        self,
        info: str,
        periods: tuple[str, ...] | None,
        value: Callable[[Benefit], Decimal | None],
        family: bool | None = None,
    ) -> list[Benefit]:
        fitting = [
            (key, b)
            for b in self._benefits
            if b.info == info
            and (periods is None or b.period in periods)
            and value(b) is not None
            and (key := key_of(b, self._rules)) is not None
            and key[2] < 3
            and (family is None or family is (b.level == "FAM"))
        ]
        best = min((key for key, _ in fitting), default=None)
        return [b for key, b in fitting if key == best]

    def _one(
        self,
        name: str,
        tied: Iterable[Benefit],
        value: Callable[[Benefit], Decimal | None] = lambda b: b.amount,
    ) -> Decimal | None:
        amounts = {value(b) for b in tied}
        if len(amounts) > 1 and name and (doubt := f"AMBIGUOUS-{name}") not in self.doubts:
            self.doubts.append(doubt)
        return amounts.pop() if len(amounts) == 1 else None


def _days(benefit: Benefit) -> tuple[str, Decimal] | None:
    if benefit.quantity_unit in ("VS", "DY", "99", "CA", "CE", "QA", "P6") and benefit.quantity is not None:
        known = benefit.quantity_unit in ("VS", "DY")
        return (benefit.period, benefit.quantity) if known else None
    for segment in benefit.delivery:
        counted = number(segment.at(2))
        if segment.at(1) in ("VS", "DY") and counted is not None and not segment.at(3):
            return segment.at(5), counted
    return None
