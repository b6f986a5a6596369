"""Puts the clinic's systems behind one HTTP application and one mail handler."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from clinic.clearinghouse import Clearinghouse
from clinic.control import Control
from clinic.fhir_server import FhirServer
from clinic.fhir_store import FhirStore
from clinic.ledger import Ledger
from clinic.mailbox import Mailbox
from clinic.scripts import Scripts
from clinic.slots import PlaceOpener
from clinic.state import State


@dataclass(frozen=True)
class Clinic:
    """The running parts."""

    http: Starlette
    mailbox: Mailbox


def build(state: State, places: int) -> Clinic:
    """The clinic over `state`, with `places` places at each level if it has none yet."""
    scripts, ledger, store = Scripts(state), Ledger(state), FhirStore(state)
    opener = PlaceOpener(store, places)
    fhir, mailbox = FhirServer(store, scripts, ledger, opener), Mailbox(state, scripts, ledger)

    def reset() -> None:
        for each in (state, ledger, store, fhir):
            each.clear()
        opener.open_first()

    opener.open_first()
    control = Control(scripts, mailbox, ledger, withdraw=opener.withdraw, reset=reset)
    x12 = Route("/x12", Clearinghouse(scripts, ledger).answer, methods=["POST"])
    routes = [x12, Mount("/fhir", routes=fhir.routes()), *control.routes()]
    return Clinic(Starlette(routes=routes), mailbox)
