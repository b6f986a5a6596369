"""`throughline status` answers, however its parts hang."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil
import psycopg
import pytest

from cli.main import run
from cli.output import Exit
from tests.cli.conftest import Call, Command, tree


@contextmanager
def silent_listener() -> Iterator[int]:
    """A port of 127.0.0.1 where connections are taken, by the system, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield int(listening.getsockname()[1])


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with ExitStack() as opened:
        yield [opened.enter_context(silent_listener()) for _ in range(5)]


def test_parts_that_take_connections_and_say_nothing_are_named(
    ports: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record, keys, temporal, intake, clinic = ports
    monkeypatch.setenv("THROUGHLINE_HOME", "/nowhere")
    monkeypatch.setenv("DATABASE_URL", f"postgresql://x@127.0.0.1:{record}/throughline")
    monkeypatch.setenv("THROUGHLINE_KEYS_URL", f"postgresql://x@127.0.0.1:{keys}/keys")
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{temporal}")
    monkeypatch.setenv("THROUGHLINE_HTTP_PORT", str(intake))
    monkeypatch.setenv("THROUGHLINE_CLINIC_URL", f"http://127.0.0.1:{clinic}")
    assert run(["status", "--json"]) == Exit.UNREACHABLE
    told = json.loads(capsys.readouterr().out)
    away = "does not answer"
    assert {name: told[name] for name in ("record", "keys", "temporal", "intake", "clinic")} == dict.fromkeys(
        ("record", "keys", "temporal", "intake", "clinic"), away
    )
    assert (told["worker"], told["projector"], told["sessions"]) == ("not known", "not known", "not known")


@pytest.mark.stack
@pytest.mark.parametrize("stopped", ["postgres", "temporal"])
def test_a_server_that_was_stopped_in_the_middle_is_named(house: Command, there: Call, stopped: str) -> None:
    family = tree(house.home, stopped)
    for process in family:
        process.suspend()
    try:
        answer = there("status", "--json")
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):  # one of PostgreSQL's ends as soon as it wakes up
                process.resume()
    assert answer.code == Exit.UNREACHABLE
    name = {"postgres": "record", "temporal": "temporal"}[stopped]
    assert answer.json[name] == "does not answer"
    assert name in answer.err


@pytest.mark.stack
def test_journeys_that_could_not_be_told_of_their_sessions_are_counted_and_listed(
    migrated_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THROUGHLINE_HOME", "/nowhere")
    monkeypatch.setenv("DATABASE_URL", migrated_database)

    def sessions() -> str:
        assert run(["status", "--json"]) == Exit.UNREACHABLE, "the other parts are not up"
        return str(json.loads(capsys.readouterr().out)["sessions"])

    assert sessions() == "ok"
    with psycopg.connect(migrated_database) as connection:
        connection.execute(
            "insert into attendance.journeys (journey_id, entries, attempts, trouble)"
            " values ('one', 1, 3, 'no answer'), ('two', 1, 1, 'no answer'), ('told', 0, 0, null)"
        )
    assert sessions() == "2 journeys not told of sessions: no answer (2); see `throughline sessions untold`"
    assert run(["sessions", "untold", "--json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)["journeys"]
    assert [(each["journey_id"], each["attempts"], each["why"]) for each in found] == [
        ("one", 3, "no answer"),
        ("two", 1, "no answer"),
    ]
    with psycopg.connect(migrated_database) as connection:
        connection.execute("update es.checkpoints set alarm = 'RecordDamaged: a hole' where consumer = 'attendance'")
    assert sessions().startswith("no longer taken from the record: RecordDamaged: a hole; see the log")


@pytest.mark.stack
def test_a_namespace_that_is_missing_is_named(
    temporal_address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THROUGHLINE_HOME", "/nowhere")
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "no-such-namespace")
    assert run(["status", "--json"]) == Exit.UNREACHABLE
    told = json.loads(capsys.readouterr().out)
    assert told["temporal"].startswith("has no namespace no-such-namespace: ")
    assert "TEMPORAL_NAMESPACE" in told["temporal"] and "throughline up" in told["temporal"]
    assert (told["worker"], told["recording"]) == ("not known", "not known")
