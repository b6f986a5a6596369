"""The member's part of the cost, chosen from an answer. Unknown stays unknown; ties are for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from activities.x12.messages import deductible_first, joined
from activities.x12.response import Benefit, number
from activities.x12.rules import Rules, is_behavioural, key_of
from domain.benefits import CostShare

_PER_DAY = ("27", "7", "")
_REMAINING = ("29",)
_USED = ("24",)
_TOTAL = ("23", "22", "25", "21", "")
_USED_ALL = Decimal(0)
_KNOWN_LEVELS = 3
_NAMES = {"B": "COPAY", "A": "COINSURANCE", "C": "DEDUCTIBLE", "G": "OUT-OF-POCKET"}


class CostShareReader:
    """Works out one answer's cost share.

    Attributes:
        flags: Codes of what was assumed or left unknown.
        doubts: Codes of what a person must judge.
    """

    def __init__(self, benefits: Sequence[Benefit], rules: Rules) -> None:
        """`benefits` are those that apply here and now."""
        self._benefits = benefits
        self._rules = rules
        self.flags: list[str] = []
        self.doubts: list[str] = []

    def cost_share(self) -> CostShare | None:
        """What the payer said of money, or None where it said nothing."""
        self._note_unreadable()
        deductible, worst = self._deductible()
        share = CostShare(
            copay=self._copay(),
            coinsurance=self._coinsurance(),
            deductible_remaining=deductible,
            deductible_total=worst,
            out_of_pocket_remaining=self._out_of_pocket(),
        )
        if all(value is None for _, value in share):
            return None
        return share.changed(deductible_first=self._deductible_first(share))

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
        for benefit in self._benefits:
            if benefit.info in _NAMES and _is_in_the_wrong_place(benefit):
                self._doubt(f"{_NAMES[benefit.info]}-MISPLACED")
            if benefit.info == "C" and is_behavioural(benefit) and _is_counted_otherwise(benefit):
                self._doubt("DEDUCTIBLE-PERIOD-UNREAD")

    def _copay(self) -> Decimal | None:
        daily = self._pick("B", _PER_DAY)
        chosen = self._one("COPAY", daily)
        if chosen is not None and all(b.period == "" for b in daily):
            self.flags.append("COPAY-PERIOD-ASSUMED")
        other = [
            b for b in self._pick("B", None) if b.period not in _PER_DAY
        ]  # by episode, admission, month: what a course costs cannot be told
        if other and (not daily or not self._is_more_specific(daily, other)):
            self._doubt("COPAY-NOT-PER-DAY")
        return chosen

    def _coinsurance(self) -> Decimal | None:
        chosen = self._one("COINSURANCE", self._pick("A", None, _fraction), _fraction)
        if chosen is not None and chosen > 1:
            self._doubt("COINSURANCE-ABOVE-ONE")
            return None
        return chosen

    def _deductible(self) -> tuple[Decimal | None, Decimal | None]:
        """What is left, and the most that can be left where that is unknown."""
        total = self._one("", self._pick("C", _TOTAL, family=None))
        own, family = (self._left("C", family=each) for each in (False, True))
        if own is None and family:  # a member owes at most the family's remainder, and may owe less
            self.flags.append("DEDUCTIBLE-FAMILY-ONLY")
            return None, family if total is None else min(family, total)
        return _least(own, family), total

    def _out_of_pocket(self) -> Decimal | None:
        own, family = (self._left("G", family=each) for each in (False, True))
        if own is None and family:
            self.flags.append("OUT-OF-POCKET-FAMILY-ONLY")
        return _least(own, family)

    def _left(self, info: str, *, family: bool) -> Decimal | None:
        name = _NAMES[info]
        remaining, totals = (self._pick(info, periods, family=family) for periods in (_REMAINING, _TOTAL))
        if remaining and totals and self._is_more_specific(totals, remaining):
            general = {
                b.amount for b in self._benefits if b.info == info and b.service_types == remaining[0].service_types
            }
            if totals[0].amount not in general:  # mental health has one of its own, and its remainder is not said
                self.flags.append(f"{name}-LEFT-NOT-STATED")
                return None
        said = self._one(name, remaining)
        if said is not None:
            return said
        spent = self._pick(info, _USED, family=family)
        total, used = self._one(name, totals), self._one(name, spent)
        if total is None or used is None:
            return None
        if {(b.service_types, b.network) for b in totals} != {(b.service_types, b.network) for b in spent}:
            self.flags.append(f"{name}-USED-OF-ANOTHER-BENEFIT")  # what was used of one says nothing of the other
            return None
        return max(total - used, _USED_ALL)

    def _deductible_first(self, share: CostShare) -> bool | None:
        chosen = [*self._pick("B", _PER_DAY)] if share.copay else self._pick("A", None, _fraction)
        said = {deductible_first(joined(b.messages)) for b in chosen} - {None}
        if len(said) > 1:
            self._doubt("AMBIGUOUS-DEDUCTIBLE")
        return said.pop() if len(said) == 1 else None

    def _pick(
        self,
        info: str,
        periods: tuple[str, ...] | None,
        value: Callable[[Benefit], Decimal | None] = lambda b: b.amount,
        family: bool | None = None,
    ) -> list[Benefit]:
        fitting = [
            (key, b)
            for b in self._benefits
            if b.info == info
            and (periods is None or b.period in periods)
            and value(b) is not None
            and (key := key_of(b, self._rules)) is not None
            and key[2] < _KNOWN_LEVELS
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
        if len(amounts) > 1 and name:
            self._doubt(f"AMBIGUOUS-{name}")
        return amounts.pop() if len(amounts) == 1 else None

    def _is_more_specific(self, these: Sequence[Benefit], those: Sequence[Benefit]) -> bool:
        """Whether `these` are about a more specific service than `those`."""
        first, second = key_of(these[0], self._rules), key_of(those[0], self._rules)
        return first is not None and second is not None and first[0] < second[0]

    def _doubt(self, code: str) -> None:
        if code not in self.doubts:
            self.doubts.append(code)


def _fraction(benefit: Benefit) -> Decimal | None:
    return benefit.fraction


def _least(*amounts: Decimal | None) -> Decimal | None:
    return min((amount for amount in amounts if amount is not None), default=None)


def _is_in_the_wrong_place(benefit: Benefit) -> bool:
    """A coinsurance as an amount, or another share as a fraction: not to be guessed."""
    wanted, other = benefit.amount, benefit.fraction
    if benefit.info == "A":
        wanted, other = other, wanted
    return wanted is None and other is not None


def _is_counted_otherwise(benefit: Benefit) -> bool:
    return benefit.amount is not None and benefit.period not in (*_REMAINING, *_USED, *_TOTAL)


def _days(benefit: Benefit) -> tuple[str, Decimal] | None:
    if benefit.quantity_unit in ("VS", "DY", "99", "CA", "CE", "QA", "P6") and benefit.quantity is not None:
        known = benefit.quantity_unit in ("VS", "DY")
        return (benefit.period, benefit.quantity) if known else None
    for segment in benefit.delivery:
        counted = number(segment.at(2))
        if segment.at(1) in ("VS", "DY") and counted is not None and not segment.at(3):
            return segment.at(5), counted
    return None
