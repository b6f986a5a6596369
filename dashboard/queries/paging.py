"""Pages of a list that keep their place while the list changes: the next page begins after the last row of this one.

No place in an order by what presses is for ever: a row that changes can come up again on a later page, or be passed
over. Who reads all pages asks in the order of ids, in which every row has its place.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar

from domain.values import KEY_PATTERN, Value

T = TypeVar("T")
Key = tuple[int, int, float, str, str]
"""A row's place in every list: presses or not, rank of its priority, due time, journey, and id."""
_MOST_CURSOR = 600
_BY_ID = -1
"""Stands in a key for "presses or not" in the order of ids."""
_RANKS = range(10)


class Order(StrEnum):
    """The order of a list."""

    ID = "id"  #: by journey and duty: each row is on one page only, whatever changes meanwhile
    PRESSING = "pressing"  #: what presses first, as on the board


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


def key_by_id(journey: str, item: str = "") -> Key:
    """A row's place in the order of ids."""
    return (_BY_ID, 0, 0.0, journey, item)


def cursor_after(key: Key) -> str:
    """The cursor for what comes after the row with this key. It holds codes, times and ids only."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).rstrip(b"=").decode()


def key_in(cursor: str | None, order: Order = Order.PRESSING) -> Key | None:
    """The key in a cursor; None for the first page.

    Raises:
        CursorUnreadable: Begin again at the first page.
    """
    if not cursor:
        return None
    try:
        key = _decoded(cursor)
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        key = None
    if key is None or not _fits(key, order):
        raise CursorUnreadable("that is no page of this list: begin at the first")
    return key


def _decoded(cursor: str) -> Key | None:
    if len(cursor) > _MOST_CURSOR:
        return None
    presses, rank, due, journey, item = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return int(presses), int(rank), float(due), str(journey), str(item)


def _fits(key: Key, order: Order) -> bool:
    """Whether a page could have given it: a query takes no other number or letter."""
    presses, rank, _, journey, item = key
    known = (_BY_ID,) if order is Order.ID else (0, 1)
    return presses in known and rank in _RANKS and _is_id(journey) and (not item or _is_id(item))


def _is_id(text: str) -> bool:
    return re.fullmatch(KEY_PATTERN, text) is not None


def as_values(key: Key | None) -> dict[str, Any]:
    """The key as values for a query that pages."""
    presses, rank, due, journey, item = key or (-1, -1, 0.0, "", "")
    return {"k_presses": presses, "k_rank": rank, "k_due": due, "k_journey": journey, "k_item": item}


def page_of(rows: Sequence[T], keys: Sequence[Key], size: int, total: int) -> Page[T]:
    """The page from one row more than it has room for."""
    more = len(rows) > size
    return Page(rows=tuple(rows[:size]), total=total, next=cursor_after(keys[size - 1]) if more else None)
