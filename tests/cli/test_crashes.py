"""Whatever is killed: nothing stays behind, nothing is lost, and the journeys go on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from cli.output import Exit
from tests.cli.conftest import Call, Command, assert_nothing_left, part, processes_on, up
from tests.cli.desk import ADMISSIONS, CLINICIAN
from tests.cli.test_house import admitted

pytestmark = pytest.mark.stack


def kill(running: Command, name: str) -> None:
    """SIGKILL to a part of a running house; returns once it has been replaced."""
    told = running.err.count(f"{name} is running again")
    part(running.home, name).kill()
    running.until(lambda: running.err.count(f"{name} is running again") > told)


def test_a_killed_house_leaves_nothing_behind_and_goes_on_where_it_was(call: Call, home: Path, tmp_path: Path) -> None:
    there = partial(call, home=home)
    with up(home) as first:
        journey = admitted(there, tmp_path)
        assert len(processes_on(home)) >= 7  # ourselves, PostgreSQL, Temporal, clinic, intake, worker, projector
        first.process.kill()
        first.process.wait()
        assert_nothing_left(home)
    assert there("status").code == Exit.UNREACHABLE

    with up(home) as second:
        placed = there("decide-placement", journey, "--recommended", "OP", "--actual", "OP", *CLINICIAN, "--json")
        assert placed.json["stage"] == "COST_REVIEW"

        for part in ("projector", "worker", "intake", "clinic"):
            kill(second, part)
        accepted = there("accept-cost", journey, "--estimate", placed.json["estimate"], *ADMISSIONS, "--json")
        assert accepted.json["stage"] == "ENROLLING"
        admitted(there, tmp_path)
        assert there("status").code == Exit.OK

        for part in ("postgres", "temporal"):
            kill(second, part)
            assert shown_without_a_gap(there, journey)
            admitted(there, tmp_path)
        assert second.interrupt() == Exit.OK
        assert "Traceback" not in second.err
        assert_nothing_left(home)


def shown_without_a_gap(there: Call, journey: str) -> bool:
    """Whether the journey can be asked for, and its record has every event up to the last."""
    answer = there("journey", journey, "--json")
    versions = [each["version"] for each in answer.json["events"]]
    return answer.code == Exit.OK and versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("lost", ["while down", "while up"])
def test_a_lost_temporal_database_is_made_anew_and_the_open_journeys_go_on(
    call: Call, home: Path, tmp_path: Path, lost: str
) -> None:
    there = partial(call, home=home)
    with up(home) as first:
        journey = admitted(there, tmp_path)
        if lost == "while up":
            server = part(home, "temporal")
            server.suspend()
            lose(home / "temporal")
            kill(first, "temporal")
            first.until(lambda: RECOVERED in first.err)
            assert_goes_on(there, journey)
        assert first.interrupt() == Exit.OK, first.err
    if lost == "while down":
        lose(home / "temporal")
        with up(home) as second:
            second.until(lambda: RECOVERED in second.err)
            assert_goes_on(there, journey)
            assert second.interrupt() == Exit.OK, second.err


RECOVERED = "Temporal began with no data: 1 open journeys were started again"


def lose(folder: Path) -> None:
    """Removes the server's database, and leaves what else is in its folder."""
    for file in folder.glob("temporal.db*"):
        file.unlink()


def assert_goes_on(there: Call, journey: str) -> None:
    """Fails unless a decision about the journey is taken and recorded."""
    placed = there("decide-placement", journey, "--recommended", "OP", "--actual", "OP", *CLINICIAN, "--json")
    assert placed.code == Exit.OK, placed.err
    assert placed.json["stage"] == "COST_REVIEW"
    assert shown_without_a_gap(there, journey)
