"""Writes a 270 benefit inquiry: one service type per interchange, and the same bytes for the same question."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from domain.values import Value

_DELIMITERS = "*^:~"
_MAX_TRACE = 50


class Submitter(Value):
    """The centre as the clearinghouse knows it.

    Attributes:
        sender_id: ISA06 and GS02.
        receiver_id: ISA08 and GS03.
        name: The centre's legal name.
        npi: Its ten-digit National Provider Identifier.
        company_id: TRN03, ten characters: `1` and the employer number, or `9` and a code of its own.
        usage: ISA15, `P` for production or `T` for test.
    """

    sender_id: str
    receiver_id: str
    name: str
    npi: str
    company_id: str
    usage: str = "P"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """The person asked about, as the payer knows them. Never logged."""

    member_id: str
    family_name: str
    given_name: str
    payer_id: str
    birth_date: date | None = None
    sex: str | None = None

    def __repr__(self) -> str:
        """Hides the person, because a traceback may print it."""
        return "Subscriber(...)"


def trace_for(key: str, service_type: str) -> str:
    """The TRN02 trace of one question: opaque, at most 50 characters, always the same for the same key."""
    return f"TL{_digest(key, service_type)[:36]}"[:_MAX_TRACE].upper()


def write_270(submitter: Submitter, subscriber: Subscriber, *, key: str, service_type: str, day: date) -> bytes:
    """The 005010X279A1 270 that asks about `service_type` on `day` (calendar day at the site).

    Control numbers and timestamps come from the key and the day, not from a clock, so a retry is the same message.
    """
    control = f"{int(_digest(key, service_type, 'isa'), 16) % 999_999_999 + 1:09d}"
    body = list(_transaction(submitter, subscriber, trace_for(key, service_type), service_type, day))
    body.append(f"SE*{len(body) + 1}*0001")
    lines = [_isa(submitter, control, day), _gs(submitter, control, day), *body]
    lines += [f"GE*1*{int(control)}", f"IEA*1*{control}"]
    return "".join(f"{line}~" for line in lines).encode("ascii")


def _transaction(
    submitter: Submitter, subscriber: Subscriber, trace: str, service_type: str, day: date
) -> Iterator[str]:
    yield "ST*270*0001*005010X279A1"
    yield f"BHT*0022*13*{trace}*{day:%Y%m%d}*0000"
    yield "HL*1**20*1"
    yield f"NM1*PR*2*{clean(subscriber.payer_id, 60)}*****PI*{clean(subscriber.payer_id, 80)}"
    yield "HL*2*1*21*1"
    yield f"NM1*1P*2*{clean(submitter.name, 60)}*****XX*{clean(submitter.npi, 80)}"
    yield "HL*3*2*22*0"
    yield f"TRN*1*{trace}*{clean(submitter.company_id, 10)}"
    family, given = clean(subscriber.family_name, 60), clean(subscriber.given_name, 35)
    yield f"NM1*IL*1*{family}*{given}****MI*{clean(subscriber.member_id, 80)}"
    if subscriber.birth_date is not None:
        yield _dmg(subscriber.birth_date, subscriber.sex)
    yield f"DTP*291*D8*{day:%Y%m%d}"
    yield f"EQ*{service_type}"


def _dmg(birth_date: date, sex: str | None) -> str:
    code = (sex or "")[:1].upper()
    return f"DMG*D8*{birth_date:%Y%m%d}" + (f"*{code}" if code in ("F", "M") else "")


def _isa(submitter: Submitter, control: str, day: date) -> str:
    sender, receiver = clean(submitter.sender_id, 15), clean(submitter.receiver_id, 15)
    return (
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{sender:15}*ZZ*{receiver:15}"
        f"*{day:%y%m%d}*0000*^*00501*{control}*0*{clean(submitter.usage, 1)}*:"
    )


def _gs(submitter: Submitter, control: str, day: date) -> str:
    ids = f"{clean(submitter.sender_id, 15)}*{clean(submitter.receiver_id, 15)}"
    return f"GS*HS*{ids}*{day:%Y%m%d}*0000*{int(control)}*X*005010X279A1"


def clean(value: str, limit: int) -> str:
    """`value` in the X12 basic character set: no accents, no separators, upper case, at most `limit` long."""
    ascii_only = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(f"[{re.escape(_DELIMITERS)}\x00-\x1f\x7f]", " ", ascii_only)
    return " ".join(plain.upper().split())[:limit].strip()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
