"""Who owes what in person: the client's care team, single obligations, and all that one person owes.

The care team says which person has a role for this client. What that role owes is theirs, also what is raised later.
An obligation may be given to another person alone; the care team then stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from domain.commands import EVERY_STAGE, EVERYONE, NOT_ENDED, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.obligations import Obligation
from domain.part import Part, Slice
from domain.pathway import suspension
from domain.pathway.obligation_changes import assigned, cancelled, met, raised_within
from domain.people import require_can_own
from domain.plans import Actor
from domain.refusal import require
from domain.values import Key, PrivateWords, Role, Words
from domain.wording import named, said_by

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareStarted
    from domain.pathway.corrections import DischargeCorrected, EnrolmentCorrected
    from domain.pathway.death import DeathCorrected
    from domain.pathway.enrolment import Enrolled
    from domain.state import JourneyState

part = Part("care_team")

ASSIGNERS = (Role.SUPERVISOR, Role.MEDICAL_DIRECTOR, Role.OPERATIONS)
"""Who may give work to anybody. Others may give away what is theirs, or take something over."""


ASSIGN_CASE_MANAGER = ObligationKind(
    kind="assign-case-manager",
    title="Assign a case manager to the client",
    ended_by="assign-care-team",
    waivable_by=(Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    priority=Priority.CLINICAL,
)


class CareTeam(Slice):
    """Who is who for this client.

    Attributes:
        members: Staff ids by role. A role without one is answered by the person on call for it.
    """

    members: dict[Role, Key] = {}


class CareTeamAssigned(BaseEvent):
    """Another person has this role for the client from now on, or nobody in person.

    Attributes:
        person: Staff id, or None for nobody in person.
        before: Who it was.
    """

    news: ClassVar[bool] = False

    type: Literal["care-team.assigned"] = "care-team.assigned"
    role: Role
    person: str | None = None
    before: str | None = None
    reason: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        who = self.person or "nobody in person, the person on call answers"
        return f"Care team: {self.role} is {who}{said_by(self.by)}"


class AssignCareTeam(
    Decision,
    label="Assign a person to the care team",
    by=(Role.ADMISSIONS, Role.CASE_MANAGER, Role.CLINICIAN, *ASSIGNERS),
    at=NOT_ENDED,
):
    """Say who has a role for this client: what that role owes, now and later, is theirs."""

    kind: Literal["assign-care-team"] = "assign-care-team"
    team_role: Role = Field(description="The role that they have for this client.")
    to: Key | None = Field(
        default=None, description="The person's staff id; left out, the person on call for the role answers again."
    )
    reason: Words | None = Field(default=None, description="Why, for the record.")

    def require_known(self, state: JourneyState) -> None:
        """They must be on the list of staff, in that role and at the journey's site."""
        if self.to is not None:
            require_can_own(self.to, [self.team_role], state.admission.site)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """What was given to another person alone stays with them."""
        before = state.care_team.members.get(self.team_role)
        _require_another(before, self.to, self.team_role)
        yield CareTeamAssigned(
            **when, role=self.team_role, person=self.to, before=before, reason=self.reason, by=self.by
        )


class AssignObligation(Decision, label="Assign an obligation", by=EVERYONE, at=EVERY_STAGE):
    """Give one obligation to a person, or back to the person on call for its role; the due time stays."""

    kind: Literal["assign-obligation"] = "assign-obligation"
    obligation: Key = Field(description="The obligation's id, as `throughline journey` lists it.")
    to: Key | None = Field(
        default=None, description="The person's staff id; left out, the person on call for the role answers again."
    )
    reason: Words | None = Field(default=None, description="Why, for the record.")

    def require_known(self, state: JourneyState) -> None:
        """They must be on the list of staff, in the obligation's role and at the journey's site."""
        owed = state.obligations.open.get(self.obligation)
        if self.to is not None:
            require_can_own(self.to, [owed.owner] if owed else [], state.admission.site)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """By those who may give work to anybody, by its owner, or by the person who takes it over."""
        owed = state.obligations.the_open(self.obligation)
        _require_another(owed.assignee, self.to, owed.owner)
        _require_may_assign(self.by, self.to, owed.assignee, owed.owner)
        yield assigned(owed, self.to, self.by, when, self.reason)


class HandOver(Decision, label="Hand over a person's obligations", by=EVERYONE, at=EVERY_STAGE):
    """Give all that one person owes on this journey to another, with their roles on the care team."""

    kind: Literal["hand-over"] = "hand-over"
    of: Key = Field(description="Staff id of the person whose obligations they are.")
    to: Key = Field(description="Staff id of the person who takes them over.")
    only_as: Role | None = Field(default=None, description="Only what is theirs in this role; all if left out.")
    reason: Words = Field(description="Why, for the record.")

    def require_known(self, state: JourneyState) -> None:
        """They must be on the list of staff, in each of the roles and at the journey's site."""
        roles = {*self._team_roles(state), *(owed.owner for owed in self._owed(state))}
        require_can_own(self.to, roles, state.admission.site)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """All or nothing."""
        roles, owed = self._team_roles(state), self._owed(state)
        require(self.of != self.to, "already-theirs", f"{self.to} has them already. Name another person.")
        require(bool(roles or owed), "nothing-of-theirs", f"{self.of} owes nothing on this journey. Check the id.")
        _require_may_assign(self.by, self.to, self.of)
        for role in roles:
            yield CareTeamAssigned(**when, role=role, person=self.to, before=self.of, reason=self.reason, by=self.by)
        alone = [each for each in owed if each.owner not in roles]
        yield from (assigned(each, self.to, self.by, when, self.reason) for each in alone)

    def _team_roles(self, state: JourneyState) -> list[Role]:
        return [role for role, person in state.care_team.members.items() if person == self.of and self._is_meant(role)]

    def _owed(self, state: JourneyState) -> list[Obligation]:
        owed = [*state.obligations.of_person(self.of), *state.suspension.of_person(self.of)]
        return [each for each in owed if self._is_meant(each.owner)]

    def _is_meant(self, role: Role) -> bool:
        return self.only_as in (None, role)


def _require_another(before: str | None, to: str | None, role: Role) -> None:
    require(before != to, "already-theirs", f"It is {named(role, before)} already. Name another person.")


def _require_may_assign(by: Actor, to: str | None, before: str | None, owner: Role | None = None) -> None:
    """Refuses others than those named in `ASSIGNERS`, whose it is, and who takes it.

    Args:
        owner: Its role: its holders may give away what no person has.
    """
    of_the_role = before is None and by.role is owner
    require(
        by.role in ASSIGNERS or by.id in (before, to) or of_the_role,
        "not-theirs-to-assign",
        f"Only {', '.join(ASSIGNERS)}, its owner or the person who takes it over can do this. Ask one of them.",
    )


@part.evolves
def take_into_the_team(state: JourneyState, event: CareTeamAssigned) -> CareTeam:
    """Or take out."""
    others = {role: person for role, person in state.care_team.members.items() if role is not event.role}
    return state.care_team.changed(members={**others, event.role: event.person} if event.person else others)


@part.consequence
def give_them_what_the_role_owes(state: JourneyState, event: CareTeamAssigned) -> Iterator[BaseEvent]:
    """What is nobody's in person, and what was the one's before."""
    for owed in state.obligations.of_role(event.role):
        if owed.assignee in (None, event.before) and owed.assignee != event.person:
            yield assigned(owed, event.person, event.by, event.context, event.reason)


@part.consequence
def owe_a_case_manager(
    state: JourneyState,
    event: Enrolled | LevelOfCareStarted | EnrolmentCorrected | DischargeCorrected | DeathCorrected | CareTeamAssigned,
) -> Iterator[BaseEvent]:
    """At a level at which each client has one. Who came to their first session was enrolled before."""
    if state.discharge.discharged:
        return  # kept as it was, in case that was a mistake
    if state.care_team.members.get(Role.CASE_MANAGER) is not None:
        yield from met(state, event, ASSIGN_CASE_MANAGER)
        yield from suspension.no_longer_waiting(state, event, ASSIGN_CASE_MANAGER)
    elif not _is_case_managed(state):
        yield from cancelled(state, event, ASSIGN_CASE_MANAGER)
        yield from suspension.no_longer_waiting(state, event, ASSIGN_CASE_MANAGER)
    elif not (getattr(event, "by_first_session", False) or suspension.owed_or_waiting(state, ASSIGN_CASE_MANAGER)):
        yield raised_within(state, event, ASSIGN_CASE_MANAGER, "case_manager_business_days")


def _is_case_managed(state: JourneyState) -> bool:
    """Whether each client at the level that is given, or is to begin, has a case manager."""
    level = state.level if state.care.began else state.enrolment.level
    return level is not None and not state.discharge.discharged and state.policy.level(level).case_managed
