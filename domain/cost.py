"""What care will cost the client, as a range with its assumptions.

A payer's answer carries no allowed amount and often no cost share for behavioural health: unknown stays
unknown, it is never taken as zero.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from domain.benefits import CostShare
from domain.plans import Estimate
from domain.policy import Policy
from domain.values import LevelOfCare

_CENT = Decimal("0.01")


def estimate(number: int, level: LevelOfCare, policy: Policy, share: CostShare | None, *, self_pay: bool) -> Estimate:
    """The `number`-th estimate of a journey, for the policy's usual length of care at `level`."""
    days = policy.treatment_days[level]
    low, high, assumptions = (
        _self_pay(days, policy.self_pay_rate[level])
        if self_pay
        else _insured(days, policy.daily_rate[level], share or CostShare())
    )
    return Estimate(
        id=f"estimate-{number}",
        level=level,
        days=days,
        low=_cents(low),
        high=_cents(high),
        assumptions=(f"{days} treatment days", *assumptions),
    )


_Range = tuple[Decimal | None, Decimal | None, tuple[str, ...]]


def _self_pay(days: int, rate: Decimal) -> _Range:
    return days * rate, days * rate, (f"self-pay at ${rate} a day",)


def _insured(days: int, rate: Decimal, share: CostShare) -> _Range:
    if share.copay is None and share.coinsurance is None:
        return None, None, ("the payer gave no cost share; ask it before the client decides",)
    known = share.deductible_remaining
    worst = known if known is not None else share.deductible_total
    low = _member_cost(days, rate, share, known or Decimal(0), share.out_of_pocket_remaining)
    if worst is None and share.copay is None:
        return low, None, (f"${rate} allowed a day", "the payer did not state the deductible")
    high = _member_cost(days, rate, share, worst or Decimal(0), share.out_of_pocket_remaining)
    notes = [f"${rate} allowed a day"]
    if known is None and worst is not None:
        notes.append(f"at worst the whole deductible of ${worst} is still to pay")
    if share.out_of_pocket_remaining is None:
        notes.append("no out-of-pocket limit stated")
    return low, high, tuple(notes)


def _member_cost(
    days: int, rate: Decimal, share: CostShare, deductible: Decimal, out_of_pocket: Decimal | None
) -> Decimal:
    total = Decimal(0)
    for _ in range(days):
        today, deductible = _one_day(rate, share, deductible)
        total += today
    return total if out_of_pocket is None else min(total, out_of_pocket)


def _one_day(rate: Decimal, share: CostShare, deductible: Decimal) -> tuple[Decimal, Decimal]:
    if share.copay is not None:  # a copay plan skips the deductible unless it says otherwise
        return min(share.copay, rate), deductible
    own = min(deductible, rate)
    return own + (rate - own) * (share.coinsurance or Decimal(0)), deductible - own


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(_CENT, ROUND_HALF_UP)
