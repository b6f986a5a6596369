"""How values become payloads and failures: by pydantic, encrypted, with the messages of failures encrypted too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadConverter
from temporalio.exceptions import FailureError

from workflows.clear_text import ClearText, mark_as_clear
from workflows.payload_codec import EncryptingCodec, PayloadKeys


class MarkingPayloadConverter(PydanticPayloadConverter):
    """Marks the payload of each `ClearText`. A `ClearText` inside another value is a text like any other."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """One payload for each value."""
        payloads = super().to_payloads(values)
        for value, payload in zip(values, payloads, strict=True):
            if isinstance(value, ClearText):
                mark_as_clear(payload)
        return payloads


class EncodedFailures(DefaultFailureConverterWithEncodedAttributes):
    """Messages and stack traces of failures are payloads; types stay readable, and so does a message of `ClearText`.

    Temporal gives the message of a failed query to its caller, and nothing else.
    """

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Fills `failure` in."""
        super().to_failure(exception, payload_converter, failure)
        said = exception.message if isinstance(exception, FailureError) else next(iter(exception.args), None)
        if isinstance(said, ClearText):
            failure.message = said


def encrypting_converter(keys: Sequence[bytes], namespace: str) -> DataConverter:
    """The data converter of every client and worker in `namespace`. The last of `keys` encrypts."""
    return DataConverter(
        payload_converter_class=MarkingPayloadConverter,
        payload_codec=EncryptingCodec(PayloadKeys(keys), namespace),
        failure_converter_class=EncodedFailures,
    )
