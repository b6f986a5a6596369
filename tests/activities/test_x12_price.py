"""What a client is told to pay, from the payer's segments to the price of 24 IOP days at $350 or 18 OP days at $160."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.x12.rules import Rules
from domain.benefit_words import price, reason_in_words, share_in_words
from domain.benefits import Verdict
from domain.cost import estimate
from domain.plans import Estimate
from domain.policy import policy_named
from domain.values import LevelOfCare
from tests.activities.test_x12_verdict import judged

OK = ("EB*1*IND*30", "EB*1*IND*MH********N*Y")
IOP, OP = "IOP", "OP"
COPAY, PART = "EB*B*IND*MH***27*30*****Y", "EB*A*IND*MH*****.2****Y"
LEFT, LEFT_OUT = "EB*C*IND*30***29*700*****Y", "EB*G*IND*30***29*2000*****Y"
NO_COPAY, NO_PART = "EB*B*IND*MH***27*0*****Y", "EB*A*IND*MH*****0****Y"
MET = "EB*C*IND*30***29*0*****Y"


def priced(*segments: str, level: LevelOfCare = IOP, rules: Rules | None = None) -> Estimate:
    found = judged(*OK, *segments, rules=rules)
    return estimate(1, policy_named("us-generic-1").level(level), found.cost_share, self_pay=False)


def words(*segments: str, level: LevelOfCare = IOP, rules: Rules | None = None) -> str:
    return price(priced(*segments, level=level, rules=rules))


PRICES = {
    "24 x 30": ((COPAY,), "$720.00"),
    "24 x 30, the copay instead of the deductible": ((COPAY, LEFT), "$720.00"),
    "700 + 22 x 30": ((COPAY, "MSG*COPAY APPLIES AFTER DEDUCTIBLE", LEFT), "$1360.00"),
    "700 + 22 x 30, in short": ((COPAY, "MSG*AFTER DED", LEFT), "$1360.00"),
    "700 + 22 x 30, deductible applies": ((COPAY, "MSG*DED APPLIES", LEFT), "$1360.00"),
    "700 + 22 x 30, subject to": ((COPAY, "MSG*SUBJECT TO DEDUCTIBLE", LEFT), "$1360.00"),
    "700 + 22 x 30, said under the coverage": (
        ("EB*CB*IND*MH*********Y", "MSG*SUBJECT TO CALENDAR YEAR DEDUCTIBLE", COPAY, LEFT),
        "$1360.00",
    ),
    "24 x 30, deductible waived": ((COPAY, "MSG*DEDUCTIBLE WAIVED", LEFT), "$720.00"),
    "24 x 30, no deductible for exactly this": (
        (COPAY, "MSG*DEDUCTIBLE DOES NOT APPLY TO OUTPATIENT MENTAL HEALTH SERVICES", LEFT),
        "$720.00",
    ),
    "0.2 x 8400, no deductible": ((PART, "MSG*NOT SUBJECT TO DEDUCTIBLE", LEFT), "$1680.00"),
    "24 x 30, said again in words": ((COPAY, "MSG*$30 COPAY PER VISIT"), "$720.00"),
    "24 x 30, by day": (("EB*B*IND*MH***7*30*****Y",), "$720.00"),
    "24 x 30, by 24 hours": (("EB*B*IND*MH***13*30*****Y",), "$720.00"),
    "700 + 0.2 x 7700, under the limit of 2500": (
        (PART, LEFT, "EB*G*IND*30***29*2500*****Y"),
        "$2240.00",
    ),
    "700 + 0.2 x 7700, said again in words": ((PART, "MSG*20% COINSURANCE AFTER DEDUCTIBLE", LEFT), "$2240.00"),
    "24 x 350, the deductible is larger": ((PART, "EB*C*IND*30***29*9000*****Y"), "$8400.00"),
    "limit reached midway": ((PART, LEFT, LEFT_OUT), "$2000.00"),
    "nothing left to pay": ((PART, LEFT, "EB*G*IND*30***29*0*****Y"), "$0.00"),
    "0.2 x 8400, no copay": ((NO_COPAY, PART, MET), "$1680.00"),
    "700 alone, then 0 %": ((NO_COPAY, NO_PART, LEFT), "$700.00"),
    "nothing of any kind is owed": ((NO_COPAY, NO_PART, MET), "$0.00"),
    "24 x 30, coinsurance 0": ((COPAY, NO_PART), "$720.00"),
    "24 x 30 to 700 + 2 days of 300 and 350": ((COPAY, PART, LEFT), "$720.00 to $2900.00"),
    "the whole deductible or none of it, 0.2 x 8400 to 2000 + 0.2 x 6400": (
        (PART, "EB*C*IND*30***23*2000*****Y"),
        "$1680.00 to $3280.00",
    ),
    "without a deductible the most is unknown": ((PART,), "$1680.00 or more, the most is unknown"),
    "copay and coinsurance, no deductible": ((COPAY, PART), "$720.00 or more, the most is unknown"),
    "90 of the family's + 0.2 x 8310": ((PART, LEFT, "EB*C*FAM*30***29*90*****Y"), "$1752.00"),
    "the family's is met, 0.2 x 8400": ((PART, LEFT, "EB*C*FAM*30***29*0*****Y"), "$1680.00"),
    "only the family's: none of it or 900": ((PART, "EB*C*FAM*30***29*900*****Y"), "$1680.00 to $2400.00"),
    "the family's limit binds": ((PART, LEFT, "EB*G*FAM*30***29*600*****Y"), "$600.00"),
    "a copay for all of the family": (("EB*B*FAM*MH***27*30*****Y",), "$720.00"),
    "the client's own copay beside the others'": (
        (COPAY, "EB*B*EMP*MH***27*60*****Y", "EB*B*CHD*MH***27*60*****Y"),
        "$720.00",
    ),
    "other network": ((COPAY, "EB*B*IND*MH***27*75*****N"), "$720.00"),
    "the same in both networks": ((COPAY, "EB*B*IND*MH***27*30*****W"), "$720.00"),
    "by admission for the plan only": ((COPAY, "EB*B*IND*30***36*250*****Y"), "$720.00"),
    "24 x 200, named for IOP": (("EB*B*IND*MH***27*200*****Y*HC:S9480", COPAY), "$4800.00"),
    "24 x 200, named for IOP alone": (("EB*B*IND****27*200*****Y*HC:S9480", COPAY), "$4800.00"),
    "24 x 200, by revenue code": (("EB*B*IND*MH***27*200*****Y*ZZ:0905", COPAY), "$4800.00"),
    "24 x 30, group therapy is not how IOP is billed": (
        ("EB*B*IND*MH***27*200*****Y*HC:90853", COPAY),
        "$720.00",
    ),
    "24 x 200, both codes alike": (
        ("EB*B*IND*MH***27*200*****Y*HC:S9480", "EB*B*IND*MH***27*200*****Y*HC:H0015", COPAY),
        "$4800.00",
    ),
    "0.1 x 8400, named for IOP": (("EB*A*IND*MH*****.1****Y*HC:S9480", PART, MET), "$840.00"),
    "24 x 30, words about other care under the plan": (
        (COPAY, LEFT, "MSG*DEDUCTIBLE WAIVED FOR PREVENTIVE CARE"),
        "$720.00",
    ),
    "24 x 30, the deductible is met and words on it are idle": (
        (COPAY, "MSG*NO DEDUCTIBLE FOR OFFICE VISITS", MET),
        "$720.00",
    ),
    "four decimals": (("EB*B*IND*MH***27*30.0000*****Y",), "$720.00"),
    "24 x 30.50": (("EB*B*IND*MH***27*30.5*****Y",), "$732.00"),
    "24 x 30, tier named": ((COPAY, "MSG*TIER 1"), "$720.00"),
    "24 x 200, the code in small letters": (("EB*B*IND*MH***27*200*****Y*HC:s9480", COPAY), "$4800.00"),
    "24 x 200, with a modifier": (("EB*B*IND*MH***27*200*****Y*HC:S9480:HQ", COPAY), "$4800.00"),
    "24 x 200, by revenue code of three digits": (("EB*B*IND*MH***27*200*****Y*NU:905", COPAY), "$4800.00"),
    "24 x 30, named for IOP in the other network": (("EB*B*IND*MH***27*200*****N*HC:S9480", COPAY), "$720.00"),
    "24 x 30, no authorisation": ((COPAY, "MSG*NO AUTHORIZATION REQUIRED"), "$720.00"),
    "24 x 30, of a doctor of any kind": ((COPAY, "MSG*PRIMARY CARE", COPAY, "MSG*SPECIALIST"), "$720.00"),
    "24 x 30, in an office": ((COPAY, "MSG*SPECIALIST OFFICE VISIT COPAY", LEFT), "$720.00"),
    "24 x 30, of a copay by place": (
        ("EB*B*IND*MH***27*0*****Y", "III*ZZ*02", COPAY, "III*ZZ*11"),
        "$720.00",
    ),
    "24 x 25, both columns and both persons, the usual long answer": (
        (
            *("EB*C*IND*30***23*1500*****Y", "EB*C*IND*30***29*1200*****Y"),
            *("EB*C*FAM*30***23*3000*****Y", "EB*C*FAM*30***29*2700*****Y"),
            *("EB*G*IND*30***23*5000*****Y", "EB*G*IND*30***29*4700*****Y"),
            *("EB*G*FAM*30***29*9700*****Y", "EB*C*IND*30***29*6000*****N", "EB*A*IND*MH*****.5****N"),
            *("EB*B*IND*MH***27*25*****Y", "EB*A*IND*MH*****0****Y"),
        ),
        "$600.00",
    ),
    "1200 + 0.2 x 7200, MH named beside the plan": (
        ("EB*C*IND*30^MH***23*1500*****Y", "EB*C*IND*30^MH***29*1200*****Y", PART),
        "$2640.00",
    ),
    "0.2 x 8400, Medicare": (("EB*C*IND*30***23*240", "EB*C*IND*30***29*0", "EB*A*IND*MH***27**.2"), "$1680.00"),
    "24 x 3, for all of the plan": (("EB*B*IND*30***27*3*****W",), "$72.00"),
    "700 + 0.2 x 7700, the deductible named": ((PART, LEFT, "MSG*MEDICAL DEDUCTIBLE"), "$2240.00"),
    "700 + 0.2 x 7700, the deductible combined": (
        (PART, LEFT, "MSG*DEDUCTIBLE IS COMBINED MEDICAL AND PHARMACY"),
        "$2240.00",
    ),
    "700 + 0.2 x 7700, the deductible counts": (
        (PART, LEFT, "MSG*DEDUCTIBLE INCLUDED IN OUT OF POCKET"),
        "$2240.00",
    ),
    "700 + 0.2 x 7700, first in other words": ((PART, "MSG*DEDUCTIBLE THEN 20%", LEFT), "$2240.00"),
    "500 of the limit: 3000 - 2500": (
        (PART, LEFT, "EB*G*IND*30***23*3000*****Y", "EB*G*IND*30***24*2500*****Y"),
        "$500.00",
    ),
    "500, the limit counts all": (
        (COPAY, "EB*G*IND*30***29*500*****Y", "MSG*INCLUDES DEDUCTIBLE AND COPAYS"),
        "$500.00",
    ),
    "700 + 22 x 30, said under the plan of our care": (
        ("EB*D*IND*30", "MSG*MENTAL HEALTH COPAY APPLIES AFTER DEDUCTIBLE", COPAY, LEFT),
        "$1360.00",
    ),
    "a copay of 0 alone is no price": ((NO_COPAY,), "unknown"),
    "a coinsurance of 0 alone is no price": ((NO_PART, MET), "unknown"),
    "no words on mental health's money": (("EB*B*IND*98***27*30*****Y",), "unknown"),
    "24 x 30, an empty amount for the plan at large": ((COPAY, "EB*B*IND*30***27******Y"), "$720.00"),
}


@pytest.mark.parametrize("arithmetic", PRICES)
def test_a_plain_answer_has_its_price(arithmetic: str) -> None:
    segments, expected = PRICES[arithmetic]
    assert words(*segments) == expected


LEVELS = ["EMP", "DEP", "ECH", "ESP", "SPC", "SPO", "CHD"]
ASKED = {
    **{f"copay of {each}": ((f"EB*B*{each}*MH***27*30*****Y", NO_PART, MET), "COPAY-LEVEL-UNCLEAR") for each in LEVELS},
    **{
        f"coinsurance of {each}": ((NO_COPAY, f"EB*A*{each}*MH*****.2****Y", MET), "COINSURANCE-LEVEL-UNCLEAR")
        for each in LEVELS
    },
    **{
        f"deductible of {each}": ((PART, f"EB*C*{each}*30***29*700*****Y"), "DEDUCTIBLE-LEVEL-UNCLEAR")
        for each in LEVELS
    },
    "mental health at EMP, plan at IND": (
        ("EB*B*EMP*MH***27*60*****Y", "EB*B*IND*30***27*30*****Y"),
        "COPAY-LEVEL-UNCLEAR",
    ),
    "less is left of employee and spouse's": ((PART, LEFT, "EB*C*ESP*30***29*90*****Y"), "DEDUCTIBLE-LEVEL-UNCLEAR"),
    "the family's of the plan, the client's of mental health": (
        (PART, "EB*C*IND*MH***29*700*****Y", "EB*C*FAM*30***29*90*****Y"),
        "DEDUCTIBLE-LEVEL-UNCLEAR",
    ),
    **{
        f"words on the deductible: {text}": ((share, f"MSG*{text}", LEFT), "DEDUCTIBLE-WORDS-UNCLEAR")
        for share in (COPAY, PART)
        for text in (
            "NO DEDUCTIBLE FOR OFFICE VISITS",
            "DEDUCTIBLE DOES NOT APPLY TO OUT OF POCKET",
            "SEPARATE DENTAL DEDUCTIBLE",
            "PLUS DEDUCTIBLE",
            "COPAY AND DEDUCTIBLE APPLY",
            "DEDUCTIBLE WAIVED IF ADMITTED",
            "DEDUCTIBLE WAIVED FOR FIRST 3 VISITS",
            "NO DEDUCTIBLE CARRYOVER",
            "DEDUCTIBLE DOES NOT APPLY UNLESS IN A HOSPITAL",
            "OUT OF NETWORK DEDUCTIBLE APPLIES",
            "DEDUCTIBLE MAY APPLY",
            "AFTER COPAY DEDUCTIBLE APPLIES",
            "SUBJECT TO DEDUCTIBLE FOR MENTAL HEALTH FACILITY",
            "DEDUCTIBLE WAIVED FOR MENTAL HEALTH OFFICE VISITS",
        )
    },
    **{
        f"words under a copay: {text}": ((COPAY, f"MSG*{text}"), "COPAY-WORDS-UNCLEAR")
        for text in (
            "THEN 20 PERCENT COINSURANCE",
            "THEN 20% COINSURANCE",
            "WAIVED IF ADMITTED",
            "COPAY WAIVED",
            "PER ADMISSION",
            "PER SESSION",
            "FIRST 3 VISITS",
            "$50 COPAY PER VISIT",
            "PLUS 10 PERCENT",
            "UP TO 5 COPAYS A YEAR",
            "$30 COPAY PER WEEK",
            "STARTING WITH THE 4TH VISIT",
            "THEREAFTER",
            "MONTHLY",
            "ANNUAL",
            "/ADM",
            "20 PCT OF COST",
            "COPAYS DOUBLE IN WINTER",
            "COPAY INCREASES TO 50 DOLLARS AFTER VISIT 8",
        )
    },
    **{
        f"words under a coinsurance: {text}": ((PART, f"MSG*{text}", MET), "COINSURANCE-WORDS-UNCLEAR")
        for text in (
            "80% COINSURANCE",
            "AFTER $30 COPAY",
            "PLUS COPAY",
            "20 PERCENT UP TO $150 PER VISIT",
            "PER ADMISSION",
        )
    },
    "words under the coverage": (
        ("EB*CB*IND*MH*********Y", "MSG*20% COINSURANCE AFTER DEDUCTIBLE", COPAY),
        "PRICE-WORDS-UNCLEAR",
    ),
    "a copay in words only": (("EB*CB*IND*MH*********Y", "MSG*COPAY APPLIES", PART, MET), "PRICE-WORDS-UNCLEAR"),
    "the limit does not hold for copays": (
        (COPAY, "EB*G*IND*30***29*500*****Y", "MSG*COPAYS DO NOT APPLY TO OUT OF POCKET"),
        "OUT-OF-POCKET-WORDS-UNCLEAR",
    ),
    "all of the plan under the deductible, in words": (
        (COPAY, LEFT, "MSG*DEDUCTIBLE APPLIES TO ALL SERVICES"),
        "DEDUCTIBLE-WORDS-UNCLEAR",
    ),
    **{
        f"copay by period {period}": ((f"EB*B*IND*MH***{period}*30*****Y",), "COPAY-NOT-PER-DAY")
        for period in ("6", "21", "22", "23", "24", "25", "26", "29", "32", "33", "34", "35", "36")
    },
    **{
        f"copay by period {period} beside another": (
            (f"EB*B*IND*MH***{period}*30*****Y", NO_PART, MET),
            "COPAY-NOT-PER-DAY",
        )
        for period in ("26", "34", "35", "36")
    },
    **{
        f"deductible by period {period}": ((PART, f"EB*C*IND*30***{period}*700*****Y"), "DEDUCTIBLE-PERIOD-UNREAD")
        for period in ("21", "26", "27", "32", "33", "34", "35", "36")
    },
    **{
        f"coinsurance by period {period}": ((f"EB*A*IND*MH***{period}**.2****Y", MET), "COINSURANCE-PERIOD-UNREAD")
        for period in ("24", "26", "29", "32", "33", "36")
    },
    "two of our codes with two copays": (
        ("EB*B*IND*MH***27*200*****Y*HC:S9480", "EB*B*IND*MH***27*100*****Y*HC:H0015", COPAY),
        "AMBIGUOUS-COPAY",
    ),
    "in network and both networks": ((COPAY, "EB*B*IND*MH***27*45*****W"), "AMBIGUOUS-COPAY"),
    "in network and not said": ((COPAY, "EB*B*IND*MH***27*45"), "AMBIGUOUS-COPAY"),
    "network not known to the payer": (("EB*B*IND*MH***27*30*****U",), "COPAY-NETWORK-UNCLEAR"),
    "copay empty": (("EB*B*IND*MH***27*", NO_PART, MET), "COPAY-MISSING"),
    "copay empty beside one for the plan": (("EB*B*IND*MH***27**", "EB*B*IND*30***27*30*****Y"), "COPAY-MISSING"),
    "coinsurance empty": ((NO_COPAY, "EB*A*IND*MH*********Y", MET), "COINSURANCE-MISSING"),
    "remaining deductible empty": ((PART, "EB*C*IND*30***29******Y"), "DEDUCTIBLE-MISSING"),
    "limit empty": ((PART, MET, "EB*G*IND*30***29******Y"), "OUT-OF-POCKET-MISSING"),
    **{
        f"the number {text}": ((f"EB*B*IND*MH***27*{text}*****Y", NO_PART, MET), "NUMBER-UNREADABLE")
        for text in ("-30", "3E1", "30.125", "1.500", "1,500", "$30", "NaN")
    },
    **{
        f"the coinsurance {text}": ((NO_COPAY, f"EB*A*IND*MH*****{text}****Y", MET), reason)
        for text, reason in (
            ("20", "COINSURANCE-ABOVE-ONE"),
            ("1", "COINSURANCE-ALL"),
            ("20%", "NUMBER-UNREADABLE"),
            ("-.2", "NUMBER-UNREADABLE"),
        )
    },
    "a copay for some visits": (("EB*B*IND*MH***27*0**VS*3**Y", NO_PART, MET), "COPAY-LIMITED"),
    "a copay for some visits, by HSD": ((NO_COPAY, "HSD*VS*3", NO_PART, MET), "COPAY-LIMITED"),
    "a copay with a fraction beside it": (("EB*B*IND*MH***27*30*.2****Y",), "COPAY-MISPLACED"),
    "a coinsurance with an amount beside it": (("EB*A*IND*MH****50*.2****Y", MET), "COINSURANCE-MISPLACED"),
    "more is left than there is": (
        (PART, "EB*C*IND*30***23*500*****Y", "EB*C*IND*30***29*700*****Y"),
        "AMBIGUOUS-DEDUCTIBLE",
    ),
    **{
        f"a copay for some care: {text}": ((NO_COPAY, f"MSG*{text}", NO_PART, MET), "COPAY-WORDS-UNCLEAR")
        for text in ("VIRTUAL VISIT ONLY", "TELEHEALTH", "PRIMARY CARE", "INPATIENT", "MEMBER PAYS 20 PERCENT")
    },
    "words on our care under the plan": (
        ("EB*D*IND*30", "MSG*IOP COPAY IS $100 PER DAY", COPAY),
        "PRICE-WORDS-UNCLEAR",
    ),
    "words on all care before the benefits": (
        ("EB*1*IND*MH", "MSG*ALL BENEFITS ARE SUBJECT TO DEDUCTIBLE", COPAY, LEFT),
        "DEDUCTIBLE-WORDS-UNCLEAR",
    ),
    "a deductible of other care": ((PART, LEFT, "MSG*SEPARATE DENTAL DEDUCTIBLE"), "DEDUCTIBLE-WORDS-UNCLEAR"),
    "the limit leaves the deductible out": (
        (COPAY, "EB*G*IND*30***29*500*****Y", "MSG*DOES NOT INCLUDE DEDUCTIBLE"),
        "OUT-OF-POCKET-WORDS-UNCLEAR",
    ),
    "a coinsurance for the procedure, a copay for all": (
        ("EB*A*IND*MH*****.2****Y*HC:S9480", COPAY, MET),
        "AMBIGUOUS-PROCEDURE",
    ),
    "a copay for the procedure, empty": (("EB*B*IND*MH***27******Y*HC:S9480", COPAY), "COPAY-MISSING"),
    "a copay for the procedure, by admission": (("EB*B*IND*MH***36*500*****Y*HC:S9480", COPAY), "COPAY-NOT-PER-DAY"),
    "a copay for the procedure, of the employee": (
        ("EB*B*EMP*MH***27*200*****Y*HC:S9480", COPAY),
        "COPAY-LEVEL-UNCLEAR",
    ),
    "two places, two copays": (
        (COPAY, "III*ZZ*11", "EB*B*IND*MH***27*50*****Y", "III*ZZ*22"),
        "AMBIGUOUS-COPAY",
    ),
    "two tiers": ((COPAY, "MSG*TIER 1", "EB*B*IND*MH***27*60*****Y", "MSG*TIER 2"), "AMBIGUOUS-COPAY"),
    "a network of no known code": (("EB*B*IND*MH***27*30*****A", NO_PART, MET), "COPAY-NETWORK-UNCLEAR"),
    "too few visits are left": ((COPAY, "EB*F*IND*MH***29***VS*4"), "LIMIT-TOO-FEW"),
    "a limit of other care": (
        (COPAY, "EB*G*IND*30***29*500*****Y", "MSG*PHARMACY OUT OF POCKET"),
        "OUT-OF-POCKET-WORDS-UNCLEAR",
    ),
    **{
        f"our procedure {code} under substance use": (
            (f"EB*B*IND*AI***27*200*****Y*HC:{code}", COPAY),
            "COPAY-PROCEDURE-UNCLEAR",
        )
        for code in ("S9480", "H0015")
    },
    "more was paid than the limit": (
        (PART, MET, "EB*G*IND*30***23*1000*****Y", "EB*G*IND*30***24*1500*****Y"),
        "AMBIGUOUS-OUT-OF-POCKET",
    ),
    "cost containment": (("EB*J*IND*MH***27*250*****Y", COPAY), "EB-J-MH"),
    "two limits": ((COPAY, LEFT_OUT, "EB*G*IND*30***29*500*****Y"), "AMBIGUOUS-OUT-OF-POCKET"),
}


@pytest.mark.parametrize("case", ASKED)
def test_what_the_answer_leaves_open_has_no_price_and_is_for_a_person(case: str) -> None:
    segments, reason = ASKED[case]
    found = judged(*OK, *segments)
    assert words(*segments) == "unknown"
    assert found.verdict is Verdict.NEEDS_REVIEW and reason in found.reasons, found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ALL BENEFITS ARE SUBJECT TO DEDUCTIBLE", "DEDUCTIBLE-WORDS-UNCLEAR"),
        ("COPAYS DOUBLE FOR MENTAL HEALTH", "PRICE-WORDS-UNCLEAR"),
    ],
)
def test_words_before_the_first_benefit_may_be_on_the_price(text: str, reason: str) -> None:
    found = judged(f"MSG*{text}", *OK, COPAY, LEFT)
    assert found.verdict is Verdict.NEEDS_REVIEW and reason in found.reasons
    assert found.cost_share is not None and reason in found.cost_share.unclear


SHAPES = st.tuples(
    st.sampled_from(["B", "A", "C", "G"]),
    st.sampled_from(["IND", "", "FAM", "EMP", "CHD"]),
    st.sampled_from(["MH", "30", "A8"]),
    st.sampled_from(["27", "29", "23", "36", ""]),
    st.sampled_from(["0", "0.2", "30", "1500", "", "-5", "3E1"]),
    st.sampled_from(["Y", "W", "N", "U", ""]),
)


def _segment(shape: tuple[str, ...]) -> str:
    info, level, service, period, value, network = shape
    money = f"*{value}" if info == "A" else f"{value}*"
    return f"EB*{info}*{level}*{service}***{period}*{money}****{network}"


@given(shapes=st.lists(SHAPES, max_size=6))
def test_a_doubt_and_a_number_never_stand_together(shapes: list[tuple[str, ...]]) -> None:
    """And $0.00 is told only where the answer states every kind of share, or that nothing is left to pay."""
    segments = [_segment(shape) for shape in shapes]
    found = judged(*OK, *segments)
    share = found.cost_share
    told = price(estimate(1, policy_named("us-generic-1").level(IOP), share, self_pay=False))
    assert told == "unknown" or found.verdict is not Verdict.NEEDS_REVIEW
    if told == "$0.00":
        assert share is not None
        stated = share.copay is not None and share.coinsurance is not None
        assert stated or share.out_of_pocket_remaining == 0


@given(shapes=st.lists(SHAPES, max_size=5), more=SHAPES)
def test_the_order_of_an_answer_changes_no_price(shapes: list[tuple[str, ...]], more: tuple[str, ...]) -> None:
    segments = [_segment(shape) for shape in (*shapes, more)]
    assert words(*segments) == words(*reversed(segments))


@pytest.mark.parametrize("reason", sorted({reason for _, reason in ASKED.values()}))
def test_every_reason_is_told_in_plain_words(reason: str) -> None:
    assert reason_in_words(reason) != reason


def test_what_the_client_pays_is_told_in_plain_words() -> None:
    share = judged(*OK, "EB*B*IND*MH***27*200*****Y*HC:S9480", COPAY, LEFT, "EB*B*IND*MH***27**").cost_share
    assert share_in_words(share) == (
        "copay: $200 for each treatment day",
        "deductible left: $700",
        "these amounts are for: IOP only",
    )
    share = judged(*OK, "EB*A*IND*MH*****.15****Y", "MSG*AFTER DEDUCTIBLE", "EB*A*IND*MH********Y").cost_share
    assert share_in_words(share) == (
        "coinsurance: 15 % of the allowed amount",
        "the deductible comes first: yes",
        "no price yet, ask the payer: a coinsurance is announced and its number is left out",
    )
    assert share_in_words(None) == ()


def test_the_estimate_says_why_it_is_unknown() -> None:
    assert priced(COPAY, "EB*B*IND*MH***27*45*****W").assumptions[1:] == (
        "several copays fit; ask the payer before the client decides",
    )


@pytest.mark.parametrize(
    "segments",
    [
        ("EB*B*IND*MH***27*200*****Y*HC:S9480", COPAY),
        ("EB*A*IND*MH*****.1****Y*HC:S9480", PART, MET),
        ("EB*B*IND*BC***27*100*****Y", COPAY),
        ("EB*B*IND*MH***27*200*****Y*HC:90853", COPAY),
        ("EB*B*IND****27*200*****Y*HC:90837", COPAY),
    ],
)
def test_an_amount_named_for_one_programme_is_no_price_of_the_other(segments: tuple[str, ...]) -> None:
    assert words(*segments, level=IOP) != "unknown"
    found = priced(*segments, level=OP)
    assert (found.low, found.high) == (None, None)
    assert any("for IOP only" in line for line in found.assumptions)


def test_an_amount_named_for_iop_that_holds_for_all_is_the_price_of_both() -> None:
    segments = ("EB*B*IND*MH***27*30*****Y*HC:S9480", COPAY)
    assert (words(*segments), words(*segments, level=OP)) == ("$720.00", "$540.00")  # 24 x 30 and 18 x 30


@pytest.mark.parametrize("network", ["Y", "N"])
def test_a_network_not_known_here_leaves_amounts_of_one_network_open(network: str) -> None:
    segments = (f"EB*B*IND*MH***27*30*****{network}", "EB*A*IND*MH*****0****W", "EB*C*IND*30***29*0*****W")
    assert words(*segments, rules=Rules(network="U")) == "unknown"
