"""`throughline send`: HL7 messages over MLLP, each acknowledgement printed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from cli.access import load_settings
from cli.output import Exit, Stop, show_json, stdout
from intake.ack import expects_answer
from intake.hl7 import Hl7Error, parse, split_messages
from intake.mllp import MllpClient, MllpError

SILENT = "--"
"""Stands for the acknowledgement of a message that asked for none."""


@dataclass(frozen=True)
class Acknowledged:
    """What came back for one message. `code` is MSA-1."""

    file: str
    number: int
    code: str
    control_id: str
    text: str


async def send(*files: Path, host: str = "127.0.0.1", port: int | None = None, json: bool = False) -> None:
    """Send HL7 v2 messages over MLLP and print each acknowledgement. Exit code 6 unless all are AA.

    Parameters
    ----------
    files:
        Files with one message or several, each beginning with MSH.
    host:
        The listener's address.
    port:
        The listener's port; the running stack's if left out.
    json:
        Print a JSON list.
    """
    if not files:
        raise Stop(Exit.USAGE, "name at least one file with HL7 messages")
    messages = [(file, each) for file in files for each in _messages_in(file)]
    answers = await _send_all(messages, host, port or load_settings().mllp_port)
    if json:
        show_json([asdict(each) for each in answers])
    else:
        for each in answers:
            stdout.print(f"{each.code}  {each.file} #{each.number}  {each.control_id}  {each.text}", markup=False)
    if any(each.code not in ("AA", "CA", SILENT) for each in answers):
        raise Stop(Exit.NOT_ACCEPTED, "not every message was accepted; the quarantine keeps those that were read")


def _messages_in(file: Path) -> list[bytes]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Stop(Exit.USAGE, f"cannot read {file}: {error.strerror}") from None
    return split_messages(content)


async def _send_all(messages: list[tuple[Path, bytes]], host: str, port: int) -> list[Acknowledged]:
    try:
        async with MllpClient(host, port) as client:
            return [await _send_one(client, file, n, message) for n, (file, message) in enumerate(messages, 1)]
    except (OSError, MllpError) as error:
        raise Stop(Exit.UNREACHABLE, f"no MLLP listener answered at {host}:{port} ({error})") from None


async def _send_one(client: MllpClient, file: Path, number: int, message: bytes) -> Acknowledged:
    answer = await client.send(message, answered=_wants_answer(message))
    return _read(str(file), number, answer) if answer else Acknowledged(str(file), number, SILENT, "", "none asked for")


def _wants_answer(message: bytes) -> bool:
    try:
        return expects_answer(parse(message))
    except Hl7Error:
        return True


def _read(file: str, number: int, answer: bytes) -> Acknowledged:
    try:
        ack = parse(answer)
        code, control_id, text = (ack.field("MSA", n) or "" for n in (1, 2, 3))
    except Hl7Error:
        return Acknowledged(file, number, "??", "", "the acknowledgement cannot be read")
    return Acknowledged(file, number, code, control_id, text)
