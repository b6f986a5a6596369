"""The registration desk of these tests: admissions of people who do not exist."""

from __future__ import annotations

import uuid
from pathlib import Path

from domain.values import Role

CLINICIAN = ("--by", "s-1", "--role", Role.CLINICIAN)
CASE_MANAGER = ("--by", "s-103", "--role", "case-manager")
ADMISSIONS = ("--by", "s-2", "--role", Role.ADMISSIONS)
SCREENED = ("--urgency", "routine", "--risk", "low", "--treatment", "given", *ADMISSIONS)


def admission(folder: Path, event: str = "A04") -> Path:
    """A file with one message about a client nobody has heard of; the clinic's payer pays for them."""
    mrn = f"C{uuid.uuid4().hex[:10].upper()}"
    lines = (
        f"MSH|^~\\&|DESK|TEST|THROUGHLINE|TEST|20260302101600+0000||ADT^{event}|{uuid.uuid4().hex}|P|2.5.1",
        f"EVN|{event}|20260302101600+0000",
        f"PID|1||{mrn}^^^TEST^MR||OVERBROOK^TALLULAH||19790203|F",
        f"PV1|1|O|DESK||||||||||||||||V{mrn}",
        f"IN1|1|PLAN|PAYER01{'|' * 33}M{mrn}",
    )
    file = folder / f"{mrn}.hl7"
    file.write_bytes("\r".join(lines).encode() + b"\r")
    return file
