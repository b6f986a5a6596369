"""The decisions that can be taken over HTTP: one route for each, made from its declaration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request

from dashboard.api.decision_bodies import DecisionBody, body_of, decision_in
from dashboard.api.event_models import DecisionTaken
from dashboard.api.journey import JourneyId
from dashboard.board.deciding import require_may_take, take
from dashboard.board.looking import recorded
from dashboard.board.security import require_own_request
from dashboard.board.visit import DecisionVisit
from domain.authorship import Via
from domain.commands import EVERY_STAGE, Decision
from domain.pathway import DECISIONS

router = APIRouter(tags=["Decisions"])


def _route(decision: type[Decision]) -> Callable[..., Awaitable[DecisionTaken]]:
    """What the route of a decision does."""

    async def deciding(
        journey_id: JourneyId, body: DecisionBody, request: Request, visit: DecisionVisit
    ) -> DecisionTaken:
        require_own_request(request, visit.session)
        found = await recorded(visit, journey_id)
        require_may_take(visit, decision, found.concerns)
        via = Via.CLI if visit.session.used_for == "cli" else Via.API
        taken = await take(visit, journey_id, decision_in(decision, body, visit), via)
        return DecisionTaken.of(taken.status, taken.position)

    deciding.__annotations__["body"] = body_of(decision)  # what FastAPI reads, and OpenAPI shows
    return deciding


def _described(decision: type[Decision]) -> str:
    declared = decision.declared
    stages = "any stage" if declared.at == EVERY_STAGE else ", ".join(declared.at)
    risk = "\n\nA mistake here can harm the client: have a person check it." if declared.high_risk else ""
    return f"{decision.description()}\n\nBy: {', '.join(declared.by)}.\n\nAt: {stages}.{risk}"


def _declared(decision: type[Decision]) -> dict[str, Any]:
    declared = decision.declared
    return {"x-roles": list(declared.by), "x-stages": list(declared.at), "x-high-risk": declared.high_risk}


for _each in DECISIONS:
    router.add_api_route(
        f"/journeys/{{journey_id}}/decisions/{_each.name()}",
        _route(_each),
        methods=["POST"],
        name=_each.name(),
        summary=_each.declared.label,
        description=_described(_each),
        response_model=DecisionTaken,
        openapi_extra=_declared(_each),
    )
