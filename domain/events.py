"""What every event has. Each event is a fact; none is ever changed or taken back. Events live in their part of the
pathway (`domain.pathway`).

`at` is when it was true and `cause` names the command that led to it. A decision that a person typed in late has the
time they gave, and so has what follows from it; when the record learnt it is the record's own `recorded_at`. What
other systems report is true from when it came in, and `occurred_at` is their own time, which is not trusted. Type
names are part of the record and never change; a new shape gets a new `schema_version`. `PrivateWords` are what the
record seals; every other field is open to all its readers and holds ids, codes, amounts and times.
"""

from __future__ import annotations

from typing import ClassVar, TypedDict

from domain.values import Instant, Value


class EventContext(TypedDict):
    """When an event became true and which command led to it."""

    at: Instant
    cause: str


class BaseEvent(Value):
    """What every event carries.

    Attributes:
        news: Whether the EHR must hear of events of this type.
        bookkeeping: Whether a reader of the journey's story may skip events of this type.
    """

    schema_version: ClassVar[int] = 1
    news: ClassVar[bool] = True
    bookkeeping: ClassVar[bool] = False

    type: str
    at: Instant
    cause: str

    @classmethod
    def type_name(cls) -> str:
        """The name under which the record keeps it: `journey.opened`."""
        return str(cls.model_fields["type"].default)

    @property
    def is_news(self) -> bool:
        """Whether the EHR must hear of it."""
        return self.news

    @property
    def is_bookkeeping(self) -> bool:
        """Whether a reader of the journey's story may skip it."""
        return self.bookkeeping

    def sentence(self) -> str:
        """What happened, for a person, in one line; without free text, since someone may look over a shoulder."""
        return self._sentence()

    def _sentence(self) -> str:
        raise NotImplementedError(f"{type(self).__name__} says nothing")

    @property
    def context(self) -> EventContext:
        """Ties what follows from it to its moment and command."""
        return EventContext(at=self.at, cause=self.cause)
