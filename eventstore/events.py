"""What goes into the record and what comes out of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from eventstore.jsontext import require_storable

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)

EventType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$", max_length=200)]
"""A stable dotted name such as `journey.admitted`: never a class or module path, which change."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the moment is outside the years 1 to 9999 in UTC") from None


def _plain_json(value: dict[str, Any]) -> dict[str, Any]:
    _JSON.validate_python(value, strict=True)
    require_storable(value)
    return value


UtcMoment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_plain_json)]


class _Record(BaseModel):
    # hide_input_in_errors: what is refused here may be about a client, and errors are logged.
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    @classmethod
    def vouched_for(cls, fields: dict[str, Any]) -> Self:
        """One of these fields, all of them, which are known to be right: they are not checked again.

        The same as `model_construct`, which takes several times as long to ask for every field's default.
        """
        record = cls.__new__(cls)
        object.__setattr__(record, "__dict__", fields)
        object.__setattr__(record, "__pydantic_fields_set__", set(fields))
        object.__setattr__(record, "__pydantic_extra__", None)
        object.__setattr__(record, "__pydantic_private__", None)
        return record


class NewEvent(_Record):
    """A fact to record.

    Attributes:
        type: Stable dotted name.
        schema_version: Of `data`, from 1.
        data: The fact, as JSON. Open to every reader of the record: no word in it says who the client is.
        occurred_at: When it was true, as the writer knows it; kept in UTC to the microsecond.
        meta: About the recording, not the fact: causes, actor, workflow run. May differ between retries.
        sealed: What `data` leaves out, encrypted; the same bytes for every retry.
        key_id: The key it is sealed with.
    """

    type: EventType
    schema_version: int = Field(ge=1, le=2**31 - 1)
    data: JsonObject
    occurred_at: UtcMoment
    meta: JsonObject = Field(default_factory=dict)
    sealed: bytes | None = None
    key_id: UUID | None = None


class StoredEvent(NewEvent):
    """A fact in the record.

    Attributes:
        position: Place in the whole record: 1, 2, 3, ... without holes.
        stream: The stream it belongs to.
        version: Place in its stream: 1, 2, 3, ... without holes.
        event_id: The same for every retry of the append that recorded it.
        recorded_at: When the store learnt it, by the store's clock; never falls as `position` rises.
    """

    position: int
    stream: str
    version: int
    event_id: UUID
    recorded_at: UtcMoment


class Appended(_Record):
    """The answer to an append; a retry gets the first answer again.

    Attributes:
        version: The stream's version just after this append, not necessarily its version now.
        position: Position of the last event of this append.
        events: What was recorded under the key.
        replayed: Whether an earlier append with this key had recorded it already.
    """

    version: int
    position: int
    events: tuple[StoredEvent, ...]
    replayed: bool


class StreamHead(_Record):
    """Where a stream stands: its last version, and whether it takes no more events."""

    version: int
    closed: bool


class StreamEntry(StreamHead):
    """A stream in a list of streams."""

    stream: str


class OpenStream(_Record):
    """A stream that takes more events, with what tells its last event from any other.

    Attributes:
        event_id: Of the event at `version`; None if the record has lost that event.
        recorded_at: Of the same event.
    """

    stream: str
    version: int
    event_id: UUID | None
    recorded_at: UtcMoment | None
