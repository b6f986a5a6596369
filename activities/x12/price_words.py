"""What a payer's free text (MSG) says about a price: whether the deductible comes first, and what codes leave out.

The rules know a few complete statements. They remove these from a text and look at the rest: a text counts only if the
rest changes nothing. So "no deductible for office visits" is neither a yes nor a no: a person reads it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum, auto

from activities.x12 import vocabulary as words
from domain.benefits import Topic


class DeductibleRule(Enum):
    """What a text says about the deductible."""

    FIRST = auto()  #: it is owed before this share
    NOT_OWED = auto()  #: it does not apply
    UNCLEAR = auto()  #: it is mentioned with a condition, or in words that no rule knows


_KIND = (
    r"(?:(?:THE|YOUR|ANY|MEMBER'?S?|ANNUAL|CALENDAR|CAL|YR|YEAR|YEARLY|PLAN|BENEFIT|CONTRACT|MEDICAL|OVERALL|INDIVIDUAL"
    r"|IN[\s-]NETWORK)\s+){0,6}"
)
_DEDUCTIBLE = rf"\b{_KIND}(?:DEDUCTIBLES?|DEDUCT|DED)\b\.?"
_NOT_OWED = re.compile(
    rf"{_DEDUCTIBLE}\s+(?:DOES\s+NOT|DOESN'?T|WILL\s+NOT|DO\s+NOT|NOT)\s+APPL(?:Y|IES|IED|ICABLE)\b"
    rf"|{_DEDUCTIBLE}\s+(?:IS\s+)?(?:WAIVED|NOT\s+APPLICABLE|NOT\s+REQUIRED)\b"
    rf"|{_DEDUCTIBLE}\s*[:=]\s*(?:NONE|NO|N/A|WAIVED)(?!\w)"
    rf"|\bNOT\s+SUBJECT\s+TO\s+{_DEDUCTIBLE}|\b(?:NO|WITHOUT)\s+{_DEDUCTIBLE}(?:\s+(?:APPLIES|REQUIRED)\b)?"
)
_MET = r"(?:\s+(?:IS|HAS\s+BEEN|MUST\s+BE)\s+(?:MET|SATISFIED)(?:\s+FIRST)?\b|\s+MET\b)?"
_FIRST = re.compile(
    rf"\b(?:AFTER|ONCE)\s+{_DEDUCTIBLE}{_MET}|\bSUBJECT\s+TO\s+{_DEDUCTIBLE}"
    rf"|{_DEDUCTIBLE}\s+(?:APPLIES(?:\s+FIRST)?|FIRST|THEN|MUST\s+BE\s+(?:MET|SATISFIED)(?:\s+FIRST)?)(?!\w)"
)
_MENTIONED = re.compile(r"\b(?:DEDUCT\w*|DED)\b")
_OUR_SERVICE = (
    r"(?:OUTPATIENT|OUT-PATIENT|MENTAL|BEHAVIOU?RAL|PSYCHIATRIC|HEALTH|INTENSIVE|IOP|AND|THIS|THESE|ALL|ANY|COVERED"
    r"|SERVICES?|BENEFITS?|CARE|TREATMENT)"
)
_FOR_OUR_SERVICE = re.compile(rf"\b(?:FOR|TO)(?:\s+{_OUR_SERVICE}\b)+(?=\s*(?:$|[.;,]))")
_FOR_OTHER_CARE = re.compile(
    r"\b(?:FOR|TO|ON)\s+(?:THE\s+|ALL\s+)?(?:(?:ROUTINE\s+)?(?:PREVENTI\w+|WELLNESS|WELL[\s-](?:CHILD|BABY|WOMAN)"
    rf"|IMMUNI[SZ]ATIONS?)\b|{words.OTHER_CARE.pattern})"
)
_MORE_CARE = re.compile(r"\b(?:AND|OR|EXCEPT|OTHER|BUT)\b|[.;]\s*\w")
_RULE = re.compile(r"\b(?:APPL\w+|WAIV\w+|SUBJECT|EXEMPT\w*|BYPASS\w*|NOT|NO|AFTER|BEFORE|UNTIL|PLUS|N/A)\b|N'T\b")
_COMBINED = re.compile(r"\b(?:MEDICAL|COMBINED|INTEGRATED|INCLUD\w+)\b")
_SOME_CARE = re.compile(
    r"\b(?:VIRTUAL\w*|TELE[\s-]?(?:HEALTH|MED\w*|VISITS?|PSYCH\w*)|ONLINE|E-?VISITS?|ONLY|PCP|PRIMARY\s+CARE|GROUP"
    r"|MEDICATION|EVALUATIONS?|TESTING)\b"
)
_AMOUNT = r"(?:\$\s?[\d.,]+|(?<![\d.])[\d.]+\s?(?:%|PERCENT\b))"
_IDLE = frozenset(
    """
    A APPLIES APPLY BEHAVIORAL BENEFIT BENEFITS CARE COINSURANCE COPAY COPAYMENT COPAYS DAY EACH HEALTH IN IS IOP
    INTENSIVE MENTAL NETWORK OUTPATIENT PER SERVICE SERVICES SHARE THE VISIT YOUR
    """.split()  # noqa: SIM905
)
"""Words next to a statement on the deductible that put no condition on it."""

_NO_PRICE = frozenset(
    """
    ALL APPLIED AS BE BASED BILLED CERTIFIED CHARGE CHARGES CONTRACTED COVERED CUSTOMARY DED DEDUCT
    FROM HMO INTENSIVE LEVEL MUST NEEDED NUMBER OBTAINED ON OR OUTPATIENT PARTICIPATING PAY PPO PREFERRED PRIOR
    PROVIDER PROVIDERS PSYCHIATRIC RATE REASONABLE REQ REQUIRED REQUIRES SHARE STANDARD SUBSTANCE TIER TREATMENT USE
    USUAL
    """.split()  # noqa: SIM905
)
"""More words that do not change a price by themselves."""

_BY_DAY = re.compile(
    r"(?:\b(?:PER|EACH|A|ONE\s+COPAY\s+PER)\s+|/\s?)(?:(?:OFFICE|OUTPATIENT|TREATMENT)\s+)?(?:VISIT|DAY)\b"
)
_SHARE = r"(?:\s+(?:CO-?\s?PAY(?:MENT)?S?|CO-?\s?INS(?:URANCE)?)\b)?"
_MONEY = re.compile(
    r"[$%]|\b(?:PERCENT|DOLLARS?|CO-?\s?PAY\w*|CO-?\s?INS(?:URANCE)?|DEDUCT\w*|DED|WAIVED|PAYS?|OWES?)\b"
)
_COPAY, _COINSURANCE = re.compile(r"\bCO-?\s?PAY\w*"), re.compile(r"\bCO-?\s?INS(?:URANCE)?\b")
_CHANGE = re.compile(
    r"[$%]|\d\s*(?:VISITS?|DAYS?|SESSIONS?|HOURS?)\b|\b(?:VISITS?|DAYS?|SESSIONS?)\s+\d"
    r"|\b(?:PERCENT|DOLLARS?|WAIVED|PER|EACH|THEN|PLUS|ADDITIONAL|ALSO|EXCEPT\w*|UNLESS|IF|WHEN|UNTIL|FIRST"
    r"|INITIAL|AFTER|BEFORE|ONCE|UP\s+TO|MAX\w*|LIMIT\w*|REDUCED|INCREAS\w+|DECREAS\w+|VAR(?:Y|IES)|DEPEND\w*|LESSER"
    r"|GREATER|HALF|NO|NOT|MAY|ADMI\w+|EPISODE|STAY)\b"
)
_NO_COPAY = re.compile(r"\bNO\s+(?:CO-?\s?PAY(?:MENT)?S?|CHARGE)\b")
_LIMIT_WITHOUT = re.compile(r"\b(?:NOT|EXCLUD\w*|EXCEPT\w*|SEPARATE|ONLY|NO)\b|N'T\b")


def deductible_rule(text: str) -> DeductibleRule | None:
    """What `text` says about the deductible; None if it does not mention it.

    Only a statement without a condition counts, or one on exactly this centre's service ("for outpatient mental
    health"). Both kinds of statement in one text are unclear.
    """
    plain = _plain(text)
    if not _MENTIONED.search(plain):
        return None
    without = _NOT_OWED.sub(" ", plain)
    rest = _FIRST.sub(" ", without)
    not_owed, first = without != plain, rest != without
    if not_owed is first or not _is_idle(rest):
        return DeductibleRule.UNCLEAR
    return DeductibleRule.FIRST if first else DeductibleRule.NOT_OWED


def _is_idle(rest: str) -> bool:
    rest = re.sub(_AMOUNT, " ", _FOR_OUR_SERVICE.sub(" ", rest))
    return all(word in _IDLE for word in re.findall(r"[\w'+&/]+", rest))


def deductible_of_plan(text: str) -> DeductibleRule | None:
    """What `text`, under a deductible's own amount or on the whole answer, says about the deductible.

    Unlike under a copay, the deductible may be named here without a rule ("medical deductible, combined with
    pharmacy"), or with a rule for another service ("waived for preventive care"). Both give None.
    """
    plain, rule = _plain(text), deductible_rule(text)
    if rule is not DeductibleRule.UNCLEAR:
        return rule
    found = _FOR_OTHER_CARE.search(plain)
    if found is not None and not _MORE_CARE.search(plain, found.end()):
        return None
    of_another = words.OTHER_CARE.search(plain) is not None and not _COMBINED.search(plain)
    return rule if of_another or _RULE.search(plain) else None


def is_for_some_care(text: str) -> bool:
    """Whether `text`, under a copay or a coinsurance, names care other than visits to this centre."""
    plain = words.DENIED.sub(" ", _plain(text))
    return _SOME_CARE.search(plain) is not None or words.OTHER_CARE.search(words.NON.sub(" ", plain)) is not None


def changes_share(text: str, *, copay: Decimal | None, coinsurance: Decimal | None, beside_amount: bool) -> bool:
    """Whether `text` says more about the price than the codes do, or contradicts them.

    Args:
        text: The messages of one EB.
        copay: The copay read from the codes.
        coinsurance: The coinsurance read from the codes, as a fraction.
        beside_amount: Whether it belongs to the EB of a copay or a coinsurance, so that its conditions are about that.
    """
    plain = _plain(text)
    if not beside_amount and not _MONEY.search(plain):
        return False
    rest = _FIRST.sub(" ", _NOT_OWED.sub(" ", words.DENIED.sub(" ", plain)))
    rest = _NO_COPAY.sub(" ", rest) if copay == 0 else rest
    rest = _BY_DAY.sub(" ", _without_known_amounts(rest, copay, coinsurance))
    unread = (copay is None and _COPAY.search(rest)) or (coinsurance is None and _COINSURANCE.search(rest))
    return bool(unread) or _CHANGE.search(rest) is not None or not _is_known(rest)


def _is_known(rest: str) -> bool:
    """Whether every word leaves a price as it is, or is about something other than money."""
    for topic in (Topic.AUTHORISATION, Topic.REFERRAL, Topic.NOTIFICATION, Topic.CONTACT):
        rest = words.WORDS[topic].sub(" ", rest)
    rest = re.sub(r"\b(?:TIER|LEVEL)\s+\d\b|\bCO-\s?(?=PAY)", " ", rest)
    return all(word in words.HARMLESS | _NO_PRICE for word in re.findall(r"\w+", rest))


def narrows_limit(text: str) -> bool:
    """Whether `text`, under an out-of-pocket limit, is about other care or excludes a part of the price."""
    plain = _plain(text)
    of_another = words.OTHER_CARE.search(plain) is not None and not _COMBINED.search(plain)
    return of_another or (_MONEY.search(plain) is not None and _LIMIT_WITHOUT.search(plain) is not None)


def _without_known_amounts(text: str, copay: Decimal | None, coinsurance: Decimal | None) -> str:
    def kept(match: re.Match[str]) -> str:
        number = Decimal(match[1] or match[2])
        known = copay if match[1] else None if coinsurance is None else coinsurance * 100
        return " " if number == known else match[0]

    return re.sub(rf"(?:\$\s?(\d+(?:\.\d+)?)|\b(\d+(?:\.\d+)?)\s?(?:%|PERCENT\b)){_SHARE}", kept, text)


def _plain(text: str) -> str:
    return " ".join(text.upper().replace("’", "'").replace("_", " ").split())
