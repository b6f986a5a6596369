"""Words about a client, taken out of an event's data and sealed under the client's own key.

What is left is open data: the same event with a mask where words stood. It is valid by itself and folds to the same
stage, obligations and deadlines, so nobody needs a key to follow a journey. Sealing is deterministic: a retry makes
the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, get_args

from clientkeys.errors import KeyDestroyed, SealBroken
from clientkeys.keys import Keyring
from domain.events import BaseEvent
from domain.pathway import Event
from domain.values import Identifying, Value
from eventstore.errors import InvalidRequest
from eventstore.events import NewEvent, StoredEvent
from eventstore.jsontext import canonical
from eventstore.request import event_id, require_name
from record.codec import from_record, to_record

MASK = "[sealed]"
"""Stands in open data for words that are sealed or lost."""

Words = dict[str, str]
"""What was written, by the JSON Pointer (RFC 6901) of where in the data it belongs."""


class Sealer:
    """Seals what goes into the record and opens what comes out of it."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def seal(
        self,
        events: Iterable[BaseEvent],
        *,
        stream: str,
        key: str,
        client_ref: str,
        meta: dict[str, Any] | None = None,
    ) -> list[NewEvent]:
        """`events` as `stream` is to record them under the append key `key`. No key is made where no word is written.

        Raises:
            InvalidRequest: The call is wrong, or there are words and no client whose they are.
            KeyDestroyed: There are words and the client's key is gone for good.
            KeysUnavailable: Try again.
        """
        require_name("stream", stream)
        require_name("key", key)
        sealed = []
        for index, event in enumerate(events):
            record = to_record(event, meta)
            data, words = split(event, record.data)
            if words:
                if not client_ref:
                    raise InvalidRequest("words about a client are recorded with the client's reference")
                owners = await self._keyring.key_of(client_ref)
                context = (event_id(stream, key, index).bytes, record.type.encode())
                cipher = owners.seal(canonical(words).encode(), *context)
                record = record.model_copy(update={"data": data, "sealed": cipher, "key_id": owners.id})
            sealed.append(record)
        return sealed

    async def unseal(self, stored: StoredEvent) -> StoredEvent:
        """`stored` with its words back in; as it was, with the mask, where the key was destroyed.

        Raises:
            KeyMissing: Nobody destroyed the key and it is not there.
            SealBroken: What is sealed is not what was sealed for this event.
            KeysUnavailable: Try again.
        """
        if stored.sealed is None or stored.key_id is None:
            return stored
        try:
            owners = await self._keyring.key(stored.key_id)
        except KeyDestroyed:
            return stored
        words = json.loads(owners.open(stored.sealed, stored.event_id.bytes, stored.type.encode()))
        return stored.model_copy(update={"data": _filled(stored.data, words), "sealed": None})

    async def open(self, stored: Sequence[StoredEvent]) -> tuple[Event, ...]:
        """The events behind `stored`, with their words; the mask where the key was destroyed."""
        return tuple([from_record(await self.unseal(each)) for each in stored])


def has_words(events: Iterable[BaseEvent]) -> bool:
    """Whether a key is needed to record `events`."""
    return any(split(each, to_record(each).data)[1] for each in events)


def split(value: Value, data: dict[str, Any]) -> tuple[dict[str, Any], Words]:
    """`data`, the JSON of `value`, as open data, and the words that were in it.

    Lists keep their lengths, and what is blank or absent stays so: that is all that rules ask of words.
    """
    words: Words = {}
    return _open_model(value, data, "", words), words


def _open_model(value: Value, data: dict[str, Any], at: str, words: Words) -> dict[str, Any]:
    private = private_fields(type(value))
    return {
        name: _masked(held, _step(at, name), words)
        if name in private
        else _open(getattr(value, name), held, _step(at, name), words)
        for name, held in data.items()
    }


def _open(value: object, data: Any, at: str, words: Words) -> Any:
    match value:
        case Value():
            return _open_model(value, data, at, words)
        case tuple() | list():
            pairs = enumerate(zip(value, data, strict=True))
            return [_open(each, held, _step(at, index), words) for index, (each, held) in pairs]
        case dict():
            items = zip(value.values(), data.items(), strict=True)
            return {name: _open(each, held, _step(at, name), words) for each, (name, held) in items}
        case _:
            return data


def _masked(data: Any, at: str, words: Words) -> Any:
    match data:
        case str() if data.strip():
            words[at] = data
            return MASK
        case list():
            return [_masked(held, _step(at, index), words) for index, held in enumerate(data)]
        case str() | None:
            return data
        case _:
            raise TypeError("only text and lists of text can be sealed")


@cache
def private_fields(model: type[Value]) -> frozenset[str]:
    """The fields of `model` whose text is marked as identifying."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if any(isinstance(mark, Identifying) for mark in field.metadata) or _is_marked(field.annotation)
    )


def _is_marked(annotation: object) -> bool:
    return any(isinstance(part, Identifying) or _is_marked(part) for part in get_args(annotation))


def _step(at: str, name: str | int) -> str:
    return f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}"


def _filled(data: dict[str, Any], words: Words) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(json.dumps(data))
    for pointer, text in words.items():
        *path, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        held: Any = whole
        try:
            for part in path:
                held = held[int(part) if isinstance(held, list) else part]
            held[int(last) if isinstance(held, list) else last] = text
        except (LookupError, TypeError, ValueError):
            raise SealBroken from None
    return whole
