"""Policies as files: one for each version, every number with its unit, its source and the day it was checked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, StrictInt, ValidationError, model_validator

from centre.days import Day
from centre.files import CentreFileError, Document, as_json, in_plain_words, read, strictly
from domain.adopted import digest_of
from domain.obligation_terms import Offset, StepTerms, Terms
from domain.pathway import OBLIGATIONS, PART_NAMES, PART_OF_OBLIGATION
from domain.policy import Dollars, Level, Numbers, Policy, Price, ReviewRule, unit_of
from domain.values import Key, Value, Words


class Sourced(Value):
    """An entry with its source.

    Attributes:
        source: The rule or decision that it follows.
        checked: The day on which a person last compared it with its source.
    """

    source: Words
    checked: Day


class NumberEntry(Sourced):
    """One or several numbers of the policy. `Numbers` says which values each may have."""

    value: Any
    unit: str


class ReviewEntry(Sourced, ReviewRule):
    """When a level is reviewed."""


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("write the amount as a number, without quotes")
    return Decimal(str(value))


class PriceEntry(Sourced, Price):
    """What a treatment day costs."""

    allowed_dollars: Annotated[Dollars, BeforeValidator(_amount)]
    self_pay_dollars: Annotated[Dollars, BeforeValidator(_amount)]


class LevelEntry(Sourced, Level):
    """A level of care."""

    review: ReviewEntry | None = None
    price: PriceEntry | None = None


class StepEntry(StepTerms):
    """A step of an escalation: `hours` from the due time, or `when`: as it is raised, or as its window opens."""

    hours: Annotated[int, Field(ge=-8760, le=8760)] | None = None
    when: Literal["raised", "opens"] | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> StepEntry:
        if (self.hours is None) == (self.when is None):
            raise ValueError('say either hours = …, or when = "raised" or "opens"')
        return self

    @property
    def offset(self) -> Offset:
        """When it is due."""
        return "opens" if self.when == "opens" else self.hours


class TermsEntry(Terms):
    """Who owes a kind of obligation and who is told when."""

    steps: Annotated[tuple[StepEntry, ...], Field(min_length=1)]


class PolicyFile(Value):
    """What a policy's file holds.

    Attributes:
        format: Decides which kinds of obligations and numbers the file must name.
    """

    version: Key
    title: Words
    format: Annotated[StrictInt, Field(ge=1, le=1)]
    parts: tuple[str, ...]
    numbers: dict[str, NumberEntry]
    levels: Annotated[tuple[LevelEntry, ...], Field(min_length=1)]
    obligations: dict[str, TermsEntry]


class ReadPolicy(NamedTuple):
    """A policy, and the sources that its file gives."""

    policy: Policy
    file: PolicyFile
    document: dict[str, Any]


def read_policies(folder: Path) -> list[ReadPolicy]:
    """Every policy in `folder`, in the order of the files' names.

    Raises:
        CentreFileError: One of them cannot be used or is not named after its version, or there is none.
    """
    found: dict[str, ReadPolicy] = {}
    for path in sorted(each for each in folder.glob("*") if each.suffix.lower() == ".toml"):
        each = read_policy(path)
        version = each.policy.version
        if version != path.stem:
            reason = f"version is {version!r} and the file is {path.name}; give both the same name"
            raise read(path).error(("version",), reason)
        found[version] = each
    if not found:
        raise CentreFileError(folder, None, "has no policy; add one as a .toml file")
    return list(found.values())


def read_policy(path: Path) -> ReadPolicy:
    """Reads the policy in the file.

    Raises:
        CentreFileError: It cannot be used; names the line and the reason.
    """
    document = read(path)
    content, said = document.read_as(PolicyFile), as_json(document.data)
    _check_parts(document, content)
    _check_obligations(document, content)
    _check_levels(document, content)
    policy = Policy(
        version=content.version,
        title=content.title,
        digest=digest_of(said),
        parts=frozenset(content.parts),
        levels=tuple(_plain(level) for level in content.levels),
        obligations={kind: _terms(entry) for kind, entry in content.obligations.items()},
        **dict(_numbers(document, content)),
    )
    return ReadPolicy(policy, content, said)


def _numbers(document: Document, content: PolicyFile) -> Iterator[tuple[str, Any]]:
    values = {name: entry.value for name, entry in content.numbers.items()}
    for name, entry in content.numbers.items():
        unit = unit_of(name)
        if unit is None:
            raise document.error(("numbers", name), f"there is no number {name}; correct its name or remove it")
        if entry.unit != unit:
            raise document.error(("numbers", name, "unit"), f"{name} counts {unit}, not {entry.unit}")
    try:
        strictly(Numbers, values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["type"] == "missing":
            raise document.error((), f"[numbers.{first['loc'][0]}] is missing; add it") from None
        name = str(first["loc"][0]) if first["loc"] else "follow_up_days"
        raise document.error(("numbers", name, "value"), f"numbers.{name}: {in_plain_words(first)}") from None
    yield from values.items()


def _check_parts(document: Document, content: PolicyFile) -> None:
    for part in content.parts:
        if part not in PART_NAMES:
            raise document.error(("parts",), f"there is no part {part!r}; choose from {', '.join(PART_NAMES)}")
        if content.parts.count(part) > 1:
            raise document.error(("parts",), f"the part {part!r} is there twice; remove one")
    for part, optional in PART_NAMES.items():
        if not optional and part not in content.parts:
            raise document.error(("parts",), f"the part {part!r} is missing, and no journey can do without it")


def _check_obligations(document: Document, content: PolicyFile) -> None:
    for kind in content.obligations:
        if kind not in PART_OF_OBLIGATION:
            raise document.error(("obligations", kind), f"there is no obligation {kind}; correct its name or remove it")
        if (part := PART_OF_OBLIGATION[kind]) not in content.parts:
            reason = f"{kind} belongs to {part}, which does not run; remove it, or add {part} to parts"
            raise document.error(("obligations", kind), reason)
    for kind, part in PART_OF_OBLIGATION.items():
        if part in content.parts and kind not in content.obligations:
            raise document.error((), f"[obligations.{kind}] is missing: say who owes it and who is told when")
    for kind, terms in content.obligations.items():
        limits = terms.acknowledgement
        if OBLIGATIONS[kind].urgent and (limits.hours is None or limits.times is None):
            reason = f"{kind} is urgent: say in acknowledgement how many hours it keeps quiet and how many times"
            raise document.error(("obligations", kind), reason)


def _check_levels(document: Document, content: PolicyFile) -> None:
    names = [level.id for level in content.levels]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise document.error(("levels", number, "id"), f"{name} is there twice")
    if not any(level.is_ours for level in content.levels):
        raise document.error(("levels",), "no level is given by us; a client must be able to start somewhere")


def _plain(entry: LevelEntry) -> Level:
    """The level without its sources."""
    left_out = {"source", "checked"}
    data = entry.model_dump(exclude={"source": True, "checked": True, "review": left_out, "price": left_out})
    return Level.model_validate(data)


def _terms(entry: TermsEntry) -> Terms:
    steps = tuple(StepTerms(hours=step.offset, tell=step.tell, by=step.by) for step in entry.steps)
    return Terms(**{**dict(entry), "steps": steps})
