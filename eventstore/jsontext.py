"""JSON as the record keeps it: one text for one content, and only what PostgreSQL gives back unchanged."""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring as quoted

__all__ = ["canonical", "quoted", "require_storable"]

_LARGEST_FLOAT = 1e15
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: object) -> str:
    """`value` as JSON text with sorted keys and no spaces, so equal content has equal text."""
    return _ENCODER.encode(value)


def require_storable(value: object) -> None:
    """Raises `ValueError` for a JSON value that PostgreSQL's `jsonb` would refuse or give back changed.

    Those are text with NUL or a lone surrogate, floats that are not finite, and floats of 1e15 or more,
    which come back as integers. The message names no content.
    """
    match value:
        case str():
            _require_storable_text(value)
        case float():
            _require_storable_float(value)
        case list():
            for item in value:
                require_storable(item)
        case dict():
            for key, item in value.items():
                _require_storable_text(key)
                require_storable(item)


def _require_storable_text(text: str) -> None:
    if "\x00" in text or not (text.isascii() or _is_unicode(text)):
        raise ValueError("text holds NUL or a lone surrogate; remove it before recording")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _require_storable_float(number: float) -> None:
    if not math.isfinite(number) or abs(number) >= _LARGEST_FLOAT:
        raise ValueError("a float is not finite, or 1e15 or more; record it as an integer or as text")
