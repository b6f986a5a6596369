"""A policy's file: what it says, and how a broken one is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from centre.files import CentreFileError
from centre.policies import read_policies, read_policy
from domain.obligation_terms import Channel
from domain.pathway import OBLIGATIONS
from domain.pathway.cost import AcceptCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.discharge import Discharge, UpdateDischargePlan
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reviews import CompleteReview
from domain.policy import policy_named, use_policies
from domain.values import Role, Stage
from tests.domain.walk import ADMISSIONS, CLINICIAN, DIRECTOR, WHOLE_PLAN, Walk, answered
from tests.policies import EXAMPLE_FILE, OTHERS, variant, write_php

BROKEN: dict[str, tuple[str, str, str, str]] = {
    "a unit that is not the number's": (
        '[numbers.step_up_hours]\nvalue = 24\nunit = "elapsed hours"',
        '[numbers.step_up_hours]\nvalue = 24\nunit = "calendar days"',
        'unit = "calendar days"\x00after [numbers.step_up_hours]',
        "step_up_hours counts elapsed hours, not calendar days",
    ),
    "a number out of range": (
        "[numbers.step_up_hours]\nvalue = 24",
        "[numbers.step_up_hours]\nvalue = 0",
        "value = 0",
        "step_up_hours: Input should be greater than or equal to 1",
    ),
    "a number that is text": (
        "[numbers.leave_days]\nvalue = 14",
        '[numbers.leave_days]\nvalue = "two"',
        'value = "two"',
        "numbers.leave_days",
    ),
    "a number nobody knows": (
        "[numbers.leave_days]",
        "[numbers.leave_weeks]",
        "[numbers.leave_weeks]",
        "no number leave_weeks",
    ),
    "follow-ups that go back": ("value = [7, 30]", "value = [30, 7]", "value = [30, 7]", "must rise"),
    "a source that is missing": (
        'unit = "business days"\nsource = "SAMHSA',
        'unit = "business days"\nsauce = "SAMHSA',
        "[numbers.access_business_days]",
        "numbers.access_business_days.source is missing",
    ),
    "a part nobody knows": ('  "leave",', '  "levitation",', "parts", "there is no part 'levitation'"),
    "a part that is needed": ('  "reviews",\n', "", "parts", "the part 'reviews' is missing"),
    "an obligation without terms": (
        "[obligations.review]",
        "[obligations.revue]",
        "[obligations.revue]",
        "there is no obligation revue",
    ),
    "an owner nobody knows": ('owner = "utilisation-review"', 'owner = "janitor"', 'owner = "janitor"', "owner"),
    "steps out of order": (
        '{ hours = -12, tell = "clinical-supervisor"',
        '{ hours = 12, tell = "clinical-supervisor"',
        "[obligations.complete-step-up]",
        "in order of time",
    ),
    "a step without a time": (
        "{ hours = -12, tell",
        "{ tell",
        "steps\x00after [obligations.complete-step-up]",
        "either hours",
    ),
    "one of our levels without a price": (
        'given_by = "another"\nsource = "Given by a hospital."',
        'given_by = "us"\nsource = "Given by a hospital."',
        '[[levels]]\x00after given_by = "another"',
        "INPATIENT is given by us: give its review, its price and its unseen_days",
    ),
    "a level that is there twice": (
        'id = "INPATIENT"',
        'id = "PHP"',
        'id = "PHP"\x00after id = "PHP"',
        "PHP is there twice",
    ),
    "a review by days and weeks": (
        "every_days = 90",
        "every_days = 90\nfirst_week = 6",
        "[levels.review]",
        "either every_days or first_week",
    ),
    "hours the wrong way round": (
        "hours_a_week = [9, 15]",
        "hours_a_week = [15, 9]",
        "[[levels]]\x00after [levels.price]",
        "the least and the most",
    ),
    "a format of the future": ("format = 1", "format = 2", "format = 2", "format"),
    "a number that is a truth value": ("value = 24", "value = true", "value = true", "valid integer"),
    "a number with a fraction of zero": ("value = 24", "value = 24.0", "value = 24.0", "valid integer"),
    "a whole number that is text": ("value = 24", 'value = "24"', 'value = "24"', "valid integer"),
    "a truth value in a list": ("[7, 30]", "[true, 30]", "value = [true, 30]", "valid integer"),
    "hours that are a truth value": ("[9, 15]", "[true, 15]", "hours_a_week = [true", "valid integer"),
    "a format that is a truth value": ("format = 1", "format = true", "format = true", "format"),
    "a day that is a number": ("checked = 2026-11-26", "checked = 0.0", "checked = 0.0", "not a day"),
    "a moment for a day": ("checked = 2026-11-26", "checked = 2026-11-26T00:00:00Z", "checked = 2026", "valid date"),
    "a price that is text": (
        "allowed_dollars = 160",
        'allowed_dollars = "160"',
        'allowed_dollars = "160"',
        "levels.1.price.allowed_dollars: write the amount as a number, without quotes",
    ),
    "a price no one pays": (
        "allowed_dollars = 160",
        "allowed_dollars = 1e30",
        "allowed_dollars = 1e30",
        "less than or equal to 1000000",
    ),
    "steps in quotes": (
        "{ hours = -12, tell",
        '{ hours = "-12", tell',
        "steps\x00after [obligations.complete-step-up]",
        "valid integer",
    ),
    "roles without a week": (
        "last_week = 12",
        "# last_week = 12",
        "[levels.review]\x00after [levels.price]",
        "say in last_week from when",
    ),
    "a role that reviews nothing": (
        'beyond = ["medical-director"]',
        'beyond = ["operations"]',
        "[levels.review]\x00after [levels.price]",
        "operations may not review",
    ),
    "a part that is there twice": ('  "leave",', '  "leave",\n  "leave",', "parts", "the part 'leave' is there twice"),
    "terms of a part that does not run": (
        '  "leave",\n',
        "",
        "[obligations.leave-contact]",
        "leave-contact belongs to leave, which does not run",
    ),
    "a level in small letters": ('id = "PHP"', 'id = "php"', 'id = "php"', "capital letters"),
    "a version with a space": (
        'version = "us-generic-1"',
        'version = "us generic"',
        'version = "us generic"',
        "version",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_names_its_line_and_the_reason(tmp_path: Path, what: str) -> None:
    old, new, place, reason = BROKEN[what]
    text = EXAMPLE_FILE.read_text()
    assert old in text, what
    file = tmp_path / "broken.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(CentreFileError) as caught:
        read_policy(file)
    assert reason in str(caught.value)
    assert caught.value.line == where(file, place), str(caught.value)


def where(file: Path, place: str) -> int:
    """The line that begins so; with `after`, the first one after the line that begins with that."""
    text, _, after = place.partition("\x00after ")
    lines = file.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(after)) + 1 if after else 0
    return next(number for number, line in enumerate(lines[first:], first + 1) if line.startswith(text))


def test_a_missing_number_is_named(tmp_path: Path) -> None:
    text = EXAMPLE_FILE.read_text()
    begin = text.index("[numbers.leave_days]")
    file = tmp_path / "short.toml"
    file.write_text(text[:begin] + text[text.index("[numbers.", begin + 1) :])
    with pytest.raises(CentreFileError, match=r"\[numbers.leave_days\] is missing"):
        read_policy(file)


def test_a_file_is_named_after_its_version(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(EXAMPLE_FILE.read_text())
    with pytest.raises(CentreFileError, match=r"a\.toml, line 5: version is 'us-generic-1' and the file is a\.toml"):
        read_policies(tmp_path)


def test_a_policy_whose_name_ends_in_capitals_is_not_passed_over(tmp_path: Path) -> None:
    variant(tmp_path, "us-a-1")
    variant(tmp_path, "us-b-1").rename(tmp_path / "us-b-1.TOML")
    assert [each.policy.version for each in read_policies(tmp_path)] == ["us-a-1", "us-b-1"]


def test_a_folder_without_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CentreFileError, match="has no policy"):
        read_policies(tmp_path)


def test_the_digest_tells_what_is_said_and_not_how_it_is_laid_out(tmp_path: Path) -> None:
    digest = read_policy(EXAMPLE_FILE).policy.digest
    file = tmp_path / "same.toml"
    file.write_text("# a remark\n" + EXAMPLE_FILE.read_text().replace("format = 1", "format   =   1"))
    assert read_policy(file).policy.digest == digest
    file.write_text(EXAMPLE_FILE.read_text().replace("retention_years]\nvalue = 10", "retention_years]\nvalue = 11"))
    assert read_policy(file).policy.digest != digest


def test_a_process_knows_one_policy_of_a_version(tmp_path: Path) -> None:
    other = read_policy(variant(tmp_path, "us-generic-1", ("value = 14", "value = 15"))).policy
    with pytest.raises(ValueError, match="two policies 'us-generic-1' that differ"):
        use_policies([other])


def test_the_example_names_every_obligation_and_ends_each_with_someone_who_can_decide() -> None:
    policy = policy_named("us-generic-1")
    assert set(policy.obligations) == set(OBLIGATIONS)
    last = {kind: terms.steps[-1] for kind, terms in policy.obligations.items()}
    deciders = {Role.SUPERVISOR, Role.MEDICAL_DIRECTOR, Role.OPERATIONS}
    assert {kind: step.tell for kind, step in last.items() if step.tell not in deciders} == {}
    assert {kind for kind, step in last.items() if step.by is not Channel.PAGE} == set()


def under(version: str) -> Walk:
    assert version in OTHERS
    walk = answered()
    walk.do(ChangePolicy, to=version, reason="its site gives this level")
    return walk


def discharged(walk: Walk) -> None:
    walk.do(UpdateDischargePlan, plan=WHOLE_PLAN)
    walk.do(Discharge, reason="goals-met", by=CLINICIAN)
    assert walk.is_at(Stage.DISCHARGED)


def test_php_given_by_us_is_a_step_up_with_reviews_of_its_own() -> None:
    walk = under("us-php-1")
    walk.do(DecidePlacement, recommended="IOP", actual="IOP")
    walk.do(AcceptCost, estimate="estimate-1")
    walk.enrol()
    walk.do(RequestStepUp, to="PHP", reason="worse")
    walk.settle_all()
    walk.do(ConfirmArrival, facility="our day hospital")
    assert walk.is_at(Stage.ACTIVE) and walk.path() == ["IOP", "PHP"]
    [review] = walk.state.open_of("review")
    assert review.due_at - walk.now < timedelta(days=8)
    walk.later(weeks=5)
    walk.refused(CompleteReview, "beyond-last-week", outcome="continue", rationale="more")
    walk.do(CompleteReview, outcome="continue", rationale="more", by=DIRECTOR)
    walk.do(StartStepDown, to="IOP", reason="better")
    walk.do(ConfirmArrival)
    assert walk.path() == ["IOP", "PHP", "IOP"]
    discharged(walk)


def test_what_the_plan_was_not_asked_about_needs_its_authorisation_and_has_no_price() -> None:
    walk = under("us-residential-1")
    walk.do(DecidePlacement, recommended="RESIDENTIAL", actual="RESIDENTIAL")
    estimate = walk.state.cost.estimate
    assert estimate is not None and estimate.low is None and estimate.high is None
    assert "the payer was not asked about RESIDENTIAL" in " ".join(estimate.assumptions)
    assert "obtain-authorisation-1" in walk.owes()
    walk.refused(AcceptCost, "cost-unknown", estimate="estimate-1")


def test_residential_is_reviewed_every_week_and_stepped_down_from() -> None:
    walk = under("us-residential-1")
    walk.do(DecidePlacement, recommended="RESIDENTIAL", actual="RESIDENTIAL")
    price = {"copay": 30, "only_for": "RESIDENTIAL"}
    walk.do(RecordBenefits, verdict="CLEAR", cost_share=price, note="called the plan")
    walk.do(CompleteObligation, obligation="obtain-authorisation-1", note="AUTH by phone", by=ADMISSIONS)
    walk.do(AcceptCost, estimate="estimate-2")
    walk.enrol(track="house")
    assert walk.is_at(Stage.ACTIVE) and walk.path() == ["RESIDENTIAL"]
    walk.later(days=7)
    walk.do(CompleteReview, outcome="step-down", to="IOP", rationale="ready")
    walk.do(ConfirmArrival)
    assert walk.path() == ["RESIDENTIAL", "IOP"]
    discharged(walk)


def test_php_is_another_level_in_another_file(tmp_path: Path) -> None:
    assert read_policy(write_php(tmp_path)).policy == OTHERS["us-php-1"]
