"""Builds 271s about invented people."""

from __future__ import annotations

TRACE, COMPANY = "TRACE1", "1999999999"


def interchange(*segments: str, element: str = "*", repetition: str = "^", end: str = "~", component: str = ":") -> str:
    isa = f"ISA*00*{'':10}*00*{'':10}*ZZ*{'PLAN':15}*ZZ*{'CENTRE':15}*260105*0900*^*00501*000000007*0*T*"
    head = [f"{isa}:", "GS*HB*PLAN*CENTRE*20260105*0900*7*X*005010X279A1"]
    text = "".join(f"{s}~" for s in (*head, *segments, "GE*1*7", "IEA*1*000000007"))
    table = str.maketrans({"*": element, "^": repetition, "~": end, ":": component})
    return text.translate(table)


def answer(*member: str, level: str = "22", trace: str = TRACE, delimiters: dict[str, str] | None = None) -> str:
    body = [
        "ST*271*0001*005010X279A1",
        f"BHT*0022*11*{trace}*20260105*0900",
        "HL*1**20*1",
        "NM1*PR*2*EXAMPLE PLAN*****PI*PAYER1",
        "HL*2*1*21*1",
        "NM1*1P*2*EXAMPLE CENTRE*****XX*1999999984",
        f"HL*3*2*{level}*0",
        f"TRN*2*{trace}*{COMPANY}",
        "NM1*IL*1*PLOVER*PIA****MI*INVENTED9",
        *member,
    ]
    return interchange(*body, f"SE*{len(body) + 1}*0001", **(delimiters or {}))
