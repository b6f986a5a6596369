"""Whatever is killed: nothing stays behind, nothing is lost, and the journeys go on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import psutil
import pytest

from cli.output import Exit
from tests.cli.conftest import Call, Command, assert_nothing_left, processes_on, up
from tests.cli.desk import ADMISSIONS, CLINICIAN
from tests.cli.test_house import admitted

pytestmark = pytest.mark.stack


def kill(running: Command, name: str) -> None:
    """SIGKILL to a part of a running house; returns once it has been replaced."""
    (part,) = (each for each in processes_on(running.home) if name in _arguments(each))
    told = running.err.count(f"{name} runs again")
    part.kill()
    running.until(lambda: running.err.count(f"{name} runs again") > told)


def kill_temporal(home: Path) -> None:
    """SIGKILL to the server, without which no house can go on."""
    (server,) = (each for each in processes_on(home) if "temporal-server" in each.name())
    server.kill()


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()[:4]
    except psutil.NoSuchProcess:
        return []


def test_a_killed_house_leaves_nothing_behind_and_goes_on_where_it_was(call: Call, home: Path, tmp_path: Path) -> None:
    there = partial(call, home=home)
    with up(home) as first:
        journey = admitted(there, tmp_path)
        assert (
            len(processes_on(home)) >= 8
        )  # ourselves, PostgreSQL, Temporal, its page, clinic, intake, worker, projector
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

        kill_temporal(home)
        assert second.ended() == Exit.FAILED
        assert "temporal ended by itself" in second.err.splitlines()[-1]
        assert "Traceback" not in second.err
        assert_nothing_left(home)
