"""Takes a decision on a journey as the person who is signed in, from a form or from a program."""

from __future__ import annotations

from typing import NamedTuple

import structlog

from access.rules import About, Action
from access.signatures import Standing
from dashboard.board.visit import Forbidden, Visit
from dashboard.enrolling import room
from domain.authorship import Via
from domain.commands import Decision
from domain.pathway.discharge import UpdateDischargePlan
from domain.refusal import Refused
from workflows.client import (
    CommandNotRecorded,
    CommandRefused,
    JourneyNotRunning,
    JourneysUnreachable,
    TooManyWaiting,
)
from workflows.messages import JourneyStatus

log = structlog.get_logger(__name__)

_REWRITES_WORDS = (UpdateDischargePlan,)
"""Decisions that replace what somebody wrote. Who may not read it would overwrite it unseen."""


class NotTaken(Exception):
    """The decision was not taken, or nobody can say yet whether it was.

    Attributes:
        status: 409 if the journey refuses it, 503 if it should be sent again.
        code: Short and stable.
        sentence: What is wrong and what to do. No client data.
    """

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.sentence = sentence


class Taken(NamedTuple):
    """A decision on record.

    Attributes:
        position: Of the record; read models that have come so far show the decision.
    """

    status: JourneyStatus
    position: int


def may_take(visit: Visit, decision: type[Decision], concerns: About) -> bool:
    """Whether the person may take such a decision on this journey, in one of their roles; the journey may refuse."""
    reads = visit.may(Action.READ_WORDS, concerns)
    return visit.may(Action.TAKE_DECISION, concerns) and (reads or decision not in _REWRITES_WORDS)


def require_may_take(visit: Visit, decision: type[Decision], concerns: About) -> None:
    """Raises Forbidden unless the person may take such a decision on this journey."""
    if not may_take(visit, decision, concerns):
        raise Forbidden(Action.READ_WORDS if decision in _REWRITES_WORDS else Action.TAKE_DECISION)


async def take(visit: Visit, journey_id: str, decision: Decision, via: Via) -> Taken:
    """Takes the decision, once for its id however often it is sent. It is signed as this person's.

    Args:
        via: The way by which it came in.

    Raises:
        NotTaken: It was refused, or it must be sent again.
    """
    signed = visit.services.signer.sign(journey_id, decision, Standing.of(visit.viewer, via))
    try:
        async with room(visit.services.pool.connection, journey_id, decision):
            status = await visit.services.journeys.tell(journey_id, signed)
    except Refused as refused:
        raise NotTaken(409, refused.refusal.code, f"{refused.refusal.sentence} Nothing has changed.") from None
    except CommandRefused as refused:
        raise NotTaken(409, refused.code, f"{refused.sentence} Nothing has changed.") from None
    except JourneyNotRunning:
        raise NotTaken(409, "journey-ended", "This journey has ended. Nothing has changed.") from None
    except CommandNotRecorded as error:
        text = f"{error} It is kept and will be recorded; send it again to see whether it was."
        raise NotTaken(503, error.code, text) from None
    except TooManyWaiting:
        text = "Too many decisions wait at this journey. Nothing has changed; send it again in a minute."
        raise NotTaken(503, "too-many-waiting", text) from None
    except JourneysUnreachable:
        text = "The journeys do not answer. It may still be done: send it again, it is done only once."
        raise NotTaken(503, "journeys-unreachable", text) from None
    log.info("decision-taken", decision=decision.name(), journey=journey_id, person=visit.viewer.person)
    [last] = await visit.services.store.read(journey_id, after_version=status.version - 1, limit=1)
    return Taken(status, last.position)
