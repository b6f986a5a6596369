"""The form of a decision, made from its declaration, and the decision read back from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from access.rules import Viewer
from dashboard.board.security import CSRF_FIELD
from dashboard.queries.places import TrackPlaces
from domain.commands import Decision
from domain.decision_options import Option, given_as_fields, options_of
from domain.goals import Progress
from domain.plans import Actor
from domain.state import JourneyState
from domain.values import LEVEL_PATTERN, Role
from record.sealing import MASK

Kind = Literal["choice", "text", "prose", "lines", "date", "number", "money"]
_PROSE = 500
_YES_NO = (("true", "yes"), ("false", "no"))
_CARE_TEAM = ("to", "of")
OCCURRED_AT = "occurred_at"
ROLE = "role"
DECISION_ID = "decision_id"


class Control(NamedTuple):
    """One thing to fill in.

    Attributes:
        choices: Value and label of each, where there is a choice.
        suggestions: Whether people are suggested.
    """

    name: str
    label: str
    help: str
    kind: Kind
    required: bool
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    suggests_people: bool = False


class FormError(Exception):
    """A field cannot be read. Nothing has changed.

    Attributes:
        field: The control's name; empty if it is about the whole form.
        sentence: What is wrong and what to write instead.
    """

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


def roles_for(decision: type[Decision], viewer: Viewer) -> tuple[Role, ...]:
    """The person's roles in which they may take it."""
    return tuple(role for role in viewer.roles if role in decision.declared.by)


def is_offered(decision: type[Decision], state: JourneyState, viewer: Viewer) -> bool:
    """Whether the journey's stage and the person's roles allow it. The journey itself may still refuse."""
    return state.stage in decision.declared.at and bool(roles_for(decision, viewer))


def controls(
    decision: type[Decision],
    state: JourneyState,
    given: Mapping[str, str],
    about: str | None = None,
    tracks: Sequence[TrackPlaces] = (),
) -> tuple[Control, ...]:
    """What is to be filled in, with what was given already.

    Args:
        given: By the control's name.
        about: The duty that the person comes from.
        tracks: With their places, where the client may be enrolled.
    """
    return tuple(_control(option, state, given, about, tracks) for option in options_of(decision))


def _control(
    option: Option, state: JourneyState, given: Mapping[str, str], about: str | None, tracks: Sequence[TrackPlaces]
) -> Control:
    kind = _kind(option)
    choices = _tracks(state, tracks) if option.name == "track" else _choices(option, state)
    value = given.get(option.name, _default(option, state, about))
    return Control(
        name=option.name,
        label=option.name.replace("_", " ").capitalize(),
        help=option.description,
        kind="choice" if choices else kind,
        required=option.required,
        value=value,
        choices=choices,
        suggests_people=option.name in _CARE_TEAM and option.pattern != LEVEL_PATTERN and not choices,
    )


def _kind(option: Option) -> Kind:
    if option.is_list:
        return "lines"
    if issubclass(option.kind, date):
        return "date"
    if issubclass(option.kind, int):
        return "number"
    if issubclass(option.kind, Decimal):
        return "money"
    return "prose" if (option.longest or 0) >= _PROSE else "text"


def _choices(option: Option, state: JourneyState) -> tuple[tuple[str, str], ...]:
    if option.choices:
        return tuple((each, each.replace("-", " ")) for each in option.choices)
    if option.kind is bool:
        return _YES_NO
    if option.pattern == LEVEL_PATTERN:
        return tuple((each.id, each.id) for each in state.policy.levels)
    if option.name == "goal":
        return tuple(
            (each.id, each.id if each.words == MASK else f"{each.id}: {each.words[:60]}")
            for each in state.treatment_plan.goals
        )
    if option.name == "obligation":
        return tuple((each.id, f"{each.title} ({each.id})") for each in state.obligations.open.values())
    return ()


def _tracks(state: JourneyState, tracks: Sequence[TrackPlaces]) -> tuple[tuple[str, str], ...]:
    """The tracks at the client's level, those with room first; none where the site's file names none."""
    at = (state.admission.site, state.level or state.placement.level)
    found = [each for each in tracks if (each.site, each.level) == at and each.places and not each.makeup_only]
    ordered = sorted(found, key=lambda each: not each.has_room)
    return tuple((each.track, f"{each.title}: {each.meets}, {each.modalities}, {_room(each)}") for each in ordered)


def _room(track: TrackPlaces) -> str:
    return f"{track.free} of {track.places} places free" if track.has_room else "full"


def _default(option: Option, state: JourneyState, about: str | None) -> str:
    if option.name == "obligation" and about in state.obligations.open:
        return str(about)
    if option.name == "estimate" and state.cost.estimate is not None:
        return state.cost.estimate.id
    return "\n".join(line for line in _lines(option, state) if line != MASK)


def _lines(option: Option, state: JourneyState) -> Sequence[str]:
    """Those of a plan as it stands, or the goals that stand so, where a decision asks for it whole."""
    if not option.is_list:
        return ()
    if option.name in {progress.replace("-", "_") for progress in Progress}:
        return [goal.id for goal in state.treatment_plan.goals if goal.progress.replace("-", "_") == option.name]
    plans = state.discharge.plan, state.treatment_plan, state.maintenance.plan
    return next((getattr(plan, option.name) for plan in plans if hasattr(plan, option.name)), ())


def read(decision: type[Decision], form: Mapping[str, str], viewer: Viewer, zone: ZoneInfo, now: datetime) -> Decision:
    """The decision that the form asks for, by this person.

    Raises:
        FormError: A field is missing or cannot be read.
    """
    roles = roles_for(decision, viewer)
    role = next((each for each in roles if each == form.get(ROLE)), roles[0] if roles else None)
    if role is None:
        raise FormError("", "None of your roles may take this decision.")
    if masked := next((option.name for option in options_of(decision) if MASK in form.get(option.name, "")), None):
        raise FormError(masked, f"{MASK} stands for words that you may not read. Ask somebody who may.")
    given = {option.name: _given(option, form.get(option.name, "")) for option in options_of(decision)}
    fields: dict[str, Any] = {
        "id": _id(form, viewer),
        "by": Actor(id=viewer.person, role=role),
        "occurred_at": _moment(form.get(OCCURRED_AT, ""), zone),
        **given_as_fields(decision, given),
    }
    try:
        return decision.model_validate(fields)
    except ValidationError as error:
        raise _in_words(error, options_of(decision)) from None


def _id(form: Mapping[str, str], viewer: Viewer) -> str:
    """The same for the same form sent again, and another once a field was changed: neither is ever taken for the other.

    The form's own id is random and not kept, so nobody can test a guess at what was written against the hash.
    """
    content = json.dumps(sorted((name, value) for name, value in form.items() if name != CSRF_FIELD))
    return f"board/{viewer.person}/{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _given(option: Option, text: str) -> Any:
    if option.is_list:
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    return text.strip() or None


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """A moment on the site's clock. An hour that happens twice, or not at all, is asked for again."""
    if not text.strip():
        return None
    try:
        naive = datetime.fromisoformat(text.strip())
        naive.astimezone(UTC) if naive.tzinfo else naive.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise FormError(OCCURRED_AT, "Write the time like 2026-03-01T12:00, or leave it empty for now.") from None
    if naive.tzinfo is not None:
        return naive.astimezone(UTC)
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        sentence = "The clocks change in that hour, so it is not clear which time that is. Add the offset: 01:30-05:00."
        raise FormError(OCCURRED_AT, sentence)
    return first.astimezone(UTC)


def _in_words(error: ValidationError, options: Sequence[Option]) -> FormError:
    first = error.errors(include_input=False, include_url=False)[0]
    names = [part for part in first["loc"] if isinstance(part, str)]
    known = {option.name for option in options}
    field = next((name for name in reversed(names) if name in known or name == OCCURRED_AT), "")
    if first["type"] == "missing":
        return FormError(field, "This is needed.")
    return FormError(field, f"{first['msg']}.")
