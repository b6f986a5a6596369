"""What the hospital system reports is kept with the time at which it was true there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from domain.commands import BaseCommand
from domain.pathway import Event
from domain.pathway.admission import CancelAdmission, RepeatAdmission
from domain.pathway.discharge import ReportDischarge, TakeBackDischargeReport
from tests.domain.walk import MONDAY, Walk, enrolled, opened

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
REPORTS: list[tuple[type[BaseCommand], str]] = [
    (RepeatAdmission, "admission.repeated"),
    (CancelAdmission, "admission.cancelled"),
    (ReportDischarge, "discharge.reported"),
    (TakeBackDischargeReport, "discharge.report-taken-back"),
]


@pytest.mark.parametrize(
    ("report", "name"),
    [pytest.param(*each, id=each[1]) for each in REPORTS],
)
@pytest.mark.parametrize("walk_to", [opened, enrolled])
def test_a_reported_fact_keeps_its_own_time_beside_the_journeys(
    walk_to: Callable[[], Walk], report: type[BaseCommand], name: str
) -> None:
    walk, earlier = walk_to(), MONDAY - timedelta(hours=5)
    walk.later(hours=1)
    fact = EVENT.dump_python(walk.do(report, message="message-2", occurred_at=earlier)[0])
    assert (fact["type"], fact["at"], fact["occurred_at"]) == (name, walk.now, earlier)


@pytest.mark.parametrize(("report", "name"), REPORTS, ids=[name for _, name in REPORTS])
def test_a_report_recorded_before_it_had_a_time_is_still_read(report: type[BaseCommand], name: str) -> None:
    fact = enrolled().do(report, message="message-2")[0]
    old = {key: value for key, value in EVENT.dump_python(fact).items() if key != "occurred_at"}
    assert EVENT.validate_python(old) == fact
