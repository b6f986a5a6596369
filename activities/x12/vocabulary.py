"""The words used to classify a payer's free text (MSG). All are in capitals and matched at word boundaries.

To add another way of saying something, add it here and to the tables in the tests.
"""

from __future__ import annotations

import re

from domain.benefits import Topic

_AUTHORISATION = (
    r"(?:(?:PRE|RE|UN|NON|PRIOR|ADVANCED?)[\s-]*)?AUTH(?!ORS?\b|ORIT|ENTIC)[A-Z]*"
    r"|PRE[\s-]*CERT[A-Z]*|(?:RE[\s-]*)?CERT(?:S|IFICATIONS?)?\b(?!\s+OF\b)|BE\s+CERTIFIED"
    r"|(?:PRE|PRIOR|ADVANCED?)[\s-]*APPROV[A-Z]*|APPROVALS?\b|MUST\s+(?:BE\s+)?APPROVED?"
    r"|PRE[\s-]*DETERMINATION|PRIOR\s+REVIEW|(?:UTILI[SZ]ATION|CONCURRENT|MEDICAL)\s+(?:REVIEW|MANAGEMENT)"
    r"|U\.?M\.?\s+REVIEW|MEDICAL\s+NECESSITY|MEDICALLY\s+NECESSARY"
    r"|P[./]?A\.?(?=\s+(?:IS\s+)?(?:NOT\s+)?(?:REQ|NEED))"
)
_REFERRAL = r"REFERRALS?|REFERRED\s+BY|REFER\s+TO"
_NOTIFICATION = r"(?:PRE[\s-]*)?NOTIF[A-Z]*|(?:ADVANCED?|PRIOR|HOURS?|DAYS?)\s+NOTICE"
_VISITS = r"(?:VISITS?|SESSIONS?|DAYS?|TREATMENTS?|UNITS?|ENCOUNTERS?|HOURS?)"
_LIMIT = (
    rf"(?:BENEFIT|{_VISITS})\s+LIMIT[A-Z]*|LIMIT[A-Z]*\s*:?\s+(?:TO|OF|APPL[A-Z]*|\d+)|LIMITATIONS?"
    rf"|{_VISITS}\s*[:=]\s*\d+|{_VISITS}\s+(?:MAX[A-Z]*|PER|REMAIN[A-Z]*|LEFT|ALLOWED|USED)"
    rf"|MAX[A-Z]*(?:\s+[A-Z0-9]+){{0,4}}\s+{_VISITS}|(?:REMAINING|ALLOWED)\s+{_VISITS}"
    r"|(?:\d+|TEN|TWELVE|FIFTEEN|TWENTY|THIRTY|FORTY|FIFTY|SIXTY)\s+(?:VISITS?|SESSIONS?|TREATMENTS?|ENCOUNTERS?)"
    r"|(?:\d+|CALENDAR|BENEFIT)\s+DAYS?\s+(?:PER|MAX)"
)
_BY = r"(?:BY|THROUGH|THRU|UNDER|VIA)"
_NO_NAME = r"(?:AN?|THE|YOUR|IN|OUT|PAR|NON|PARTICIPATING|NETWORK|LICENSED|SPECIALISTS?|PHYSICIANS?|PROVIDERS?)"
_ADMINISTRATORS = (
    r"(?:MAGELLAN|OPTUM|CARELON|BEACON(?:\s+HEALTH)?|VALUE\s*OPTIONS|EVERNORTH|LUCET|NEW\s+DIRECTIONS|COMPSYCH"
    r"|UNITED\s+BEHAVIORAL|CIGNA\s+BEHAVIORAL|COMPANION\s+BENEFIT|MHN)"
)
"""Organisations that handle mental health for other payers in the United States. The list is not complete: other names
are found by the words around them."""
_OTHER_PAYER = (
    rf"(?:ADMINISTERED|ADMIN|MANAGED|HANDLED|PROCESSED|COORDINATED|UNDERWRITTEN|COVERED|OFFERED|SERVICED)\s+{_BY}"
    rf"|PROVIDED\s+{_BY}(?!\s+{_NO_NAME}\b)|BENEFITS?\s+(?:ARE\s+)?(?:THROUGH|THRU|VIA|WITH)"
    rf"|(?:SERVICES?|CARE|HEALTH|COVERAGE|MH|BH)\s+(?:IS\s+|ARE\s+)?(?:THROUGH|THRU|VIA)(?!\s+{_NO_NAME}\b)"
    rf"|{_ADMINISTRATORS}"
    r"|CARV(?:E|ED|ES|ING)?[\s-]*OUTS?|DELEGATED\s+TO|CONTRACTED\s+(?:WITH|TO)|SUBCONTRACT[A-Z]*|OUTSOURC[A-Z]*"
    r"|(?:SUBMIT|SEND|MAIL|FILE|BILL|FORWARD|DIRECT|CLAIMS?)\b(?:\s+[A-Z]+){0,4}\s+TO|BILL\s+(?!CHARGE)"
    r"|VENDORS?|THIRD[\s-]+PARTY|TPA|M?BHO|MANAGED\s+CARE\s+ORGANI[SZ]ATION"
    r"|(?:OTHER|ANOTHER|SEPARATE|DIFFERENT|PRIMARY|SECONDARY)\s+"
    r"(?:PAYE?OR|PAYER|CARRIER|INSUR[A-Z]*|COVERAGE|PLAN|ADMINISTRATOR|ORGANI[SZ]ATION)"
    r"|COORDINATION\s+OF\s+BENEFITS|C\.?O\.?B\.?|MEDICARE\s+(?:IS\s+)?PRIMARY"
)
_NOT_COVERED = (
    r"NOT\s+(?:A\s+)?(?:COVERED|PAYABLE|ELIGIBLE|BENEFIT)|NON[\s-]*COVERED|NO\s+(?:COVERAGE|BENEFITS?)"
    r"|EXCLUDED(?!\s+FROM)|DENIED|EXCLUSIONS?|TERMINATED|TERMED|CANCELL?ED|SUSPENDED|LAPSED|INACTIVE|PENDING"
    r"|GRACE\s+PERIOD"
)
_UNSETTLED = r"PENDING|GRACE\s+PERIOD|REINSTAT[A-Z]*|RETRO[\s-]*[A-Z]*|UNDER\s+REVIEW|IN\s+PROCESS"
_CONTACT = (
    r"CONTACT[A-Z]*|CALL(?:S|ING)?|PHONE|TELEPHONE|VERIFY|INQUIRE|\d{3}[\s.)-]*\d{3}[\s.-]*\d{4}"
    r"|SEE\s+(?!PLAN|BENEFIT|CERT|BOOKLET|MEMBER|SPD|EOC|BELOW|ABOVE|OTHER|ADDITIONAL|MESSAGE|MSG)[A-Z]+"
)
WORDS = {
    Topic.AUTHORISATION: re.compile(rf"\b(?:{_AUTHORISATION})"),
    Topic.REFERRAL: re.compile(rf"\b(?:{_REFERRAL})\b"),
    Topic.NOTIFICATION: re.compile(rf"\b(?:{_NOTIFICATION})\b"),
    Topic.VISIT_LIMIT: re.compile(rf"\b(?:{_LIMIT})\b"),
    Topic.OTHER_PAYER: re.compile(rf"\b(?:{_OTHER_PAYER})\b"),
    Topic.NOT_COVERED: re.compile(rf"\b(?:{_NOT_COVERED})\b"),
    Topic.UNSETTLED: re.compile(rf"\b(?:{_UNSETTLED})\b"),
    Topic.CONTACT: re.compile(rf"\b(?:{_CONTACT})\b"),
}
"""What a person must act on, by topic."""

_NEEDED = r"(?:REQUIRED|REQUIREMENTS?|REQ'?D?|NEEDED|NECESSARY)"
_ONE = rf"(?:{_AUTHORISATION}|{_REFERRAL}|{_NOTIFICATION})"
_ASKED = rf"{_ONE}(?:\s*(?:/|,|\bOR\b|\bAND\b|\bNOR\b)\s*{_ONE}){{0,3}}"
DENIED = re.compile(
    rf"\b(?:NO|NOT)\s+{_ASKED}\s+(?:(?:IS|ARE)\s+)?{_NEEDED}(?!\w)"
    rf"|\b{_ASKED}\s+(?:(?:IS|ARE|WILL|SHALL)\s+)?(?:NOT|NEVER)\s+(?:BE\s+)?{_NEEDED}(?!\w)"
    rf"|\b{_ASKED}\s+(?:ISN'?T|AREN'?T)\s+{_NEEDED}(?!\w)"
    rf"|\b(?:DOES|DO|DID)\s*(?:NOT|N'T)\s+REQUIRE\s+(?:AN?\s+|ANY\s+)?{_ASKED}(?!\w)"
    rf"|\bREQUIRES?\s+NO\s+{_ASKED}(?!\w)"
    rf"|\b{_ASKED}(?:\s+{_NEEDED})?\s*[:=-]\s*(?:NO|N|NOT\s+{_NEEDED})(?=\s*(?:$|[.;,]))"
    rf"|\bUNLIMITED(?:\s+{_VISITS})?\b|\bNO\s+(?:{_VISITS}\s+)?LIMIT(?:S|ATIONS?)?\b"
)
"""A statement that there is no authorisation, referral, notification or limit."""

CONDITION = re.compile(
    r"\d|\b(?:UNLESS|EXCEPT\w*|EXCLUD\w*|UNTIL|AFTER|BEFORE|FIRST|INITIAL\w*|IF|BUT|HOWEVER|ONLY|WHEN|WHERE|MAY|MIGHT"
    r"|SOME|CERTAIN|SELECT\w*|MOST|VAR(?:Y|IES)|DEPEND\w*|OTHER\w*|EXCEED\w*|OVER|MORE|BEYOND|OUT|ROUTINE|OFFICE"
    r"|REQUIRED|REQ)\b"
)
"""A condition next to a denial: it does not always apply."""
HARMLESS = frozenset(
    """
    A AFTER ALLOWED AMOUNT AN AND APPLIES APPLY APPROVED ARE AT BEHAVIORAL BENEFIT BENEFITS BRONZE BY CARE
    CERTIFICATE COINSURANCE COPAY COPAYMENT COPAYS COVERAGE DAY DEDUCTIBLE DOES EACH FACILITY FAMILY FOR GOLD
    HEALTH IN INDIVIDUAL INQUIRY IOP IS MENTAL NETWORK OF OFFICE OUT OUTPATIENT PER PHYSICIAN PLAN PLATINUM
    PRIMARY PROFESSIONAL PROVIDED SERVICE SERVICES SILVER SPECIALIST SUBJECT TELEHEALTH THANK THE THEN TO
    UNLIMITED VIRTUAL VISIT VISITS WAIVED YOU YOUR
    BH DAYS MH OP PLANS PSYCHIATRIC TERMS CONDITIONS
    """.split()  # noqa: SIM905
)
"""Harmless words: a message on mental health with only these (networks, prices, courtesies) needs no person."""
DISCLAIMER = re.compile(
    r"\b(?:(?:THIS|IT|VERIFICATION|INFORMATION|QUOTE|ELIGIBILITY|(?:OF|AND|BENEFITS?|INFORMATION))\s+){0,5}"
    r"(?:(?:IS|DOES|ARE)\s+)?NOT\s+(?:AN?\s+)?GUARANTEE\s+(?:OF\s+)?(?:PAYMENT|COVERAGE|BENEFITS?|ELIGIBILITY)"
    r"(?:\s+(?:OF|OR|AND)\s+(?:PAYMENT|COVERAGE|BENEFITS?|ELIGIBILITY))?\b"
)
"""Standard text in most answers; it does not limit anything."""
NOT_A_PLAN_NAME = re.compile(
    r"\b(?:ONLY|EMERGENCY|SPEND\s*DOWN|SHARE\s+OF\s+COST|PRESUMPTIVE|RESTRICTED|LIMITED|NOT|INELIGIBLE|HOLD|EXHAUSTED"
    r"|SECONDARY|SUPPLEMENT(?:AL)?|MEDIGAP)\b"
)
"""In the field for a plan's name: it means that the plan pays for less, later, or after another payer."""
FOR = re.compile(r"\bFOR\b(?!\s+(?:THIS|THESE|SUCH|ANY|ALL)\b)")

_HEALTH = r"H(?:EA)?LTH"
OUR_CARE = re.compile(
    r"\b(?:MENTAL|BEHAVIOU?R[A-Z]*|PSYCH[A-Z]*|IOP|INTENSIVE|SUBSTANCE|ALCOHOL|CHEMICAL\s+DEPENDENCY|MH|MHSA|MHSUD|BH|SUD"
    rf"|COUNSEL[A-Z]*|(?:MNTL|MNT|MENT|BEHAV|BEHV|BHV|BEH)\s+{_HEALTH}"
    r"|INT(?:ENS)?\s+(?:OP|OUT[\s-]*P(?:A?T|ATIENT)))\b"
)
DAY_PROGRAM = re.compile(r"\b(?:PHP|PARTIAL[\s-]+HOSP[A-Z]*|DAY[\s-]+(?:PROGRAMS?|TREATMENT|HOSPITAL|CARE))\b")
"""Care between ours and a hospital's. Payers often use one of these names for both."""
INPATIENT_OF_OURS = re.compile(
    r"\b(?:INPATIENT|IN[\s-]PATIENT|HOSPITAL)\s+(?:MENTAL(?:\s+HEALTH)?|BEHAVIOU?R\w*(?:\s+HEALTH)?|PSYCH\w*)"
)
"""Mental health care that this centre does not give."""
ALL_CARE = re.compile(r"\b(?:OUTPATIENT|OUT[\s-]PATIENT|ALL|ANY|EVERY)\b")
OTHER_CARE = re.compile(
    r"\b(?:INPATIENT|IN[\s-]PATIENT|HOSPITAL[A-Z]*|ADMISSIONS?|SURG[A-Z]*|IMAGING|RADIOLOG[A-Z]*|MRI|CT\s+SCANS?|LAB[A-Z]*"
    r"|DME|DURABLE|DENTAL|ORTHODON[A-Z]*|VISION|EYE|HEARING|PHARMACY|PRESCRIPTIONS?|RX|DRUGS?|MATERNITY|HOME\s+HEALTH"
    r"|HOSPICE|SKILLED|SNF|CHIRO[A-Z]*|ACUPUNCTURE|(?:PHYSICAL|OCCUPATIONAL|SPEECH)\s+THERAPY|TRANSPLANTS?|AMBULANCE"
    r"|EMERGENCY|URGENT\s+CARE|INFERTILITY|INFUSION|GENETIC|DIALYSIS|TRANSPORT[A-Z]*|ALLERGY|PODIATRY"
    r"|IMMUNI[SZ]ATIONS?)\b"
)
NON = re.compile(r"\bNON[\s-]*[A-Z]+")
"""Everything except the service named."""
EXCEPTED = re.compile(r"\b(?:EXCEPT\w*|UNLESS|EXCLUDING|OTHER\s+THAN|BESIDES|NOT)\b.*")
"""Words after which the text is about something else."""
CLAUSE_END = re.compile(r"[.;!|]")
ANOTHER = re.compile(r"\b(?:AND|OR|AS\s+WELL\s+AS|PLUS)\b|[,/&+]")
"""Between two services named."""
LETTERS_WITH_DOTS = re.compile(r"(?<!\w)(?:(?:[A-Z]\.){2,}(?:[A-Z](?!\w))?|[A-Z](?:\.[A-Z])+(?!\w)|[A-Z]/[A-Z](?!\w))")
"""I.O.P., B/H"""

NO_DEDUCTIBLE = re.compile(
    r"\bDEDUCTIBLE\s+(?:DOES\s+NOT|DOESN'?T|NOT)\s+APPL[A-Z]*|\bDEDUCTIBLE\s+(?:IS\s+)?WAIVED\b"
    r"|\bNOT\s+SUBJECT\s+TO\s+(?:\w+\s+){0,3}DEDUCTIBLE|\bNO\s+DEDUCTIBLE\b|\bWITHOUT\s+DEDUCTIBLE\b"
)
