"""Answers in the manner of real payers, each judged by hand: what they write, and what follows."""

from __future__ import annotations

import pytest

from domain.benefit_words import reasons_in_words
from domain.benefits import Verdict
from tests.activities.test_x12_doubt import MH, PLAN, judged

REVIEW, CLEAR, AUTH = Verdict.NEEDS_REVIEW, Verdict.CLEAR, Verdict.CLEAR_AUTH_REQUIRED
INACTIVE, NOT_COVERED = Verdict.INACTIVE, Verdict.NOT_COVERED

ANSWERS = [
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*CONTACT OPTUM BEHAVIORAL",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*PRECERT REQ'D",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*AUTH RQD AFTER 20 VISITS",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*AUTHRZTN RQD",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*R*IND*30",
            "EB*R*IND*30",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*U*IND*30",
            "LS*2120",
            "NM1*PR*2*OTHERCO",
            "LE*2120",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*W*IND*30",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*V*IND*MH",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*E*IND*MH",
            "MSG*COURT ORDERED TREATMENT",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*F*IND*MH",
            "MSG*30 VISITS PER YEAR",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*F*IND*MH",
        ),
    ),
    (
        CLEAR,
        (
            PLAN,
            MH,
            "EB*CB*IND*30",
            "MSG*PLAN YEAR JAN TO DEC",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*D*IND*MH",
            "MSG*BH MANAGED BY CARELON",
        ),
    ),
    (
        CLEAR,
        (
            PLAN,
            MH,
            "EB*P*IND*30",
            "MSG*UNLESS REQUIRED BY LAW, THIS NOTICE IS NOT A GUARANTEE OF PAYMENT.",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*X*IND*30",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            "EB*1*IND*MH********N*Y",
            "DTP*349*D8*20261101",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "DTP*348*D8*20270101",
        ),
    ),
    (
        INACTIVE,
        (
            "DTP*357*D8*20261031",
            PLAN,
            MH,
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*REFER TO BEHAVIORAL HEALTH VENDOR",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*SVCS HANDLED BY LUCET",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*PA REQD",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*PRIOR AUTHORIZATION MAY BE REQUIRED",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*IN-NETWORK ONLY; OUT OF NETWORK NOT COVERED",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*TELEHEALTH ONLY",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*COVERED AT 80% AFTER DED",
        ),
    ),
    (
        CLEAR,
        (
            PLAN,
            MH,
            "MSG*SPECIALIST COPAY $40 PER VISIT",
        ),
    ),
    (
        CLEAR,
        (
            PLAN,
            MH,
            "EB*1*IND*88",
            "MSG*CARVED OUT TO EXPRESS SCRIPTS",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*1*IND*A8",
            "MSG*MUST USE EAP FIRST",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*EAP 6 SESSIONS FIRST",
        ),
    ),
    (
        REVIEW,
        (
            "MSG*MEMBER HAS MEDICARE PRIMARY",
            PLAN,
            MH,
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*MC*IND*30",
            "LS*2120",
            "NM1*Y2*2*MCO",
            "LE*2120",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*N*IND*MH",
        ),
    ),
    (
        REVIEW,
        (
            "MSG*COVERAGE IN GRACE PERIOD",
            PLAN,
            MH,
        ),
    ),
    (
        REVIEW,
        (
            "REF*N6*1*MEDICAID PENDING",
            PLAN,
            MH,
        ),
    ),
    (
        INACTIVE,
        (
            "EB*6*IND*30",
            "MSG*TERMINATED 10/31/2026",
        ),
    ),
    (
        REVIEW,
        (
            "EB*6*IND*30",
            "MSG*REINSTATEMENT PENDING",
        ),
    ),
    (REVIEW, ("EB*7*IND*30",)),
    (
        REVIEW,
        (
            "EB*6*IND*30",
            "MSG*COVERAGE MOVED TO OTHER CARRIER",
        ),
    ),
    (
        NOT_COVERED,
        (
            PLAN,
            "EB*I*IND*MH",
            "MSG*NOT COVERED",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            "EB*I*IND*MH",
            "MSG*NOT COVERED UNLESS AUTHORIZED",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            "EB*I*IND*MH",
            "MSG*CALL 800-555-0100",
        ),
    ),
    (
        CLEAR,
        (
            "DTP*346*D8*20260101",
            PLAN,
            MH,
            "EB*G*IND*30***23*8000*****Y",
        ),
    ),
    (
        REVIEW,
        (
            "DTP*343*D8*20261031",
            PLAN,
            MH,
        ),
    ),
    (
        AUTH,
        (
            PLAN,
            "EB*1*IND*MH",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*1*IND*BB",
            "MSG*PHP AND IOP REQUIRE PRECERT",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*SUBJECT TO CONCURRENT REVIEW",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "MSG*TIER 2 PROVIDERS REQUIRE REFERRAL",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*1*IND*30^98",
            "MSG*MENTAL HEALTH: SEPARATE DEDUCTIBLE",
        ),
    ),
    (
        CLEAR,
        (
            PLAN,
            MH,
            "EB*D*IND*30",
            "MSG*PRECERT REQUIRED FOR INPATIENT ADMISSIONS AND MRI",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*D*IND*30",
            "MSG*PRECERT REQUIRED FOR INPATIENT ADMISSIONS AND FACILITY BASED PROGRAMS",
        ),
    ),
    (
        CLEAR,
        (
            PLAN,
            MH,
            "EB*D*IND*30",
            "MSG*PLAN FUNDING: SELF INSURED",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*D*IND*30",
            "MSG*MENTAL HEALTH BENEFITS SUSPENDED",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "EB*T*IND*30",
        ),
    ),
    (
        CLEAR,
        (
            PLAN,
            MH,
            "EB*1*IND*50",
            "MSG*AUTH REQUIRED",
        ),
    ),
    (
        REVIEW,
        (
            PLAN,
            MH,
            "NTE*ADD*BH VENDOR",
        ),
    ),
]


@pytest.mark.parametrize(("verdict", "segments"), ANSWERS, ids=[" ".join(s) for _, s in ANSWERS])
def test_a_payers_answer(verdict: Verdict, segments: tuple[str, ...]) -> None:
    found = judged(*segments)
    assert found.verdict is verdict, found
    assert found.evidence or verdict is not REVIEW


def test_a_policyholders_ended_plan_leaves_a_dependents_coverage_in_doubt() -> None:
    below = ("HL*4*3*23*0", "TRN*2*TRACE1*1999999999", PLAN, MH)
    assert judged("DTP*346*D8*20200101", *below).verdict is CLEAR
    found = judged("DTP*347*D8*20251231", *below)
    assert (found.verdict, found.evidence[0].text) == (REVIEW, "DTP*347*D8*20251231")


def test_codes_that_leave_a_doubt_are_told_in_words() -> None:
    found = judged("DTP*442*D8*20261001", PLAN, MH, "EB*O*IND*MH")
    told = reasons_in_words(found)
    assert "EB-O-MH: not deemed a medical necessity" in told
    assert "DTP-442: date of death" in told
