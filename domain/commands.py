"""Commands: what can be asked of a journey, by other systems, by time, and by people.

Every command lives in its part of the pathway (`domain.pathway`) and knows there what it leads to. A decision is a
command by a person. It is declared once, as one class; the Temporal Update, the command line, the reference page and
the table of roles are made from that class.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from domain.authorship import Authorship, Signature
from domain.events import BaseEvent, EventContext
from domain.plans import Actor
from domain.refusal import Refused, require
from domain.values import CLINICAL, Instant, Key, Role, Stage, Value
from domain.wording import any_of, in_sentence

if TYPE_CHECKING:
    from domain.state import JourneyState

EVERYONE = tuple(Role)
"""Decisions that any member of staff may take."""
ADMISSIONS = (Role.ADMISSIONS, Role.OPERATIONS, Role.SUPERVISOR)
"""Admissions' own decisions; operations or a supervisor may stand in."""
CARE_TEAM = (Role.CASE_MANAGER, *CLINICAL)
"""Who is in touch with a client in care."""
EVERY_STAGE = tuple(Stage)
NOT_ENDED = tuple(stage for stage in Stage if not stage.is_end)
BEFORE_CARE = (
    *(Stage.REFERRED, Stage.BENEFITS_CHECK, Stage.FUNDING_EXCEPTION, Stage.PLACEMENT, Stage.COST_REVIEW),
    *(Stage.ENROLLING, Stage.WAITLISTED, Stage.ENROLLED, Stage.EXTERNAL),
)
"""Stages at which care may not have begun; at EXTERNAL the client may also be in care."""
IN_CARE = (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL, Stage.DISCHARGING)
"""Stages at which the client is in care, ours or another facility's."""
AFTER_CARE = (Stage.DISCHARGED, Stage.FOLLOW_UP)
"""Stages of a client who was discharged, until the journey is closed."""


class BaseCommand(Value):
    """What every command carries. A journey answers the same id once."""

    id: Key

    @classmethod
    def name(cls) -> str:
        """The command's name wherever it is called by one: `request-step-up`."""
        return str(cls.model_fields["kind"].default)

    @classmethod
    def description(cls) -> str:
        """What it does, in the first sentence of its class."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @property
    def cause(self) -> str:
        """What the record knows the command by: its key there, and the cause of its events."""
        return self.id

    def context(self, state: JourneyState, now: Instant) -> EventContext:
        """When what it leads to became true.

        Raises:
            Refused: It cannot be taken at all: its stage, role or time does not allow it.
        """
        return EventContext(at=now, cause=self.cause)

    def require_known(self, state: JourneyState) -> None:
        """Looks up what it names in the centre's files, before the journey takes it in and at any stage.

        It may look at files that change from day to day, such as the staff, since it is never asked on replay.

        Args:
            state: Of a journey that is still reading its record it says nothing.

        Raises:
            UnknownHere: This process does not know it.
            Refused: The files do not allow it.
        """

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """The first events it leads to; what follows from those is added by `domain.decide`.

        Raises:
            Refused: The journey cannot do it now.
        """
        raise NotImplementedError(f"{type(self).__name__} leads to nothing")


class SignedCommand(BaseCommand):
    """A command from outside the journey. It is recorded only if it is signed by someone whom the recorder believes.

    Attributes:
        signature: Who vouches for it. It is no part of what the command says.
    """

    signature: SkipJsonSchema[Signature | None] = Field(default=None, description="Who vouches for it.")

    @property
    def said_by(self) -> Actor | None:
        """The person who is said to have given it; None if it is a message of no person's."""
        return None

    def digest(self, salt: str) -> str:
        """The SHA-256 of what it says, without its signature. Nobody who lacks `salt` can test a guess at its words.

        A field at its default is left out, so that two releases agree on what says the same to both.
        """
        content = self.model_dump(mode="json", exclude={"signature"}, exclude_defaults=True)
        text = json.dumps({**content, "kind": self.name()}, sort_keys=True, separators=(",", ":"))
        return sha256(f"{salt} {text}".encode()).hexdigest()

    def authorship(self, site: str) -> Authorship:
        """What the recorder is to check, for a journey at `site`."""
        salt = self.signature.salt if self.signature else ""
        return Authorship(by=self.said_by, digest=self.digest(salt), signature=self.signature, site=site)


class AdmissionsMessage(SignedCommand):
    """What an admissions message says about a journey that was opened before.

    Attributes:
        message: Intake's id of the message.
        occurred_at: When its source says it happened; kept beside, since its clock is not ours.
    """

    message: Key
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a decision says of itself beside its name, description and fields; see `Decision`."""

    label: str
    by: tuple[Role, ...]
    at: tuple[Stage, ...]
    high_risk: bool

    @property
    def to(self) -> str:
        """The label inside a sentence: "you cannot request a step-up"."""
        return in_sentence(self.label)


class Decision(SignedCommand):
    """A command by a named person. A subclass declares itself in the keywords of its class.

    Args:
        label: For people: an imperative, such as "Request a step-up".
        by: The roles that may take it.
        at: The stages at which it may be taken.
        high_risk: Whether a mistake could harm the client or end their care.
    """

    declared: ClassVar[Declaration]

    by: Actor
    occurred_at: Instant | None = Field(
        default=None, description="When it was true, if earlier than now: what is due counts from then."
    )

    def __init_subclass__(
        cls,
        *,
        label: str = "",
        by: tuple[Role, ...] = (),
        at: tuple[Stage, ...] = (),
        high_risk: bool = False,
        **config: Any,
    ) -> None:
        super().__init_subclass__(**config)
        if label:
            cls.declared = Declaration(label, by, at, high_risk)
        elif not hasattr(cls, "declared"):
            raise TypeError(f"{cls.__name__} declares nothing: give it a label, its roles and its stages")

    @property
    def said_by(self) -> Actor | None:
        """Who decided."""
        return self.by

    @property
    def cause(self) -> str:
        """Names the decision too: the id is the caller's choice, and may serve for another kind as well."""
        return f"{self.name()}/{self.id}"

    def context(self, state: JourneyState, now: Instant) -> EventContext:
        """As the person says, if the stage, their role and the time allow it."""
        self._require_stage(state)
        require(
            self.by.role in self.declared.by,
            "not-their-decision",
            f"Only {any_of(self.declared.by)} can {self.declared.to}. Ask one of them.",
        )
        at = self.occurred_at or now
        require(at <= now, "not-yet", "That time has not come yet. Give the time at which it happened.")
        earliest = state.admission.begins_at
        require(
            earliest is None or at >= earliest,
            "before-the-journey",
            f"This journey began at {earliest:%Y-%m-%d %H:%M} UTC. Give a time after that." if earliest else "",
        )
        return EventContext(at=at, cause=self.cause)

    def _require_stage(self, state: JourneyState) -> None:
        if state.stage in self.declared.at:
            return
        to = self.declared.to
        if state.stage.is_end:
            raise Refused("journey-ended", f"This journey has ended, so you cannot {to}. Open a new admission.")
        wanted = " or ".join(self.declared.at)
        raise Refused("wrong-stage", f"You can {to} only at {wanted}; this journey is at {state.stage}.")
