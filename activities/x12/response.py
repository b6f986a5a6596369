"""Reads a 271 into members and their benefits, without yet deciding what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from activities.x12.tokens import Interchange, Segment, Transaction, X12Error

_NUMBER = re.compile(r"(?:\d{1,12}(?:\.\d{0,6})?|\.\d{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One AAA: its loop (`payer`, `provider`, `subscriber`, `dependent`, `benefit`), AAA03 and AAA04."""

    loop: str
    code: str
    follow_up: str


@dataclass(frozen=True, slots=True)
class Period:
    """A DTP: its qualifier (DTP01) and the days it names, both included; None is open or not said.

    Attributes:
        is_span: It names a begin and an end together, not one of the two alone.
        unreadable: It holds a date that makes no sense; what could be read of it proves nothing.
        said: The segment as sent.
    """

    qualifier: str
    begins: date | None
    ends: date | None
    is_span: bool = False
    unreadable: bool = False
    said: str = ""


@dataclass(slots=True)
class Entity:
    """A person or an organisation named under an EB (loop 2120).

    Attributes:
        code: NM101, what it is to the benefit.
        is_organisation: NM102 says so.
        name: NM103 and, of a person, NM104.
        id: NM109.
        said: Its segments as sent.
    """

    code: str
    is_organisation: bool
    name: str
    id: str
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Benefit:
    """One EB with what belongs to it. `unreadable`: a number was present and made no sense."""

    info: str
    level: str
    service_types: tuple[str, ...]
    plan: str
    period: str
    amount: Decimal | None
    fraction: Decimal | None
    quantity_unit: str
    quantity: Decimal | None
    authorisation: str
    network: str
    procedure: tuple[str, ...]
    unreadable: bool = False
    delivery: list[Segment] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    @property
    def code(self) -> str:
        """`EB-<EB01>-<service type>`, without anything that a payer may write freely."""
        known = [code for code in self.service_types if re.fullmatch(r"[A-Z0-9]{1,2}", code, re.ASCII)]
        return f"EB-{self.info}-{known[0] if known else 'PLAN'}"


@dataclass(slots=True)
class Member:
    """A subscriber or a dependent in the answer. Names and numbers of the person are not kept.

    Attributes:
        payers: Names and numbers of the payer that answers (loop 2100A).
        messages: Messages before the first EB, a dependent's policyholder's too: about the whole answer.
    """

    is_dependent: bool
    hl: str
    parent: str
    traces: list[tuple[str, str]] = field(default_factory=list)
    benefits: list[Benefit] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    payers: frozenset[str] = frozenset()
    messages: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Response:
    """One 271. `reference` is BHT03; `rejections` are those said before any member."""

    reference: str = ""
    members: list[Member] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def member_for(self, trace: str, company_id: str) -> Member | None:
        """The member whose TRN carries our trace; a dependent before a subscriber."""
        found = [m for m in self.members if any(_is_ours(t, trace, company_id) for t in m.traces)]
        if not found:
            return None
        member = sorted(found, key=lambda m: not m.is_dependent)[0]
        below = [m for m in self.members if m.is_dependent and m.parent == member.hl and not m.traces]
        said_nothing = not (member.benefits or member.rejections)
        return below[0] if said_nothing and len(below) == 1 else member


def read_271(interchange: Interchange) -> list[Response]:
    """Every 271 of `interchange`.

    Raises:
        X12Error: `no-271` where there is none, `truncated` where one has no end.
    """
    found = [t for t in interchange.transactions() if t.kind == "271"]
    if not found:
        raise X12Error("no-271")
    if not all(t.complete for t in found):
        raise X12Error("truncated")
    return [_Reader().read(t) for t in found]


def number(text: str) -> Decimal | None:
    """`text` as a number that is not negative, or None where it is not one."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


_LOOPS = {"20": "payer", "21": "provider", "22": "subscriber", "23": "dependent"}


class _Reader:
    def __init__(self) -> None:
        self._response = Response()
        self._loop = "payer"
        self._member: Member | None = None
        self._benefit: Benefit | None = None
        self._payers: frozenset[str] = frozenset()
        self._handlers = {
            "HL": self._hl,
            "TRN": self._trn,
            "AAA": self._aaa,
            "DTP": self._dtp,
            "EB": self._eb,
            "NM1": self._nm1,
            "MSG": self._msg,
        }

    def read(self, transaction: Transaction) -> Response:
        for segment in transaction.segments:
            if segment.id == "BHT":
                self._response.reference = segment.at(3)
            elif (handler := self._handlers.get(segment.id)) is not None:
                handler(segment)
            elif self._benefit is not None:
                _detail(self._benefit, segment)
        return self._response

    def _hl(self, segment: Segment) -> None:
        self._loop = _LOOPS.get(segment.at(3), "payer")
        self._benefit = None
        self._member = None
        if self._loop == "payer":
            self._payers = frozenset()
        if self._loop in ("subscriber", "dependent"):
            above = (m for m in self._response.members if m.hl == segment.at(2))
            said = [message for m in above for message in m.messages] if self._loop == "dependent" else []
            self._member = Member(
                self._loop == "dependent", segment.at(1), segment.at(2), payers=self._payers, messages=said
            )
            self._response.members.append(self._member)

    def _trn(self, segment: Segment) -> None:
        if self._member is not None:
            self._member.traces.append((segment.at(2), segment.at(3)))

    def _aaa(self, segment: Segment) -> None:
        loop = "benefit" if self._benefit is not None else self._loop
        rejection = Rejection(loop, segment.at(3), segment.at(4))
        (self._response if self._member is None else self._member).rejections.append(rejection)

    def _dtp(self, segment: Segment) -> None:
        owner = self._benefit or self._member
        if owner is not None:
            owner.periods.append(_period(segment))

    def _eb(self, segment: Segment) -> None:
        if self._member is not None:
            self._benefit = _benefit(segment)
            self._member.benefits.append(self._benefit)

    def _msg(self, segment: Segment) -> None:
        owner = self._benefit or self._member
        if owner is not None and segment.at(1):
            owner.messages.append(segment.at(1))

    def _nm1(self, segment: Segment) -> None:
        if self._benefit is not None:
            self._benefit.entities.append(_entity(segment))
        elif self._loop == "payer":
            self._payers |= {text.upper() for text in (segment.at(3), segment.at(9)) if text}


def _detail(benefit: Benefit, segment: Segment) -> None:
    if segment.id == "HSD":
        benefit.delivery.append(segment)
    elif segment.id in ("N3", "N4", "PER") and benefit.entities:
        benefit.entities[-1].said.append(segment.text)
    elif segment.id == "III" and segment.at(1) == "ZZ":
        benefit.places.append(segment.at(2))


def _benefit(segment: Segment) -> Benefit:
    numbers = {position: segment.at(position) for position in (7, 8, 10)}
    values = {position: number(text) for position, text in numbers.items()}
    return Benefit(
        info=segment.at(1),
        level=segment.at(2),
        service_types=segment.repeats(3),
        plan=segment.at(5).upper(),
        period=segment.at(6),
        amount=values[7],
        fraction=values[8],
        quantity_unit=segment.at(9),
        quantity=values[10],
        authorisation=segment.at(11).upper(),
        network=segment.at(12).upper(),
        procedure=segment.components(13),
        unreadable=any(text and values[position] is None for position, text in numbers.items()),
    )


def _entity(segment: Segment) -> Entity:
    is_organisation = segment.at(2) != "1"
    parts = (segment.at(3),) if is_organisation else (segment.at(3), segment.at(4))
    name = " ".join(part for part in parts if part)
    return Entity(segment.at(1), is_organisation, name, segment.at(9), [segment.text])


_BEGINS = frozenset({"346", "348", "356", "193"})
_ENDS = frozenset({"347", "349", "357", "194"})
_DAYS = re.compile(r"(\d{8})(?:\d{4})?(?:\s*-\s*(?:(\d{8})(?:\d{4})?)?)?", re.ASCII)
_NO_BEGIN = frozenset({"00000000"})
_NO_END = frozenset({"99991231", "99999999"})


def _period(segment: Segment) -> Period:
    """Reads D8, RD8 and their forms with a time of day. The value decides, for DTP02 is sometimes wrong."""
    qualifier, value = segment.at(1), segment.at(3)
    found = _DAYS.fullmatch(value)
    if found is None:
        return Period(qualifier, None, None, unreadable=True, said=segment.text)
    first, last = found[1], found[2] or ""
    if "-" not in value:
        ends = qualifier in _ENDS
        day, wrong = _day(first, _NO_END if qualifier not in _BEGINS else _NO_BEGIN)
        return Period(qualifier, None if ends else day, day if ends else None, unreadable=wrong, said=segment.text)
    (begins, wrong_begin), (until, wrong_end) = _day(first, _NO_BEGIN), _day(last or "99991231", _NO_END)
    backwards = begins is not None and until is not None and until < begins
    return Period(qualifier, begins, until, True, wrong_begin or wrong_end or backwards, segment.text)


def _day(text: str, unbounded: frozenset[str]) -> tuple[date | None, bool]:
    """The day, and whether `text` is none."""
    if text in _NO_BEGIN | _NO_END:
        return None, text not in unbounded
    try:
        return datetime.strptime(text, "%Y%m%d").date(), False  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        return None, True


def _is_ours(candidate: tuple[str, str], trace: str, company_id: str) -> bool:
    return candidate[0] == trace and candidate[1] in ("", company_id)
