"""The clearinghouse's own X12: reads a 270 strictly by position and writes the 271 that a script asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from clinic.scripts import Script

_ISA_LENGTH = 106
_EB_ELEMENTS = 12


class Bad270(Exception):
    """The inquiry breaks the guide; `segment` says where. `envelope` errors are answered by TA1, others by 999."""

    def __init__(self, segment: str, *, envelope: bool = False) -> None:
        super().__init__(segment)
        self.segment = segment
        self.envelope = envelope


@dataclass(frozen=True)
class Inquiry:
    """What the clearinghouse needs from a 270."""

    control: str
    group: str
    sender: str
    receiver: str
    reference: str
    trace: str
    company: str
    payer: str
    provider: str
    member: str
    family: str
    given: str
    day: str
    service_type: str


def read_270(text: str) -> Inquiry:
    """Reads one 270; raises `Bad270` on the first fault."""
    if len(text) < _ISA_LENGTH or not text.startswith("ISA*") or text[_ISA_LENGTH - 1] != "~":
        raise Bad270("ISA", envelope=True)
    segments = [piece.split("*") for piece in text.rstrip("\r\n").split("~")[:-1]]
    _check_envelope(segments)
    by_id = {segment[0]: segment for segment in segments}
    names = {segment[1]: segment for segment in segments if segment[0] == "NM1"}
    levels = [segment[3] for segment in segments if segment[0] == "HL"]
    if levels != ["20", "21", "22"] or set(names) != {"PR", "1P", "IL"}:
        raise Bad270("HL")
    for needed, length in (("BHT", 6), ("TRN", 4), ("EQ", 2), ("DTP", 4)):
        if len(by_id.get(needed, [])) < length:
            raise Bad270(needed)
    if names["IL"][8:9] != ["MI"] or by_id["BHT"][1:3] != ["0022", "13"]:
        raise Bad270("NM1")
    return _inquiry(segments, by_id, names)


def _check_envelope(segments: list[list[str]]) -> None:
    ids = [segment[0] for segment in segments]
    if ids[:3] != ["ISA", "GS", "ST"] or ids[-3:] != ["SE", "GE", "IEA"]:
        raise Bad270("ISA", envelope=True)
    isa, gs, st, (se, ge, iea) = segments[0], segments[1], segments[2], segments[-3:]
    if iea[2] != isa[13] or len(isa) != 17 or isa[12] != "00501":
        raise Bad270("IEA", envelope=True)
    if gs[1] != "HS" or gs[8] != "005010X279A1" or ge[2] != gs[6]:
        raise Bad270("GS")
    if st[1] != "270" or se[1] != str(len(segments) - 4) or se[2] != st[2]:
        raise Bad270("SE")


def _inquiry(segments: list[list[str]], by_id: dict[str, list[str]], names: dict[str, list[str]]) -> Inquiry:
    isa = segments[0]
    return Inquiry(
        control=isa[13],
        group=segments[1][6],
        sender=isa[6],
        receiver=isa[8],
        reference=by_id["BHT"][3],
        trace=by_id["TRN"][2],
        company=by_id["TRN"][3],
        payer=names["PR"][9],
        provider=names["1P"][3],
        member=names["IL"][9],
        family=names["IL"][3],
        given=names["IL"][4],
        day=by_id["DTP"][3],
        service_type=by_id["EQ"][1],
    )


def write_271(inquiry: Inquiry, script: Script) -> str:
    """The 271 that says what `script` says."""
    trace = "SOMEBODYELSE" if script.eligibility_answer == "wrong_trace" else inquiry.trace
    body = [
        "ST*271*0001*005010X279A1",
        f"BHT*0022*11*{trace}*{inquiry.day}*0000",
        "HL*1**20*1",
        f"NM1*PR*2*SIMULATED HEALTH PLAN*****PI*{inquiry.payer}",
        "HL*2*1*21*1",
        f"NM1*1P*2*{inquiry.provider}*****XX*1999999984",
        *_person(inquiry, script, trace),
    ]
    body.append(f"SE*{len(body) + 1}*0001")
    text = "".join(f"{segment}~\n" for segment in (*_head(inquiry, "HB"), *body, *_tail(inquiry)))
    return text[: text.rfind("EB*")] if script.eligibility_answer == "truncated" else text


def write_999(inquiry_group: str, segment: str) -> str:
    """A rejection of the functional group."""
    head = _bare_head("FA")
    body = ["ST*999*0001*005010X231A1", f"AK1*HS*{inquiry_group}*005010X279A1", "AK2*270*0001*005010X279A1"]
    body += [f"IK3*{segment}*1**8", "IK5*R*5", "AK9*R*1*1*0", "SE*7*0001", "GE*1*1", "IEA*1*000000001"]
    return "".join(f"{line}~" for line in (*head, *body))


def write_ta1(control: str) -> str:
    """A rejection of the interchange."""
    return "".join(f"{s}~" for s in (_bare_head("")[0], f"TA1*{control}*260101*0000*R*022", "IEA*0*000000001"))


def _person(inquiry: Inquiry, script: Script, trace: str) -> Iterator[str]:
    name = f"{inquiry.family}*{inquiry.given}****MI*{inquiry.member}"
    if script.eligibility_answer == "dependent":
        yield from ("HL*3*2*22*1", f"NM1*IL*1*POLICYHOLDER*PARENT****MI*{inquiry.member}")
        yield _eb("B", "IND", inquiry.service_type, period="27", amount=Decimal(999))
        yield from ("HL*4*3*23*0", f"TRN*2*{trace}*{inquiry.company}")
        yield f"NM1*03*1*{inquiry.family}*{inquiry.given}"
    else:
        yield from ("HL*3*2*22*0", f"TRN*2*{trace}*{inquiry.company}", f"NM1*IL*1*{name}")
    if script.coverage.startswith("aaa:"):
        _, code, follow_up = (*script.coverage.split(":"), "C")[:3]
        yield f"AAA*N**{code}*{follow_up}"
        return
    yield f"DTP*346*D8*{int(inquiry.day[:4]) - 1}0101"
    yield from _benefits(inquiry, script)


def _plans(year: int, script: Script) -> Iterator[str]:
    if script.ended_plan:
        yield _eb("6", "IND", "30", plan="PLAN OF LAST YEAR")
        yield f"DTP*291*RD8*{year - 1}0101-{year - 1}1231"
    if not script.spans:
        yield _eb("1", "IND", "30")
    for number, span in enumerate(script.spans, 1):
        yield _eb("1", "IND", "30", plan=f"PLAN {number}")
        yield f"DTP*291*RD8*{span}"


def _benefits(inquiry: Inquiry, script: Script) -> Iterator[str]:
    if script.coverage == "inactive":
        yield _eb("6", "", "30")
        return
    yield from _plans(int(inquiry.day[:4]), script)
    asked = inquiry.service_type
    if script.coverage == "unknown":
        return
    if script.coverage == "excluded":
        yield _eb("I", "IND", asked)
        return
    yield _eb("1", "IND", asked, authorisation="Y" if script.coverage == "auth_required" else "N", network="Y")
    yield from (f"MSG*{message}" for message in script.messages)
    if script.other_payer is not None:
        yield from ("LS*2120", f"NM1*{script.other_payer_code}*2*{script.other_payer}", "LE*2120")
    if script.priced_for is None or asked in script.priced_for:
        yield from _money(asked, script)


def _money(asked: str, script: Script) -> Iterator[str]:
    if script.copay is not None:
        yield _eb("B", "IND", asked, period="27", amount=script.copay, network="Y")
    if script.coinsurance is not None:
        yield _eb("A", "IND", asked, fraction=script.coinsurance, network="Y")
    if script.deductible_total is not None:
        yield _eb("C", "IND", "30", period="23", amount=script.deductible_total, network="Y")
    if script.deductible_remaining is not None:
        yield _eb("C", "IND", "30", period="29", amount=script.deductible_remaining, network="Y")
    if script.out_of_pocket_remaining is not None:
        yield _eb("G", "IND", "30", period="29", amount=script.out_of_pocket_remaining, network="Y")


def _eb(
    info: str,
    level: str,
    service_type: str,
    *,
    period: str = "",
    amount: Decimal | None = None,
    fraction: Decimal | None = None,
    authorisation: str = "",
    network: str = "",
    plan: str = "",
) -> str:
    elements = [info, level, service_type, "", plan, period, "", "", "", "", authorisation, network]
    elements[6] = "" if amount is None else f"{amount:f}"
    elements[7] = "" if fraction is None else f"{fraction:f}"
    return "*".join(["EB", *elements[:_EB_ELEMENTS]]).rstrip("*")


def _head(inquiry: Inquiry, group: str) -> list[str]:
    stamp = f"{inquiry.day[2:]}*0000"
    isa = f"ISA*00*{'':10}*00*{'':10}*ZZ*{inquiry.receiver:15}*ZZ*{inquiry.sender:15}*{stamp}"
    ids = f"{inquiry.receiver.strip()}*{inquiry.sender.strip()}"
    return [
        f"{isa}*^*00501*{inquiry.control}*0*T*:",
        f"GS*{group}*{ids}*{inquiry.day}*0000*{inquiry.group}*X*005010X279A1",
    ]


def _tail(inquiry: Inquiry) -> list[str]:
    return [f"GE*1*{inquiry.group}", f"IEA*1*{inquiry.control}"]


def _bare_head(group: str) -> list[str]:
    sides = f"ZZ*{'CLEARINGHOUSE':15}*ZZ*{'CENTRE':15}"
    isa = f"ISA*00*{'':10}*00*{'':10}*{sides}*260101*0000*^*00501*000000001*0*T*:"
    return [isa, f"GS*{group}*CLEARINGHOUSE*CENTRE*20260101*0000*1*X*005010X231A1"]
