"""Pages of a list that keep their place while the list changes: the next page begins after the last row of this one."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from domain.values import Value

T = TypeVar("T")
Key = tuple[int, int, float, str, str]
"""A row's place in every list: presses or not, rank of its priority, due time, journey, and id."""
_MOST_CURSOR = 600


class CursorUnreadable(ValueError):
    """The text is not a cursor that a page of this list gave."""


class Page(Value, Generic[T]):
    """One page.

    Attributes:
        next: What to ask with for the page after it; None on the last page.
        total: How many rows the whole list has.
    """

    rows: tuple[T, ...]
    total: int
    next: str | None = None


def cursor_after(key: Key) -> str:
    """The cursor for what comes after the row with this key. It holds codes, times and ids only."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).rstrip(b"=").decode()


def key_in(cursor: str | None) -> Key | None:
    """The key in a cursor; None for the first page.

    Raises:
        CursorUnreadable: Begin again at the first page.
    """
    if not cursor:
        return None
    if len(cursor) > _MOST_CURSOR:
        raise CursorUnreadable("that is no page of this list: begin at the first")
    try:
        read = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        presses, rank, due, journey, item = read
        return int(presses), int(rank), float(due), str(journey), str(item)
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError):
        raise CursorUnreadable("that is no page of this list: begin at the first") from None


def as_values(key: Key | None) -> dict[str, Any]:
    """The key as values for a query that pages."""
    presses, rank, due, journey, item = key or (-1, -1, 0.0, "", "")
    return {"k_presses": presses, "k_rank": rank, "k_due": due, "k_journey": journey, "k_item": item}


def page_of(rows: Sequence[T], keys: Sequence[Key], size: int, total: int) -> Page[T]:
    """The page from one row more than it has room for."""
    more = len(rows) > size
    return Page(rows=tuple(rows[:size]), total=total, next=cursor_after(keys[size - 1]) if more else None)
