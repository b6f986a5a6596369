"""The payload codec and the converter around it, without a server."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.sdk.v1 import EnhancedStackTrace, WorkflowMetadata
from temporalio.common import RawValue
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ActivityError, ApplicationError, RetryState

from workflows.clear_text import ClearText
from workflows.converter import encrypting_converter
from workflows.payload_codec import ENCODING, EncryptingCodec, PayloadChanged, PayloadKeyMissing, PayloadKeys, key_name

OLD, NEW, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
CANARY = "her sister Wilhelmina called"
payloads = st.builds(
    Payload,
    metadata=st.dictionaries(st.text(min_size=1, max_size=20), st.binary(max_size=40), max_size=3),
    data=st.binary(max_size=5000),
)


class Told(BaseModel):
    words: str
    summary: str


def codec(*keys: bytes, namespace: str = "throughline") -> EncryptingCodec:
    return EncryptingCodec(PayloadKeys(keys), namespace)


def plain(text: str = CANARY) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=f'"{text}"'.encode())


async def encrypted(*keys: bytes, payload: Payload | None = None) -> Payload:
    [made] = await codec(*keys).encode([payload or plain()])
    return made


@given(st.lists(payloads, max_size=4))
async def test_what_is_encrypted_is_decrypted_the_same(given_payloads: list[Payload]) -> None:
    there = await codec(OLD).encode(given_payloads)
    assert await codec(OLD).decode(there) == given_payloads


@given(st.text(min_size=8))
async def test_nothing_of_a_text_is_left_in_what_temporal_gets(text: str) -> None:
    sent = await encrypting_converter([OLD], "throughline").encode([text, {"reason": text}, [text]])
    assert all(each.metadata["encoding"] == ENCODING for each in sent)
    assert all(text.encode() not in each.SerializeToString() for each in sent)


async def test_it_says_its_encoding_and_its_key_and_nothing_else() -> None:
    there = await encrypted(OLD)
    assert dict(there.metadata) == {"encoding": b"binary/encrypted", "encryption-key-id": key_name(OLD).encode()}
    assert OLD.hex() not in key_name(OLD) and len(key_name(OLD)) == 16


async def test_the_same_text_is_never_encrypted_the_same_twice() -> None:
    assert (await encrypted(OLD)).data != (await encrypted(OLD)).data


async def test_an_empty_answer_is_encrypted_too() -> None:
    [sent] = await encrypting_converter([OLD], "throughline").encode([None])
    assert sent.metadata["encoding"] == ENCODING


async def test_what_was_never_encrypted_is_read_as_it_is() -> None:
    assert await codec(OLD).decode([plain()]) == [plain()]


async def test_the_last_key_encrypts_and_all_of_them_decrypt() -> None:
    before, after = await encrypted(OLD), await encrypted(OLD, NEW)
    assert after.metadata["encryption-key-id"] == key_name(NEW).encode()
    assert await codec(OLD, NEW).decode([before, after]) == [plain(), plain()]
    assert await codec(NEW, OLD).decode([before, after]) == [plain(), plain()]


async def test_a_missing_key_is_named_with_what_to_do() -> None:
    there = await encrypted(OLD)
    with pytest.raises(PayloadKeyMissing, match=f"payload key {key_name(OLD)} is not in .* add its line") as missing:
        await codec(NEW, OTHER).decode([there])
    assert CANARY not in "".join(traceback.format_exception(missing.value))


@pytest.mark.parametrize("name", [b"", b"\xff\xfe", b"x" * 5000, CANARY.encode()])
async def test_a_key_name_that_is_none_is_not_repeated(name: bytes) -> None:
    there = await encrypted(OLD)
    there.metadata["encryption-key-id"] = name
    with pytest.raises(PayloadKeyMissing, match="with an unreadable name"):
        await codec(OLD).decode([there])


@given(st.data())
async def test_a_changed_byte_is_found_out(data: st.DataObject) -> None:
    there = await encrypted(OLD)
    position = data.draw(st.integers(0, len(there.data) - 1))
    changed = bytearray(there.data)
    changed[position] ^= data.draw(st.integers(1, 255))
    there.data = bytes(changed)
    with pytest.raises(PayloadChanged):
        await codec(OLD).decode([there])


@pytest.mark.parametrize("length", [0, 5, 12, 20])
async def test_a_payload_that_was_cut_short_is_found_out(length: int) -> None:
    there = await encrypted(OLD)
    there.data = there.data[:length]
    with pytest.raises(PayloadChanged):
        await codec(OLD).decode([there])


async def test_a_payload_of_another_namespace_is_refused() -> None:
    with pytest.raises(PayloadChanged):
        await codec(OLD, namespace="another").decode([await encrypted(OLD)])


async def test_a_payload_under_the_name_of_another_key_is_refused() -> None:
    there = await encrypted(OLD)
    there.metadata["encryption-key-id"] = key_name(NEW).encode()
    with pytest.raises(PayloadChanged):
        await codec(OLD, NEW).decode([there])


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b""]])
def test_keys_have_a_length(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PayloadKeys(keys)


# What stays readable


async def test_a_clear_text_is_readable_by_anyone() -> None:
    [sent] = await encrypting_converter([OLD], "throughline").encode([ClearText("Hold a place at PHP")])
    assert await pydantic_data_converter.decode([sent], [str]) == ["Hold a place at PHP"]


async def test_the_card_is_readable_by_anyone() -> None:
    card = WorkflowMetadata(current_details="**ACTIVE**")
    [sent] = await encrypting_converter([OLD], "throughline").encode([card])
    assert await pydantic_data_converter.decode([sent], [WorkflowMetadata]) == [card]


@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        str(ClearText(CANARY)),
        ClearText(CANARY) + "",
        {"words": ClearText(CANARY)},
        [ClearText(CANARY)],
        Told(words=ClearText(CANARY), summary=ClearText(CANARY)),
        {"throughline-clear-text": "1", "messageType": "temporal.api.sdk.v1.WorkflowMetadata", "words": CANARY},
        EnhancedStackTrace(sources={CANARY: EnhancedStackTrace().sources[""]}),
    ],
    ids=["text", "text again", "joined", "in a dict", "in a list", "in a model", "words of the mark", "stack trace"],
)
async def test_nothing_else_is(value: object) -> None:
    [sent] = await encrypting_converter([OLD], "throughline").encode([value])
    assert sent.metadata["encoding"] == ENCODING
    assert b"Wilhelmina" not in sent.SerializeToString()


async def test_what_was_read_from_a_clear_text_is_a_text_like_any_other() -> None:
    converter = encrypting_converter([OLD], "throughline")
    [read] = await converter.decode(await converter.encode([ClearText(CANARY)]), [str])
    [sent] = await converter.encode([read])
    assert sent.metadata["encoding"] == ENCODING


async def test_a_payload_passed_on_as_it_is_is_encrypted_too() -> None:
    [sent] = await encrypting_converter([OLD], "throughline").encode([RawValue(plain())])
    assert sent.metadata["encoding"] == ENCODING


# Failures


async def failure(error: BaseException) -> Failure:
    made = Failure()
    await encrypting_converter([OLD], "throughline").encode_failure(error, made)
    return made


async def test_a_refusal_is_read_back_whole_and_only_its_code_is_readable() -> None:
    sent = await failure(ApplicationError(CANARY, CANARY, type="wrong-stage", non_retryable=True))
    assert sent.application_failure_info.type == "wrong-stage"
    assert b"Wilhelmina" not in sent.SerializeToString()
    read = await encrypting_converter([OLD], "throughline").decode_failure(sent)
    assert isinstance(read, ApplicationError)
    assert (read.message, read.type, read.details, read.non_retryable) == (CANARY, "wrong-stage", (CANARY,), True)


async def test_neither_message_nor_traceback_of_any_error_or_its_cause_is_readable() -> None:
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as error:
            raise ApplicationError(CANARY, type="unexpected") from error
    except ApplicationError as error:
        outer = ActivityError(
            CANARY,
            scheduled_event_id=1,
            started_event_id=2,
            identity="worker",
            activity_type="record-events",
            activity_id="1",
            retry_state=RetryState.TIMEOUT,
        )
        outer.__cause__ = error
    sent = await failure(outer)
    for readable in (CANARY, "Wilhelmina", "test_payload_codec"):
        assert readable.encode() not in sent.SerializeToString()
    assert sent.cause.cause.application_failure_info.type == "ValueError"


async def test_an_error_in_clear_text_is_readable() -> None:
    assert (await failure(ApplicationError(ClearText("ask again in a moment")))).message == "ask again in a moment"
    assert (await failure(ValueError(ClearText("ask again in a moment")))).message == "ask again in a moment"


async def test_an_error_read_from_temporal_is_encrypted_again_when_it_is_passed_on() -> None:
    read = await encrypting_converter([OLD], "throughline").decode_failure(await failure(ApplicationError(CANARY)))
    assert b"Wilhelmina" not in (await failure(read)).SerializeToString()
