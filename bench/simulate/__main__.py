"""A year of several centres through the pure core: census, length of stay, step-ups, overdue work, and pages by role.

Invented clients are admitted all year and cared for by an invented staff; the models are printed with the results.
Every decision goes through the real rules. A centre admits 240 clients a year, so that about 100 are in care at a time.
Pages are counted for each week of each centre, from the fourth month on, when the centres are full.

Run it with `python -m bench.simulate [--clients 1200] [--seed 1] [--json]`.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cyclopts import App

from bench.simulate.client import ClientModel, SimulatedClient
from bench.simulate.staff import Staff, StaffModel
from centre.loading import load
from cli.output import show_fields, show_json, stdout, table
from domain.obligation_terms import Channel
from domain.pathway.moves import TransitionCompleted, TransitionStarted
from domain.pathway.obligation_events import ObligationEscalated, ObligationMet, ObligationRaised
from domain.plans import Direction
from domain.values import Role

app = App(name="bench.simulate", help=__doc__)

_BEGIN = datetime(2026, 1, 5, 17, tzinfo=UTC)
_YEAR = timedelta(weeks=52)
_ADMITTED = 240
"""Clients that one centre admits in a year."""
_FULL_FROM = 13
"""Weeks until as many leave as come."""


@app.default
def main(*, clients: int = 1200, seed: int = 1, json: bool = False) -> None:
    """Simulate and print."""
    measured = simulate(clients, seed)
    if json:
        show_json(measured)
        return
    show_fields({name: value for name, value in measured.items() if not isinstance(value, dict | list)})
    table("Staff model", ("Number", "Value"), list(measured["staff_model"].items()))
    table("Client model", ("Number", "Value"), list(measured["client_model"].items()))
    columns = ("Role", "Median week", "Worst week")
    table("Pages a week in one centre", columns, [tuple(each.values()) for each in measured["pages"]])
    stdout.print(f"refused, and worked around: {measured['refused']}", markup=False)


def simulate(clients: int, seed: int) -> dict[str, Any]:
    """The year."""
    load()
    staff_model, client_model = StaffModel(), ClientModel()
    dice, began = random.Random(seed), time.perf_counter()
    everyone = []
    for number in range(clients):
        admitted = _BEGIN + dice.random() * _YEAR
        own = random.Random(f"{seed}/{number}")
        client = SimulatedClient(f"client-{number}", admitted, client_model, Staff(staff_model, own), own)
        client.live(_BEGIN + _YEAR)
        everyone.append(client)
    centres = [everyone[first : first + _ADMITTED] for first in range(0, clients, _ADMITTED)]
    census = [_in_care(each, _BEGIN + timedelta(weeks=week)) for each in centres for week in range(_FULL_FROM, 52)]
    return {
        "clients": clients,
        "centres": len(centres),
        "seed": seed,
        "events": sum(len(client.events) for client in everyone),
        "seconds": round(time.perf_counter() - began, 1),
        **_stays(everyone),
        **_step_ups(everyone),
        **_work(everyone),
        "census_of_a_centre_median": statistics.median(census),
        "stages_at_the_end": dict(Counter(str(client.state.stage) for client in everyone)),
        "staff_model": staff_model.shown(),
        "client_model": client_model.shown(),
        "pages": list(_pages(centres)),
        "refused": dict(Counter(code for client in everyone for code in client.refused)),
    }


def _in_care(everyone: Sequence[SimulatedClient], at: datetime) -> int:
    return sum(
        any(stay.since <= at and (stay.until is None or stay.until > at) for stay in client.state.care.stays)
        for client in everyone
    )


def _stays(everyone: Sequence[SimulatedClient]) -> dict[str, float]:
    found = {}
    for level in ("OP", "IOP", "PHP"):
        days = [
            (stay.until - stay.since).total_seconds() / 86_400
            for client in everyone
            for stay in client.state.care.stays
            if stay.level == level and stay.until is not None
        ]
        if days:
            found[f"days_at_{level.lower()}_median"] = round(statistics.median(days), 1)
    return found


def _step_ups(everyone: Sequence[SimulatedClient]) -> dict[str, Any]:
    hours = []
    for client in everyone:
        began: dict[int, datetime] = {}
        for event in client.events:
            if isinstance(event, TransitionStarted) and event.direction is Direction.UP:
                began[event.number] = event.at
            elif isinstance(event, TransitionCompleted) and event.number in began:
                hours.append((event.at - began[event.number]).total_seconds() / 3600)
    within = sum(each <= 24 for each in hours) / max(len(hours), 1)
    median = round(statistics.median(hours), 1) if hours else None
    return {"step_ups": len(hours), "step_up_hours_median": median, "step_ups_within_24_h": round(within, 3)}


def _work(everyone: Sequence[SimulatedClient]) -> dict[str, float]:
    events = [event for client in everyone for event in client.events]
    met = [event.late for event in events if isinstance(event, ObligationMet)]
    raised = sum(isinstance(event, ObligationRaised) for event in events)
    told = sum(isinstance(event, ObligationEscalated) for event in events)
    return {"obligations": raised, "met_late_share": round(sum(met) / max(len(met), 1), 3), "notices": told}


def _pages(centres: Sequence[Sequence[SimulatedClient]]) -> Iterator[dict[str, Any]]:
    paged = [_paged(clients) for clients in centres]
    for role in Role:
        weeks = sorted(each[role, week] for each in paged for week in range(_FULL_FROM, 52))
        yield {"role": role, "median_week": statistics.median(weeks), "worst_week": weeks[-1]}


def _paged(clients: Sequence[SimulatedClient]) -> Counter[tuple[Role, int]]:
    """How often each role was paged in each week."""
    told = (event for client in clients for event in client.events if isinstance(event, ObligationEscalated))
    return Counter((each.to, (each.at - _BEGIN).days // 7) for each in told if each.how is Channel.PAGE)


if __name__ == "__main__":
    app()
