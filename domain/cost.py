"""What care will cost the client, as a range with its assumptions.

A payer's answer carries no allowed amount and often no cost share for behavioural health: unknown stays
unknown, it is never taken as zero.

How the parts combine, for each treatment day in order of date, R being the allowed amount:

- **Coinsurance**, with no copay or a copay of 0: the deductible first, then the member's fraction of the rest,
  `d + (R - d) * coinsurance`, until the out-of-pocket limit is reached. A copay of 0 means only that there is no copay:
  each kind of share is stated by itself, and a kind that is not stated is unknown (X12 RFI 990 on 005010X279, section
  1.4.9). So a copay of 0 without a word on coinsurance has no known upper end, nor has a coinsurance of 0 without a
  word on copays.
- **A copay above 0**, with no coinsurance or 0: `min(copay, R)`, and the deductible is passed over, as copay plans do
  unless the payer says that it comes first (Stedi, "How to estimate patient responsibility using a 271").
- **Both above 0**: the answer does not say whether one replaces the other or both are owed. The estimate is a range
  from the cheaper of the two alone to both together, with the deductible before them.

No price at all follows from an answer that leaves an amount open (`CostShare.unclear`), or whose amounts are for the
other level of care (`CostShare.only_for`).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from domain.benefit_words import reason_in_words
from domain.benefits import CostShare
from domain.plans import Estimate
from domain.policy import Level

_CENT = Decimal("0.01")
_NOTHING = Decimal(0)


def estimate(number: int, level: Level, share: CostShare | None, *, self_pay: bool) -> Estimate:
    """The `number`-th estimate of a journey, for the policy's usual length of care at `level`, one of ours.

    US dollars, rounded half up to the cent once, at the end.
    """
    price = level.price
    assert price is not None, f"{level.id} is given by another facility and has no price of ours"
    days = price.treatment_days
    low, high, assumptions = (
        _self_pay(days, price.self_pay_dollars)
        if self_pay
        else _insured(days, price.allowed_dollars, share or CostShare(), level)
    )
    return Estimate(
        id=f"estimate-{number}",
        level=level.id,
        days=days,
        low=_cents(low),
        high=_cents(high),
        assumptions=(f"{days} treatment days", *assumptions),
    )


_Range = tuple[Decimal | None, Decimal | None, tuple[str, ...]]


class _Reading(NamedTuple):
    """One way in which an answer may be meant."""

    copay: Decimal
    coinsurance: Decimal
    deductible_first: bool


def _self_pay(days: int, rate: Decimal) -> _Range:
    return days * rate, days * rate, (f"self-pay at ${rate} a day",)


def _insured(days: int, rate: Decimal, share: CostShare, level: Level) -> _Range:
    if open_points := _open_points(share, level):
        return None, None, open_points
    readings = _readings(share)
    if not readings:
        return None, None, ("the payer gave no cost share; ask it before the client decides",)
    known = share.deductible_remaining
    worst = known if known is not None else share.deductible_total
    low = min(_member_cost(days, rate, each, known or _NOTHING, share.out_of_pocket_remaining) for each in readings)
    high = max(_member_cost(days, rate, each, worst or _NOTHING, share.out_of_pocket_remaining) for each in readings)
    unknown = _unknown(share, readings, worst)
    return low, None if unknown else high, (f"${rate} allowed a day", *_assumed(share, readings), *unknown)


def _open_points(share: CostShare, level: Level) -> tuple[str, ...]:
    """Why no price follows from the amounts, in words for the person who asks the payer."""
    points = [f"{reason_in_words(code)}; ask the payer before the client decides" for code in share.unclear]
    if share.only_for not in (None, level.id):
        points.append(f"the payer's amounts are for {share.only_for} only; ask it what {level.id} costs")
    elif share.only_for is None and not level.plan_asked:
        points.append(f"the payer was not asked about {level.id}; ask it what {level.id} costs")
    return tuple(points)


def _readings(share: CostShare) -> tuple[_Reading, ...]:
    copay, coinsurance = share.copay, share.coinsurance
    applies, stated = share.deductible_first is not False, share.deductible_first is True
    if not copay:
        nothing_said = copay is None and coinsurance is None
        return () if nothing_said else (_Reading(_NOTHING, coinsurance or _NOTHING, applies),)
    alone = _Reading(copay, _NOTHING, stated)
    if not coinsurance:
        return (alone,)
    return alone, _Reading(_NOTHING, coinsurance, applies), _Reading(copay, coinsurance, applies)


def _unknown(share: CostShare, readings: tuple[_Reading, ...], worst: Decimal | None) -> tuple[str, ...]:
    """Why there is no upper end, in words for the client; empty where there is one."""
    if share.coinsurance is None and not share.copay:
        return ("the payer stated a copay of $0 and did not state the coinsurance; ask it before the client decides",)
    if share.copay is None and not share.coinsurance:
        return ("the payer stated a coinsurance of 0 % and did not state a copay; ask it before the client decides",)
    if worst is None and any(each.deductible_first for each in readings):
        return ("the payer did not state the deductible",)
    return ()


def _assumed(share: CostShare, readings: tuple[_Reading, ...]) -> tuple[str, ...]:
    known, total = share.deductible_remaining, share.deductible_total
    notes = []
    if len(readings) > 1:
        notes.append(
            "the payer did not say whether the copay and the coinsurance are owed together or only one of them"
        )
    elif share.copay and not readings[0].deductible_first and (known or total):
        notes.append("the copay is owed instead of the deductible")
    if any(each.deductible_first for each in readings):
        if known is None and total is not None:
            notes.append(f"at worst the whole deductible of ${total} is still to pay")
        elif known:
            notes.append(f"the deductible left of ${known} is paid first")
    if share.out_of_pocket_remaining is None:
        notes.append("no out-of-pocket limit stated")
    return tuple(notes)


def _member_cost(
    days: int, rate: Decimal, reading: _Reading, deductible: Decimal, out_of_pocket: Decimal | None
) -> Decimal:
    left = deductible if reading.deductible_first else _NOTHING
    total = _NOTHING
    for _ in range(days):
        own = min(left, rate)
        left -= own
        rest = rate - own
        total += own + min(rest, reading.copay + rest * reading.coinsurance)
    return total if out_of_pocket is None else min(total, out_of_pocket)


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(_CENT, ROUND_HALF_UP)
