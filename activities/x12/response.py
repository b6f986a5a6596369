"""Reads a 271 into members and their benefits, without yet deciding what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from activities.x12.tokens import Interchange, Segment, Transaction, X12Error

_CODE = re.compile(r"[A-Z0-9]{1,2}", re.ASCII)
_NUMBER = re.compile(r"(?:\d{1,12}(?:\.\d{0,6})?|\.\d{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One AAA: its loop (`payer`, `provider`, `subscriber`, `dependent`, `benefit`), AAA03 and AAA04."""

    loop: str
    code: str
    follow_up: str


@dataclass(frozen=True, slots=True)
class Period:
    """A DTP: its qualifier (DTP01) and the days that it names, both included. None means open or not stated.

    Attributes:
        is_span: Whether it names both a begin and an end.
        unreadable: Whether it holds an invalid date; what could be read of it proves nothing.
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
        code: NM101, its relation to the benefit; empty for a contact (PER) without a name (NM1).
        is_organisation: Whether NM102 says that it is an organisation.
        name: NM103 and, of a person, NM104.
        id: NM109.
        contacts: The contact names (PER02), if given.
        said: Its segments as sent.
    """

    code: str
    is_organisation: bool
    name: str
    id: str
    contacts: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Benefit:
    """One EB with the segments that belong to it.

    Attributes:
        plan: EB05, which should be the name of the plan.
        unreadable: Whether a number was present but invalid.
        plan_texts: The fields that should be names of plans: EB05 and REF03.
        authorisations: REF segments with the number of an authorisation or a referral, as sent.
        messages: MSG, III04, and segments that this loop does not have.
        said: The EB as sent.
    """

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
    plan_texts: list[str] = field(default_factory=list)
    authorisations: list[str] = field(default_factory=list)
    said: str = ""

    @property
    def code(self) -> str:
        """`EB-<EB01>-<service type>`, without any free text."""
        info = self.info if _CODE.fullmatch(self.info) else "UNREADABLE"
        return f"EB-{info}-{next((code for code in self.service_types if _CODE.fullmatch(code)), 'PLAN')}"

    @property
    def plan_name(self) -> str:
        """`plan` for comparing: letters and digits alone, in capitals. `PPO-Gold` and `PPO  GOLD` are one plan."""
        return "".join(c for c in self.plan.upper() if c.isalnum())


@dataclass(slots=True)
class Member:
    """A subscriber or a dependent in the answer. Names and numbers of the person are not kept.

    Attributes:
        payers: Names and numbers of the payer that answers (loop 2100A).
        periods_above: For a dependent, the dates of the policyholder (loop 2100C).
        messages: Text before the first EB, also from the payer and a dependent's policyholder. It is about the whole
            answer.
        plan_texts: Names of plans before the first EB (REF03).
    """

    is_dependent: bool
    hl: str
    parent: str
    traces: list[tuple[str, str]] = field(default_factory=list)
    benefits: list[Benefit] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    periods_above: list[Period] = field(default_factory=list)
    payers: frozenset[str] = frozenset()
    messages: list[str] = field(default_factory=list)
    plan_texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Response:
    """One 271. `reference` is BHT03; `rejections` are those before any member."""

    reference: str = ""
    members: list[Member] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def member_for(self, trace: str, company_id: str) -> Member | None:
        """The member whose TRN has our trace. A dependent comes before a subscriber."""
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
        X12Error: `no-271` if there is none, `truncated` if one has no end.
    """
    found = [t for t in interchange.transactions() if t.kind == "271"]
    if not found:
        raise X12Error("no-271")
    if not all(t.complete for t in found):
        raise X12Error("truncated")
    return [_Reader().read(t) for t in found]


def number(text: str) -> Decimal | None:
    """`text` as a number that is not negative, or None if it is not one."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


_AUTHORISATION_NUMBERS = frozenset({"G1", "9F"})
"""REF01: prior authorisation number, referral number."""
_WITHOUT_TEXT = frozenset({"N3", "N4", "PRV", "DMG", "INS", "HI", "MPI", "HSD", "PER", "LS", "LE", "SE"})
"""Segments of loops 2100 and 2110 (005010X279A1) that hold no free text, or none that is about coverage."""
_LOOPS = {"20": "payer", "21": "provider", "22": "subscriber", "23": "dependent"}


class _Reader:
    def __init__(self) -> None:
        self._response = Response()
        self._loop = "payer"
        self._member: Member | None = None
        self._benefit: Benefit | None = None
        self._payers: frozenset[str] = frozenset()
        self._messages_above: list[str] = []
        self._handlers = {
            "HL": self._hl,
            "TRN": self._trn,
            "AAA": self._aaa,
            "DTP": self._dtp,
            "EB": self._eb,
            "NM1": self._nm1,
            "MSG": self._msg,
            "REF": self._ref,
            "III": self._iii,
        }

    def read(self, transaction: Transaction) -> Response:
        for segment in transaction.segments:
            if segment.id == "BHT":
                self._response.reference = segment.at(3)
            elif (handler := self._handlers.get(segment.id)) is not None:
                handler(segment)
            else:
                self._other(segment)
        return self._response

    def _hl(self, segment: Segment) -> None:
        self._loop = _LOOPS.get(segment.at(3), "payer")
        self._benefit = None
        self._member = None
        if self._loop == "payer":
            self._payers, self._messages_above = frozenset(), []
        if self._loop in ("subscriber", "dependent"):
            self._member = self._member_below(segment)
            self._response.members.append(self._member)

    def _member_below(self, segment: Segment) -> Member:
        member = Member(self._loop == "dependent", segment.at(1), segment.at(2), payers=self._payers)
        above = [m for m in self._response.members if m.hl == segment.at(2)] if member.is_dependent else []
        member.messages += [*self._messages_above, *(said for m in above for said in m.messages)]
        member.plan_texts += [said for m in above for said in m.plan_texts]
        member.periods_above += [period for m in above for period in m.periods]
        return member

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
        """Reads all elements, because the text of a payer that does not escape `*` is split over several."""
        self._say(" ".join(filter(None, map(segment.at, range(1, len(segment.elements) + 1)))))

    def _say(self, text: str) -> None:
        owner = self._benefit or self._member
        if text:
            (self._messages_above if owner is None else owner.messages).append(text)

    def _nm1(self, segment: Segment) -> None:
        if self._benefit is not None:
            self._benefit.entities.append(_entity(segment))
        elif self._loop == "payer":
            self._payers |= {text.upper() for text in (segment.at(3), segment.at(9)) if text}

    def _ref(self, segment: Segment) -> None:
        owner = self._benefit or self._member
        if owner is not None and segment.at(3):
            owner.plan_texts.append(segment.at(3))
        if self._benefit is not None and segment.at(1) in _AUTHORISATION_NUMBERS:
            self._benefit.authorisations.append(segment.text)

    def _iii(self, segment: Segment) -> None:
        self._say(segment.at(4))
        if self._benefit is not None and segment.at(1) == "ZZ":
            self._benefit.places.append(segment.at(2))

    def _other(self, segment: Segment) -> None:
        if self._benefit is not None:
            _add_detail(self._benefit, segment)
        if self._member is not None and segment.id not in _WITHOUT_TEXT:
            self._msg(segment)


def _add_detail(benefit: Benefit, segment: Segment) -> None:
    if segment.id == "HSD":
        benefit.delivery.append(segment)
    elif segment.id == "PER" and not benefit.entities:
        benefit.entities.append(Entity("", True, segment.at(2), "", [segment.at(2)], [segment.text]))
    elif segment.id in ("N3", "N4", "PER") and benefit.entities:
        benefit.entities[-1].said.append(segment.text)
        if segment.id == "PER":
            benefit.entities[-1].contacts.append(segment.at(2))


def _benefit(segment: Segment) -> Benefit:
    numbers = {position: segment.at(position) for position in (7, 8, 10)}
    values = {position: number(text) for position, text in numbers.items()}
    return Benefit(
        info=segment.at(1).upper(),
        level=segment.at(2),
        service_types=segment.repeats(3),
        plan=segment.at(5),
        period=segment.at(6),
        amount=values[7],
        fraction=values[8],
        quantity_unit=segment.at(9),
        quantity=values[10],
        authorisation=segment.at(11).upper(),
        network=segment.at(12).upper(),
        procedure=segment.components(13),
        unreadable=any(text and values[position] is None for position, text in numbers.items()),
        plan_texts=[segment.at(5)] if segment.at(5) else [],
        said=segment.text,
    )


def _entity(segment: Segment) -> Entity:
    is_organisation = segment.at(2) != "1"
    parts = (segment.at(3),) if is_organisation else (segment.at(3), segment.at(4))
    name = " ".join(part for part in parts if part)
    return Entity(segment.at(1), is_organisation, name, segment.at(9), said=[segment.text])


_ENDS = frozenset({"347", "349", "357", "194"})
_DAYS = re.compile(r"(\d{8})(?:\d{4})?(?:\s*-\s*(?:(\d{8})(?:\d{4})?)?)?", re.ASCII)
_OPEN = frozenset({"99991231", "99999999"})
_NULL = frozenset({"19700101"})
_FIRST_DAY, _NO_BEGIN_FROM = date(1920, 1, 1), date(2100, 1, 1)
"""Databases often write a missing date as their first or last day (0001-01-01, 1753-01-01, 1900-01-01, 1970-01-01). No
living person's coverage is that old, and none begins after 2100: such a date counts as unknown."""


def _period(segment: Segment) -> Period:
    """Reads D8, RD8 and their forms with a time of day. The value decides, because DTP02 is sometimes wrong."""
    qualifier, value = segment.at(1), segment.at(3)
    found = _DAYS.fullmatch(value)
    if found is None:
        return Period(qualifier, None, None, unreadable=True, said=segment.text)
    first, last = found[1], found[2] or ""
    if "-" not in value:
        if qualifier in _ENDS:
            ends, wrong = _end(first)
            return Period(qualifier, None, ends, unreadable=wrong, said=segment.text)
        begins, wrong = _begin(first)
        return Period(qualifier, begins, None, unreadable=wrong, said=segment.text)
    (begins, wrong_begin), (until, wrong_end) = _begin(first), _end(last or "99991231")
    backwards = begins is not None and until is not None and until < begins
    return Period(qualifier, begins, until, True, wrong_begin or wrong_end or backwards, segment.text)


def _begin(text: str) -> tuple[date | None, bool]:
    """The day, and whether `text` is not a date."""
    day = _day(text)
    return (None, True) if day is None or day >= _NO_BEGIN_FROM else (day, False)


def _end(text: str) -> tuple[date | None, bool]:
    """The day or None if it is open, and whether `text` is neither."""
    day = None if text in _OPEN else _day(text)
    return day, day is None and text not in _OPEN


def _day(text: str) -> date | None:
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return None if day < _FIRST_DAY or text in _NULL else day


def _is_ours(candidate: tuple[str, str], trace: str, company_id: str) -> bool:
    return candidate[0] == trace and candidate[1] in ("", company_id)
