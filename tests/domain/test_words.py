"""What people and systems write: bounded, fit for the record, and never quoted back by an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.pathway.admission import RepeatAdmission
from domain.pathway.calls import Done, Failed, PlaceAnswer, SettleEffect
from domain.pathway.cost import AcceptCost, DeclineCost
from domain.pathway.deadlines import TimePassed
from domain.pathway.discharge import Discharge, ReportDischarge
from domain.pathway.move_decisions import ConfirmArrival
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation, WaiveObligation
from domain.plans import Actor, DischargePlan
from domain.values import Key, Role, Words
from tests.domain.walk import CLINICIAN

KEY: TypeAdapter[str] = TypeAdapter(Key)
WORDS: TypeAdapter[str] = TypeAdapter(Words)
UNSTORABLE = ["\x00", "before\x00after", "\ud83d", "half \udc00 a pair"]
NO_KEYS = ["", " ", "two words", "line\n", "\nline", "tab\t", "é", "\x7f", "k" * 201, *UNSTORABLE]


@pytest.mark.parametrize("text", NO_KEYS, ids=ascii)
@pytest.mark.parametrize(
    "make",
    [
        KEY.validate_python,
        lambda text: Actor(id=text, role=Role.CLINICIAN),
        lambda text: TimePassed(id=text),
        lambda text: RepeatAdmission(id="c", message=text),
        lambda text: AcceptCost(id="c", by=CLINICIAN, estimate=text),
        lambda text: AcknowledgeObligation(id="c", by=CLINICIAN, obligation=text),
        lambda text: CompleteObligation(id="c", by=CLINICIAN, obligation=text, note="done"),
        lambda text: WaiveObligation(id="c", by=CLINICIAN, obligation=text, reason="because"),
        lambda text: SettleEffect(id="c", key=text, answer=Done()),
    ],
)
def test_an_id_is_visible_ascii_without_spaces(make: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValidationError):
        make(text)


@pytest.mark.parametrize("text", ["k", "k" * 200, "!~", "settle/ehr-13", "7"])
def test_an_id_may_be_any_other(text: str) -> None:
    assert KEY.validate_python(text) == text


@pytest.mark.parametrize("text", ["", " \n ", "w" * 2001, *UNSTORABLE], ids=lambda text: ascii(text)[:20])
@pytest.mark.parametrize(
    "make",
    [
        WORDS.validate_python,
        lambda text: DeclineCost(id="c", by=CLINICIAN, reason=text),
        lambda text: ConfirmArrival(id="c", by=CLINICIAN, facility=text),
        lambda text: Failed(code=text),
        lambda text: Done(reference=text),
        lambda text: PlaceAnswer(facility=text, starts_at="2026-03-16T17:00:00Z"),
    ],
)
def test_words_are_something_not_endless_and_fit_for_the_record(make: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValidationError):
        make(text)


@pytest.mark.parametrize("text", ["w" * 2000, "two\nlines", "größer", "\U0001f600"], ids=lambda text: ascii(text)[:12])
def test_words_may_be_any_other(text: str) -> None:
    assert WORDS.validate_python(f"  {text} ") == text


@pytest.mark.parametrize("part", DischargePlan.model_fields)
@pytest.mark.parametrize(
    ("lines", "fits"),
    [
        (("l" * 500,), True),
        (("l" * 501,), False),
        (("line",) * 50, True),
        (("line",) * 51, False),
        *(((text,), False) for text in UNSTORABLE),
    ],
    ids=lambda value: ascii(value)[:14],
)
def test_a_discharge_plan_is_bounded(part: str, lines: tuple[str, ...], fits: bool) -> None:
    fields: dict[str, Any] = {part: lines}
    if fits:
        assert getattr(DischargePlan(**fields), part) == lines
        return
    with pytest.raises(ValidationError):
        DischargePlan(**fields)


@pytest.mark.parametrize(
    "make",
    [
        lambda said: Actor(id=said, role=Role.CLINICIAN),
        lambda said: DeclineCost(id="c", by=CLINICIAN, reason=f"{said}\x00"),
        lambda said: DeclineCost(id="c", by={"id": said, "role": said}, reason=said),
        lambda said: DischargePlan(follow_ups=(f"{said}\x00",)),
        lambda said: DischargePlan(resources=said),
        lambda said: Discharge(id="c", by=CLINICIAN, reason=said),
        lambda said: PlaceAnswer(facility=said),
        lambda said: ReportDischarge(id="c", message="m", occurred_at=said),
        lambda said: SettleEffect(id="c", key="k", answer={"kind": "done", "reference": f"{said}\x00"}),
    ],
)
def test_an_error_never_quotes_what_was_written(make: Callable[[str], object]) -> None:
    with pytest.raises(ValidationError) as refused:
        make("Bartolomea Quillfeather")
    assert "Quillfeather" not in f"{refused.value!s} {refused.value!r}"
