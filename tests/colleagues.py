"""Who may own something in tests: the example's staff, and a clinician of a site that is not the example's."""

from __future__ import annotations

from centre.files import EXAMPLE
from centre.staff_file import read_staff
from domain.people import Colleague
from domain.values import Role

EXAMPLE_STAFF = read_staff(EXAMPLE / "staff.toml")
ELSEWHERE = Colleague(id="north-1", roles=(Role.CLINICIAN,), sites=("north",))


def find(staff_id: str) -> Colleague | None:
    """As `domain.people.use_staff` wants it."""
    return ELSEWHERE if staff_id == ELSEWHERE.id else EXAMPLE_STAFF.colleague(staff_id)
