"""An answer belongs to the message whose control id it names, however a listener answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from intake.answers import Answer, read_answer
from intake.framing import frame
from intake.mllp_client import MllpClient
from intake.sending import Delivery, Sending, Sent, belongs_to
from tests.intake.conftest import RunningIntake
from tests.intake.listeners import Line, Script, acknowledgement, listening
from tests.intake.messages import adt

ALWAYS, ERRORS, SUCCESSES, NEVER, ENHANCED = "", "|||NE|ER", "|||SU|NE", "|||NE|NE", "|||AL|AL"
NOBODY = b"700100^^^NORTH^MR~999-11-0000^^^^SS"


def asking(header: str, control_id: str) -> bytes:
    return adt("A04", control_id=control_id, mrn=f"7{control_id}", header=header)


def unusable(header: str, control_id: str) -> bytes:
    return adt("A04", control_id=control_id, header=header).replace(NOBODY, b"")


def test_an_answer_goes_to_the_message_that_asked_for_it_where_two_have_one_control_id() -> None:
    errors_only, always = (Sent.of(asking(header, "SAME")) for header in (ERRORS, ALWAYS))
    errors_only.written = always.written = True
    assert belongs_to(Answer("AA", "SAME", ""), [errors_only, always]) is always


class Sender:
    """Sends messages to a port, and holds what came of it."""

    def __init__(self, messages: Sequence[bytes]) -> None:
        self.sent = [Sent.of(each) for each in messages]
        self.strays: list[Answer] = []
        self.silence_is_consent = False

    async def run(self, port: int, *, answer_seconds: float = 30, close_seconds: float = 30) -> Sender:
        async with MllpClient("127.0.0.1", port) as client:
            sending = Sending(client, self._told, answer_seconds=answer_seconds, close_seconds=close_seconds)
            async with asyncio.timeout(30):
                await sending.send(self.sent)
        self.silence_is_consent = sending.silence_is_consent
        return self

    @property
    def outcomes(self) -> list[Delivery]:
        return [each.outcome(silence_is_consent=self.silence_is_consent) for each in self.sent]

    def _told(self, answer: Answer, sent: Sent | None) -> None:
        if sent is None:
            self.strays.append(answer)


async def sent_to(script: Script, *messages: bytes, answer_seconds: float = 30, close_seconds: float = 30) -> Sender:
    async with listening(script) as port:
        return await Sender(messages).run(port, answer_seconds=answer_seconds, close_seconds=close_seconds)


@pytest.mark.stack
async def test_an_answer_nobody_waited_for_does_not_pass_for_the_next_message_s(running: RunningIntake) -> None:
    messages = [unusable(ERRORS, "1"), asking(ALWAYS, "2"), unusable(ALWAYS, "3"), asking(ERRORS, "4")]
    sender = await Sender(messages).run(running.ports.mllp)
    assert sender.outcomes == [Delivery.REFUSED, Delivery.ACCEPTED, Delivery.REFUSED, Delivery.SILENT]
    assert sender.strays == []


@pytest.mark.stack
async def test_each_way_of_asking_is_understood_by_both_sides(running: RunningIntake) -> None:
    headers = [
        "",
        "|||AL|NE",
        "|||AL|AL",
        "|||NE|AL",
        '|||""|""',
        "|||al|",
        "|||x|",
        "|||SU|ER",
        SUCCESSES,
        ERRORS,
        NEVER,
    ]
    good = [asking(header, f"G{number}") for number, header in enumerate(headers)]
    bad = [unusable(header, f"B{number}") for number, header in enumerate(headers)]
    sender = await Sender([*good, *bad]).run(running.ports.mllp)
    accepted, refused = sender.outcomes[: len(good)], sender.outcomes[len(good) :]
    assert accepted == [Delivery.ACCEPTED] * 9 + [Delivery.SILENT] * 2
    assert refused == [Delivery.REFUSED] * 8 + [Delivery.UNANSWERED, Delivery.REFUSED, Delivery.SILENT]
    assert sender.silence_is_consent


@pytest.mark.stack
async def test_messages_without_a_usable_control_id_get_their_own_answers(running: RunningIntake) -> None:
    messages = [b"hello", asking(ALWAYS, "1"), adt("A04", control_id=""), asking(ALWAYS, "2")]
    sender = await Sender(messages).run(running.ports.mllp)
    assert sender.outcomes == [Delivery.REFUSED, Delivery.ACCEPTED, Delivery.REFUSED, Delivery.ACCEPTED]


@pytest.mark.stack
async def test_two_messages_under_one_control_id_get_an_answer_each(running: RunningIntake) -> None:
    sender = await Sender([asking(ALWAYS, "1"), unusable(ALWAYS, "1"), unusable(ERRORS, "1")]).run(running.ports.mllp)
    assert sender.outcomes == [Delivery.ACCEPTED, Delivery.REFUSED, Delivery.REFUSED]


async def test_answers_out_of_order_are_told_apart() -> None:
    async def script(line: Line) -> None:
        first, second = await line.message(), await line.message()
        await line.answer("AE", str(second), "no")
        await line.to_the_end()
        await line.answer("AE", str(first), "late")

    sender = await sent_to(script, asking(ERRORS, "1"), asking(ALWAYS, "2"))
    assert sender.outcomes == [Delivery.REFUSED, Delivery.REFUSED]
    assert [each.answers[0].text for each in sender.sent] == ["late", "no"]


async def test_an_accept_answer_and_a_later_application_answer_are_one_message_s() -> None:
    async def script(line: Line) -> None:
        await line.answer("CA", str(await line.message()))
        second = await line.message()
        await line.answer("AE", "1", "not after all")
        await line.answer("CA", str(second))
        await line.to_the_end()
        await line.answer("AA", str(second))

    sender = await sent_to(script, asking(ENHANCED, "1"), asking(ENHANCED, "2"))
    assert sender.outcomes == [Delivery.REFUSED, Delivery.ACCEPTED]
    assert [[each.code for each in sent.answers] for sent in sender.sent] == [["CA", "AE"], ["CA", "AA"]]
    assert sender.strays == []


async def test_the_same_answer_twice_is_no_answer_to_the_next_message() -> None:
    async def script(line: Line) -> None:
        await line.answer("AA", str(await line.message()))
        await line.answer("AA", "1")
        await line.message()
        await line.to_the_end()

    sender = await sent_to(script, asking(ALWAYS, "1"), asking(ALWAYS, "2"), answer_seconds=0.2)
    assert sender.outcomes == [Delivery.ACCEPTED, Delivery.UNANSWERED]


async def test_an_answer_that_names_another_or_no_message_is_a_stray() -> None:
    async def script(line: Line) -> None:
        await line.answer("AA", "other")
        await line.answer("AA", "")
        await line.write(frame(b"hello") + b"noise\x1c")
        await line.answer("AE", str(await line.message()))
        await line.to_the_end()

    sender = await sent_to(script, asking(ALWAYS, "1"))
    assert sender.outcomes == [Delivery.REFUSED]
    assert [each.code for each in sender.strays] == ["AA", "AA", "??", "??"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_an_answer_with_other_line_ends_or_without_a_final_cr_is_read(end: str) -> None:
    async def script(line: Line) -> None:
        await line.write(frame(acknowledgement("AA", str(await line.message()), end=end))[:-1])
        await line.to_the_end()

    assert (await sent_to(script, asking(ALWAYS, "1"))).outcomes == [Delivery.ACCEPTED]


async def test_silence_is_acceptance_only_once_the_listener_has_closed() -> None:
    async def silent(line: Line) -> None:
        await line.to_the_end()

    async def stays_open(line: Line) -> None:
        await line.to_the_end()
        await asyncio.sleep(3600)

    messages = [asking(ERRORS, "1"), asking(NEVER, "2"), asking(SUCCESSES, "3")]
    assert (await sent_to(silent, *messages)).outcomes == [Delivery.SILENT, Delivery.SILENT, Delivery.UNANSWERED]
    async with listening(stays_open) as port:
        sender = await Sender(messages).run(port, close_seconds=0.05)
        assert sender.outcomes == [Delivery.UNANSWERED, Delivery.SILENT, Delivery.UNANSWERED]


@pytest.mark.parametrize("stray", [acknowledgement("AE", ""), acknowledgement("AR", "other"), b"no acknowledgement"])
async def test_a_refusal_of_no_message_in_particular_leaves_silence_unclear(stray: bytes) -> None:
    async def script(line: Line) -> None:
        await line.message()
        await line.write(frame(stray))
        await line.to_the_end()

    assert (await sent_to(script, asking(ERRORS, "1"))).outcomes == [Delivery.UNANSWERED]


async def test_a_listener_that_closes_early_leaves_messages_unanswered_and_unsent() -> None:
    async def closes_after_one(line: Line) -> None:
        await line.answer("AA", str(await line.message()))
        await line.message()

    messages = [asking(ALWAYS, "1"), asking(ALWAYS, "2"), asking(ALWAYS, "3")]
    sender = await sent_to(closes_after_one, *messages)
    assert sender.outcomes == [Delivery.ACCEPTED, Delivery.UNANSWERED, Delivery.NOT_SENT]


async def test_answers_are_read_while_messages_are_written() -> None:
    async def answers_at_length(line: Line) -> None:
        while (control_id := await line.message()) is not None:
            await line.answer("AE", control_id, "x" * 400_000)

    messages = [adt("A04", control_id=f"{n}", header=ERRORS, extra="NTE|1||" + "y" * 400_000) for n in range(30)]
    sender = await sent_to(answers_at_length, *messages)
    assert set(sender.outcomes) == {Delivery.REFUSED}


async def test_a_client_that_sends_one_message_passes_over_answers_to_others() -> None:
    async def script(line: Line) -> None:
        await line.answer("AA", "earlier")
        await line.answer("AR", str(await line.message()))
        await line.to_the_end()

    async with listening(script) as port, MllpClient("127.0.0.1", port) as client:
        assert read_answer(await client.send(asking(ALWAYS, "1"))).code == "AR"


def test_of_two_messages_with_one_id_the_first_that_lacks_such_an_answer_gets_it() -> None:
    first, second = Sent.of(asking(ENHANCED, "1")), Sent.of(asking(ENHANCED, "1"))
    first.written = second.written = True
    for code, expected in (("CA", first), ("AA", first), ("CA", second), ("AE", second), ("AE", second)):
        answer = Answer(code, "1", "")
        found = belongs_to(answer, [first, second])
        assert found is expected
        found.answers.append(answer)
    assert belongs_to(Answer("AA", "2", ""), [first, second]) is None


def test_a_control_id_may_hold_marks_and_letters_of_any_set() -> None:
    sent = Sent.of(adt("A04", control_id="a^b&É", header="||||||8859/1").decode().encode("latin-1"))
    sent.written = True
    answer = read_answer(acknowledgement("AA", "a^b&É").decode().encode("latin-1"))
    assert belongs_to(answer, [sent]) is sent
