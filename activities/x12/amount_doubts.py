"""Finds amounts that cannot be used as they are: unreadable, missing, or for other visits or persons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from activities.x12.amounts import NAMES, OF_A_FRACTION, OF_A_SUM, PER_DAY, Amounts, Fit, fit_of, value_of
from activities.x12.response import Benefit
from activities.x12.rules import Rules, names_our_procedure

_FAMILY_RANK = 2
_THREE_DECIMALS = -3
_PERIODS = {"B": (PER_DAY, "NOT-PER-DAY"), "A": (OF_A_FRACTION, "PERIOD-UNREAD")}
_OF_SUMS = (OF_A_SUM, "PERIOD-UNREAD")


def amount_doubts(amounts: Amounts, rules: Rules) -> Iterator[str]:
    """Codes for what a person must resolve before there is a price. A code may come more than once."""
    for fit, benefit in amounts.fits:
        yield from _unread(amounts, fit, benefit)
        if fit.level > _FAMILY_RANK and not amounts.has_own(fit, benefit.info):
            yield f"{NAMES[benefit.info]}-LEVEL-UNCLEAR"
    yield from _of_networks(amounts, rules)
    yield from _of_procedures(amounts, rules)


def _unread(amounts: Amounts, fit: Fit, benefit: Benefit) -> Iterator[str]:
    name, stated = NAMES[benefit.info], value_of(benefit) is not None
    if benefit.unreadable or _has_odd_decimals(benefit):
        yield "NUMBER-UNREADABLE"
    elif _is_in_the_wrong_place(benefit):
        yield f"{name}-MISPLACED"
    elif not stated and not amounts.is_outdone(fit, benefit.info):
        yield f"{name}-MISSING"
    if benefit.info in "BA" and (benefit.quantity is not None or benefit.delivery):
        yield f"{name}-LIMITED"
    periods, code = _PERIODS.get(benefit.info, _OF_SUMS)
    if stated and benefit.period not in periods and not amounts.is_outdone(fit, benefit.info, periods):
        yield f"{name}-{code}"  # by episode, admission or month: the cost of a course is not known


def _of_networks(amounts: Amounts, rules: Rules) -> Iterator[str]:
    for info, name in NAMES.items():
        chosen = amounts.best(info, None)
        if chosen and all(b.network == "U" for b in chosen):
            yield f"{name}-NETWORK-UNCLEAR"
    known = {rules.network, "W", "U", ""} | ({"Y", "N"} if rules.network in ("Y", "N") else set())
    for benefit in amounts.all:
        if benefit.network not in known and fit_of(replace(benefit, network=""), rules) is not None:
            yield f"{NAMES[benefit.info]}-NETWORK-UNCLEAR"


def _of_procedures(amounts: Amounts, rules: Rules) -> Iterator[str]:
    """Our procedure under another service, such as substance use: it may be what this client is billed, or not."""
    for benefit in amounts.all:
        elsewhere = names_our_procedure(benefit, rules) and fit_of(benefit, rules) is None
        if elsewhere and fit_of(replace(benefit, service_types=()), rules) is not None:
            known = {value_of(b) for b in amounts.best(benefit.info, None)}
            if value_of(benefit) not in known:
                yield f"{NAMES[benefit.info]}-PROCEDURE-UNCLEAR"


def _is_in_the_wrong_place(benefit: Benefit) -> bool:
    """Whether it is a coinsurance with an amount, or another share with a fraction. We do not guess what is meant."""
    return bool(benefit.amount if benefit.info == "A" else benefit.fraction)


def _has_odd_decimals(benefit: Benefit) -> bool:
    """Whether it has fractions of a cent or three decimals: 1.500 may mean one thousand five hundred."""
    if benefit.info == "A" or benefit.amount is None:
        return False
    return benefit.amount.as_tuple().exponent == _THREE_DECIMALS or benefit.amount != round(benefit.amount, 2)
