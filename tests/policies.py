"""Policies other than the example: each is the example's file with a few lines changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from centre.files import EXAMPLE
from centre.policies import read_policy
from domain.policy import Policy, use_policies

EXAMPLE_FILE = EXAMPLE / "policies" / "us-generic-1.toml"

_OURS = """\
plan_asked = false
source = "An invented centre."
checked = 2026-11-26
unseen_days = 10
{hours}
[levels.review]
{review}
source = "An invented centre."
checked = 2026-11-26

[levels.price]
allowed_dollars = {allowed}
self_pay_dollars = {own}
treatment_days = {days}
source = "An invented centre."
checked = 2026-11-26
"""
_PHP_ELSEWHERE = """\
title = "Partial hospitalisation, at another facility"
given_by = "another"
source = "The centre does not give it; a transfer often happens within 24 hours."
checked = 2026-11-26
"""
_PHP_HERE = 'title = "Partial hospitalisation"\ngiven_by = "us"\n' + _OURS.format(
    hours="hours_a_week = [20, 30]\n",
    review='first_week = 1\nlast_week = 4\nbeyond = ["clinical-supervisor", "medical-director"]',
    allowed="650.50",
    own=480,
    days=15,
)
_INPATIENT = '[[levels]]\nid = "INPATIENT"'
_RESIDENTIAL = '[[levels]]\nid = "RESIDENTIAL"\ntitle = "Residential"\ngiven_by = "us"\n' + _OURS.format(
    hours="", review="every_days = 7", allowed=1100, own=900, days=30
)


def variant(folder: Path, version: str, *changes: tuple[str, str]) -> Path:
    """A file like the example's but for these changes."""
    text = EXAMPLE_FILE.read_text().replace('version = "us-generic-1"', f'version = "{version}"')
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file = folder / f"{version}.toml"
    file.write_text(text)
    return file


def write_php(folder: Path) -> Path:
    """Partial hospitalisation is given by the centre itself."""
    return variant(folder, "us-php-1", (_PHP_ELSEWHERE, _PHP_HERE))


def write_residential(folder: Path) -> Path:
    """There is a residential level between PHP and the hospital, given by the centre itself."""
    return variant(folder, "us-residential-1", (_INPATIENT, f"{_RESIDENTIAL}\n{_INPATIENT}"))


def terms_of(text: str, kind: str) -> str:
    begin = text.index(f"[obligations.{kind}]")
    return text[begin : text.index("[obligations.", begin + 1)]


def write_without_leave(folder: Path) -> Path:
    """The centre grants no leave."""
    text = EXAMPLE_FILE.read_text()
    terms = [(terms_of(text, kind), "") for kind in ("return-from-leave", "leave-contact")]
    return variant(folder, "us-no-leave-1", *terms, ('  "leave",\n', ""))


def write_without_authorisation(folder: Path) -> Path:
    """The centre leaves authorisations to the payer's own people."""
    text = EXAMPLE_FILE.read_text()
    begin = text.index("[obligations.obtain-authorisation]")
    terms = text[begin : text.index("[obligations.", begin + 1)]
    return variant(folder, "us-no-authorisation-1", (terms, ""), ('  "authorisation",\n', ""))


def write_without_treatment_plan(folder: Path) -> Path:
    """The centre keeps treatment plans in another system."""
    text = EXAMPLE_FILE.read_text()
    terms = [(terms_of(text, kind), "") for kind in ("draft-treatment-plan", "review-goals")]
    return variant(folder, "us-no-treatment-plan-1", *terms, ('  "treatment_plan",\n', ""))


def write_without_maintenance(folder: Path) -> Path:
    """The centre ends outpatient care on a day that is agreed."""
    terms = terms_of(EXAMPLE_FILE.read_text(), "refresh-relapse-plan")
    return variant(folder, "us-no-maintenance-1", (terms, ""), ('  "maintenance",\n', ""))


def write_without_against_advice(folder: Path) -> Path:
    """The centre handles wishes to leave by a procedure on paper."""
    terms = terms_of(EXAMPLE_FILE.read_text(), "talk-before-leaving")
    return variant(folder, "us-no-against-advice-1", (terms, ""), ('  "against_advice",\n', ""))


def write_without_return(folder: Path) -> Path:
    """Who comes back after a discharge is admitted anew."""
    text = EXAMPLE_FILE.read_text()
    terms = [(terms_of(text, kind), "") for kind in ("decide-return", "check-return-cost")]
    return variant(folder, "us-no-return-1", *terms, ('  "return_to_care",\n', ""))


def write_unasked(folder: Path) -> Path:
    """Payers are asked about no level, and the days of a course are others."""
    changes = ("plan_asked = true", "plan_asked = false"), ("treatment_days = 18", "treatment_days = 9")
    return variant(folder, "us-unasked-1", *changes)


WRITERS = (
    *(write_php, write_residential, write_without_leave, write_without_authorisation, write_without_treatment_plan),
    *(write_without_maintenance, write_without_against_advice, write_without_return, write_unasked),
)


def _made() -> dict[str, Policy]:
    with tempfile.TemporaryDirectory() as name:
        files = [write(Path(name)) for write in WRITERS]
        made = [read_policy(file).policy for file in files]
    use_policies(made)
    return {each.version: each for each in made}


OTHERS = _made()
"""The other policies, by version. Importing this module makes them known."""
