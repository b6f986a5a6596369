"""What care will cost: worked examples, and what must hold for every answer a payer can give."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.benefits import CostShare
from domain.cost import estimate
from domain.plans import Estimate
from domain.policy import policy_named
from domain.values import LevelOfCare

POLICY = policy_named("us-generic-1")
CAP = {"out_of_pocket_remaining": "2500"}
IOP, OP = "IOP", "OP"
MONEY = st.decimals(0, 9000, places=2)
PART = st.decimals(0, 1, places=3)
SHARES = st.builds(
    CostShare,
    copay=st.none() | MONEY,
    coinsurance=st.none() | PART,
    deductible_remaining=st.none() | MONEY,
    deductible_total=st.none() | MONEY,
    out_of_pocket_remaining=st.none() | MONEY,
    deductible_first=st.none() | st.booleans(),
)


def insured(level: LevelOfCare, share: CostShare | None) -> Estimate:
    return estimate(1, POLICY.level(level), share, self_pay=False)


def share(**parts: str) -> CostShare:
    return CostShare(**{name: Decimal(value) for name, value in parts.items()})


@pytest.mark.parametrize(
    ("level", "parts", "expected"),
    [
        (IOP, {"copay": "45"}, "1080.00"),  # 24 x 45
        (IOP, {"copay": "500"}, "8400.00"),  # never more than the day itself: 24 x 350
        (IOP, {"copay": "45", "out_of_pocket_remaining": "600"}, "600.00"),
        (IOP, {"copay": "45", "deductible_remaining": "900"}, "1080.00"),  # a copay skips the deductible
        (IOP, {"coinsurance": "0.2", "deductible_remaining": "0"}, "1680.00"),  # 0.2 x 8400
        (IOP, {"coinsurance": "0.3", "deductible_remaining": "700"}, "3010.00"),  # 700 + 0.3 x 7700
        (IOP, {"coinsurance": "0.25", "deductible_remaining": "500"}, "2475.00"),  # ends within a day: 500 + 1975
        (IOP, {"coinsurance": "0.3", "deductible_remaining": "9000"}, "8400.00"),  # all within the deductible
        (IOP, {"coinsurance": "0.3", "deductible_remaining": "700", "out_of_pocket_remaining": "2500"}, "2500.00"),
        (IOP, {"coinsurance": "0.3", "deductible_remaining": "700", "out_of_pocket_remaining": "0"}, "0.00"),
        # a copay of 0 is no copay: the coinsurance and the deductible stand
        (IOP, {"copay": "0", "coinsurance": "0.3", "deductible_remaining": "700"}, "3010.00"),
        (IOP, {"copay": "0", "coinsurance": "0.3", "deductible_remaining": "700", **CAP}, "2500.00"),
        (IOP, {"copay": "0", "coinsurance": "0", "deductible_remaining": "700"}, "700.00"),
        (OP, {"copay": "0", "coinsurance": "0.1", "deductible_remaining": "0"}, "288.00"),  # 0.1 x 2880
        # and a coinsurance of 0 is none: the copay stands
        (IOP, {"copay": "45", "coinsurance": "0", "deductible_remaining": "900"}, "1080.00"),
        (OP, {"coinsurance": "0.1", "deductible_remaining": "200"}, "468.00"),  # 200 + 0.1 x 2680
        (OP, {"coinsurance": "0.000015625", "deductible_remaining": "0"}, "0.05"),  # 0.045, half up
    ],
)
def test_worked_examples(level: LevelOfCare, parts: dict[str, str], expected: str) -> None:
    result = insured(level, share(**parts))
    assert (str(result.low), str(result.high)) == (expected, expected)


def test_a_copay_beside_coinsurance_is_a_range_from_the_cheaper_alone_to_both() -> None:
    result = insured(IOP, share(copay="40", coinsurance="0.2", deductible_remaining="1000"))
    assert result.low == Decimal(960)  # 24 x 40, the copay alone, without the deductible
    assert result.high == Decimal(3360)  # 2 x 350, then 300 + 40 + 10 on the third day, then 21 x (40 + 70)
    assert any("did not say whether" in line for line in result.assumptions)


def test_the_cheaper_alone_may_be_the_coinsurance() -> None:
    result = insured(IOP, share(copay="100", coinsurance="0.1", deductible_remaining="0"))
    assert (result.low, result.high) == (Decimal(840), Decimal(3240))


def test_a_copay_of_nothing_without_a_word_on_coinsurance_has_no_upper_end() -> None:
    result = insured(IOP, share(copay="0", deductible_remaining="0"))
    assert (result.low, result.high) == (Decimal(0), None)
    assert any("did not state the coinsurance" in line for line in result.assumptions)


def test_a_coinsurance_of_nothing_without_a_word_on_copays_has_no_upper_end() -> None:
    result = insured(IOP, share(coinsurance="0", deductible_remaining="0"))
    assert (result.low, result.high) == (Decimal(0), None)
    assert any("did not state a copay" in line for line in result.assumptions)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"copay": "0", "coinsurance": "0", "deductible_remaining": "0"}, "0.00"),  # all of it stated as nothing
        ({"coinsurance": "1", "deductible_remaining": "0"}, "8400.00"),  # 24 x 350
        ({"coinsurance": "1", "deductible_remaining": "700"}, "8400.00"),  # the deductible is a part of it
        ({"coinsurance": "0.2", "deductible_remaining": "8400"}, "8400.00"),  # used up by the last day
        ({"coinsurance": "0.2", "deductible_remaining": "8399.99"}, "8399.99"),  # and 0.2 x 0.01 = 0.002
        ({"copay": "350", "coinsurance": "0"}, "8400.00"),  # as much as the day
        ({"copay": "30", "out_of_pocket_remaining": "100"}, "100.00"),  # 3 x 30 + 10
        ({"copay": "30", "out_of_pocket_remaining": "0"}, "0.00"),
    ],
)
def test_sums_at_the_edges(parts: dict[str, str], expected: str) -> None:
    result = insured(IOP, share(**parts))
    assert (str(result.low), str(result.high)) == (expected, expected)


@pytest.mark.parametrize(
    ("parts", "first", "expected"),
    [
        ({"copay": "45", "deductible_remaining": "700"}, True, "1690.00"),  # 700, then 22 x 45
        ({"copay": "45", "deductible_remaining": "700"}, False, "1080.00"),
        ({"coinsurance": "0.3", "deductible_remaining": "700"}, False, "2520.00"),  # 0.3 x 8400
    ],
)
def test_what_the_payer_says_of_the_deductible_is_followed(parts: dict[str, str], first: bool, expected: str) -> None:
    result = insured(IOP, share(**parts).changed(deductible_first=first))
    assert str(result.low) == str(result.high) == expected


def test_what_is_assumed_is_said() -> None:
    assert (
        "the copay is owed instead of the deductible"
        in insured(IOP, share(copay="45", deductible_remaining="700")).assumptions
    )


def test_an_unknown_deductible_makes_a_range_up_to_the_whole_of_it() -> None:
    result = insured(IOP, share(coinsurance="0.2", deductible_total="2000"))
    assert (result.low, result.high) == (Decimal(1680), Decimal(3280))  # 2000 + 0.2 x 6400
    assert any("whole deductible of $2000" in line for line in result.assumptions)


def test_a_known_remainder_is_used_rather_than_the_total() -> None:
    result = insured(IOP, share(coinsurance="0.2", deductible_total="2000", deductible_remaining="100"))
    assert result.low == result.high == Decimal(1760)


@pytest.mark.parametrize(
    "given_share",
    [
        None,
        CostShare(),
        share(deductible_remaining="0"),
        share(deductible_total="1500", out_of_pocket_remaining="0"),
    ],
)
def test_without_a_cost_share_nothing_is_known(given_share: CostShare | None) -> None:
    result = insured(IOP, given_share)
    assert result.low is None and result.high is None
    assert any("ask it" in line for line in result.assumptions)


def test_a_coinsurance_without_a_deductible_has_no_upper_end() -> None:
    result = insured(IOP, share(coinsurance="0.2"))
    assert result.low == Decimal(1680) and result.high is None


def test_self_pay_needs_no_payer() -> None:
    result = estimate(3, POLICY.level(OP), share(copay="10"), self_pay=True)
    assert (result.id, result.low, result.high) == ("estimate-3", Decimal(2160), Decimal(2160))


@pytest.mark.parametrize("part", [{"coinsurance": "20"}, {"coinsurance": "-0.1"}, {"copay": "-1"}])
def test_an_impossible_share_is_refused_where_it_is_read(part: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        share(**part)


ROUTES = st.sampled_from(["copay", "coinsurance", "deductible_remaining"])


@given(level=st.sampled_from([OP, IOP]), before=SHARES, part=ROUTES, more=MONEY)
def test_the_price_never_falls_when_a_part_of_it_rises(
    level: LevelOfCare, before: CostShare, part: str, more: Decimal
) -> None:
    """From 0 to above is left out: a copay of 0 is none, and one beside a coinsurance may be meant in two ways."""
    known = getattr(before, part)
    if not known and (part != "deductible_remaining" or known is None):
        return
    risen = min(known + more / 9000, Decimal(1)) if part == "coinsurance" else known + more
    old, new = insured(level, before), insured(level, before.changed(**{part: risen}))
    assert old.low is None or (new.low is not None and new.low >= old.low)
    assert (old.high is None) == (new.high is None)
    assert old.high is None or (new.high is not None and new.high >= old.high)


CODES = st.sampled_from(["AMBIGUOUS-COPAY", "DEDUCTIBLE-WORDS-UNCLEAR", "COPAY-MISSING", "NUMBER-UNREADABLE"])


@given(level=st.sampled_from([OP, IOP]), given_share=SHARES, codes=st.lists(CODES, min_size=1, max_size=3))
def test_what_is_unclear_never_yields_a_number(level: LevelOfCare, given_share: CostShare, codes: list[str]) -> None:
    result = insured(level, given_share.changed(unclear=tuple(codes)))
    assert (result.low, result.high) == (None, None)
    assert all("ask the payer" in line for line in result.assumptions[1:]) and len(result.assumptions) > 1


@given(given_share=SHARES)
def test_amounts_for_one_level_are_no_price_of_another(given_share: CostShare) -> None:
    only = given_share.changed(only_for=IOP)
    assert insured(IOP, only) == insured(IOP, given_share)
    assert (insured(OP, only).low, insured(OP, only).high) == (None, None)


def slowly(
    days: int, rate: Decimal, readings: list[dict[str, Decimal]], deductible: Decimal, cap: Decimal | None
) -> list[Decimal]:
    """Day by day, cent by cent of each limit: what each reading costs."""
    totals = []
    for reading in readings:
        left, room, paid = deductible * reading["first"], cap, []
        for _ in range(days):
            toward = rate if left >= rate else left
            left = left - toward
            beyond = rate - toward
            today = reading["copay"] + beyond * reading["part"]
            today = toward + (beyond if today > beyond else today)
            if room is not None:
                today = today if today <= room else room
                room = room - today
            paid.append(today)
        totals.append(sum(paid, Decimal(0)))
    return totals


def reference(level: LevelOfCare, given: CostShare) -> tuple[Decimal | None, Decimal | None]:
    """The same, by another hand: a table of what may be meant, each worked out on its own."""
    zero, one = Decimal(0), Decimal(1)
    waived, said = given.deductible_first is False, given.deductible_first is True
    copay, part = given.copay or zero, given.coinsurance or zero
    if given.copay is None and given.coinsurance is None:
        return None, None
    usual, upon_word = (zero if waived else one), (one if said else zero)
    if copay and part:
        table = [(copay, zero, upon_word), (zero, part, usual), (copay, part, usual)]
    else:
        table = [(copay, part, upon_word if copay else usual)]
    readings = [{"copay": c, "part": p, "first": f} for c, p, f in table]
    price, cap = POLICY.level(level).price, given.out_of_pocket_remaining
    assert price is not None
    days, rate = price.treatment_days, price.allowed_dollars
    best = given.deductible_remaining if given.deductible_remaining is not None else zero
    worst = given.deductible_remaining if given.deductible_remaining is not None else given.deductible_total
    low = min(slowly(days, rate, readings, best, cap))
    open_ended = worst is None and any(each["first"] for each in readings)
    alone = (given.coinsurance is None and not copay) or (given.copay is None and not part)
    if open_ended or alone:
        return low, None
    return low, max(slowly(days, rate, readings, worst or zero, cap))


def cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(level=st.sampled_from([OP, IOP]), given_share=SHARES)
def test_it_costs_what_the_slow_way_says(level: LevelOfCare, given_share: CostShare) -> None:
    result, (low, high) = insured(level, given_share), reference(level, given_share)
    assert (result.low, result.high) == (cents(low), cents(high))


@given(level=st.sampled_from([OP, IOP]), given_share=SHARES)
def test_it_never_costs_more_than_the_limit_left(level: LevelOfCare, given_share: CostShare) -> None:
    result, limit = insured(level, given_share), given_share.out_of_pocket_remaining
    for end in (result.low, result.high):
        assert end is None or limit is None or 0 <= end <= limit


@given(level=st.sampled_from([OP, IOP]), part=PART.filter(bool), left=MONEY, limit=st.none() | MONEY)
def test_a_copay_of_nothing_changes_nothing_beside_coinsurance(
    level: LevelOfCare, part: Decimal, left: Decimal, limit: Decimal | None
) -> None:
    plain = CostShare(coinsurance=part, deductible_remaining=left, out_of_pocket_remaining=limit)
    beside = insured(level, plain.changed(copay=Decimal(0)))
    assert beside == insured(level, plain)


@given(level=st.sampled_from([OP, IOP]), given_share=SHARES)
def test_the_range_is_in_order_and_never_more_than_all_of_it(level: LevelOfCare, given_share: CostShare) -> None:
    result = insured(level, given_share)
    price = POLICY.level(level).price
    assert price is not None
    whole = result.days * price.allowed_dollars
    if given_share.copay is None and given_share.coinsurance is None:
        assert result.low is None and result.high is None
        return
    assert result.low is not None and 0 <= result.low <= whole
    assert result.high is None or result.low <= result.high <= whole


@given(level=st.sampled_from([OP, IOP]), part=PART.filter(bool), total=MONEY, used=st.decimals(0, 1, places=2))
def test_learning_the_deductible_only_narrows_the_range(
    level: LevelOfCare, part: Decimal, total: Decimal, used: Decimal
) -> None:
    before = insured(level, CostShare(coinsurance=part, deductible_total=total))
    after = insured(level, CostShare(coinsurance=part, deductible_total=total, deductible_remaining=total * used))
    assert before.low is not None and before.high is not None and after.low is not None
    assert before.low <= after.low <= before.high


@given(level=st.sampled_from([OP, IOP]), given_share=SHARES)
def test_an_unknown_high_end_is_said_aloud(level: LevelOfCare, given_share: CostShare) -> None:
    result = insured(level, given_share)
    if result.high is None:
        assert any("payer" in line for line in result.assumptions)
