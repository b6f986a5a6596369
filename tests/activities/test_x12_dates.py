"""Coverage on a day, from every way in which payers date a plan: one span that covers the day is enough."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.x12.response import read_271
from activities.x12.rules import Rules
from activities.x12.tokens import read_interchange
from activities.x12.verdict import judge
from domain.benefits import Benefits, Topic, Verdict
from tests.activities.messages import COMPANY, TRACE, answer

DAY = date(2026, 3, 2)
MH = "EB*1*IND*MH********N*Y"
COVERED, REVIEW, INACTIVE = Verdict.CLEAR, Verdict.NEEDS_REVIEW, Verdict.INACTIVE


def judged(*segments: str, day: date = DAY, rules: Rules | None = None) -> Benefits:
    (response,) = read_271(read_interchange(answer(*segments)))
    member = response.member_for(TRACE, COMPANY)
    assert member is not None
    return judge(member, rules or Rules(), day)


def plan(*dates: str, info: str = "1", name: str = "", service: str = "30") -> tuple[str, ...]:
    return (f"EB*{info}*IND*{service}**{name}", *(f"DTP*{each}" for each in dates))


CASES = {
    # several spans on EBs of the plan
    "this year and next": ((*plan("291*RD8*20260101-20261231"), *plan("291*RD8*20270101-20271231"), MH), COVERED),
    "next year first": ((*plan("291*RD8*20270101-20271231"), *plan("291*RD8*20260101-20261231"), MH), COVERED),
    "last year and this": ((*plan("346*D8*20250101", "347*D8*20251231"), *plan("346*D8*20260101"), MH), COVERED),
    "three, the middle one": (
        (*plan("307*RD8*20240101-20251231"), *plan("307*RD8*20260101-20260630"), *plan("307*RD8*20260701-"), MH),
        COVERED,
    ),
    "all of them past": ((*plan("291*RD8*20240101-20241231"), *plan("291*RD8*20250101-20251231"), MH), INACTIVE),
    "all to come": ((*plan("291*RD8*20260401-20261231"), MH), INACTIVE),
    "in the gap": ((*plan("291*RD8*20250101-20251231"), *plan("291*RD8*20260401-20261231"), MH), INACTIVE),
    "other names": (
        (*plan("291*RD8*20260101-20261231", name="BLUE A"), *plan("291*RD8*20270101-20271231", name="BLUE B"), MH),
        COVERED,
    ),
    "first day": ((*plan("291*RD8*20260302-20261231"), MH), COVERED),
    "last day": ((*plan("291*RD8*20250303-20260302"), MH), COVERED),
    "day after the last": ((*plan("291*RD8*20250303-20260301"), MH), INACTIVE),
    # several spans in one loop
    "two spans of a member": (("DTP*291*RD8*20250101-20251231", "DTP*291*RD8*20260101-20261231", MH), COVERED),
    "two spans of an EB": ((*plan("307*RD8*20260101-20261231", "307*RD8*20270101-20271231"), MH), COVERED),
    "begin and end twice": (
        ("DTP*346*D8*20240101", "DTP*347*D8*20251231", "DTP*346*D8*20260101", "DTP*347*D8*20261231", MH),
        COVERED,
    ),
    "ends and begins out of order": (
        ("DTP*347*D8*20251231", "DTP*346*D8*20260101", "DTP*346*D8*20240101", MH),
        COVERED,
    ),
    "ended, and begun again": (("DTP*347*D8*20251231", "DTP*346*D8*20260101", MH), COVERED),
    "begun and ended": (("DTP*346*D8*20240101", "DTP*347*D8*20251231", MH), INACTIVE),
    "begun, ends later": (("DTP*356*D8*20240101", "DTP*357*D8*20261231", MH), COVERED),
    "ends later, begin not said": (("DTP*357*D8*20261231", MH), COVERED),
    "old span beside a begin": (("DTP*291*RD8*20250101-20251231", "DTP*346*D8*20260101", MH), COVERED),
    # each date code
    "eligibility ended": (("DTP*357*D8*20260301", MH), INACTIVE),
    "eligibility not begun": (("DTP*356*D8*20260303", MH), INACTIVE),
    "benefit ended on the EB": ((*plan(), MH, "DTP*349*D8*20251231"), REVIEW),
    "benefit begun on the EB": ((*plan(), MH, "DTP*348*D8*20260101"), COVERED),
    "service date is no coverage date": ((*plan(), MH, "DTP*472*D8*20250101"), COVERED),
    # open ends and other forms
    "open end": ((*plan("291*RD8*20250101-99991231"), MH), COVERED),
    "open end, nines": (("DTP*346*D8*20250101", "DTP*347*D8*99999999", MH), COVERED),
    "open range": ((*plan("307*RD8*20250101-"), MH), COVERED),
    "with a time": ((*plan("291*DT*202501010000-202612312359"), MH), COVERED),
    "a range called D8": ((*plan("291*D8*20250101-20251231"), MH), INACTIVE),
    # the EB's own dates stand before the member's
    "EB before member": (("DTP*291*RD8*20250101-20251231", *plan("291*RD8*20260101-20261231"), MH), COVERED),
    "MH with dates of its own": ((*plan("291*RD8*20250101-20251231"), MH, "DTP*291*RD8*20260101-20261231"), COVERED),
    "MH of next year only": ((*plan("291*RD8*20260101-20261231"), MH, "DTP*291*RD8*20270101-20271231"), REVIEW),
    "MH twice, one holds": (
        (*plan(), MH, "DTP*291*RD8*20250101-20251231", MH, "DTP*291*RD8*20260101-20261231"),
        COVERED,
    ),
    # unclear: never covered, never inactive
    "not a date": (("DTP*291*RD8*20260101-2026123", MH), REVIEW),
    "no such day": (("DTP*347*D8*20261331", MH), REVIEW),
    "backwards": ((*plan("291*RD8*20261231-20260101"), MH), REVIEW),
    "unreadable beside a good one": ((*plan("291*RD8*20260101-20261231"), *plan("291*RD8*SOON"), MH), COVERED),
    "an end within the span": (("DTP*291*RD8*20260101-20261231", "DTP*347*D8*20260131", MH), REVIEW),
    "a begin without end before an old span": (("DTP*346*D8*20200101", "DTP*291*RD8*20250101-20251231", MH), REVIEW),
    "plan runs, eligibility ended": (("DTP*346*D8*20200101", "DTP*357*D8*20251231", MH), REVIEW),
    "member began, the only plan named is to come": (
        ("DTP*346*D8*20250101", *plan("291*RD8*20270101-20271231"), MH),
        REVIEW,
    ),
    "member's span holds, the plan named is to come": (
        ("DTP*291*RD8*20260101-20261231", *plan("291*RD8*20270101-20271231"), MH),
        COVERED,
    ),
    # an ended plan beside a new one
    "ended by code and date": ((*plan("347*D8*20251231", info="6"), *plan("346*D8*20260101"), MH), COVERED),
    "ended, the new one undated": ((*plan("291*RD8*20250101-20251231", info="6"), *plan(), MH), COVERED),
    "ended plan of another name": ((*plan(info="6", name="OLD"), *plan(name="NEW"), MH), COVERED),
    "ended plan of the same name": ((*plan(info="6", name="SAME"), *plan(name="SAME"), MH), REVIEW),
    "ended plan without a name": ((*plan(info="6"), *plan(name="NEW"), MH), REVIEW),
    "inactive now": ((*plan("346*D8*20260101", info="6"), *plan("346*D8*20250101"), MH), REVIEW),
    "inactive MH of last year": ((*plan(), *plan("347*D8*20251231", info="6", service="MH"), MH), COVERED),
    "excluded MH of last year": ((*plan(), *plan("349*D8*20251231", info="I", service="MH"), MH), COVERED),
    "inactive MH, undated": ((*plan(), *plan(info="6", service="MH"), MH), REVIEW),
    "ended, and nothing new": ((*plan("347*D8*20251231", info="6"),), INACTIVE),
    "ended plan, undated MH": ((*plan("347*D8*20251231", info="6"), MH), REVIEW),
    "ended plan, MH with dates": (
        (*plan("347*D8*20251231", info="6"), MH, "DTP*291*RD8*20260101-20261231"),
        COVERED,
    ),
}


@pytest.mark.parametrize(("segments", "verdict"), CASES.values(), ids=CASES)
def test_coverage_on_the_day(segments: tuple[str, ...], verdict: Verdict) -> None:
    found = judged(*segments)
    assert found.verdict is verdict, found


def test_dates_that_decide_reach_a_person_as_sent() -> None:
    found = judged("DTP*346*D8*20200101", "DTP*357*D8*20251231", MH)
    assert found.reasons == ("DATES-UNCLEAR", "DTP-346", "DTP-357", "SAID-DATES")[: len(found.reasons)]
    assert [(e.topics, e.about) for e in found.evidence] == [((Topic.DATES,), "MEMBER")]
    assert found.evidence[0].text == "DTP*346*D8*20200101\nDTP*357*D8*20251231"


def test_next_years_money_is_not_this_years() -> None:
    found = judged(
        *(MH, "EB*B*IND*MH***27*30", "DTP*291*RD8*20260101-20261231"),
        *("EB*B*IND*MH***27*45", "DTP*291*RD8*20270101-20271231"),
    )
    assert found.verdict is COVERED and found.cost_share is not None
    assert found.cost_share.copay == 30


def test_a_course_may_run_from_one_span_into_the_next_but_not_into_a_gap() -> None:
    course, late = Rules(course_days=60), date(2026, 12, 1)
    this, following = plan("291*RD8*20260101-20261231"), plan("291*RD8*20270101-20271231")
    assert judged(*this, *following, MH, day=late, rules=course).verdict is COVERED
    gap = judged(*this, *plan("291*RD8*20270103-20271231"), MH, day=late, rules=course)
    assert gap.reasons[0] == "COVERAGE-ENDS-DURING-COURSE"


SPAN = st.tuples(st.integers(-800, 800), st.integers(0, 500))
CODES = st.sampled_from(["291", "307"])


def dated(code: str, begins: int, length: int) -> str:
    first = DAY + timedelta(days=begins)
    return f"{code}*RD8*{first:%Y%m%d}-{first + timedelta(days=length):%Y%m%d}"


def misses(span: tuple[int, int]) -> bool:
    return span[0] > 0 or span[0] + span[1] < 0


@given(
    code=CODES,
    added=st.lists(SPAN.filter(misses), min_size=1, max_size=4),
    before=st.integers(0, 400),
    after=st.integers(0, 400),
    place=st.integers(0, 4),
    on_member=st.booleans(),
)
def test_a_span_that_misses_the_day_never_ends_coverage(
    code: str, added: list[tuple[int, int]], before: int, after: int, place: int, on_member: bool
) -> None:
    covering = dated(code, -before, before + after)
    spans = [dated(code, *span) for span in added]
    spans.insert(min(place, len(spans)), covering)
    if on_member:
        found = judged(*(f"DTP*{span}" for span in spans), MH)
    else:
        found = judged(*(segment for span in spans for segment in plan(span)), MH)
    assert found.verdict is COVERED, found


@given(code=CODES, spans=st.lists(SPAN, min_size=1, max_size=4), on_member=st.booleans())
def test_spans_that_all_miss_the_day_never_cover_it(code: str, spans: list[tuple[int, int]], on_member: bool) -> None:
    said = [dated(code, *span) for span in spans]
    segments = [f"DTP*{s}" for s in said] if on_member else [each for s in said for each in plan(s)]
    found = judged(*segments, MH)
    assert found.verdict is (INACTIVE if all(misses(span) for span in spans) else COVERED), found


@given(
    dates=st.lists(
        st.tuples(
            st.sampled_from(["291", "307", "346", "347", "348", "349", "356", "357"]),
            st.sampled_from(["20250101", "20260101", "20270101", "20251231", "20261231", "99991231", "20261331", ""]),
        ),
        max_size=5,
    )
)
def test_inactive_is_only_said_where_a_date_is_against_the_day(dates: list[tuple[str, str]]) -> None:
    found = judged(*(f"DTP*{code}*D8*{day}" for code, day in dates), MH)
    if found.verdict is INACTIVE:
        assert any(code in ("347", "349", "357") and day < "20260302" for code, day in dates) or any(
            code not in ("347", "349", "357") and "20260302" < day < "99991231" for code, day in dates
        )
