"""What payers say in words or under a benefit: it reaches a person, and it does not flood people with other things."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.x12.messages import joined, topics_of
from activities.x12.response import read_271
from activities.x12.rules import Rules
from activities.x12.tokens import read_interchange
from activities.x12.verdict import judge
from domain.benefits import Benefits, Topic, Verdict
from tests.activities.messages import answer
from tests.activities.test_x12_dates import DAY
from tests.activities.test_x12_dates import judged as judged_on

T = Topic
PLAN, MH = "EB*1*IND*30", "EB*1*IND*MH********N*Y"
COPAY = "EB*B*IND*MH***27*30****N*Y"
INVENTED = "HARBOR MIND CARE"


def judged(*segments: str) -> Benefits:
    return judged_on(PLAN, *segments)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        *((text, T.AUTHORISATION) for text in ("PRE-CERT REQUIRED", "PRECERTIFICATION IS REQUIRED", "PRECERT REQ")),
        *((text, T.AUTHORISATION) for text in ("Prior Auth Req", "AUTH REQUIRED", "PREAUTH NEEDED", "PRE AUTH REQ'D")),
        *((text, T.AUTHORISATION) for text in ("Authorisation required", "PRIOR  AUTHORIZATION  MAY APPLY", "PA REQ")),
        *((text, T.AUTHORISATION) for text in ("PRIOR APPROVAL NEEDED", "PREAPPROVAL", "SERVICES MUST BE AUTHORIZED")),
        *((text, T.AUTHORISATION) for text in ("SUBJECT TO UTILIZATION REVIEW", "REAUTHORIZATION AFTER 8", "CERT REQ")),
        ("NO PAYMENT WITHOUT AUTHORIZATION", T.AUTHORISATION),
        ("AUTHORIZATION", T.AUTHORISATION),
        ("NO AUTHORIZATION ON FILE", T.AUTHORISATION),
        ("NO AUTHORIZATION REQUIRED FOR THE FIRST 8 VISITS", T.AUTHORISATION),
        ("AUTHORIZATION NOT REQUIRED UNLESS IOP OR PHP", T.AUTHORISATION),
        ("NO AUTH REQUIRED FOR OFFICE VISITS", T.AUTHORISATION),
        ("NO REFERRAL REQUIRED. PRECERT REQUIRED", T.AUTHORISATION),
        ("AUTHORIZATION REQUIRED - NO REFERRAL REQUIRED", T.AUTHORISATION),
        ("NO AUTHORIZATION REQUIRED IN NETWORK, OUT OF NETWORK AUTH REQUIRED", T.AUTHORISATION),
        ("PCP REFERRAL REQUIRED", T.REFERRAL),
        ("NOTIFY PLAN WITHIN 48 HOURS", T.NOTIFICATION),
        ("PRENOTIFICATION", T.NOTIFICATION),
        *((text, T.VISIT_LIMIT) for text in ("LIMITED TO 20 VISITS", "MAX 30 SESSIONS", "MAXIMUM OF 12 VISITS")),
        *(
            (text, T.VISIT_LIMIT)
            for text in ("VISIT LIMIT APPLIES", "20 VISITS PER YEAR", "TWENTY VISITS", "VISITS REMAINING 4")
        ),
        *((text, T.OTHER_PAYER) for text in (f"ADMINISTERED BY {INVENTED}", f"managed by {INVENTED}", "CARVE-OUT")),
        *(
            (text, T.OTHER_PAYER)
            for text in (f"MH SERVICES THROUGH {INVENTED}", "Magellan", "MENTAL HEALTH IS VIA OPTUM")
        ),
        *((text, T.OTHER_PAYER) for text in ("CARVED OUT", "BEHAVIORAL HEALTH VENDOR", f"SUBMIT CLAIMS TO {INVENTED}")),
        *((text, T.OTHER_PAYER) for text in (f"HANDLED THROUGH {INVENTED}", "OTHER INSURANCE IS PRIMARY", "COB")),
        ("CONTACT THE NUMBER ON THE CARD", T.CONTACT),
        ("CALL 800-555-0199", T.CONTACT),
        ("IOP IS NOT COVERED", T.NOT_COVERED),
    ],
)
def test_words_that_are_for_a_person(text: str, topic: Topic) -> None:
    found = judged(MH, f"MSG*{text}")
    assert topic in topics_of(text)
    assert found.verdict is Verdict.NEEDS_REVIEW
    assert [(topic in e.topics, e.about, e.text) for e in found.evidence] == [(True, "EB-1-MH", text.strip())]


@pytest.mark.parametrize(
    "text",
    [
        *("NO AUTHORIZATION REQUIRED", "AUTHORIZATION IS NOT REQUIRED", "no prior auth needed", "PRECERT NOT REQ'D"),
        *("AUTHORIZATION WILL NOT BE REQUIRED", "DOES NOT REQUIRE PRIOR AUTHORIZATION", "PREAUTH REQUIRED: NO"),
        *(
            "NO PRECERTIFICATION OR REFERRAL REQUIRED",
            "AUTHORIZATION IS NOT REQUIRED FOR IOP",
            "REQUIRES NO AUTHORIZATION",
        ),
        "NO AUTHORIZATION REQUIRED FOR OUTPATIENT MENTAL HEALTH",
    ],
)
def test_a_plain_denial_stays_clear_and_is_kept(text: str) -> None:
    found = judged(MH, f"MSG*{text}")
    assert found.verdict is Verdict.CLEAR, found
    assert [(e.topics, e.text) for e in found.evidence] == [((T.NO_AUTHORISATION,), text)]


def test_a_denial_against_the_code_is_for_a_person() -> None:
    found = judged("EB*1*IND*MH********Y*Y", "MSG*NO AUTHORIZATION REQUIRED")
    assert (found.verdict, found.reasons[:2]) == (Verdict.NEEDS_REVIEW, ("CONTRADICTORY", "AUTH-REQUIRED"))


def test_words_that_repeat_the_code_change_nothing_but_are_kept() -> None:
    found = judged("EB*1*IND*MH********Y*Y", "MSG*PRIOR AUTHORIZATION REQUIRED, FAX 555-0100")
    assert found.verdict is Verdict.CLEAR_AUTH_REQUIRED
    assert found.evidence[0].text == "PRIOR AUTHORIZATION REQUIRED, FAX 555-0100"


@pytest.mark.parametrize(
    "text",
    [
        *("GOLD PLAN", "COPAY APPLIES PER VISIT", "DEDUCTIBLE DOES NOT APPLY", "UNLIMITED VISITS", "NO VISIT LIMIT"),
        *("CERTIFICATE OF COVERAGE", "20% OF APPROVED AMOUNT", "OFFICE VISIT PROVIDED BY A SPECIALIST", "$20.00 COPAY"),
    ],
)
def test_other_words_need_no_review(text: str) -> None:
    assert topics_of(text) == ()
    assert judged(MH, f"MSG*{text}").verdict is Verdict.CLEAR


@pytest.mark.parametrize("text", ["THE AUTHORITY OF THE STATE", "AUTHOR"])
def test_a_word_that_only_begins_like_another_is_none_of_its_topic(text: str) -> None:
    assert topics_of(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"{INVENTED} ADMINISTERS MENTAL HEALTH BENEFITS",
            f"USE {INVENTED} FOR MENTAL HEALTH",
            "THIS PLAN IS SECONDARY",
        ),
        *("PRE SERVICE REVIEW REQUIRED FOR IOP", "TAR REQUIRED", "PRIOR PERMISSION REQUIRED", "PA: YES"),
        *(
            "20 PER CALENDAR YEAR",
            "BENEFITS EXHAUSTED",
            "MAXIMUM MET",
            "NO MENTAL HEALTH BENEFITS",
            "DOES NOT COVER IOP",
        ),
        *(
            "COVERAGE ENDS 10/31/2026",
            "PREMIUM NOT PAID",
            "NO AUTHORIZATION REQUIRED PROVIDED A TREATMENT PLAN IS ON FILE",
        ),
        *("NO AUTHORIZATION REQUIRED UP TO LIMIT", "NO PRECERT REQUIRED THROUGH DECEMBER", "something no rule knows"),
    ],
)
def test_words_on_mental_health_that_are_not_plainly_harmless_are_for_a_person(text: str) -> None:
    found = judged(MH, f"MSG*{text}")
    assert found.verdict is Verdict.NEEDS_REVIEW
    assert found.evidence[0].text == text


@pytest.mark.parametrize("level", ["SPO", "SPC", "CHD", "DEP"])
def test_what_is_said_of_the_family_alone_does_not_concern_a_subscriber(level: str) -> None:
    assert judged(MH, COPAY, f"EB*6*{level}*30", f"EB*I*{level}*MH").verdict is Verdict.CLEAR


def test_a_code_in_small_letters_counts() -> None:
    assert judged("EB*1*IND*MH********y*Y").verdict is Verdict.CLEAR_AUTH_REQUIRED


@pytest.mark.parametrize(
    "segments",
    [
        ("EB*1*IND*AI", "MSG*IOP/PHP/RTC/INPATIENT REQUIRE PREAUTH"),
        ("EB*1*IND*98", "MSG*AUTH REQUIRED FOR MENTAL HEALTH AND INPATIENT HOSPITAL"),
        ("EB*1*IND*30^MH", "MSG*AUTHORIZATION REQUIRED FOR NON-EMERGENCY SERVICES"),
    ],
)
def test_our_care_counts_whatever_else_is_named_beside_it(segments: tuple[str, ...]) -> None:
    assert judged(MH, *segments).verdict is Verdict.NEEDS_REVIEW


@pytest.mark.parametrize(
    ("segment", "verdict"),
    [
        ("EB*I*IND**********Y*HC:S9480", Verdict.NEEDS_REVIEW),
        ("EB*F*IND****23***VS*10**Y*HC:S9480", Verdict.NEEDS_REVIEW),
        ("EB*D*IND*********Y*Y*HC:90791::::::S9999", Verdict.CLEAR_AUTH_REQUIRED),
        ("EB*I*IND**********Y*HC:90837", Verdict.CLEAR),
    ],
)
def test_a_benefit_that_names_our_procedure_alone_is_about_our_care(segment: str, verdict: Verdict) -> None:
    assert judged(MH, segment).verdict is verdict


@pytest.mark.parametrize(
    ("segments", "verdict"),
    [
        # a message belongs to its EB
        ((MH, "EB*B*IND*98***27*20*****Y", "MSG*PRIOR AUTHORIZATION REQUIRED"), Verdict.CLEAR),
        ((MH, "EB*1*IND*35", "MSG*DENTAL IS ADMINISTERED BY TOOTHCO CALL 800-555-0101"), Verdict.CLEAR),
        ((MH, "EB*1*IND*A7", "MSG*PRECERT REQUIRED FOR INPATIENT PSYCHIATRIC STAYS"), Verdict.CLEAR),
        ((MH, "EB*A*IND*MH***27**.4****Y*N", "MSG*PRECERT REQUIRED OUT OF NETWORK"), Verdict.CLEAR),
        ((MH, "EB*1*IND*MH", "DTP*291*RD8*20250101-20251231", "MSG*AUTH REQUIRED"), Verdict.CLEAR),
        ((MH, COPAY, "MSG*PRIOR AUTHORIZATION REQUIRED"), Verdict.NEEDS_REVIEW),
        ((MH, "EB*D*IND*MH", "MSG*PRECERT REQUIRED"), Verdict.NEEDS_REVIEW),
        # unless it names mental health or hands it to another
        ((MH, "EB*1*IND*98", "MSG*OUTPATIENT MENTAL HEALTH REQUIRES AUTHORIZATION"), Verdict.NEEDS_REVIEW),
        ((MH, "EB*1*IND*98", f"MSG*MENTAL HEALTH IS MANAGED BY {INVENTED}"), Verdict.NEEDS_REVIEW),
        ((MH, "EB*1*IND*MH*********N", f"MSG*CARVED OUT TO {INVENTED}"), Verdict.NEEDS_REVIEW),
        ((MH, "EB*1*IND*AI", f"MSG*ADMINISTERED BY {INVENTED}"), Verdict.NEEDS_REVIEW),
        # of many services at once
        (("EB*1*IND*98^MH^UC********N*Y", "MSG*PHARMACY BENEFITS ARE MANAGED BY PILLCO"), Verdict.CLEAR),
        (("EB*1*IND*98^MH^UC********N*Y", "MSG*AUTHORIZATION REQUIRED"), Verdict.NEEDS_REVIEW),
        # of the plan
        (("EB*L*IND*30", "MSG*FOR QUESTIONS CALL 800-555-0102", MH), Verdict.CLEAR),
        (("EB*D*IND*30", "MSG*PRECERT REQUIRED FOR INPATIENT STAYS AND SURGERY", MH), Verdict.CLEAR),
        (("EB*D*IND*30", "MSG*PRECERT REQUIRED FOR INPATIENT STAYS.", "MSG*AUTH REQUIRED", MH), Verdict.NEEDS_REVIEW),
        (("EB*D*IND*30", "MSG*AUTHORIZATION REQUIRED EXCEPT EMERGENCY", MH), Verdict.NEEDS_REVIEW),
        (("EB*D*IND*30", "MSG*AUTHORIZATION REQUIRED FOR INPATIENT AND OUTPATIENT", MH), Verdict.NEEDS_REVIEW),
        (("EB*D*IND*30", f"MSG*BENEFITS ARE ADMINISTERED BY {INVENTED}", MH), Verdict.NEEDS_REVIEW),
        # before the first EB
        (("MSG*PRIOR AUTHORIZATION REQUIRED", MH), Verdict.NEEDS_REVIEW),
    ],
)
def test_scope(segments: tuple[str, ...], verdict: Verdict) -> None:
    first = segments if segments[0].startswith("MSG") else (PLAN, *segments)
    found = judged_on(*first) if first is segments else judged(*segments)
    assert found.verdict is verdict, found


@pytest.mark.parametrize(
    ("messages", "topics"),
    [
        (("AUTHORIZATION IS", "REQUIRED FOR IOP"), (T.AUTHORISATION,)),
        (("SERVICES ARE ADMINISTERED", f"BY {INVENTED}"), (T.OTHER_PAYER,)),
        (("FOR THIS BENEFIT PRECE", "RTIFICATION MUST BE OBTAINED"), (T.AUTHORISATION,)),
        (("GOLD", f"MANAGED BY {INVENTED}", "AUTH REQUIRED"), (T.AUTHORISATION, T.OTHER_PAYER)),
        (("AUTHORIZATION IS", "NOT REQUIRED"), ()),
    ],
)
def test_several_messages_of_one_benefit_are_one_text(messages: tuple[str, ...], topics: tuple[Topic, ...]) -> None:
    assert topics_of(joined(messages)) == topics
    found = judged(MH, *(f"MSG*{each}" for each in messages))
    assert found.verdict is (Verdict.NEEDS_REVIEW if topics else Verdict.CLEAR)
    assert found.evidence[0].text == "\n".join(messages)


def named(code: str, kind: str = "2", name: str = INVENTED, number: str = "66") -> tuple[str, ...]:
    return "LS*2120", f"NM1*{code}*{kind}*{name}*****PI*{number}", "PER*IC**TE*8005550103", "LE*2120"


@pytest.mark.parametrize("code", ["PR", "PRP", "SEP", "TTP", "VN", "X3", "13", "Y2", "2B", "ZZ"])
def test_another_payer_named_under_a_benefit_is_for_a_person(code: str) -> None:
    found = judged(MH, *named(code), COPAY)
    assert (found.verdict, found.reasons) == (Verdict.NEEDS_REVIEW, ("SAID-OTHER-PAYER",))
    (said,) = found.evidence
    assert (said.other_payer, said.about) == (INVENTED, "EB-1-MH")
    assert said.text == f"NM1*{code}*2*{INVENTED}*****PI*66\nPER*IC**TE*8005550103"


def test_the_name_of_a_person_stays_in_the_sealed_words() -> None:
    (said,) = judged(MH, *named("X3", kind="1", name="PLOVER*PIA")).evidence
    assert said.other_payer is None and "PLOVER" in said.text


@pytest.mark.parametrize(
    "segments",
    [
        (MH, *named("P3", kind="1", name="FINCH*ADA")),
        (MH, *named("1P")),
        (MH, *named("PR", name="EXAMPLE PLAN")),  # the payer that answers
        (MH, *named("PR", name="EXAMPLE PLAN INC", number="PAYER1")),
        (MH, "EB*1*IND*35", *named("VN")),
        ("EB*L*IND*30", *named("1I"), MH),
    ],
)
def test_others_named_need_no_review(segments: tuple[str, ...]) -> None:
    found = judged(*segments)
    assert (found.verdict, found.evidence) == (Verdict.CLEAR, ())


@pytest.mark.parametrize("info", ["R", "MC", "U", "E", "I"])
def test_a_benefit_that_another_handles_is_for_a_person_and_names_them(info: str) -> None:
    found = judged(f"EB*{info}*IND*MH", *named("VN"))
    assert found.verdict is Verdict.NEEDS_REVIEW
    assert [e.other_payer for e in found.evidence] == [INVENTED]


@pytest.mark.parametrize(
    ("segments", "verdict"),
    [
        ((MH, "EB*MC*IND*A7"), Verdict.NEEDS_REVIEW),
        ((MH, "EB*R*IND*AI"), Verdict.NEEDS_REVIEW),
        ((MH, "EB*U*IND*MH*********N"), Verdict.NEEDS_REVIEW),
        ((MH, "EB*W*IND*MH"), Verdict.NEEDS_REVIEW),
        ((MH, "EB*R*IND*88"), Verdict.CLEAR),
        ((MH, "EB*R*IND*MH", "DTP*291*RD8*20240101-20241231"), Verdict.CLEAR),
        ((MH, "EB*I*IND*A7"), Verdict.CLEAR),
    ],
)
def test_any_part_of_behavioural_health_that_another_handles_is_for_a_person(
    segments: tuple[str, ...], verdict: Verdict
) -> None:
    assert judged(*segments).verdict is verdict


def test_what_is_said_above_a_dependent_holds_for_them_too() -> None:
    text = answer("MSG*AUTH REQUIRED", "HL*4*3*23*0", "TRN*2*OTHER*1999999999", PLAN, MH)
    (response,) = read_271(read_interchange(text))
    (member,) = (m for m in response.members if m.is_dependent)
    assert judge(member, Rules(), DAY).evidence[0].text == "AUTH REQUIRED"


def test_a_missing_frame_around_the_name_does_not_lose_it() -> None:
    assert judged(MH, f"NM1*Y2*2*{INVENTED}").evidence[0].other_payer == INVENTED


def test_a_rejected_part_keeps_the_words_too() -> None:
    found = judged(MH, f"MSG*MANAGED BY {INVENTED}", "AAA*N**42*P")
    assert found.reasons[0] == "PARTIAL-ANSWER" and found.evidence[0].text == f"MANAGED BY {INVENTED}"


def test_what_no_record_can_keep_is_taken_out_of_the_words() -> None:
    found = judged(MH, "MSG*AUTH \x00REQUIRED")
    assert found.evidence[0].text == "AUTH  REQUIRED"


def test_a_flood_of_words_fits_an_event_and_says_that_it_was_cut() -> None:
    found = judged(*(segment for n in range(300) for segment in (COPAY, f"MSG*AUTH REQUIRED, CASE {n} {'X' * 200}")))
    assert found.verdict is Verdict.NEEDS_REVIEW
    assert len(found.evidence) == 101 and "cut" in found.evidence[-1].text


ASKS = st.sampled_from(
    ["AUTH REQUIRED", "PRE-CERT REQ", "PRIOR APPROVAL IS NEEDED", "Precertification required for IOP"]
)
FILLER = st.text(alphabet="ABC XYZ.,-/012 F", max_size=40)  # no letters of "no" or "not"


@given(asks=ASKS, before=FILLER, after=FILLER, place=st.integers(0, 2))
def test_words_that_ask_for_an_authorisation_never_leave_clear(asks: str, before: str, after: str, place: int) -> None:
    segments = [MH, COPAY, "EB*C*IND*30***29*100*****Y"]
    segments.insert(place + 1, f"MSG*{before} {asks} {after}")
    assert judged(*segments).verdict is not Verdict.CLEAR


@given(text=st.text(alphabet="AUTHORIZCERPNQDLMGK -'/.:0123456789", max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert set(topics_of(text)) <= set(Topic)
    joined([text or "-", text or "-"])


@pytest.mark.parametrize(
    "text",
    [
        *("P/A REQUIRED", "REFER TO PCP", "PCP MUST APPROVE", "48 HOUR NOTICE", "VISITS: 20", "LIMIT 2 A WEEK"),
        *(f"BENEFITS THROUGH {INVENTED}", f"SEE {INVENTED}", f"{INVENTED} 800-555-0104", f"BILL {INVENTED}"),
        *(f"VERIFY WITH {INVENTED}", f"CLAIMS SHOULD BE SENT TO {INVENTED}", f"OUTSOURCED TO {INVENTED}"),
        *("IOP EXCLUDED", "COVERAGE TERMINATED", "GRACE PERIOD", "SUBJECT TO MEDICAL NECESSITY"),
    ],
)
def test_other_ways_to_say_it(text: str) -> None:
    assert judged(MH, f"MSG*{text}").verdict is Verdict.NEEDS_REVIEW
