"""Places at the simulated clinic: a facility that withdraws what it holds, and another that has room."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from clinic.slots import FACILITIES, OTHER_FACILITIES
from tests.clinic.process import ClinicProcess

OURS = [{"system": "urn:throughline:journey", "value": "journey-7"}]


def free(clinic: ClinicProcess) -> list[dict[str, Any]]:
    return clinic.fhir("Slot", status="free", **{"service-type": "PHP"})


def test_a_facility_that_withdraws_a_place_has_none_and_another_opens_its_own_an_hour_later(
    clinic: ClinicProcess,
) -> None:
    slot = {**free(clinic)[0], "status": "busy-tentative", "identifier": OURS}
    assert slot["schedule"]["display"] == FACILITIES["PHP"]
    clinic.put(f"/fhir/Slot/{slot['id']}", json=slot).raise_for_status()
    assert clinic.post("/places/journey-7/withdraw").json() == {"withdrawn": 1}
    [withdrawn] = clinic.fhir("Slot", identifier="journey-7")
    assert (withdrawn["status"], withdrawn["identifier"]) == ("busy-unavailable", OURS)
    assert {each["schedule"]["display"] for each in free(clinic)} == {OTHER_FACILITIES["PHP"]}
    later = datetime.fromisoformat(slot["start"]) + timedelta(hours=1)
    assert {datetime.fromisoformat(each["start"]) for each in free(clinic)} == {later}
    assert len(free(clinic)) == 4
    assert clinic.post("/places/journey-7/withdraw").json() == {"withdrawn": 0}


def test_a_journey_that_holds_no_place_has_none_to_withdraw(clinic: ClinicProcess) -> None:
    before = free(clinic)
    assert clinic.post("/places/journey-8/withdraw").json() == {"withdrawn": 0}
    assert free(clinic) == before
