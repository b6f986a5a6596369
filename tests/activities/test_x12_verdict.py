"""Each rule by which a 271 decides whether a client may be enrolled, on answers of invented people."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from activities.x12.response import read_271
from activities.x12.rules import Rules
from activities.x12.tokens import read_interchange
from activities.x12.verdict import judge
from domain.benefits import Benefits, Verdict
from tests.activities.messages import COMPANY, TRACE, answer

DAY = date(2026, 1, 5)
PARTS = ("copay", "coinsurance", "deductible_remaining", "deductible_total", "out_of_pocket_remaining")
OK = ("EB*1**30", "EB*1*IND*MH********N*Y")


def judged(*segments: str, rules: Rules | None = None) -> Benefits:
    (response,) = read_271(read_interchange(answer(*segments)))
    member = response.member_for(TRACE, COMPANY)
    assert member is not None
    return judge(member, rules or Rules(), DAY)


@pytest.mark.parametrize(
    ("segments", "verdict", "reason"),
    [
        (OK, Verdict.CLEAR, None),
        (("EB*1**30", "EB*1**A8********N*Y"), Verdict.CLEAR, None),
        (("EB*1**98^A8^UC********N"), Verdict.CLEAR, None),
        ((*OK, "EB*CB**MH********Y*Y"), Verdict.CLEAR_AUTH_REQUIRED, "AUTH-REQUIRED"),
        (("EB*1**MH",), Verdict.CLEAR_AUTH_REQUIRED, "AUTH-NOT-STATED"),
        (("EB*1**MH********U",), Verdict.CLEAR_AUTH_REQUIRED, "AUTH-NOT-STATED"),
        ((*OK, "MSG*PRECERT REQUIRED FOR IOP"), Verdict.NEEDS_REVIEW, "SAID-AUTHORISATION"),
        ((*OK, "MSG*PRIOR AUTH NOT REQUIRED"), Verdict.CLEAR, None),
        ((*OK, "EB*1**MH********Y*N"), Verdict.CLEAR, None),
        ((*OK, "EB*1**A7********Y*Y"), Verdict.CLEAR, None),
        (("EB*1**30",), Verdict.NEEDS_REVIEW, "MENTAL-HEALTH-NOT-STATED"),
        (("EB*L**30",), Verdict.NEEDS_REVIEW, "COVERAGE-NOT-STATED"),
        ((), Verdict.NEEDS_REVIEW, "COVERAGE-NOT-STATED"),
        (("EB*6**30",), Verdict.INACTIVE, "EB-6-30"),
        (("EB*8",), Verdict.NEEDS_REVIEW, "EB-8-PLAN"),
        (("EB*6**30", "EB*6**MH"), Verdict.INACTIVE, "EB-6-MH"),
        (("EB*1**30", "EB*6**MH"), Verdict.NOT_COVERED, "EB-6-MH"),
        (("EB*1**30", "EB*I**MH"), Verdict.NOT_COVERED, "EB-I-MH"),
        (("EB*1**30", "EB*E**A8"), Verdict.NOT_COVERED, "EB-E-A8"),
        ((*OK, "EB*I**MH*********N"), Verdict.CLEAR, None),
        ((*OK, "EB*I**MH"), Verdict.NEEDS_REVIEW, "CONTRADICTORY"),
        ((*OK, "EB*6**30"), Verdict.NEEDS_REVIEW, "CONTRADICTORY"),
        (("EB*5**MH",), Verdict.NEEDS_REVIEW, "EB-5-MH"),
        (("EB*V**MH",), Verdict.NEEDS_REVIEW, "EB-V-MH"),
        ((*OK, "EB*R**30"), Verdict.NEEDS_REVIEW, "EB-R-30"),
        (("EB*1**30", "EB*MC**MH"), Verdict.NEEDS_REVIEW, "EB-MC-MH"),
        (("DTP*347*D8*20251231", *OK), Verdict.INACTIVE, "DTP-347"),
        (("DTP*346*D8*20260201", *OK), Verdict.INACTIVE, "DTP-346"),
        (("DTP*291*RD8*20260101-20261231", *OK), Verdict.CLEAR, None),
        (("DTP*307*RD8*20250101-99991231", *OK), Verdict.CLEAR, None),
        ((*OK, "EB*F**MH***29***VS*4"), Verdict.NEEDS_REVIEW, "LIMIT-TOO-FEW"),
        ((*OK, "EB*F**MH***23***VS*40", "EB*F**MH***24***VS*30"), Verdict.NEEDS_REVIEW, "LIMIT-TOO-FEW"),
        ((*OK, "EB*F**MH***29***VS*60"), Verdict.CLEAR, None),
        ((*OK, "EB*F**MH", "HSD*VS*30***23*1"), Verdict.CLEAR, None),
        ((*OK, "EB*F**MH", "HSD*VS*3*WK**34*2"), Verdict.NEEDS_REVIEW, "LIMIT-UNREAD"),
        ((*OK, "EB*1**30", "AAA*N**42*P"), Verdict.NEEDS_REVIEW, "PARTIAL-ANSWER"),
    ],
)
def test_verdict(segments: tuple[str, ...] | str, verdict: Verdict, reason: str | None) -> None:
    found = judged(*((segments,) if isinstance(segments, str) else segments))
    assert (found.verdict, reason in found.reasons or reason is None) == (verdict, True), found


def test_coverage_that_ends_within_the_course_is_for_a_person() -> None:
    found = judged("DTP*291*RD8*20260101-20260131", *OK, rules=Rules(course_days=42))
    assert found.reasons == ("COVERAGE-ENDS-DURING-COURSE",)


@pytest.mark.parametrize(
    ("aaa", "verdict"),
    [
        ("AAA*N**72*C", Verdict.FIX_AND_RESUBMIT),
        ("AAA*N**75*C", Verdict.FIX_AND_RESUBMIT),
        ("AAA*N**15*C", Verdict.FIX_AND_RESUBMIT),
        ("AAA*N**72*N", Verdict.NEEDS_REVIEW),
        ("AAA*N**79*C", Verdict.PAYER_SIDE),
        ("AAA*Y**50*N", Verdict.PAYER_SIDE),
        ("AAA*Y**42*Y", Verdict.NEEDS_REVIEW),
        ("AAA*Y**80*N", Verdict.NEEDS_REVIEW),
        ("AAA*N**35*N", Verdict.NEEDS_REVIEW),
        ("AAA*N**63*C", Verdict.NEEDS_REVIEW),
        ("AAA*N**70*C", Verdict.NEEDS_REVIEW),
    ],
)
def test_rejection(aaa: str, verdict: Verdict) -> None:
    found = judged(aaa)
    assert (found.verdict, found.reasons[0]) == (verdict, f"AAA-{aaa.split('*')[3]}")


def test_the_most_restrictive_of_several_rejections_wins() -> None:
    assert judged("AAA*N**72*C", "AAA*N**75*S").verdict is Verdict.NEEDS_REVIEW
    assert judged("AAA*N**72*C", "AAA*N**79*C").verdict is Verdict.PAYER_SIDE


def money(*segments: str, rules: Rules | None = None) -> tuple[Decimal | None, ...]:
    share = judged(*OK, *segments, rules=rules).cost_share
    return () if share is None else tuple(getattr(share, name) for name in PARTS)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ((), ()),
        (("EB*B**MH***27*30*****Y",), ("30", None, None, None, None)),
        (("EB*B**MH***27*0*****Y",), ("0", None, None, None, None)),
        (("EB*B**30***27*50", "EB*B**MH***27*30", "EB*B**A8***27*20"), ("20", None, None, None, None)),
        (("EB*B**MH***27*30*****N",), ()),
        (("EB*B**MH***27*30*****N", "EB*B**MH***27*15*****W"), ("15", None, None, None, None)),
        (("EB*B*FAM*MH***27*30", "EB*B*IND*MH***27*10"), ("10", None, None, None, None)),
        (("EB*B**MH***27*10*****Y", "EB*B**MH***27*10*****Y"), ("10", None, None, None, None)),
        (("EB*B**MH***36*250*****Y",), (None,) * 5),  # and for a person: see below
        (("EB*B**MH***27*80", "III*ZZ*21", "EB*B**MH***27*30", "III*ZZ*11"), ("30", None, None, None, None)),
        (("EB*B**MH***27*80******HC:99213", "EB*B**MH***27*30"), ("30", None, None, None, None)),
        (("EB*A**MH*****.2",), (None, ".2", None, None, None)),
        (("EB*C*IND*30***23*1500", "EB*C*IND*30***29*400"), (None, None, "400", "1500", None)),
        (("EB*C*IND*30***23*1500", "EB*C*IND*30***24*1100"), (None, None, "400", "1500", None)),
        (("EB*C*IND*30***23*1500", "EB*C*IND*30***24*1600"), (None, None, "0", "1500", None)),
        (("EB*C*IND*30***23*1500",), (None, None, None, "1500", None)),
        (("EB*C*IND*30***29*400", "EB*C*FAM*30***29*90"), (None, None, "90", None, None)),
        # only the family's: at most so much is left for the member
        (("EB*C*FAM*30***29*900",), (None, None, None, "900", None)),
        (("EB*C*FAM*30***29*0",), (None, None, "0", None, None)),
        (("EB*C*IND*30***23*1500", "EB*C*FAM*30***29*900"), (None, None, None, "900", None)),
        # a deductible of mental health's own, of which nothing is said to be left or used
        (("EB*C*IND*MH***23*600", "EB*C*IND*30***23*1500", "EB*C*IND*30***29*0"), (None, None, None, "600", None)),
        (("EB*C*IND*MH***23*1500", "EB*C*IND*30***23*1500", "EB*C*IND*30***29*80"), (None, None, "80", "1500", None)),
        # both columns, and one benefit for each kind of share
        (("EB*A**MH*****.2***N*Y", "EB*A**MH*****.5***N*N"), (None, ".2", None, None, None)),
        (("EB*B**MH***27*0*****Y", "EB*A**MH*****.2***N*Y"), ("0", ".2", None, None, None)),
        (("EB*G*IND*30***29*0",), (None, None, None, None, "0")),
    ],
)
def test_cost_share(segments: tuple[str, ...], expected: tuple[str | None, ...]) -> None:
    assert money(*segments) == tuple(None if e is None else Decimal(e) for e in expected)


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        (("EB*B**MH***27*30", "EB*B**MH***27*40"), "AMBIGUOUS-COPAY"),
        (("EB*A**MH*****20",), "COINSURANCE-ABOVE-ONE"),
        (("EB*A**MH*****-.2",), "NUMBER-UNREADABLE"),
        (("EB*A**MH****20",), "COINSURANCE-MISPLACED"),
        (("EB*B**MH***27**.2",), "COPAY-MISPLACED"),
        (("EB*A**MH***27**.2", "EB*A**MH***27**.3"), "AMBIGUOUS-COINSURANCE"),
        (("EB*C*IND*30***29*100*****Y", "EB*C*IND*30***29*200*****Y"), "AMBIGUOUS-DEDUCTIBLE"),
        (("EB*C*IND*MH***36*100",), "DEDUCTIBLE-PERIOD-UNREAD"),
        (("EB*B**MH***36*250", "EB*A**MH*****.2"), "COPAY-NOT-PER-DAY"),
        (("EB*B**MH***26*250", "EB*B**30***27*30"), "COPAY-NOT-PER-DAY"),
        (("EB*B**MH***27*-5",), "NUMBER-UNREADABLE"),
        (("EB*C**30***29*NaN",), "NUMBER-UNREADABLE"),
    ],
)
def test_doubtful_money_is_for_a_person(segments: tuple[str, ...], reason: str) -> None:
    found = judged(*OK, *segments)
    assert (found.verdict, found.reasons[0]) == (Verdict.NEEDS_REVIEW, reason)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("COPAY APPLIES AFTER DEDUCTIBLE", True),
        ("SUBJECT TO THE CALENDAR YEAR DEDUCTIBLE", True),
        ("DEDUCTIBLE DOES NOT APPLY", False),
        ("NOT SUBJECT TO DEDUCTIBLE", False),
        ("DEDUCTIBLE WAIVED", False),
        ("SEE YOUR DEDUCTIBLE", None),
        ("TIER 1", None),
    ],
)
def test_what_is_said_of_the_deductible(text: str, first: bool | None) -> None:
    share = judged(*OK, "EB*B**MH***27*30", f"MSG*{text}").cost_share
    assert share is not None and share.deductible_first is first


def test_two_words_on_the_deductible_are_for_a_person() -> None:
    rows = ("EB*B**MH***27*30", "MSG*AFTER DEDUCTIBLE", "EB*B**MH***27*30", "MSG*DEDUCTIBLE WAIVED")
    assert judged(*OK, *rows).reasons[0] == "AMBIGUOUS-DEDUCTIBLE"


def test_out_of_network_centre_reads_the_other_column() -> None:
    rows = ("EB*1**MH********N*N", "EB*B**MH***27*30*****Y", "EB*B**MH***27*60*****N")
    assert money(*rows, rules=Rules(network="N"))[0] == Decimal(60)
