"""Answers that leave a doubt are for a person, with what the payer sent; plain answers stay clear."""

from __future__ import annotations

from datetime import date
from time import process_time

import pytest

from activities.x12.response import read_271
from activities.x12.rules import Rules
from activities.x12.tokens import read_interchange
from activities.x12.verdict import judge
from domain.benefits import Benefits, Topic, Verdict
from tests.activities.messages import COMPANY, TRACE, answer

DAY = date(2026, 11, 25)
PLAN, MH = "EB*1*IND*30", "EB*1*IND*MH********N*Y"
THIS_YEAR, NEXT_YEAR = "DTP*291*RD8*20260101-20261231", "DTP*291*RD8*20270101-20271231"
INVENTED = "HARBOR MIND CARE"


def judged(*segments: str, rules: Rules | None = None) -> Benefits:
    (response,) = read_271(read_interchange(answer(*segments)))
    member = response.member_for(TRACE, COMPANY)
    assert member is not None
    return judge(member, rules or Rules(), DAY)


NOT_PLAINLY_OFF = {
    # another column, another plan or the member's own dates speak for the day
    "the other network column covers": (
        (
            PLAN,
            "DTP*291*RD8*20260101-20261031",
            "EB*1*IND*30*********N",
            "DTP*291*RD8*20261101-20271231",
            "EB*1*IND*MH",
        ),
    ),
    "another service covers": ((PLAN, "DTP*291*RD8*20250101-20251231", "EB*1*IND*98", THIS_YEAR, "EB*1*IND*MH"),),
    "another place covers": (
        (PLAN, "DTP*291*RD8*20250101-20251231", "EB*1*IND*MH", THIS_YEAR, "III*ZZ*21", "EB*1*IND*MH"),
    ),
    "inactive beside an active service": (("EB*6*IND*30", "EB*1*IND*98"),),
    "inactive beside the other column": (("EB*6*IND*30*********Y", "EB*1*IND*30*********N"),),
    "the member's span covers": (
        ("DTP*307*RD8*20260101-20261231", PLAN, "DTP*307*RD8*20270101-20271231", "EB*1*IND*MH", "DTP*307*D8*20270101"),
    ),
    "the member began": (("DTP*346*D8*20250101", PLAN, NEXT_YEAR, "EB*1*IND*MH", NEXT_YEAR),),
    "the member's dates of another kind": (("DTP*307*RD8*20260101-20261231", PLAN, NEXT_YEAR),),
    "a plan of another name ended": (
        ("EB*1*IND*30**VISION LITE", "DTP*291*RD8*20200101-20231231", "EB*1*IND*MH**PPO SILVER"),
    ),
    "a dental plan ended": (("EB*1*IND*30**DENTAL BASIC", "DTP*291*RD8*20200101-20231231", "EB*1*IND*MH"),),
    # a denial of another time or another plan
    "inactive last year": ((PLAN, THIS_YEAR, "EB*6*IND*MH", "DTP*291*RD8*20250101-20251231"),),
    "not covered last year": ((PLAN, "EB*I*IND*MH", "DTP*292*RD8*20250101-20251231"),),
    "not covered next year": ((PLAN, "EB*I*IND*MH", "DTP*348*D8*20270101"),),
    "inactive under the old plan": (("EB*6*IND*MH**OLD HMO", "EB*1*IND*30**NEW PPO"),),
    "excluded under the old plan": (("EB*E*IND*MH**OLD HMO", "EB*1*IND*30**NEW PPO"),),
    "not covered, with dates that cannot be read": ((PLAN, "EB*I*IND*MH", "DTP*292*RD8*2026"),),
    "covered in the other column": ((PLAN, "EB*I*IND*MH*********Y", "EB*1*IND*MH*********N"),),
}


@pytest.mark.parametrize("case", NOT_PLAINLY_OFF.values(), ids=NOT_PLAINLY_OFF)
def test_off_is_only_said_where_nothing_speaks_for_the_day(case: tuple[tuple[str, ...]]) -> None:
    found = judged(*case[0])
    assert found.verdict is Verdict.NEEDS_REVIEW, found
    assert found.evidence


@pytest.mark.parametrize("null", ["00010101", "19000101", "00000000", "17530101", "18991231", "19700101"])
@pytest.mark.parametrize(
    "dates",
    [
        ("DTP*291*RD8*{}-20261231",),
        ("DTP*291*RD8*20260101-{}",),
        ("DTP*346*D8*20250101", "DTP*347*D8*{}"),
        ("DTP*346*D8*{}",),
        ("DTP*357*D8*{}",),
        ("DTP*291*RD8*20260101-20261231", "DTP*347*D8*{}"),
    ],
)
@pytest.mark.parametrize("on_member", [True, False])
def test_a_null_date_is_not_known(null: str, dates: tuple[str, ...], on_member: bool) -> None:
    said = [each.format(null) for each in dates]
    found = judged(*said, PLAN, MH) if on_member else judged(PLAN, *said, MH)
    assert found.verdict is Verdict.NEEDS_REVIEW, found
    assert said[0] in "\n".join(each.text for each in found.evidence)


@pytest.mark.parametrize("end", ["99991231", "99999999", "20991231"])
def test_an_end_far_away_is_open(end: str) -> None:
    assert judged(PLAN, f"DTP*291*RD8*20260101-{end}", MH).verdict is Verdict.CLEAR


DATES_FOR_A_PERSON = ("539", "540", "340", "341", "342", "343", "442", "290", "152", "771", "458", "435", "ABC", "")


@pytest.mark.parametrize("code", DATES_FOR_A_PERSON)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_date_not_known_to_be_harmless_is_for_a_person(code: str, place: int) -> None:
    segments = [PLAN, MH]
    segments.insert(place, f"DTP*{code}*D8*20260601")
    found = judged(*segments)
    assert found.verdict is Verdict.NEEDS_REVIEW
    assert [e.text for e in found.evidence] == [f"DTP*{code}*D8*20260601"]


@pytest.mark.parametrize("code", ["472", "636", "318", "382", "304", "102"])
def test_a_harmless_date_changes_nothing(code: str) -> None:
    said = f"DTP*{code}*D8*20260601"
    assert judged(said, PLAN, said, MH, said).verdict is Verdict.CLEAR


def test_an_enrolment_to_come_is_for_a_person() -> None:
    assert judged("DTP*382*D8*20270101", PLAN, MH).verdict is Verdict.NEEDS_REVIEW


@pytest.mark.parametrize("info", [*"JMNOQRSTUVWXY", "MC", "K", "5", "ZZ", "", "2", "3", "4", "9"])
def test_a_code_not_known_to_be_harmless_on_our_care_is_for_a_person(info: str) -> None:
    said = f"EB*{info}*IND*MH"
    found = judged(PLAN, MH, said)
    assert found.verdict is Verdict.NEEDS_REVIEW, found
    assert said in [e.text for e in found.evidence]


@pytest.mark.parametrize("info", [*"JMNOQRSTUVWXY", "MC", "5", "ZZ"])
def test_a_code_not_known_to_be_harmless_on_the_plan_is_for_a_person(info: str) -> None:
    assert judged(PLAN, MH, f"EB*{info}*IND*30").verdict is Verdict.NEEDS_REVIEW


@pytest.mark.parametrize("info", [*"DHLP", "CB"])
def test_a_harmless_code_changes_nothing(info: str) -> None:
    assert judged(PLAN, MH, f"EB*{info}*IND*MH").verdict is Verdict.CLEAR


@pytest.mark.parametrize(
    "said", ["EB*A*IND*MH*****.2", "EB*B*IND*MH***27*30", "EB*C*IND*MH***29*100", "EB*G*IND*MH***29*500"]
)
def test_a_plain_amount_changes_nothing(said: str) -> None:
    assert judged(PLAN, MH, said).verdict is Verdict.CLEAR


@pytest.mark.parametrize(
    "text",
    [
        "MH CARVED OUT TO MAGELLAN",
        "MEDICAID PENDING",
        f"BH: {INVENTED}",
        "EMERGENCY SERVICES ONLY",
        "PRESUMPTIVE ELIGIBILITY",
        "SPENDDOWN NOT MET",
        "QMB ONLY",
        "AUTH REQ FOR IOP",
        "SUSPENDED",
        "INPATIENT HOSPITAL ONLY",
    ],
)
@pytest.mark.parametrize("before", ["EB*1*IND*MH**{}******N*Y", "EB*1*IND*30**{}", "EB*1*IND*30~REF*6P*1*{}"])
def test_a_plan_text_that_is_no_plan_name_is_for_a_person(text: str, before: str) -> None:
    found = judged(PLAN, MH, *before.format(text).split("~"))
    assert found.verdict is Verdict.NEEDS_REVIEW
    assert text in "\n".join(e.text for e in found.evidence)


@pytest.mark.parametrize(
    "name",
    ["PPO GOLD", "CHOICE PLUS HSA 2026", "BLUE CARE NETWORK HMO", "OPEN ACCESS PLUS", "MENTAL HEALTH OUTPATIENT"],
)
def test_a_plan_name_changes_nothing(name: str) -> None:
    assert judged(f"EB*1*IND*30**{name}", f"EB*1*IND*MH**{name}******N*Y").verdict is Verdict.CLEAR


@pytest.mark.parametrize("other", ["PPO-GOLD", "Ppo Gold", "PPO  GOLD", "ppo.gold", "PPO GOLD "])
def test_spellings_of_one_plan_are_one_plan(other: str) -> None:
    found = judged(f"EB*6*IND*30**{other}", "EB*1*IND*30**PPO GOLD", MH)
    assert (found.verdict, found.reasons[0]) == (Verdict.NEEDS_REVIEW, "CONTRADICTORY")


@pytest.mark.parametrize(
    "segments",
    [
        (MH, "MSG*GOLD PLAN*PRECERT REQUIRED"),
        (MH, "MSG*GOLD PLAN***CALL US FIRST"),
        (MH, "MSG**AUTH REQUIRED"),
        (MH, "III*ZZ*11*44*AUTH REQUIRED"),
        (MH, "NTE*ADD*AUTH REQUIRED"),
        (MH, "REF*G1*A1234"),
        (MH, "REF*9F*A1234"),
        ("NTE*ADD*AUTH REQUIRED FOR IOP", MH),
        ("EB*1*IND*30^MH********N*Y", "MSG*AUTHORIZATION REQUIRED FOR INPATIENT", "MSG*AND DAY PROGRAM CARE"),
        ("EB*1*IND*30^MH********N*Y", "MSG*AUTHORIZATION REQUIRED FOR INPATIENT", "MSG*AND OTHER FACILITY CARE"),
        ("EB*D*IND*30", "MSG*PRECERT REQUIRED FOR INPATIENT STAYS", "MSG*AUTH REQUIRED", MH),
        (MH, "EB*1*IND*48", "MSG*IOP REQUIRES AUTH. INPATIENT REQUIRES AUTH"),
        (MH, "EB*1*IND*48", "MSG*INPATIENT REQUIRES AUTH", "MSG*SO DOES IOP"),
        (MH, "EB*1*IND*98", "MSG*IOP: 12 A YEAR"),
    ],
)
def test_text_is_read_in_each_place_that_can_hold_it(segments: tuple[str, ...]) -> None:
    found = judged(PLAN, *segments)
    assert found.verdict is Verdict.NEEDS_REVIEW, found
    assert found.evidence


@pytest.mark.parametrize(
    "ours",
    [
        *(
            "B/H",
            "M/H",
            "MNTL HLTH",
            "BEH HLTH",
            "BEHAV HEALTH",
            "INT OP",
            "INTENS OUTPT",
            "I.O.P.",
            "B.H.",
        ),
        *("MENTAL-HEALTH", "MH/SA", "BEHAVIORAL", "PSYCHOTHERAPY", "DAY TREATMENT", "PARTIAL HOSPITALIZATION", "PHP"),
    ],
)
def test_short_names_of_our_care_count_on_another_service(ours: str) -> None:
    found = judged(PLAN, MH, "EB*1*IND*48", f"MSG*{ours} REQUIRES AUTH")
    assert found.verdict is Verdict.NEEDS_REVIEW
    assert Topic.AUTHORISATION in found.evidence[0].topics


def named(code: str, kind: str = "2", name: str = INVENTED) -> str:
    return f"NM1*{code}*{kind}*{name}*****PI*77"


@pytest.mark.parametrize(
    "segments",
    [
        *((named(code), "PER*IC**TE*8005550100") for code in ("P3", "36", "FA", "73", "P4", "P5", "LR", "IL", "74")),
        ("PER*IC*HARBOR MIND CARE*TE*8005550100",),
        ("PER*IC**TE*8005550100",),
        ("NM1*PR*2*EXAMPLE PLAN*****PI*PAYER1", "PER*IC*HARBOR MIND CARE*TE*8005550100"),
        ("NM1*PR*2*EXAMPLE PLAN*****PI*PAYER1", "PER*IC**UR*WWW.MAGELLAN.EXAMPLE"),
        (named("PR", name="EXAMPLE PLAN BEHAVIORAL"),),
    ],
)
def test_another_organisation_under_our_care_is_for_a_person(segments: tuple[str, ...]) -> None:
    found = judged(PLAN, MH, "LS*2120", *segments, "LE*2120")
    assert found.verdict is Verdict.NEEDS_REVIEW, found
    assert segments[-1] in found.evidence[0].text


@pytest.mark.parametrize(
    "segments",
    [
        ("NM1*PR*2*EXAMPLE PLAN*****PI*PAYER1", "PER*IC*CUSTOMER SERVICE*TE*8005550100"),
        ("NM1*PR*2*Example Plan, Inc.*****PI*PAYER1", "PER*IC*EXAMPLE PLAN*TE*8005550100"),
        ("NM1*P3*1*FINCH*ADA", "PER*IC**TE*8005550100"),
    ],
)
def test_the_payer_itself_and_a_doctor_need_no_review(segments: tuple[str, ...]) -> None:
    assert judged(PLAN, MH, "LS*2120", *segments, "LE*2120").verdict is Verdict.CLEAR


CLEAR = {
    "the shortest": (PLAN, MH),
    "a plan of this year with money": (
        ("DTP*291*RD8*20260101-20261231", "EB*1*IND*30**PPO GOLD", "EB*C*IND*30***23*1500*****Y"),
        ("EB*C*IND*30***29*200*****Y", "EB*1*IND*MH**PPO GOLD******N*Y", "EB*B*IND*MH***27*30****N*Y"),
    ),
    "both columns": (
        (PLAN, MH, "EB*B*IND*MH***27*30****N*Y", "EB*A*IND*MH*****.4***Y*N"),
        ("EB*1*IND*MH********Y*N", "MSG*PRECERT REQUIRED OUT OF NETWORK"),
    ),
    "a list of services": (
        ("EB*1*IND*30**BLUE PPO", "EB*1*IND*1^33^47^48^50^86^98^MH^UC********N*Y"),
        ("EB*L", "LS*2120", "NM1*P3*1*FINCH*ADA", "LE*2120"),
    ),
    "a disclaimer": (
        (PLAN, MH, "EB*P*IND*30", "MSG*THIS IS NOT A GUARANTEE OF PAYMENT. BENEFITS ARE SUBJECT TO THE PLAN TERMS"),
    ),
    "a disclaimer on our care": ((PLAN, MH, "MSG*NOT A GUARANTEE OF PAYMENT"),),
    "last year and next year beside this year": (
        (PLAN, "DTP*291*RD8*20250101-20251231", PLAN, THIS_YEAR, PLAN, NEXT_YEAR, MH),
    ),
    "no authorisation in words": ((PLAN, MH, "MSG*NO PRIOR AUTHORIZATION REQUIRED FOR OUTPATIENT MENTAL HEALTH"),),
    "pharmacy and dental elsewhere": (
        (PLAN, MH, "EB*1*IND*88", "MSG*PHARMACY IS MANAGED BY PILLCO", "EB*R*IND*88", "LS*2120", "NM1*PR*2*PILLCO"),
        ("LE*2120", "EB*I*IND*35", "EB*1*IND*48********Y*Y", "MSG*PRECERT REQUIRED FOR INPATIENT STAYS"),
    ),
    "an old other payer": ((PLAN, MH, "EB*R*IND*30", "DTP*291*RD8*20240101-20241231"),),
    "plenty of visits left": ((PLAN, MH, "EB*F*IND*MH***29***VS*60**Y"),),
    "employer and group of the plan": (("REF*6P*123*ACME GROUP", PLAN, "LS*2120", "NM1*36*2*ACME", "LE*2120", MH),),
}


@pytest.mark.parametrize("parts", CLEAR.values(), ids=CLEAR)
def test_a_plain_answer_is_clear(parts: tuple[object, ...]) -> None:
    segments = [s for part in parts for s in ([part] if isinstance(part, str) else part)]  # type: ignore[attr-defined]
    found = judged(*segments)
    assert found.verdict is Verdict.CLEAR, found


OFF = {
    "inactive": (("EB*6*IND*30",), Verdict.INACTIVE),
    "inactive with its end": (("EB*6*IND*30", "DTP*347*D8*20251231"), Verdict.INACTIVE),
    "inactive with its span": (("EB*6*IND*30", "DTP*291*RD8*20250101-20251231"), Verdict.INACTIVE),
    "active, ended": ((PLAN, "DTP*291*RD8*20250101-20251231", MH), Verdict.INACTIVE),
    "member's end in the past": (("DTP*347*D8*20251231", PLAN, MH), Verdict.INACTIVE),
    "to come": ((PLAN, NEXT_YEAR, MH), Verdict.INACTIVE),
    "member's begin, plan's end": (("DTP*346*D8*20200101", PLAN, "DTP*347*D8*20251231", MH), Verdict.INACTIVE),
    "inactive beside the member's begin": (("DTP*346*D8*20260101", "EB*6*IND*30"), Verdict.INACTIVE),
    "not covered": ((PLAN, THIS_YEAR, "EB*I*IND*MH"), Verdict.NOT_COVERED),
    "not covered this year": ((PLAN, "EB*I*IND*MH", "DTP*292*RD8*20260101-20261231"), Verdict.NOT_COVERED),
    "not covered, one plan": (("EB*1*IND*30**PPO GOLD", "EB*I*IND*MH**PPO-GOLD"), Verdict.NOT_COVERED),
}


@pytest.mark.parametrize(("segments", "verdict"), OFF.values(), ids=OFF)
def test_a_plain_no_is_a_no(segments: tuple[str, ...], verdict: Verdict) -> None:
    assert judged(*segments).verdict is verdict


def test_what_is_kept_is_counted_in_bytes_and_says_that_it_was_cut() -> None:
    (said,) = judged(PLAN, MH, f"MSG*AUTH REQUIRED {'é' * 20_000}").evidence
    assert len(said.text.encode()) <= 10_000
    assert said.text.endswith("under our trace]")


HOSTILE = {
    "one long message": [MH, f"MSG*{'A ' * 1_400_000}"],
    "one long word": [MH, f"MSG*{'A' * 900_000}"],
    "words of rules": [MH, f"MSG*{'NO AUTH/' * 110_000}"],
    "many messages": [MH, *(f"MSG*AUTH REQ {n}" for n in range(19_000))],
    "many benefits": [MH] * 19_000,
    "many benefits with words": [s for n in range(9_000) for s in (MH, f"MSG*GOLD {n}")],
    "many dates": [MH, *(["DTP*291*RD8*20260101-20260201"] * 19_000)],
    "many dated benefits": [s for n in range(9_000) for s in (MH, f"DTP*291*RD8*202601{n % 28 + 1:02d}-20271231")],
    "many names": [MH, *([named("VN")] * 19_000)],
}


@pytest.mark.parametrize("segments", HOSTILE.values(), ids=HOSTILE)
def test_no_answer_up_to_the_limit_takes_time_by_the_square_of_its_length(segments: list[str]) -> None:
    """That would be minutes. Each takes well under a second of a processor that has nothing else to do."""
    text = answer(PLAN, *segments)
    begun = process_time()
    (response,) = read_271(read_interchange(text))
    member = response.member_for(TRACE, COMPANY)
    assert member is not None
    judge(member, Rules(course_days=90), DAY)
    assert process_time() - begun < 10
