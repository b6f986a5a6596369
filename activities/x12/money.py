"""The member's part of the cost, from an answer. Unknown stays unknown; ties go to a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from activities.x12.amount_doubts import amount_doubts
from activities.x12.amounts import (
    FAMILY,
    NAMES,
    OF_A_FRACTION,
    OF_A_SUM,
    OWN,
    PER_DAY,
    REMAINING,
    TOTAL,
    USED,
    Amounts,
    best_of,
    fit_of,
    value_of,
)
from activities.x12.messages import joined, names_mental_health, names_our_care
from activities.x12.price_words import (
    DeductibleRule,
    changes_share,
    deductible_of_plan,
    deductible_rule,
    is_for_some_care,
    narrows_limit,
)
from activities.x12.response import Benefit
from activities.x12.rules import MOST_SPECIFIC_FIRST, Rules, is_behavioural, names_our_procedure
from activities.x12.visit_limits import limit_doubts
from domain.benefits import CostShare
from domain.values import LevelOfCare

_NOTHING = Decimal(0)
_HOUSEHOLD = ("ESP", "ECH")
_IOP_RANKS = (-1, MOST_SPECIFIC_FIRST.index("BC"))


class CostShareReader:
    """Works out one answer's cost share.

    Attributes:
        flags: Codes for what was assumed or is unknown.
        doubts: Codes for what a person must judge before there is a price.
    """

    def __init__(
        self, benefits: Sequence[Benefit], rules: Rules, whole_answer: Sequence[Benefit], messages: Sequence[str] = ()
    ) -> None:
        """Prepares an answer for reading.

        Args:
            benefits: Those that apply here and now.
            rules: What this centre is to the payer.
            whole_answer: All current benefits, including those of other persons and services.
            messages: The payer's texts about the whole answer.
        """
        self._rules = rules
        self._limits = limit_doubts(benefits, rules)
        self._amounts = Amounts(whole_answer, rules)
        self._others = [b for b in benefits if b.info not in NAMES]
        self._words = [joined(b.messages) for b in self._others if is_behavioural(b)]
        here = (rules.network, "W", "U", "")
        general = [joined(b.messages) for b in whole_answer if b.info not in NAMES and b.network in here]
        self._words += [text for text in (*general, joined(messages)) if names_our_care(text)]
        self._words_on_all = joined(messages)
        self.flags: list[str] = []
        self.doubts: list[str] = []

    def cost_share(self) -> CostShare | None:
        """The cost share that the payer stated, or None if it stated none."""
        for code in amount_doubts(self._amounts, self._rules):
            self._doubt(code)
        deductible, total = self._deductible()
        share = CostShare(
            copay=self._copay(),
            coinsurance=self._coinsurance(),
            deductible_remaining=deductible,
            deductible_total=total,
            out_of_pocket_remaining=self._out_of_pocket(),
        )
        if share == CostShare():
            self.doubts += self._limits
            return share.changed(unclear=tuple(self.doubts)) if self.doubts else None
        first = self._deductible_first(share)
        self._note_words(share)
        self.doubts += self._limits
        return share.changed(deductible_first=first, only_for=self._only_for(), unclear=tuple(self.doubts))

    def _copay(self) -> Decimal | None:
        daily = self._amounts.best("B", PER_DAY)
        chosen = self._one("COPAY", daily)
        if chosen is not None and all(b.period == "" for b in daily):
            self.flags.append("COPAY-PERIOD-ASSUMED")
        return chosen

    def _coinsurance(self) -> Decimal | None:
        chosen = self._one("COINSURANCE", self._amounts.best("A", OF_A_FRACTION))
        if chosen is not None and chosen > 1:
            self._doubt("COINSURANCE-ABOVE-ONE")
            return None
        if chosen == 1:  # the plan would pay nothing, or the sender means 1 % or what the plan pays
            self._doubt("COINSURANCE-ALL")
        return chosen

    def _deductible(self) -> tuple[Decimal | None, Decimal | None]:
        """The remaining deductible, and the most that can remain if that is unknown."""
        total = self._one("", self._amounts.best("C", TOTAL))
        own, family = self._left("C", OWN), self._left("C", FAMILY)
        if own is None and family:  # a member owes at most the family's remainder, and may owe less
            self.flags.append("DEDUCTIBLE-FAMILY-ONLY")
            return None, family if total is None else min(family, total)
        return self._binding("C", own, family), total

    def _out_of_pocket(self) -> Decimal | None:
        own, family = self._left("G", OWN), self._left("G", FAMILY)
        if own is None and family:
            self.flags.append("OUT-OF-POCKET-FAMILY-ONLY")
        for benefit in self._amounts.best("G", None):
            if narrows_limit(joined(benefit.messages)):
                self._doubt("OUT-OF-POCKET-WORDS-UNCLEAR")
        return self._binding("G", own, family)

    def _binding(self, info: str, own: Decimal | None, family: Decimal | None) -> Decimal | None:
        """The smaller of the client's and the family's remainder, if both belong to the same deductible or limit."""
        household = [
            b.amount for f, b in self._amounts.fits if b.info == info and b.period == "29" and b.level in _HOUSEHOLD
        ]
        if own is not None and any(amount is not None and amount < own for amount in household):
            self._doubt(f"{NAMES[info]}-LEVEL-UNCLEAR")
        if own is not None and family is not None and family < own and not self._is_same_kind(info, own):
            self._doubt(f"{NAMES[info]}-LEVEL-UNCLEAR")
        return min((amount for amount in (own, family) if amount is not None), default=None)

    def _is_same_kind(self, info: str, own: Decimal) -> bool:
        """Whether the client's remainder is stated for the same service as the family's."""
        family = self._amounts.best_fit(info, OF_A_SUM, FAMILY)
        stated = self._amounts.of(info, None, OWN)
        said = {b.amount for fit, b in stated if family is not None and fit.service == family.service}
        return own in said or not said.isdisjoint({b.amount for b in self._amounts.best(info, TOTAL, OWN)})

    def _left(self, info: str, levels: tuple[str, ...]) -> Decimal | None:
        name = NAMES[info]
        remaining, totals, spent = (self._amounts.best(info, periods, levels) for periods in (REMAINING, TOTAL, USED))
        if remaining and totals and self._is_of_another(info, totals, remaining):
            self.flags.append(f"{name}-LEFT-NOT-STATED")  # mental health has its own, and its remainder is not stated
            return None
        said, total = self._one(name, remaining), self._one(name, totals)
        if said is not None:
            if total is not None and said > total and not self._amounts.is_more_specific(remaining, totals):
                self._doubt(f"AMBIGUOUS-{name}")
            return said
        used = self._one(name, spent)
        if total is None or used is None:
            return None
        if {(b.service_types, b.network) for b in totals} != {(b.service_types, b.network) for b in spent}:
            self.flags.append(f"{name}-USED-OF-ANOTHER-BENEFIT")  # what was used of one says nothing about the other
            return None
        if info == "G" and used > total:  # more was used than this limit, so it cannot be this one
            self._doubt(f"AMBIGUOUS-{name}")
        return max(total - used, _NOTHING)

    def _is_of_another(self, info: str, totals: Sequence[Benefit], remaining: Sequence[Benefit]) -> bool:
        kinds = remaining[0].service_types
        general = {b.amount for b in self._amounts.all if b.info == info and b.service_types == kinds}
        return self._amounts.is_more_specific(totals, remaining) and totals[0].amount not in general

    def _deductible_first(self, share: CostShare) -> bool | None:
        said = {rule for rule in self._said_of_deductible(share) if rule is not None}
        left = share.deductible_total if share.deductible_remaining is None else share.deductible_remaining
        if said >= {DeductibleRule.FIRST, DeductibleRule.NOT_OWED}:
            self._doubt("AMBIGUOUS-DEDUCTIBLE")
        elif DeductibleRule.UNCLEAR in said and left != _NOTHING:
            self._doubt("DEDUCTIBLE-WORDS-UNCLEAR")
        return said.pop() is DeductibleRule.FIRST if len(said) == 1 and DeductibleRule.UNCLEAR not in said else None

    def _said_of_deductible(self, share: CostShare) -> Iterator[DeductibleRule | None]:
        yield from (deductible_rule(text) for text in (*(joined(b.messages) for b in self._priced()), *self._words))
        stated = ((joined(b.messages), is_behavioural(b)) for b in self._amounts.best("C", None))
        for text, ours in (*stated, (self._words_on_all, False)):
            rule = deductible_of_plan(text)
            if ours or names_mental_health(text):
                yield rule
            elif rule is not None:  # about the whole plan: it covers more or less than our care
                yield None if rule is DeductibleRule.FIRST and not share.copay else DeductibleRule.UNCLEAR

    def _note_words(self, share: CostShare) -> None:
        known = {"copay": share.copay, "coinsurance": share.coinsurance}
        if share.copay is None and share.coinsurance is None:
            return
        for name in ("B", "A"):
            texts = [joined(b.messages) for b in self._priced() if b.info == name]
            some_only = bool(texts) and all(is_for_some_care(text) for text in texts)
            if some_only or any(changes_share(text, **known, beside_amount=True) for text in texts):
                self._doubt(f"{NAMES[name]}-WORDS-UNCLEAR")
        if any(changes_share(text, **known, beside_amount=False) for text in self._words):
            self._doubt("PRICE-WORDS-UNCLEAR")
        services = {
            best.service
            for info, v in (("B", share.copay), ("A", share.coinsurance))
            if v and (best := self._amounts.best_fit(info))
        }
        if len(services) > 1 and not services.isdisjoint(_IOP_RANKS):
            self._doubt("AMBIGUOUS-PROCEDURE")

    def _priced(self) -> list[Benefit]:
        return [*self._amounts.best("B", PER_DAY), *self._amounts.best("A", OF_A_FRACTION)]

    def _only_for(self) -> LevelOfCare | None:
        """IOP if an amount is stated for one programme's procedure or service and differs otherwise; else None."""
        outpatient = replace(self._rules, procedures=self._rules.outpatient_procedures)
        for info in ("B", "A"):
            chosen = self._amounts.best(info, None)
            values = {value_of(b) for b in chosen}
            best = self._amounts.best_fit(info)
            if best is not None and best.service in _IOP_RANKS:
                general = [(f, b) for f, b in self._amounts.fits if b.info == info and f.service not in _IOP_RANKS]
                if {value_of(b) for b in best_of(general)} != values:
                    return "IOP"
            named = [b for b in self._amounts.all if b.info == info and names_our_procedure(b, outpatient)]
            if any(fit_of(b, outpatient) is not None and value_of(b) not in values for b in named):
                return "IOP"
        return None

    def _one(self, name: str, tied: Iterable[Benefit]) -> Decimal | None:
        amounts = {value_of(b) for b in tied}
        if len(amounts) > 1 and name:
            self._doubt(f"AMBIGUOUS-{name}")
        return amounts.pop() if len(amounts) == 1 else None

    def _doubt(self, code: str) -> None:
        if code not in self.doubts:
            self.doubts.append(code)
