"""HL7 v2 messages about people who do not exist."""

from __future__ import annotations


def adt(
    event: str,
    *,
    control_id: str = "C1",
    mrn: str = "700100",
    visit: str = "V1",
    patient_class: str = "O",
    evn: str = "20260302101500+0000",
    name: str = "QUILLFEATHER^ORSOLYA",
    extra: str = "",
    end: str = "\r",
    header: str = "",
) -> bytes:
    """An ADT message. `header` goes behind MSH-12; `extra` is further segments."""
    lines = [
        f"MSH|^~\\&|REG^1.2.3^ISO|NORTH^9.8^ISO|THROUGHLINE|CENTRE|20260302101600+0000||ADT^{event}|{control_id}|P|2.5.1{header}",
        f"EVN||{evn}",
        f"PID|1||{mrn}^^^NORTH^MR~999-11-0000^^^^SS||{name}||19870611|F",
        f"PV1|1|{patient_class}|||||||||||||||||{visit}",
    ]
    if extra:
        lines.append(extra)
    return (end.join(lines) + end).encode()


def fields(ack: bytes) -> dict[str, list[str]]:
    """An acknowledgement's segments, split at `|`."""
    return {line.split("|")[0]: line.split("|") for line in ack.decode().split("\r") if line}


def code(ack: bytes) -> str:
    """MSA-1."""
    return fields(ack)["MSA"][1]
