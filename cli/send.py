"""`throughline send`: sends HL7 messages over MLLP and prints each acknowledgement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from cli.access import load_settings
from cli.output import Exit, Stop, show_json, stdout
from intake.answers import UNREADABLE, Answer
from intake.hl7 import split_messages
from intake.mllp_client import MllpClient, MllpError
from intake.sending import Delivery, Sending, Sent

SILENT = "--"
"""Stands for the acknowledgement of a message that asked for none."""
_STRAY = "stray answer: it matches none of these messages"
_FRAME_MARKS = re.compile(rb"[\x0b\x1c]")
_NOTHING = b" \t\r\n\x0c\x1a\xef\xbb\xbf"
"""Blanks, line ends, a byte-order mark, and the end-of-file mark of DOS."""


@dataclass(frozen=True)
class Acknowledged:
    """What became of one message, or a stray answer, which has no file. `code` is MSA-1, `--` or `??`."""

    file: str
    number: int
    outcome: str
    code: str
    control_id: str
    text: str


Port = Annotated[int, Parameter(validator=Number(gte=1, lte=65535))]


async def send(*files: Path, host: str = "127.0.0.1", port: Port | None = None, json: bool = False) -> None:
    """Send HL7 v2 messages over MLLP and print each answer. Exit code 6 if one is refused, 5 if one is missing.

    Sending the same message again is safe: it is stored once and gets the same answer. A message may ask for no answer
    (MSH-15, MSH-16): it is shown as `--` if the listener refused nothing and closed normally. That is not proof: a
    listener that was killed also closes normally. `??` marks a message that should have been answered and was not.

    Args:
        files: Files with one message or several, each beginning with MSH; a file with none is sent as it is. MLLP
            frames in a file are taken off.
        host: The listener's address.
        port: The listener's port; the running stack's if left out.
        json: Print a JSON list.
    """
    if not files:
        raise Stop(Exit.USAGE, "name at least one file with HL7 messages")
    places = [(str(file), number, each) for file in files for number, each in enumerate(_messages_in(file), 1)]
    report = _Report([(file, number) for file, number, _ in places], [Sent.of(each) for *_, each in places], quiet=json)
    address = (host, port or load_settings().mllp_port)
    try:
        async with MllpClient(*address) as client:
            sending = Sending(client, report.take)
            await sending.send(report.sent)
    except MllpError as error:
        raise Stop(Exit.UNREACHABLE, f"{error}; `throughline up` starts an intake on this machine") from None
    report.conclude(silence_is_consent=sending.silence_is_consent)
    if json:
        show_json([asdict(each) for each in report.results])
    _stop_unless_accepted(report.results, address)


class _Report:
    """Prints the answers as they come, and the rest at the end."""

    def __init__(self, places: Sequence[tuple[str, int]], sent: Sequence[Sent], *, quiet: bool) -> None:
        self.sent = sent
        self.results: list[Acknowledged] = []
        self._place = {id(each): place for each, place in zip(sent, places, strict=True)}
        self._strays: list[Acknowledged] = []
        self._quiet = quiet

    def take(self, answer: Answer, sent: Sent | None) -> None:
        """One answer, and the message it belongs to."""
        file, number = self._place[id(sent)] if sent else ("", 0)
        text = answer.text if sent else "; ".join(part for part in (_STRAY, answer.text) if part)
        told = Acknowledged(file, number, "answer" if sent else "stray", answer.code, answer.control_id, text)
        if sent is None:
            self._strays.append(told)
        self._show(told)

    def conclude(self, *, silence_is_consent: bool) -> None:
        """Reports the outcome of each message, once everything has been read."""
        for each in self.sent:
            outcome, answer = each.outcome(silence_is_consent=silence_is_consent), each.decisive
            place = self._place[id(each)]
            if answer is not None:
                self.results.append(Acknowledged(*place, outcome, answer.code, each.control_id, answer.text))
                continue
            code = SILENT if outcome is Delivery.SILENT else UNREADABLE
            self.results.append(Acknowledged(*place, outcome, code, each.control_id, _WITHOUT_ANSWER[outcome]))
            self._show(self.results[-1])
        self.results += self._strays

    def _show(self, told: Acknowledged) -> None:
        if not self._quiet:
            place = f"{told.file} #{told.number}" if told.file else ""
            told_parts = (told.code, place, told.control_id, told.text)
            line = "  ".join(part for part in told_parts if part)
            stdout.print("".join(char if char.isprintable() else "\ufffd" for char in line), markup=False)


_WITHOUT_ANSWER = {
    Delivery.SILENT: "no answer was asked for, and none came",
    Delivery.UNANSWERED: "no answer: it may or may not have been stored",
    Delivery.NOT_SENT: "not sent: before its turn the connection ended, or an earlier answer did not come",
}


def _stop_unless_accepted(results: Sequence[Acknowledged], address: tuple[str, int]) -> None:
    count = sum(each.outcome != "stray" for each in results)
    refused = sum(each.outcome == Delivery.REFUSED for each in results)
    missing = sum(each.outcome in (Delivery.UNANSWERED, Delivery.NOT_SENT) for each in results)
    silent = f"{missing} of {count} messages got no answer from {address[0]}:{address[1]}: send the same bytes again"
    if refused:
        told = f"{refused} of {count} messages not accepted; the answers above say why"
        raise Stop(Exit.NOT_ACCEPTED, f"{told}; {silent}" if missing else told)
    if missing:
        raise Stop(Exit.UNREACHABLE, silent)


def _messages_in(file: Path) -> list[bytes]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Stop(Exit.USAGE, f"cannot read {file}: {error.strerror}") from None
    if not content.strip(b" \t\r\n\x0b\x0c\x1c"):
        raise Stop(Exit.USAGE, f"{file} is empty: name a file with HL7 messages")
    parts = [part for part in _FRAME_MARKS.split(content) if part.strip(_NOTHING)]
    return [message for part in parts for message in split_messages(part) or [part]]
