"""Each test here stands for something that users of systems like this one asked for in public, and is named after it.

Most are in `tests/domain/test_asked_for.py`; this is what only a command can show.
"""

from __future__ import annotations

import json

import pytest

from cli.output import Stop
from recovery.differences import Difference, Kind, OnRecord, Running, difference, never_begun
from recovery.reconcile import Comparison
from tests.cli.test_reconcile_output import told
from tests.domain.walk import STAGES


def stuck() -> list[Difference]:
    """Journeys at every stage whose workflow was lost, one that does not answer, and one that cannot be read."""
    found = [never_begun("at-REFERRED")]
    for stage, walk_to in STAGES.items():
        state = walk_to().state
        record = OnRecord(version=state.version, closed=False, state=state)
        found += filter(None, [difference(f"at-{stage}", record, None)])
    found += filter(None, [difference("silent", record, Running(snapshot=None))])
    found += filter(None, [difference("unreadable", OnRecord(version=3, closed=False, state=None), None)])
    return found


def test_everything_that_is_stuck_is_in_one_list_with_the_remedy_beside_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = stuck()
    assert {each.journey_id for each in found} == {"at-REFERRED", "silent", "unreadable"} | {f"at-{s}" for s in STAGES}
    comparison = Comparison(journeys=len(found), asked=len(found), differences=tuple(found))
    with pytest.raises(Stop, match=f"{len(found)} of {len(found)} journeys differ"):
        told(monkeypatch, comparison, as_json=True)
    listed = {each["journey_id"]: each for each in json.loads(capsys.readouterr().out)["differences"]}
    assert listed.keys() == {each.journey_id for each in found}
    assert listed["at-ACTIVE"]["remedy"] == "start its workflow from the record"
    assert listed["silent"]["remedy"].startswith("page operations")
    assert "deploy" in listed["unreadable"]["remedy"]
    with pytest.raises(Stop):
        told(monkeypatch, comparison)
    page = " ".join(capsys.readouterr().out.split())
    assert all(each.journey_id in page for each in found) and "Remedy" in page


@pytest.mark.parametrize("kind", Kind)
def test_no_way_to_be_stuck_is_without_a_remedy(kind: Kind) -> None:
    assert Difference(journey_id="j", kind=kind, on_record=1, in_workflow=1, sentence="It is so.").remedy
