"""What the register knows about a person, and how a message changes it. Pure."""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.values import Value
from intake.facts import Identity, RecordNumber

_EMPTY: dict[str, Any] = {
    "family_name": "",
    "given_name": "",
    "birth_date": None,
    "sex": None,
    "member_id": None,
    "payer_id": None,
}


class Person(Value):
    """A client as senders describe them. An empty field was never stated."""

    key: RecordNumber
    family_name: str = ""
    given_name: str = ""
    birth_date: date | None = None
    sex: str | None = None
    member_id: str | None = None
    payer_id: str | None = None

    def after(self, said: Identity, *, newer: bool) -> Person:
        """The person after a message. An older message never overwrites a newer one's value; it may fill a gap."""
        changed = {name: self._value(name, empty, said, newer=newer) for name, empty in _EMPTY.items()}
        return self.model_copy(update=changed)

    def _value(self, name: str, empty: Any, said: Identity, *, newer: bool) -> Any:
        held, told = getattr(self, name), getattr(said, name)
        if newer and name in said.cleared:
            return empty
        if told is None or (not newer and held != empty):
            return held
        return told
