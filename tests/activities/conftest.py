from __future__ import annotations

from datetime import date

import pytest

from activities.ports import ClientIdentity
from tests.clinic.conftest import clinic, running_clinic

__all__ = ["clinic", "directory", "running_clinic"]

PERSON = ClientIdentity(
    client_ref="client-1",
    mrn="MRN-CANARY-1",
    family_name="Zebrafinch",
    given_name="Amaryllis",
    birth_date=date(1988, 3, 4),
    sex="F",
    member_id="MEMCANARY1",
    payer_id="PAYER1",
)
CANARIES = ("MRN-CANARY-1", "Zebrafinch", "ZEBRAFINCH", "Amaryllis", "AMARYLLIS", "MEMCANARY1", "1988")


class People:
    """The directory of those registered in this test."""

    def __init__(self, *people: ClientIdentity) -> None:
        self._people = {person.client_ref: person for person in people}

    async def find(self, client_ref: str) -> ClientIdentity | None:
        return self._people.get(client_ref)


@pytest.fixture
def directory() -> People:
    return People(PERSON)


def assert_says_nothing_of_the_client(error: BaseException) -> None:
    chain: BaseException | None = error
    while chain is not None:
        assert not [c for c in CANARIES if c in f"{chain!s} {chain!r}"]
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
