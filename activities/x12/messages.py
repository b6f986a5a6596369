"""What a payer's free text (MSG) says that no coded element says: authorisation, visit limits, another payer.

Payers write in capitals, in fragments and with many spellings. The rules look for words, never for whole sentences,
and they are meant to find too much rather than too little: a person reads what they find.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from domain.benefits import Topic

_AUTHORISATION = (
    r"(?:(?:PRE|RE|UN|NON|PRIOR|ADVANCED?)[\s-]*)?AUTH(?!ORS?\b|ORIT|ENTIC)[A-Z]*"
    r"|PRE[\s-]*CERT[A-Z]*|(?:RE[\s-]*)?CERT(?:S|IFICATIONS?)?\b(?!\s+OF\b)|BE\s+CERTIFIED"
    r"|(?:PRE|PRIOR|ADVANCED?)[\s-]*APPROV[A-Z]*|APPROVALS?\b|MUST\s+(?:BE\s+)?APPROVED?|PRE[\s-]*DETERMINATION|PRIOR\s+REVIEW"
    r"|(?:UTILI[SZ]ATION|CONCURRENT|MEDICAL)\s+(?:REVIEW|MANAGEMENT)|MEDICAL\s+NECESSITY|MEDICALLY\s+NECESSARY|U\.?M\.?\s+REVIEW"
    r"|P[./]?A\.?(?=\s+(?:IS\s+)?(?:NOT\s+)?(?:REQ|NEED))"
)
_REFERRAL = r"REFERRALS?|REFERRED\s+BY|REFER\s+TO"
_NOTIFICATION = r"(?:PRE[\s-]*)?NOTIF[A-Z]*|(?:ADVANCED?|PRIOR|HOURS?|DAYS?)\s+NOTICE"
_VISITS = r"VISITS?|SESSIONS?|DAYS?|TREATMENTS?|UNITS?|ENCOUNTERS?|HOURS?"
_LIMIT = (
    rf"(?:BENEFIT|{_VISITS})\s+LIMIT[A-Z]*|LIMIT[A-Z]*\s*:?\s+(?:TO|OF|APPL[A-Z]*|\d+)|(?:{_VISITS})\s*[:=]\s*\d+|LIMITATIONS?"
    rf"|MAX[A-Z]*(?:\s+[A-Z0-9]+){{0,4}}\s+(?:{_VISITS})|(?:{_VISITS})\s+(?:MAX[A-Z]*|PER|REMAIN[A-Z]*|LEFT|ALLOWED|USED)"
    r"|(?:\d+|TEN|TWELVE|FIFTEEN|TWENTY|THIRTY|FORTY|FIFTY|SIXTY)\s+(?:VISITS?|SESSIONS?|TREATMENTS?|ENCOUNTERS?)|(?:\d+|CALENDAR|BENEFIT)\s+DAYS?\s+(?:PER|MAX)"
    rf"|(?:REMAINING|ALLOWED)\s+(?:{_VISITS})"
)
_OTHER_PAYER = (
    r"(?:ADMINISTERED|ADMIN|MANAGED|HANDLED|PROCESSED|COORDINATED|UNDERWRITTEN|COVERED|OFFERED|SERVICED)"
    r"\s+(?:BY|THROUGH|THRU|UNDER|VIA)"
    r"|PROVIDED\s+(?:THROUGH|THRU|UNDER|VIA|BY(?!\s+(?:AN?|THE|YOUR|IN|OUT|PAR|NON|PARTICIPATING|NETWORK|LICENSED"
    r"|SPECIALISTS?|PHYSICIANS?|PROVIDERS?)\b))"
    r"|CARV(?:E|ED|ES|ING)?[\s-]*OUTS?|DELEGATED\s+TO|CONTRACTED\s+(?:WITH|TO)|SUBCONTRACT[A-Z]*|OUTSOURC[A-Z]*|BENEFITS?\s+(?:ARE\s+)?(?:THROUGH|THRU|VIA|WITH)|BILL\s+(?!CHARGE)"
    r"|(?:SUBMIT|SEND|MAIL|FILE|BILL|FORWARD|DIRECT|CLAIMS?)\b(?:\s+[A-Z]+){0,4}\s+TO|VENDORS?|THIRD[\s-]+PARTY|TPA|M?BHO"
    r"|(?:OTHER|ANOTHER|SEPARATE|DIFFERENT|PRIMARY|SECONDARY)\s+"
    r"(?:PAYE?OR|PAYER|CARRIER|INSUR[A-Z]*|COVERAGE|PLAN|ADMINISTRATOR|ORGANI[SZ]ATION)"
    r"|COORDINATION\s+OF\s+BENEFITS|C\.?O\.?B\.?|MEDICARE\s+(?:IS\s+)?PRIMARY|MANAGED\s+CARE\s+ORGANI[SZ]ATION"
)
_NOT_COVERED = (
    r"NOT\s+(?:A\s+)?(?:COVERED|PAYABLE|ELIGIBLE|BENEFIT)|NON[\s-]*COVERED|NO\s+(?:COVERAGE|BENEFITS?)"
    r"|EXCLUDED(?!\s+FROM)|DENIED|EXCLUSIONS?|TERMINATED|TERMED|CANCELL?ED|SUSPENDED|LAPSED|INACTIVE|PENDING|GRACE\s+PERIOD"
)
_CONTACT = (
    r"CONTACT[A-Z]*|CALL(?:S|ING)?|PHONE|TELEPHONE|VERIFY|INQUIRE|\d{3}[\s.)-]*\d{3}[\s.-]*\d{4}"
    r"|SEE\s+(?!PLAN|BENEFIT|CERT|BOOKLET|MEMBER|SPD|EOC|BELOW|ABOVE|OTHER|ADDITIONAL|MESSAGE|MSG)[A-Z]+"
)
_OURS = (
    r"MENTAL|BEHAVIOU?R[A-Z]*|PSYCH[A-Z]*|IOP|INTENSIVE|SUBSTANCE|ALCOHOL|CHEMICAL\s+DEPENDENCY|MH|MHSA|MHSUD|BH|SUD"
    r"|COUNSEL[A-Z]*"
)
_ALL_CARE = r"OUTPATIENT|OUT[\s-]PATIENT|ALL|ANY|EVERY"
_OTHERS = (
    r"INPATIENT|IN[\s-]PATIENT|HOSPITAL[A-Z]*|ADMISSIONS?|SURG[A-Z]*|IMAGING|RADIOLOG[A-Z]*|MRI|CT\s+SCANS?|LAB[A-Z]*"
    r"|DME|DURABLE|DENTAL|ORTHODON[A-Z]*|VISION|EYE|HEARING|PHARMACY|PRESCRIPTIONS?|RX|DRUGS?|MATERNITY|HOME\s+HEALTH"
    r"|HOSPICE|SKILLED|SNF|CHIRO[A-Z]*|ACUPUNCTURE|(?:PHYSICAL|OCCUPATIONAL|SPEECH)\s+THERAPY|TRANSPLANTS?|AMBULANCE"
    r"|EMERGENCY|URGENT\s+CARE|INFERTILITY|INFUSION|GENETIC|DIALYSIS|TRANSPORT[A-Z]*|ALLERGY|PODIATRY|IMMUNI[SZ]ATIONS?"
)
_NEEDED = r"(?:REQUIRED|REQUIREMENTS?|REQ'?D?|NEEDED|NECESSARY)"
_DEDUCTIBLE_FIRST = re.compile(
    r"\bAFTER\s+(?:\w+\s+){0,3}DEDUCTIBLE|\bDEDUCTIBLE\s+(?:APPLIES|FIRST|THEN)\b"
    r"|\bSUBJECT\s+TO\s+(?:\w+\s+){0,3}DEDUCTIBLE"
)
_NO_DEDUCTIBLE = re.compile(
    r"\bDEDUCTIBLE\s+(?:DOES\s+NOT|DOESN'?T|NOT)\s+APPL|\bDEDUCTIBLE\s+(?:IS\s+)?WAIVED\b"
    r"|\bNOT\s+SUBJECT\s+TO\s+(?:\w+\s+){0,3}DEDUCTIBLE|\bNO\s+DEDUCTIBLE\b|\bWITHOUT\s+DEDUCTIBLE\b"
)
_ASKED = rf"(?:{_AUTHORISATION}|{_REFERRAL}|{_NOTIFICATION})"
_ALL_ASKED = rf"{_ASKED}(?:\s*(?:/|,|\bOR\b|\bAND\b|\bNOR\b)\s*(?:{_ASKED})){{0,3}}"
_NOT_ASKED = re.compile(
    rf"\b(?:NO|NOT)\s+{_ALL_ASKED}\s+(?:(?:IS|ARE)\s+)?{_NEEDED}(?!\w)"
    rf"|\b{_ALL_ASKED}\s+(?:(?:IS|ARE|WILL|SHALL)\s+)?(?:NOT|NEVER)\s+(?:BE\s+)?{_NEEDED}(?!\w)"
    rf"|\b{_ALL_ASKED}\s+(?:ISN'?T|AREN'?T)\s+{_NEEDED}(?!\w)"
    rf"|\b(?:DOES|DO|DID)\s*(?:NOT|N'T)\s+REQUIRE\s+(?:AN?\s+|ANY\s+)?{_ALL_ASKED}(?!\w)"
    rf"|\bREQUIRES?\s+NO\s+{_ALL_ASKED}(?!\w)"
    rf"|\b{_ALL_ASKED}(?:\s+{_NEEDED})?\s*[:=-]\s*(?:NO|N|NOT\s+{_NEEDED})(?=\s*(?:$|[.;,]))"
)
_NO_LIMIT = re.compile(rf"\bUNLIMITED(?:\s+(?:{_VISITS}))?\b|\bNO\s+(?:(?:{_VISITS})\s+)?LIMIT(?:S|ATIONS?)?\b")
_CONDITION = re.compile(
    r"\d|\b(?:UNLESS|EXCEPT\w*|EXCLUD\w*|UNTIL|AFTER|BEFORE|FIRST|INITIAL\w*|IF|BUT|HOWEVER|ONLY|WHEN|WHERE|MAY|MIGHT"
    r"|SOME|CERTAIN|SELECT\w*|MOST|VAR(?:Y|IES)|DEPEND\w*|OTHER\w*|EXCEED\w*|OVER|MORE|BEYOND|OUT|ROUTINE|OFFICE"
    r"|REQUIRED|REQ)\b"
)
_NEAR = 40  # characters beside a break between two messages
_FOR = re.compile(r"\bFOR\b")
_FOR_THIS = re.compile(r"\bFOR\s+(?:THIS|THESE|SUCH|ANY|ALL)\b")
_WORD = {
    Topic.AUTHORISATION: re.compile(rf"\b(?:{_AUTHORISATION})"),
    Topic.REFERRAL: re.compile(rf"\b(?:{_REFERRAL})\b"),
    Topic.NOTIFICATION: re.compile(rf"\b(?:{_NOTIFICATION})\b"),
    Topic.VISIT_LIMIT: re.compile(rf"\b(?:{_LIMIT})\b"),
    Topic.OTHER_PAYER: re.compile(rf"\b(?:{_OTHER_PAYER})\b"),
    Topic.NOT_COVERED: re.compile(rf"\b(?:{_NOT_COVERED})\b"),
    Topic.CONTACT: re.compile(rf"\b(?:{_CONTACT})\b"),
}
_NAMES_OURS = re.compile(rf"\b(?:{_OURS})\b")
_NAMES_ALL_CARE = re.compile(rf"\b(?:{_ALL_CARE})\b")
_EXCEPTED = re.compile(r"\b(?:EXCEPT\w*|UNLESS|EXCLUDING|OTHER\s+THAN|BESIDES|NOT)\b.*")
_CLAUSE_END = re.compile(r"[.;!|]")
_NAMES_OTHERS = re.compile(rf"\b(?:{_OTHERS})\b")


def topics_of(text: str) -> tuple[Topic, ...]:
    """What `text` says that a person must act on.

    A plain and unconditional denial ("no authorization required") is taken out first. A denial with a condition
    ("for the first 8 visits", "unless") or about another service is not plain, and its subject stays.
    """
    upper = _plain(text)
    without = _NO_LIMIT.sub(" ", _NOT_ASKED.sub(" ", upper))
    if without != upper and _is_conditional(without):
        without = upper
    return tuple(topic for topic, words in _WORD.items() if words.search(without))


def denies_authorisation(text: str) -> bool:
    """Whether `text` says plainly that no authorisation is needed."""
    mentioned = _WORD[Topic.AUTHORISATION].search(_plain(text)) is not None
    return mentioned and Topic.AUTHORISATION not in topics_of(text)


def topics_for_this_care(messages: Sequence[str]) -> tuple[Topic, ...]:
    """`topics_of` messages about many services, without what is said of other services by name only.

    "Precertification required for inpatient stays" falls away, "authorization required" stays.
    """
    said: dict[Topic, list[bool]] = {}
    for clause in (clause for message in messages for clause in _CLAUSE_END.split(message)):
        for topic in topics_of(clause):
            said.setdefault(topic, []).append(_names_only_others(clause))
    return tuple(topic for topic in topics_of(joined(messages)) if not all(said.get(topic, [False])))


def deductible_first(text: str) -> bool | None:
    """Whether `text` says that the deductible is owed before this share (True) or not at all (False); None: neither."""
    upper = _plain(text)
    without = _NO_DEDUCTIBLE.sub(" ", upper)
    if _DEDUCTIBLE_FIRST.search(without):
        return True
    return False if without != upper else None


def names_mental_health(text: str) -> bool:
    """Whether `text` names the care that this centre gives."""
    return _NAMES_OURS.search(_plain(text)) is not None


def names_other_care(text: str) -> bool:
    """Whether `text` names a service that this centre does not give."""
    return _NAMES_OTHERS.search(_EXCEPTED.sub(" ", _plain(text))) is not None


def _names_only_others(text: str) -> bool:
    return names_other_care(text) and not names_mental_health(text) and not _NAMES_ALL_CARE.search(_plain(text))


def joined(messages: Sequence[str]) -> str:
    """Several MSGs of one EB as one text: payers break sentences over them, and a full MSG breaks words too."""
    parts: list[str] = []
    for before, message in zip(("", *messages), messages, strict=False):
        parts.append(message if not before or _breaks_a_word(before[-_NEAR:], message[:_NEAR]) else f" {message}")
    return "".join(parts)


def _breaks_a_word(before: str, after: str) -> bool:
    spaced, closed = _mentioned(f"{before} {after}"), _mentioned(before + after)
    return before[-1].isalpha() and after[0].isalpha() and closed > spaced


def _mentioned(text: str) -> set[Topic]:
    return {topic for topic, words in _WORD.items() if words.search(_plain(text))}


def _is_conditional(rest: str) -> bool:
    about = _FOR.search(rest) is not None and not _NAMES_OURS.search(rest) and not _FOR_THIS.search(rest)
    return about or _CONDITION.search(rest) is not None or _NAMES_OTHERS.search(rest) is not None


def _plain(text: str) -> str:
    return " ".join(text.upper().replace("’", "'").replace("_", " ").split())
