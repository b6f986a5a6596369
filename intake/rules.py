"""What happens to each HL7 v2 event: one table of triggers, and the named rules for ignoring messages.

An event is acted on, left to a person, or ignored by a rule. An event that is in none of the tables is left to a
person. The code of the rule or problem is kept with the message, logged, and counted by `throughline messages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.pathway.crisis import CrisisPlace
from intake.facts import AdmissionKind, CancelReason


@dataclass(frozen=True, slots=True)
class Rule:
    """Why messages of one kind change nothing. `reason` is one sentence without client data."""

    code: str
    reason: str


ADMISSIONS: Mapping[str, AdmissionKind] = {
    "A01": AdmissionKind.ADMITTED,
    "A04": AdmissionKind.REGISTERED,
    "A05": AdmissionKind.PRE_ADMITTED,
    "A14": AdmissionKind.PRE_ADMITTED,
}
CANCELLATIONS: Mapping[str, CancelReason] = {
    "A11": CancelReason.CANCELLED,
    "A27": CancelReason.PRE_ADMISSION_CANCELLED,
    "A38": CancelReason.PRE_ADMISSION_CANCELLED,
}
DISCHARGES = ("A03",)
DISCHARGES_CANCELLED = ("A13",)
CHANGES_TO_INPATIENT = ("A06",)
IDENTITY_CHANGES = ("A08", "A31")
HOSPITAL_CLASSES: Mapping[str, CrisisPlace] = {
    "E": CrisisPlace.EMERGENCY_DEPARTMENT,
    "I": CrisisPlace.INPATIENT,
}
"""Patient classes (PV1-2, HL7 table 0004) of visits at a hospital."""

CLASS_CHANGED = "The client's class of care changed, which may mean a new admission: open or change the journey."
DISCHARGE_UNDONE = "A discharge was cancelled: find out whether the journey continues."
_LEAVE = "Leave of absence began, ended or was cancelled: check what it means for the journey's reviews."
_DELETED = "The sender deleted a visit or a person: check what is left to do for the journey."
_LINKED = "The sender linked or unlinked two clients: find out whether they are the same person."
_MERGED = "The sender merged, moved or renumbered clients, accounts or visits: find out which journey is whose."
FOR_A_PERSON: Mapping[str, str] = {
    "A07": CLASS_CHANGED,
    **dict.fromkeys(("A21", "A22", "A52", "A53"), _LEAVE),
    **dict.fromkeys(("A23", "A29"), _DELETED),
    **dict.fromkeys(("A24", "A37"), _LINKED),
    **dict.fromkeys(("A18", "A30", "A34", "A35", "A36"), _MERGED),
    **dict.fromkeys((f"A{number}" for number in range(39, 52)), _MERGED),
}
"""What a person must do, by trigger. Software must not act on these."""

NOT_ADT = Rule("not-adt", "The message is not about admissions (MSH-9.1 is not ADT).")
ACKNOWLEDGEMENT = Rule("acknowledgement", "The message is an acknowledgement; nothing was waiting for one.")
_LOCATION = Rule("location-only", "The client was moved, tracked or swapped to another place; the journey goes on.")
_PLANNED = Rule("planned-only", "A transfer or discharge is only planned; the actual event will be a separate message.")
_WITHOUT_VISIT = Rule("person-without-visit", "A person was added without a visit; an admission opens a journey.")
_CLINICIANS = Rule("clinicians-only", "The attending or consulting doctor changed; the journey goes on.")
_ALLERGIES = Rule("allergies-only", "Allergies changed; the EHR holds them.")
_BED = Rule("bed-status-only", "The status of a bed changed; the message is not about a client.")
_QUERY = Rule("query-only", "The sender asks about a patient; intake does not answer queries.")
IGNORED: Mapping[str, Rule] = {
    **dict.fromkeys(("A02", "A09", "A10", "A12", "A17", "A32", "A33"), _LOCATION),
    **dict.fromkeys(("A15", "A16", "A25", "A26"), _PLANNED),
    "A19": _QUERY,
    "A20": _BED,
    "A28": _WITHOUT_VISIT,
    **dict.fromkeys(("A54", "A55", "A61", "A62"), _CLINICIANS),
    "A60": _ALLERGIES,
}
"""The rule that ignores an ADT message, by trigger."""

KEY_DESTROYED = Rule("key-destroyed", "The client's key was destroyed, so the message cannot be read.")
SENT_AGAIN = Rule("sent-again", "The same event came before under another control id.")
CANCELS_LATER_VISIT = Rule("cancels-later-visit", "It cancels a later visit, not the journey.")
ENDS_OTHER_VISIT = Rule("ends-other-visit", "It is about the end of another visit than the journey's own.")

RULES = (
    NOT_ADT,
    ACKNOWLEDGEMENT,
    *dict.fromkeys(IGNORED.values()),
    KEY_DESTROYED,
    SENT_AGAIN,
    CANCELS_LATER_VISIT,
    ENDS_OTHER_VISIT,
)
"""Every rule for ignoring a message."""

ACTED_ON = (
    *(*ADMISSIONS, *CANCELLATIONS, *DISCHARGES, *DISCHARGES_CANCELLED, *CHANGES_TO_INPATIENT, *IDENTITY_CHANGES),
)
