"""Marks the few texts that Temporal may show: every other payload is encrypted (`workflows.payload_codec`)."""

from __future__ import annotations

from typing import Final

from temporalio.api.common.v1 import Payload

_MARK: Final = "throughline-clear-text"
_VALUE: Final = b"1"


class ClearText(str):
    """A text that is not encrypted: made of our own words, ids, roles and times, never of what a person wrote.

    Only code can make one. A text that was read from a message, a command or a payload is a plain `str`.
    """

    __slots__ = ()


def mark_as_clear(payload: Payload) -> None:
    """Marks the payload of a `ClearText`."""
    payload.metadata[_MARK] = _VALUE


def is_clear(payload: Payload) -> bool:
    """Whether the payload is of a `ClearText`."""
    return payload.metadata.get(_MARK) == _VALUE
