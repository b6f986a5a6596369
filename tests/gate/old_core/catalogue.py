"""The catalogue of obligations: who owes what, and who hears of it when.

Offsets are elapsed hours from the due time; `None` means when the obligation is raised. The offsets are the
centre's policy. Each ladder ends with someone who can decide, and that rung repeats.
"""

from __future__ import annotations

from datetime import timedelta

from tests.gate.old_core.clock import TimeKind
from tests.gate.old_core.obligations import Channel, Obligation, ObligationKind, Rung
from tests.gate.old_core.values import CLINICAL, Instant, Role, Value

Step = tuple[float | None, Role, Channel]


class Duty(Value):
    """What one kind of obligation is.

    Attributes:
        title: For people; says what to do and nothing about the client.
        owner: Who must act.
        steps: The ladder.
        waivable_by: Roles that may decide it need not be done; none where it keeps the journey moving.
        by_hand: Whether a person ends it by saying it is done, rather than by a decision of its own.
        urgent: Shown first everywhere.
        repeat_hours: Between repeats of the last rung.
    """

    title: str
    owner: Role
    steps: tuple[Step, ...]
    waivable_by: tuple[Role, ...] = ()
    by_hand: bool = False
    urgent: bool = False
    repeat_hours: int = 24


REVIEW_REMINDER_HOURS = 72
"""Channel long before its due time the clinician is reminded of a review, elapsed."""

_DESK: tuple[Step, ...] = (
    (0, Role.ADMISSIONS, Channel.MAIL),
    (24, Role.OPERATIONS, Channel.MAIL),
    (72, Role.SUPERVISOR, Channel.PAGE),
)
_CLINICAL: tuple[Step, ...] = (
    (0, Role.CLINICIAN, Channel.PAGE),
    (24, Role.SUPERVISOR, Channel.PAGE),
    (72, Role.MEDICAL_DIRECTOR, Channel.PAGE),
)
_CASE: tuple[Step, ...] = (
    (0, Role.CASE_MANAGER, Channel.MAIL),
    (24, Role.SUPERVISOR, Channel.PAGE),
)
_STEP_UP: tuple[Step, ...] = (
    (None, Role.CLINICIAN, Channel.PAGE),
    (-12, Role.SUPERVISOR, Channel.PAGE),
    (0, Role.MEDICAL_DIRECTOR, Channel.PAGE),
)
_OPERATIONS: tuple[Step, ...] = ((None, Role.OPERATIONS, Channel.MAIL), (24, Role.OPERATIONS, Channel.PAGE))

CATALOGUE: dict[ObligationKind, Duty] = {
    ObligationKind.VERIFY_BENEFITS: Duty(title="Verify the client's benefits", owner=Role.ADMISSIONS, steps=_DESK),
    ObligationKind.RESOLVE_FUNDING: Duty(title="Find another way to pay for care", owner=Role.ADMISSIONS, steps=_DESK),
    ObligationKind.DECIDE_PLACEMENT: Duty(title="Decide the level of care", owner=Role.CLINICIAN, steps=_CLINICAL),
    ObligationKind.OBTAIN_AUTHORISATION: Duty(
        title="Obtain the payer's authorisation",
        owner=Role.UTILISATION_REVIEW,
        steps=((0, Role.UTILISATION_REVIEW, Channel.MAIL), (24, Role.SUPERVISOR, Channel.PAGE)),
        by_hand=True,
        waivable_by=(Role.UTILISATION_REVIEW, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    ),
    ObligationKind.ACCEPT_COST: Duty(
        title="Make the cost clear and record the client's answer", owner=Role.ADMISSIONS, steps=_DESK
    ),
    ObligationKind.ENROL: Duty(title="Enrol the client", owner=Role.ADMISSIONS, steps=_DESK),
    ObligationKind.DRAFT_DISCHARGE_PLAN: Duty(
        title="Draft the discharge plan", owner=Role.CASE_MANAGER, steps=_CASE, waivable_by=CLINICAL
    ),
    ObligationKind.REVIEW: Duty(
        title="Review the level of care",
        owner=Role.CLINICIAN,
        steps=((-REVIEW_REMINDER_HOURS, Role.CLINICIAN, Channel.MAIL), *_CLINICAL),
    ),
    ObligationKind.COMPLETE_STEP_UP: Duty(
        title="Complete the step-up", owner=Role.CLINICIAN, steps=_STEP_UP, urgent=True, repeat_hours=8
    ),
    ObligationKind.INTERIM_CONTACT: Duty(
        title="Contact the client while no place is found",
        owner=Role.CASE_MANAGER,
        steps=((0, Role.CASE_MANAGER, Channel.PAGE), (4, Role.SUPERVISOR, Channel.PAGE)),
        by_hand=True,
        waivable_by=CLINICAL,
        urgent=True,
        repeat_hours=8,
    ),
    ObligationKind.COMPLETE_STEP_DOWN: Duty(title="Complete the step-down", owner=Role.CASE_MANAGER, steps=_CASE),
    ObligationKind.EXTERNAL_CONTACT: Duty(
        title="Contact the facility that has the client",
        owner=Role.CASE_MANAGER,
        steps=_CASE,
        by_hand=True,
        waivable_by=CLINICAL,
    ),
    ObligationKind.COMPLETE_DISCHARGE: Duty(
        title="Complete the discharge", owner=Role.CLINICIAN, steps=_CLINICAL, waivable_by=CLINICAL
    ),
    ObligationKind.FOLLOW_UP: Duty(
        title="Follow up after discharge", owner=Role.CASE_MANAGER, steps=_CASE, waivable_by=CLINICAL
    ),
    ObligationKind.RESOLVE_CANCELLATION: Duty(
        title="Decide on an admission cancelled after care began",
        owner=Role.ADMISSIONS,
        steps=_DESK,
        by_hand=True,
        waivable_by=(Role.ADMISSIONS, *CLINICAL),
    ),
    ObligationKind.RESOLVE_EFFECT: Duty(
        title="Do by hand what a clinic system would not do",
        owner=Role.OPERATIONS,
        steps=_OPERATIONS,
        by_hand=True,
        waivable_by=(Role.OPERATIONS, *CLINICAL),
    ),
}


def obligation(
    kind: ObligationKind,
    number: int,
    *,
    raised_at: Instant,
    due_at: Instant,
    time_kind: TimeKind,
    about: str | None = None,
) -> Obligation:
    """The `number`-th obligation of its kind, with its ladder in absolute times."""
    duty = CATALOGUE[kind]
    ladder = tuple(
        Rung(
            at=raised_at if offset is None else max(raised_at, due_at + timedelta(hours=offset)),
            to=to,
            how=how,
        )
        for offset, to, how in duty.steps
    )
    return Obligation(
        id=f"{kind}-{number}",
        kind=kind,
        owner=duty.owner,
        raised_at=raised_at,
        due_at=due_at,
        time_kind=time_kind,
        ladder=tuple(sorted(ladder, key=lambda rung: rung.at)),
        repeat_hours=duty.repeat_hours,
        urgent=duty.urgent,
        about=about,
    )
