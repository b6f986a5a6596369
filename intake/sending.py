"""Messages sent over one connection, and which answer belongs to which.

An answer belongs to the message whose control id it names, whenever it comes. An answer without a control id belongs to
a message without one. Every other answer is a stray. Whether silence means acceptance depends on what the message asked
for (MSH-15, MSH-16), and is only known once the listener has read everything. So after the last message the connection
is half-closed, and answers are read until the listener closes it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from intake.ack import AckKind, AnswersWanted, answers_wanted
from intake.answers import ACCEPTED, Answer, control_id_of, read_answer
from intake.hl7 import read_header
from intake.mllp_client import MllpClient, MllpError

_ALL = frozenset(AckKind)
_VERDICTS = {"A": AckKind.ACCEPT, "E": AckKind.ERROR, "R": AckKind.REJECT}
"""Outcomes by the second letter of MSA-1."""


class Delivery(StrEnum):
    """The outcome of one message, as far as its sender can know."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SILENT = "silent"  #: no answer, and the message asked for none if accepted
    UNANSWERED = "unanswered"  #: an answer was due and did not come, or the silence proves nothing
    NOT_SENT = "not-sent"


@dataclass
class Sent:
    """One message that is being sent.

    Attributes:
        control_id: MSH-10; empty if it cannot be read.
        wanted: The answers that it asks for.
        answers: The answers that belong to it, in the order they came.
        written: Whether it was written to the connection.
    """

    message: bytes
    control_id: str
    wanted: AnswersWanted
    answers: list[Answer] = field(default_factory=list)
    written: bool = False

    @classmethod
    def of(cls, message: bytes) -> Sent:
        """A message that has not been sent yet."""
        return cls(message, control_id_of(message), _wanted(message))

    @property
    def is_complete(self) -> bool:
        """Whether every answer that it asks for has come."""
        kinds = {answer.code[:1] for answer in self.answers}
        refused = any(answer.code not in ACCEPTED for answer in self.answers)
        needed = {kind for kind, wanted in (("C", self.wanted.accept), ("A", self.wanted.application)) if wanted}
        return bool(kinds) and (refused or needed <= kinds)

    def lacks(self, answer: Answer) -> bool:
        """Whether this answer is wanted and none of its kind has come."""
        wanted = self.wanted.accept if answer.code.startswith("C") else self.wanted.application
        return _VERDICTS.get(answer.code[1:]) in wanted and not any(
            each.code[:1] == answer.code[:1] for each in self.answers
        )

    def outcome(self, *, silence_is_consent: bool) -> Delivery:
        """The outcome; see `Sending.silence_is_consent`."""
        if not self.written:
            return Delivery.NOT_SENT
        if self.answers:
            refused = any(answer.code not in ACCEPTED for answer in self.answers)
            return Delivery.REFUSED if refused else Delivery.ACCEPTED
        if not self.wanted.either or (silence_is_consent and AckKind.ACCEPT not in self.wanted.either):
            return Delivery.SILENT
        return Delivery.UNANSWERED

    @property
    def decisive(self) -> Answer | None:
        """The answer that decides the outcome: a refusal, else the last answer; None if there is none."""
        refusals = [answer for answer in self.answers if answer.code not in ACCEPTED]
        return next(reversed(refusals or self.answers), None)


def belongs_to(answer: Answer, sent: Sequence[Sent]) -> Sent | None:
    """The message that `answer` is for. If several share its control id, the first that still lacks such an answer."""
    named = [each for each in sent if each.written and each.control_id == answer.control_id]
    lacking = [each for each in named if each.lacks(answer)] or [each for each in named if not each.answers]
    return next(iter(lacking), None) or (named[-1] if named else None)


class Sending:
    """Sends messages over an open connection.

    `on_answer` is called with each answer and its message, or None for a stray.

    Attributes:
        silence_is_consent: Whether the listener closed normally after the last message and sent no refusal that could
            be for any message. Then a message that asked only for answers to errors and got none was accepted, as far
            as we can know. Our listener resets a connection with unhandled messages, but a listener that is killed
            cannot.
    """

    def __init__(
        self,
        client: MllpClient,
        on_answer: Callable[[Answer, Sent | None], None] = lambda answer, sent: None,
        *,
        answer_seconds: float = 30.0,
        close_seconds: float = 5.0,
    ) -> None:
        """Times are elapsed: for one answer, and for the listener to close after the last message."""
        self._client = client
        self._on_answer = on_answer
        self._answer_seconds = answer_seconds
        self._close_seconds = close_seconds
        self._sent: Sequence[Sent] = ()
        self._news = asyncio.Event()
        self._half_closed = False
        self._refusing_strays = 0
        self.silence_is_consent = False

    async def send(self, messages: Sequence[Sent]) -> None:
        """Sends all messages, as far as the listener accepts them. Never raises: each message holds its outcome."""
        self._sent = messages
        reading = asyncio.create_task(self._read())
        try:
            if await self._write_all(reading) and not all(each.is_complete for each in messages):
                await self._half_close(reading)
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _write_all(self, reading: asyncio.Task[None]) -> bool:
        """Writes all messages. Returns whether all were written, and answered if they always ask for an answer."""
        for each in self._sent:
            if reading.done():
                return False
            try:
                each.written = True
                await self._client.write(each.message)
            except MllpError:
                return False
            if each.wanted.either == _ALL and not await self._answered(each, reading):
                return False
        return True

    async def _answered(self, each: Sent, reading: asyncio.Task[None]) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._answer_seconds):
                while not each.answers and not reading.done():
                    self._news.clear()
                    await self._news.wait()
        return bool(each.answers)

    async def _half_close(self, reading: asyncio.Task[None]) -> None:
        self._half_closed = True
        self._client.half_close()
        await asyncio.wait([reading], timeout=self._close_seconds)

    async def _read(self) -> None:
        """Reads answers until the connection ends."""
        try:
            while (raw := await self._client.read()) is not None:
                self._take(read_answer(raw))
            self.silence_is_consent = self._half_closed and not self._refusing_strays
        except OSError:
            self.silence_is_consent = False
        finally:
            self._news.set()

    def _take(self, answer: Answer) -> None:
        sent = belongs_to(answer, self._sent)
        if sent is not None:
            sent.answers.append(answer)
        elif answer.code not in ACCEPTED:
            self._refusing_strays += 1
        self._on_answer(answer, sent)
        self._news.set()


def _wanted(message: bytes) -> AnswersWanted:
    header = read_header(message)
    return answers_wanted(header) if header else AnswersWanted(frozenset(), _ALL)
