"""What `throughline send` says of each message, against listeners with habits of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.output import Exit
from tests.cli.conftest import Call
from tests.cli.desk import admission
from tests.intake.listeners import Line, Script, listening
from tests.intake.messages import adt

NOBODY = b"700100^^^NORTH^MR~999-11-0000^^^^SS"


@contextmanager
def listener(script: Script) -> Iterator[int]:
    """Runs a scripted listener in a thread of its own."""
    started, stop, ports = threading.Event(), asyncio.Event(), list[int]()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with listening(script) as port:
            ports.append(port)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(30)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def file(folder: Path, *messages: bytes) -> Path:
    path = folder / "messages.hl7"
    path.write_bytes(b"".join(messages))
    return path


async def refuses_the_second(line: Line) -> None:
    while (control_id := await line.message()) is not None:
        await line.answer("AE" if control_id == "2" else "AA", control_id, "no number" if control_id == "2" else "")


def test_a_file_of_framed_messages_is_sent_as_its_messages(call: Call, tmp_path: Path) -> None:
    framed = b"".join(b"\x0b" + adt("A04", control_id=f"{number}") + b"\x1c\r" for number in (1, 2, 3))
    with listener(refuses_the_second) as port:
        answer = call("send", file(tmp_path, framed), "--port", str(port), "--json")
    assert [(each["control_id"], each["code"]) for each in answer.json] == [("1", "AA"), ("2", "AE"), ("3", "AA")]
    assert answer.code == Exit.NOT_ACCEPTED


def test_what_a_listener_refuses_unasked_is_not_taken_for_the_next_answer(call: Call, tmp_path: Path) -> None:
    messages = (adt("A04", control_id="2", header="|||NE|ER"), adt("A04", control_id="3"))
    with listener(refuses_the_second) as port:
        answer = call("send", file(tmp_path, *messages), "--port", str(port))
    lines = answer.out.splitlines()
    assert any(line.startswith("AE") and line.endswith("2  no number") for line in lines)
    assert any(line.startswith("AA") and line.endswith("  3") for line in lines)
    assert (answer.code, len(lines)) == (Exit.NOT_ACCEPTED, 2)


def test_silence_and_strays_are_shown(call: Call, tmp_path: Path) -> None:
    async def script(line: Line) -> None:
        await line.answer("AA", "another")
        await line.to_the_end()

    with listener(script) as port:
        path = file(tmp_path, adt("A04", control_id="1", header="|||NE|ER"))
        answer = call("send", path, "--port", str(port))
        as_json = call("send", path, "--port", str(port), "--json").json
    assert answer.code == Exit.OK
    stray, silent = answer.out.splitlines()
    assert stray.startswith("AA  another  stray")
    assert silent.startswith("--  ")
    assert [(each["outcome"], each["code"]) for each in as_json] == [("silent", "--"), ("stray", "AA")]


def test_a_message_that_should_have_been_answered_and_was_not_is_reported(call: Call, tmp_path: Path) -> None:
    async def closes(line: Line) -> None:
        await line.message()

    path = file(tmp_path, adt("A04", control_id="1"), adt("A04", control_id="2"))
    with listener(closes) as port:
        answer = call("send", path, "--port", str(port))
    assert answer.code == Exit.UNREACHABLE
    assert [line[:2] for line in answer.out.splitlines()] == ["??", "??"]
    assert "not sent" in answer.out
    assert answer.err.startswith("throughline: 2 of 2 messages got no answer")


@pytest.mark.stack
def test_messages_are_counted_by_state_reason_and_event(there: Call, tmp_path: Path) -> None:
    def counted() -> dict[tuple[str, str, str], int]:
        rows = there("messages", "--json").json
        return {(row["state"], row["code"], row["event"]): row["count"] for row in rows}

    def sent(*messages: bytes) -> int:
        return there("send", file(tmp_path, *messages)).code

    before = counted()
    transfer = admission(tmp_path, "A02").read_bytes()
    unclear = admission(tmp_path).read_bytes().replace(b"ADT^A04", b"ADT").replace(b"EVN|A04", b"EVN|")
    assert sent(transfer, transfer) == Exit.OK
    assert sent(unclear) == sent(b"no message") == Exit.NOT_ACCEPTED
    after = counted()
    new = {key: count - before.get(key, 0) for key, count in after.items() if count != before.get(key, 0)}
    assert new == {
        ("ignored", "location-only", "ADT^A02"): 1,
        ("quarantined", "no-trigger", "ADT"): 1,
        ("quarantined", "no-msh", ""): 1,
    }
    page = there("messages").out
    assert "location-only" in page
    assert "ADT^A02" in page
