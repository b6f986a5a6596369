"""`throughline send`: HL7 messages over MLLP, each acknowledgement printed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

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


_ACCEPTED = ("AA", "CA", SILENT)
Port = Annotated[int, Parameter(validator=Number(gte=1, lte=65535))]


async def send(*files: Path, host: str = "127.0.0.1", port: Port | None = None, json: bool = False) -> None:
    """Send HL7 v2 messages over MLLP and print each acknowledgement. Exit code 6 unless all are AA.

    Sending the same message again is safe: it is kept once and gets the same answer.

    Parameters
    ----------
    files:
        Files with one message or several, each beginning with MSH; a file with none is sent as it is.
    host:
        The listener's address.
    port:
        The listener's port; the running stack's if left out.
    json:
        Print a JSON list.
    """
    if not files:
        raise Stop(Exit.USAGE, "name at least one file with HL7 messages")
    messages = [(file, number, each) for file in files for number, each in enumerate(_messages_in(file), 1)]
    answers: list[Acknowledged] = []
    try:
        async for answer in _send_all(messages, host, port or load_settings().mllp_port):
            answers.append(answer)
            if not json:
                _show(answer)
    finally:  # what was answered is told even if the connection then broke
        if json:
            show_json([asdict(each) for each in answers])
    refused = sum(each.code not in _ACCEPTED for each in answers)
    if refused:
        raise Stop(Exit.NOT_ACCEPTED, f"{refused} of {len(answers)} messages not accepted; the answers above say why")


def _messages_in(file: Path) -> list[bytes]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Stop(Exit.USAGE, f"cannot read {file}: {error.strerror}") from None
    if not content.strip():
        raise Stop(Exit.USAGE, f"{file} is empty: name a file with HL7 messages")
    return split_messages(content) or [content]


async def _send_all(messages: list[tuple[Path, int, bytes]], host: str, port: int) -> AsyncIterator[Acknowledged]:
    try:
        async with MllpClient(host, port) as client:
            for file, number, message in messages:
                yield await _send_one(client, file, number, message)
    except MllpError as error:
        raise Stop(Exit.UNREACHABLE, f"{error}; `throughline up` starts an intake on this machine") from None


def _show(answer: Acknowledged) -> None:
    told = (answer.code, f"{answer.file} #{answer.number}", answer.control_id, answer.text)
    stdout.print("  ".join(part for part in told if part), markup=False)


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
