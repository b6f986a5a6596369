"""The list of journeys on terminals of any width."""

from __future__ import annotations

import pytest

from cli import journeys
from cli.output import stdout
from dashboard.reading import JourneyRow
from domain.reference import reference
from domain.values import Role, Stage
from tests.domain.walk import MONDAY, enrolled, place_held

ROW = JourneyRow(
    journey_id="4f3a0b32-1a34-4b81-8cad-ac271f2aac73",
    site="harbour-north",
    stage=Stage.FUNDING_EXCEPTION,
    level="IOP",
    waiting_for=Role.SUPERVISOR,
    next_obligation="draft-discharge-plan-1",
    next_due=MONDAY,
    overdue=True,
    urgent=True,
    flags=("overdue", "missed-window", "urgent", "not-delivered", "waived-until-2026-03-20"),
    opened_at=MONDAY,
    version=3,
    week=13,
    last_week=12,
    number=4711,
)


@pytest.mark.parametrize("width", [80, 120, 160])
def test_no_id_and_no_word_is_broken(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stdout, "width", width)
    journeys.show_rows([ROW])
    shown = capsys.readouterr().out
    for word in (
        ROW.journey_id,
        reference(4711),
        ROW.site,
        "FUNDING_EXCEPTION",
        "clinical-supervisor",
        "draft-discharge-plan-1",
        *ROW.flags,
    ):
        assert word in shown
    assert all(len(line.rstrip()) <= width for line in shown.splitlines())


def test_a_journeys_page_says_its_week_and_where_the_client_is_moving(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stdout, "width", 120)
    monkeypatch.setattr(journeys, "ui_link", lambda settings, journey_id: None)
    walked = place_held()
    journeys._show_standing(walked.state, "J-0001-2", walked.now)
    shown = capsys.readouterr().out
    assert "OP week 1" in shown and "PHP, due 2026-03-17 17:00Z, place held at facility-1" in shown
    walked = enrolled()
    walked.later(days=60)
    journeys._show_standing(walked.state, "J-0001-2", walked.now)
    assert "IOP week 9 of 12" in capsys.readouterr().out
