"""The body of a decision, made from its declaration, and the decision read back from it.

The fields have the names of the command line's options and of the form's controls: see docs/reference/decisions.md.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from dashboard.api.problems import ApiProblem
from dashboard.board.forms import roles_for
from dashboard.board.visit import Visit
from domain.commands import Decision
from domain.decision_options import Option, given_as_fields, options_of
from domain.plans import Actor
from domain.values import Instant, Key, Role
from record.sealing import MASK

_LONGEST_ID = 100


class DecisionBody(BaseModel):
    """What every decision has beside its own fields. The person who is signed in decides."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: Key = Field(
        max_length=_LONGEST_ID,
        description="Yours, and new for each decision of yours. Sent again with the same id, it is done once only.",
    )
    occurred_at: Instant | None = Field(
        default=None, description="When it was true, if earlier than now: what is due counts from then."
    )
    role: Role | None = Field(
        default=None, description="The role of yours in which you decide; left out: your first that may."
    )


def body_of(decision: type[Decision]) -> type[DecisionBody]:
    """The body's model."""
    fields: dict[str, Any] = {each.name: _field(each) for each in options_of(decision)}
    return create_model(f"{decision.__name__}Body", __base__=DecisionBody, __doc__=decision.description(), **fields)


def _field(option: Option) -> tuple[Any, Any]:
    """The option's type with its limits, and its description."""
    kind: Any = option.declared.annotation
    for limit in option.declared.metadata:
        kind = Annotated[kind, limit]
    if option.required:
        return kind, Field(description=option.description)
    return kind | None, Field(default=None, description=option.description)


def decision_in(decision: type[Decision], body: DecisionBody, visit: Visit) -> Decision:
    """The decision that the body asks for, by this person.

    Raises:
        ApiProblem: None of their roles may take it, or it holds words that they cannot have read.
        ValidationError: Its fields do not fit together.
    """
    given = body.model_dump(exclude=set(DecisionBody.model_fields))
    if masked := next((name for name, held in given.items() if _holds_mask(held)), None):
        text = f"{masked}: {MASK} stands for words that you may not read. Ask somebody who may."
        raise ApiProblem(422, "sealed-words", text)
    fields: dict[str, Any] = {
        "id": f"{visit.viewer.person}/{body.id}",  # two people who choose the same id mean two decisions
        "by": Actor(id=visit.viewer.person, role=_role(decision, body.role, visit)),
        "occurred_at": body.occurred_at,
        **given_as_fields(decision, given),
    }
    return decision.model_validate(fields)


def _holds_mask(held: object) -> bool:
    texts = held if isinstance(held, tuple | list) else (held,)
    return any(isinstance(each, str) and MASK in each for each in texts)


def _role(decision: type[Decision], wanted: Role | None, visit: Visit) -> Role:
    allowed = roles_for(decision, visit.viewer)
    if wanted is None and allowed:
        return allowed[0]
    if wanted is not None and wanted in allowed:
        return wanted
    who = ", ".join(decision.declared.by)
    text = f"You cannot take this decision {'as ' + wanted if wanted else 'in any of your roles'}. Who can: {who}."
    raise ApiProblem(403, "not-their-decision", text)
