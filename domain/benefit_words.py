"""An answer about benefits in plain sentences, without the payer's own words: those are sealed in the record."""

from __future__ import annotations

from decimal import Decimal

from domain.benefits import Benefits, CostShare, Topic
from domain.plans import Estimate

_TOPICS = {
    Topic.AUTHORISATION: "an authorisation or a review is mentioned",
    Topic.NO_AUTHORISATION: "no authorisation is needed, the payer writes",
    Topic.REFERRAL: "a referral is mentioned",
    Topic.NOTIFICATION: "a notification is mentioned",
    Topic.VISIT_LIMIT: "a limit on visits or days is mentioned",
    Topic.OTHER_PAYER: "another payer may handle this care",
    Topic.CONTACT: "the payer asks to be contacted",
    Topic.NOT_COVERED: "something is said not to be covered or not in force",
    Topic.UNSETTLED: "the payer writes that something is not settled yet",
    Topic.DATES: "the dates of coverage, as the payer gave them",
    Topic.CODES: "coded parts of the answer leave a doubt",
    Topic.NOT_UNDERSTOOD: "the payer writes about this care in words that are not understood here",
}
_CODES = {
    **{f"SAID-{topic.name.replace('_', '-')}": words for topic, words in _TOPICS.items()},
    "ANSWER-TOO-LONG": "the answer is too long to be read by rule",
    "AMBIGUOUS-COINSURANCE": "several coinsurances fit",
    "AMBIGUOUS-COPAY": "several copays fit",
    "AMBIGUOUS-DEDUCTIBLE": "what is said of the deductible is contradictory",
    "AMBIGUOUS-OUT-OF-POCKET": "several out-of-pocket limits fit",
    "AMBIGUOUS-PROCEDURE": "one kind of share is stated for the procedure, and another for mental health at large",
    "AUTH-NOT-STATED": "whether an authorisation is needed is not stated",
    "AUTH-REQUIRED": "the payer must authorise the care",
    "COINSURANCE-ABOVE-ONE": "the coinsurance is above 100 %",
    "COINSURANCE-ALL": "the coinsurance is 100 %: the plan would pay nothing",
    "COINSURANCE-LEVEL-UNCLEAR": "the coinsurance is stated for others on the plan, and not for the client",
    "COINSURANCE-LIMITED": "the coinsurance holds for some visits only",
    "COINSURANCE-MISPLACED": "the coinsurance is given as an amount",
    "COINSURANCE-MISSING": "a coinsurance is announced and its number is left out",
    "COINSURANCE-NETWORK-UNCLEAR": "it is not known for which network the coinsurance is",
    "COINSURANCE-PERIOD-UNREAD": "the coinsurance is counted by a period that is not understood",
    "COINSURANCE-PROCEDURE-UNCLEAR": "another coinsurance is stated for our procedure under another service",
    "COINSURANCE-WORDS-UNCLEAR": "what the payer writes under the coinsurance may change the price",
    "CONTRADICTORY": "the answer contradicts itself",
    "COPAY-LEVEL-UNCLEAR": "the copay is stated for others on the plan, and not for the client",
    "COPAY-LIMITED": "the copay holds for some visits only",
    "COPAY-MISPLACED": "the copay is given as a fraction",
    "COPAY-MISSING": "a copay is announced and its amount is left out",
    "COPAY-NETWORK-UNCLEAR": "it is not known for which network the copay is",
    "COPAY-NOT-PER-DAY": "the copay is not by day or visit",
    "COPAY-PERIOD-ASSUMED": "the copay is taken as by day",
    "COPAY-PROCEDURE-UNCLEAR": "another copay is stated for our procedure under another service",
    "COPAY-WORDS-UNCLEAR": "what the payer writes under the copay may change the price",
    "COVERAGE-ENDS-DURING-COURSE": "coverage ends during the course",
    "COVERAGE-NOT-STATED": "whether the plan is active is not stated",
    "DATES-UNCLEAR": "the dates of coverage are contradictory or cannot be read",
    "DEDUCTIBLE-FAMILY-ONLY": "only the family's deductible is stated",
    "DEDUCTIBLE-LEFT-NOT-STATED": "mental health has a deductible of its own, and what is left of it is not stated",
    "DEDUCTIBLE-LEVEL-UNCLEAR": "it is not clear whose deductible binds the client",
    "DEDUCTIBLE-MISPLACED": "the deductible is given as a fraction",
    "DEDUCTIBLE-MISSING": "a deductible is announced and its amount is left out",
    "DEDUCTIBLE-NETWORK-UNCLEAR": "it is not known for which network the deductible is",
    "DEDUCTIBLE-PERIOD-UNREAD": "the deductible is counted by a period that is not understood",
    "DEDUCTIBLE-USED-OF-ANOTHER-BENEFIT": "what was used of the deductible is stated for another benefit",
    "DEDUCTIBLE-PROCEDURE-UNCLEAR": "another deductible is stated for our procedure under another service",
    "DEDUCTIBLE-WORDS-UNCLEAR": "what the payer writes of the deductible has a condition or is not understood",
    "LIMIT-TOO-FEW": "fewer visits or days are left than a course needs",
    "LIMIT-UNREAD": "there is a limit that is not understood",
    "MENTAL-HEALTH-NOT-STATED": "the plan is active and mental health is not mentioned",
    "NUMBER-UNREADABLE": "a number makes no sense",
    "OUT-OF-POCKET-FAMILY-ONLY": "only the family's out-of-pocket limit is stated",
    "OUT-OF-POCKET-LEFT-NOT-STATED": "mental health has a limit of its own, and what is left of it is not stated",
    "OUT-OF-POCKET-LEVEL-UNCLEAR": "it is not clear whose out-of-pocket limit binds the client",
    "OUT-OF-POCKET-MISPLACED": "the out-of-pocket limit is given as a fraction",
    "OUT-OF-POCKET-MISSING": "an out-of-pocket limit is announced and its amount is left out",
    "OUT-OF-POCKET-NETWORK-UNCLEAR": "it is not known for which network the out-of-pocket limit is",
    "OUT-OF-POCKET-PERIOD-UNREAD": "the out-of-pocket limit is counted by a period that is not understood",
    "OUT-OF-POCKET-USED-OF-ANOTHER-BENEFIT": "what was used of the out-of-pocket limit is stated for another benefit",
    "OUT-OF-POCKET-PROCEDURE-UNCLEAR": "another out-of-pocket limit is stated for our procedure under another service",
    "OUT-OF-POCKET-WORDS-UNCLEAR": "the payer writes that the out-of-pocket limit leaves something out",
    "OWN-NO-MEMBER-ID": "the client's member number is missing here",
    "OWN-NO-PAYER-ID": "the client's payer is missing here",
    "PARTIAL-ANSWER": "the payer refused a part of the question",
    "PRICE-WORDS-UNCLEAR": "what the payer writes on mental health may change the price",
    "verified-by-hand": "verified by hand",
}


_X12 = {
    **{"EB-5": "active, pending investigation", "EB-7": "inactive, pending an update", "EB-6": "inactive"},
    **{"EB-8": "inactive, pending investigation", "EB-I": "not covered", "EB-E": "excluded"},
    **{"EB-J": "cost containment", "EB-K": "reserve days", "EB-M": "pre-existing condition"},
    **{"EB-MC": "managed care coordinator", "EB-N": "restricted to a named provider"},
    **{"EB-O": "not deemed a medical necessity", "EB-Q": "second opinion required"},
    **{"EB-R": "another payer", "EB-S": "history of earlier years", "EB-T": "card reported lost or stolen"},
    **{"EB-U": "another organisation must be asked", "EB-V": "cannot be processed"},
    **{"EB-W": "another source has the data", "EB-X": "health care facility", "EB-Y": "spend-down"},
    **{"EB-2": "capitated", "EB-3": "capitated", "EB-4": "capitated to the primary care physician"},
    **{"DTP-290": "coordination of benefits", "DTP-340": "COBRA begins", "DTP-341": "COBRA ends"},
    **{"DTP-342": "premium paid from", "DTP-343": "premium paid to", "DTP-442": "date of death"},
    **{"DTP-539": "policy begins", "DTP-540": "policy ends"},
}
"""What codes of 005010X279A1 mean: EB01 and DTP01."""


def reasons_in_words(benefits: Benefits) -> tuple[str, ...]:
    """What led to the verdict. A code of X12 stays, with its meaning where a person may need it."""
    return tuple(reason_in_words(code) for code in benefits.reasons)


def reason_in_words(code: str) -> str:
    """One of the codes in plain words; a code of X12 stays, with its meaning where it has one here."""
    return _CODES.get(code) or _with_meaning(code)


def _with_meaning(code: str) -> str:
    meaning = _X12.get("-".join(code.split("-")[:2]))
    return f"{code}: {meaning}" if meaning else code


def share_in_words(share: CostShare | None) -> tuple[str, ...]:
    """The client's part as the payer stated it, and what must be asked before there is a price. Empty: not stated."""
    if share is None:
        return ()
    said = {
        "copay": share.copay is not None and f"{_money(share.copay)} for each treatment day",
        "coinsurance": share.coinsurance is not None
        and f"{(share.coinsurance * 100).normalize():f} % of the allowed amount",
        "deductible left": share.deductible_remaining is not None and _money(share.deductible_remaining),
        "deductible of the year": share.deductible_total is not None and _money(share.deductible_total),
        "out-of-pocket limit left": share.out_of_pocket_remaining is not None and _money(share.out_of_pocket_remaining),
        "the deductible comes first": share.deductible_first is not None
        and ("yes" if share.deductible_first else "no"),
        "these amounts are for": share.only_for is not None and f"{share.only_for} only",
    }
    asked = (f"no price yet, ask the payer: {reason_in_words(code)}" for code in share.unclear)
    return (*(f"{name}: {value}" for name, value in said.items() if value), *asked)


def other_payers(benefits: Benefits) -> tuple[str, ...]:
    """The organisations that the payer named beside itself."""
    return tuple(dict.fromkeys(each.other_payer for each in benefits.evidence if each.other_payer))


def summary(benefits: Benefits, *, names: bool = True) -> str:
    """One line: the verdict, why, and, with `names`, which other payers the payer names."""
    named = other_payers(benefits) if names else ()
    parts = (*reasons_in_words(benefits), *((f"named: {', '.join(named)}",) if named else ()))
    why = f" ({'; '.join(parts)})" if parts else ""
    return " ".join(f"{benefits.verdict}{why}".split())


def price(estimate: Estimate) -> str:
    """The range: `$720.00`, `$960.00 to $3360.00`, `$1680.00 or more, the most is unknown`, `unknown`.

    That a price is $0.00 or more says nothing, and $0.00 may be taken for the price.
    """
    if estimate.low is None or (estimate.high is None and not estimate.low):
        return "unknown"
    if estimate.high is None:
        return f"{_money(estimate.low)} or more, the most is unknown"
    exact = estimate.low == estimate.high
    return _money(estimate.low) if exact else f"{_money(estimate.low)} to {_money(estimate.high)}"


def _money(amount: Decimal) -> str:
    return f"${amount}"
