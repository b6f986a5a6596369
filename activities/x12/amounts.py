"""The amounts of an answer. If there are several, the most specific service, our network and the client's own win."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from activities.x12.response import Benefit
from activities.x12.rules import Rules, key_of, names_our_procedure

NAMES = {"B": "COPAY", "A": "COINSURANCE", "C": "DEDUCTIBLE", "G": "OUT-OF-POCKET"}
"""The kinds of money (EB01) that make up a cost share."""
PER_DAY = ("27", "7", "13", "")
REMAINING = ("29",)
USED = ("24",)
TOTAL = ("23", "22", "25", "")
OF_A_SUM = (*REMAINING, *USED, *TOTAL)
OF_A_FRACTION = ("", "6", "7", "13", "22", "23", "25", "27", "34", "35")
"""Periods for which a coinsurance applies to every bill. By admission or episode it is something else."""
OWN, FAMILY = ("IND", ""), ("FAM",)
"""Levels (EB02) of amounts that apply to the client: their own, and the family's."""


class Fit(NamedTuple):
    """How well a benefit fits, smallest first.

    Attributes:
        service: -1 for our own procedure, then the rank of the service type.
        network: 0 for our network or both, 1 if the payer does not know.
        level: The client's own, not stated, the family's, others.
    """

    service: int
    network: int
    level: int


class Amounts:
    """The copays, coinsurances, deductibles and limits of an answer.

    Attributes:
        all: All of them, including those of other networks, procedures and services.
        fits: Those that apply here, each with how well it fits.
    """

    def __init__(self, benefits: Sequence[Benefit], rules: Rules) -> None:
        """`benefits` are all current ones, including those of other persons, networks and services."""
        self._rules = rules
        self.all = [b for b in benefits if b.info in NAMES]
        self.fits = [(fit, b) for b in self.all if (fit := fit_of(b, rules)) is not None]
        self._known: dict[tuple[str, tuple[str, ...] | None, tuple[str, ...]], Fit | None] = {}

    def best(
        self, info: str, periods: tuple[str, ...] | None, levels: tuple[str, ...] = (*OWN, *FAMILY)
    ) -> list[Benefit]:
        """The best-fitting amounts of a kind that have a value. `periods` None: any period."""
        return best_of(self.of(info, periods, levels))

    def best_fit(
        self, info: str, periods: tuple[str, ...] | None = None, levels: tuple[str, ...] = (*OWN, *FAMILY)
    ) -> Fit | None:
        """How well the best-fitting amounts fit."""
        asked = (info, periods, levels)
        if asked not in self._known:  # an answer with thousands of benefits asks this for each of them
            self._known[asked] = min((fit for fit, _ in self.of(*asked)), default=None)
        return self._known[asked]

    def is_outdone(self, fit: Fit, info: str, periods: tuple[str, ...] | None = None) -> bool:
        """Whether the answer has a readable amount for a more specific service."""
        best = self.best_fit(info, periods)
        return best is not None and best.service < fit.service

    def has_own(self, fit: Fit, info: str) -> bool:
        """Whether the answer has an amount of the client's own for the same service, or for a more specific one."""
        own = self.best_fit(info, None, OWN)
        return own is not None and own.service <= fit.service

    def is_more_specific(self, these: Sequence[Benefit], those: Sequence[Benefit]) -> bool:
        """Whether `these` are about a more specific service than `those`."""
        first, second = fit_of(these[0], self._rules), fit_of(those[0], self._rules) if those else None
        return first is not None and second is not None and first.service < second.service

    def of(self, info: str, periods: tuple[str, ...] | None, levels: tuple[str, ...]) -> Iterator[tuple[Fit, Benefit]]:
        """The amounts of a kind that have a value, in the order of the answer."""
        for fit, benefit in self.fits:
            in_time = periods is None or benefit.period in periods
            if benefit.info == info and in_time and benefit.level in levels and value_of(benefit) is not None:
                yield fit, benefit


def fit_of(benefit: Benefit, rules: Rules) -> Fit | None:
    """How well the benefit fits. None: it does not apply."""
    key = key_of(benefit, rules)
    if key is None:
        return None
    return Fit(-1 if names_our_procedure(benefit, rules) else key[0], max(key[1] - 1, 0), key[2])


def best_of(fitting: Iterable[tuple[Fit, Benefit]]) -> list[Benefit]:
    """All that fit as well as the best one."""
    known = list(fitting)
    best = min((fit for fit, _ in known), default=None)
    return [benefit for fit, benefit in known if fit == best]


def value_of(benefit: Benefit) -> Decimal | None:
    """The fraction of a coinsurance, or the amount of any other benefit in US dollars."""
    return benefit.fraction if benefit.info == "A" else benefit.amount
