"""Which event a message reports: its type and trigger, in capital letters, as far as they can be determined.

The trigger is MSH-9.2. If that is empty, it is EVN-1, or a trigger written as a message structure (`ADT_A04`); a
structure that serves several triggers (`ADT_A01`) does not identify one. If the event cannot be determined, that is an
error, so that the message is kept for a person: it may be an admission.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from intake.escapes import unescape
from intake.hl7 import Message
from intake.problem import Hl7Error, Problem
from intake.rules import ACTED_ON, FOR_A_PERSON, IGNORED

ADT = "ADT"
ACKNOWLEDGEMENTS = ("ACK", "MCF")
_NULL = '""'
_LONGEST_EVN = 200
_MOST_EVN = 10
_TYPES = frozenset(
    """
    ACK ADR ADT BAR BPS BRP BRT BTS CCF CCI CCM CCQ CCR CCU CQU CRM CSU DBC DBU DEL DEO DER DFT DOC DPR DRC DRG DSR
    EAC EAN EAR EDR EHC EQQ ERP ESR ESU INR INU IPC IPR ISR LSR LSU MCF MDM MFD MFK MFN MFQ MFR NMD NMQ NMR OMB OMD
    OMG OMI OML OMN OMP OMQ OMS OPL OPR OPU ORA ORB ORD ORF ORG ORI ORL ORM ORN ORP ORR ORS ORU ORX OSM OSQ OSR OSU
    OUL PEX PGL PIN PMU PPG PPP PPR PPT PPV PRR PTR QBP QCK QCN QRF QRY QSB QSX QVR RAR RAS RCI RCL RDE RDO RDR RDS
    RDY REF RER RGR RGV ROR RPA RPI RPL RPR RQA RQC RQI RQP RQQ RRA RRD RRE RRG RRI RRO RSP RTB SCN SDN SDR SIU SLN
    SLR SMD SPQ SQM SQR SRM SRR SSR SSU STC STI SUR TBR TCR TCU UDF UDM VQQ VXQ VXR VXU VXX
    """.split()  # noqa: SIM905
)
"""HL7 table 0076. A site's own types begin with Z."""
_SHARED_STRUCTURES = frozenset("A01 A02 A05 A06 A09 A11 A21 A28 A30 A39 A43 A50 A52 A54 A61".split())  # noqa: SIM905
"""Structures of ADT messages that serve several triggers in some version of HL7: table 0354 of version 2.8.2, with
A02 and A28 as in 2.3.1 and A11 as in the UK edition of 2.4. The others serve only the trigger that they are named
after. If it is not a structure at all, the sender wrote the trigger instead."""
_QUERIES = ("ADR", "QRY", "QCK", "DSR", "RSP", "QBP")
"""Types that go with the query A19, which is a trigger of chapter 3 although its type is not ADT."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a message reports. `trigger` may be empty if the type is not ADT."""

    type: str
    trigger: str

    def __str__(self) -> str:
        """The short form, e.g. `ADT^A04`. It has only letters and digits, so it is safe to log and count."""
        return "^".join(_countable(part) for part in (self.type, self.trigger) if part)


def read_event(message: Message) -> Event:
    """The event that `message` reports.

    Raises:
        Hl7Error: The event cannot be determined.
    """
    written = _components(message)
    kind, trigger, structure, structure_type = _sorted_out(written)
    if kind not in _TYPES and not re.fullmatch("Z[A-Z0-9]{2}", kind):
        raise _error("unknown-message-type", "Find out what the message is: MSH-9.1 is not an HL7 message type.")
    if kind != ADT:
        if kind not in ACKNOWLEDGEMENTS and (structure_type == ADT or _names_adt(message, kind, trigger)):
            advice = "Find out what the message is: it combines an ADT event with another type."
            raise _error("type-and-trigger-disagree", advice)
        return Event(kind, trigger)
    return Event(kind, trigger or _trigger_elsewhere(message, structure))


def _names_adt(message: Message, kind: str, trigger: str) -> bool:
    """Whether MSH-9.2, or EVN-1 if that is empty, holds an ADT trigger."""
    told = {trigger} if trigger else _evn_triggers(message)
    return any(each in (*ACTED_ON, *FOR_A_PERSON, *IGNORED) for each in told - ({"A19"} if kind in _QUERIES else set()))


def _evn_triggers(message: Message) -> set[str]:
    """Every value of EVN-1, over all repetitions of the field and the segment."""
    marks = message.delimiters
    raw = [
        message.raw("EVN", 1, number)[:_LONGEST_EVN] for number in range(1, min(message.count("EVN"), _MOST_EVN) + 1)
    ]
    split = re.compile("|".join(re.escape(mark) for mark in (marks.component, marks.repetition) if mark))
    return {_plain(unescape(part, marks, message.charset)) for field in raw for part in split.split(field)} - {""}


def event_of(message: Message) -> str:
    """The event in short form, with `?` for a part that cannot be determined or logged."""
    try:
        return str(read_event(message))
    except Hl7Error:
        parts = [part for part in message.raw("MSH", 9).upper()[:50].split(message.delimiters.component)[:2] if part]
        return "^".join(_countable(part) for part in parts) or "?"


def _components(message: Message) -> tuple[str, str, str]:
    """The first three components of MSH-9 in capital letters."""
    marks = message.delimiters
    parts = [*message.raw("MSH", 9).split(marks.component, 3), "", "", ""][:3]
    first, second, third = (_plain(unescape(part, marks, message.charset)) for part in parts)
    if not all(re.fullmatch(r"[A-Z0-9_]*", part) for part in (first, second)):
        advice = "Write MSH-9 with the delimiters that MSH-2 declares, such as ADT^A04 with |^~\\&."
        raise Hl7Error(Problem("delimiters-disagree", advice, "102", "MSH^1^9"))
    return first, second, third


def _plain(text: str) -> str:
    stripped = text.strip().upper()
    return "" if stripped == _NULL else stripped


def _sorted_out(written: tuple[str, str, str]) -> tuple[str, str, str, str]:
    """The type, the trigger, and the ending and type of the structure, which may be written instead of the others."""
    structures = [found for part in written if (found := re.fullmatch(r"([A-Z]{3})_([A-Z][A-Z0-9]{2})", part))]
    kind, trigger = ("" if "_" in part else part for part in written[:2])
    if not structures:
        return kind or written[0], trigger or written[1], "", ""
    return kind or structures[0][1], trigger, structures[0][2], structures[0][1]


def _trigger_elsewhere(message: Message, structure: str) -> str:
    told = (_evn_triggers(message) | {"" if structure in _SHARED_STRUCTURES else structure}) - {""}
    if not told:
        raise _error("no-trigger", "Send the event in MSH-9.2 or EVN-1; find out what this message reports.", "101")
    if len(told) > 1:
        raise _error("trigger-unclear", "Find out which event it is: MSH-9 and EVN-1 name different ones.")
    return told.pop()


def _countable(part: str) -> str:
    return part if re.fullmatch(r"[A-Z][A-Z0-9]{2}", part) else "?"


def _error(code: str, advice: str, table_0357: str = "103") -> Hl7Error:
    return Hl7Error(Problem(code, advice, table_0357, "MSH^1^9"))
