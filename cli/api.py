"""Decisions through the board's API, as the person who has signed in on this command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from cli.access import load_settings
from cli.output import Exit, Stop
from cli.sign_in import signed_in

_PATIENCE_SECONDS = 60.0
_EXITS = {401: Exit.REFUSED, 403: Exit.REFUSED, 404: Exit.NOT_FOUND, 409: Exit.REFUSED, 422: Exit.USAGE}


async def decide(journey_id: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Takes a decision; what the journey is told to be after it.

    Args:
        name: Of the decision.
        body: Its own fields, with `id` and whatever else was given.
    """
    again = f"repeat with --id {body['id']} to be sure it is done once"
    return await post(f"journeys/{journey_id}/decisions/{name}", body, again)


async def post(path: str, body: Mapping[str, Any], again: str = "repeat it: nothing is done twice") -> dict[str, Any]:
    """What the API answers.

    Args:
        path: Below the API's own address.
        again: What to do if it does not answer.
    """
    here = signed_in(load_settings())
    address = f"{here.board}/api/v1/{path}"
    try:
        async with httpx2.AsyncClient(timeout=_PATIENCE_SECONDS) as http:
            answer = await http.post(address, json=dict(body), headers={"Authorization": f"Bearer {here.token}"})
            told: dict[str, Any] = answer.json()
    except (httpx2.HTTPError, ValueError):
        raise Stop(Exit.UNREACHABLE, f"the board does not answer; {again}") from None
    if answer.status_code != 200:
        raise Stop(_EXITS.get(answer.status_code, Exit.UNREACHABLE), _said(answer.status_code, told))
    return told


def _said(status: int, problem: Mapping[str, Any]) -> str:
    if status == 401:
        return "your sign-in is over: run `throughline sign-in`"
    fields = problem.get("errors") or ()
    at = "; ".join(f"--{str(each.get('field')).replace('_', '-')}: {each.get('detail')}" for each in fields)
    return f"refused ({problem.get('code')}): {at or problem.get('detail')}"
