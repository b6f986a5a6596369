"""The JSON admission: for senders that speak neither HL7 v2 nor MLLP."""

from __future__ import annotations

from datetime import date

from pydantic import Field, ValidationError

from domain.values import Instant, Value
from intake.facts import Admission, AdmissionKind, Identity, RecordNumber
from intake.problem import Problem

_LONGEST_BYTES = 32_768
"""Longer than all fields at their maximum length with every character escaped."""


class AdmissionDocument(Value):
    """One admission. `authority` issued the record number `mrn`; `occurred_at` has an offset.

    `site` is the id of one of the centre's sites, or one of its locations; a centre with one site needs none.
    """

    authority: str = Field(min_length=1, max_length=200)
    mrn: str = Field(min_length=1, max_length=100)
    family_name: str = Field(min_length=1, max_length=200)
    given_name: str = Field(min_length=1, max_length=200)
    birth_date: date | None = None
    sex: str | None = Field(default=None, max_length=10)
    member_id: str | None = Field(default=None, max_length=100)
    payer_id: str | None = Field(default=None, max_length=100)
    visit: str = Field(default="", max_length=100)
    site: str | None = Field(default=None, min_length=1, max_length=100)
    kind: AdmissionKind = AdmissionKind.REGISTERED
    occurred_at: Instant

    def to_fact(self) -> Admission:
        """The admission as intake's own type."""
        values = self.model_dump(exclude={"authority", "mrn", "visit", "site", "kind", "occurred_at"})
        identity = Identity(key=RecordNumber(authority=self.authority, mrn=self.mrn), **values)
        named = (self.site,) if self.site else ()
        return Admission(
            identity=identity, visit=self.visit, occurred_at=self.occurred_at, kind=self.kind, locations=named
        )


class DocumentError(Exception):
    """The JSON is not an admission document."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.advice}")
        self.problem = problem


def read_admission(raw: bytes) -> AdmissionDocument:
    """Reads an admission document.

    Raises:
        DocumentError: Names the fields that are wrong, never their values.
    """
    if len(raw) > _LONGEST_BYTES:
        raise DocumentError(Problem("bad-admission", f"Send an admission of at most {_LONGEST_BYTES} bytes."))
    try:
        document = AdmissionDocument.model_validate_json(raw)
    except ValidationError as error:
        names = sorted({_name(part["loc"]) for part in error.errors(include_input=False, include_url=False)})
        raise DocumentError(Problem("bad-admission", f"Correct these fields: {', '.join(names)}.")) from None
    if "\x00" in document.model_dump_json() or "\\u0000" in document.model_dump_json():
        raise DocumentError(Problem("bad-admission", "Send text without NUL characters."))
    return document


def _name(location: tuple[int | str, ...]) -> str:
    """A field's name if we know it. A name that the sender made up could contain anything, so it is never shown."""
    name = str(location[0]) if location else "document"
    return name if name in AdmissionDocument.model_fields or name == "document" else "unknown field"
