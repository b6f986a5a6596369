"""The simulated EHR's index: it finds what looking at every resource would find, and looks at its hits alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.fhir_rules import KINDS
from clinic.fhir_store import FhirStore, Resource
from clinic.fhir_values import BadValue
from clinic.ledger import Ledger
from clinic.state import State

HOUR = datetime(2031, 3, 4, 9, tzinfo=UTC)
SUBJECT = {"EpisodeOfCare": "patient", "Task": "for", "Coverage": "beneficiary"}
few = st.sampled_from(["a", "b", "c"])
hours = st.integers(-2, 5).map(lambda n: (HOUR + timedelta(hours=n)).isoformat())
identifiers = st.lists(st.fixed_dictionaries({"value": few}, optional={"system": few}), max_size=3)
services = st.lists(
    st.fixed_dictionaries(
        {"coding": st.lists(st.fixed_dictionaries({"code": few}, optional={"system": few}), max_size=2)}
    ),
    max_size=2,
)


@st.composite
def resources(draw: st.DrawFn) -> Resource:
    kind = draw(st.sampled_from(KINDS))
    fields: dict[str, st.SearchStrategy[Any]] = {
        "identifier": identifiers,
        "status": few,
        "serviceType": services,
        "start": hours | st.sampled_from(["2031-03-04T09:00:00", "soon"]),
    }
    if kind in SUBJECT:
        fields[SUBJECT[kind]] = st.fixed_dictionaries({"reference": few.map(lambda id_: f"Patient/{id_}")})
    return {"resourceType": kind, **draw(st.fixed_dictionaries({}, optional=fields))}


tokens = few | st.builds("{}|{}".format, few, few)
queries = st.fixed_dictionaries(
    {},
    optional={
        "identifier": tokens,
        "service-type": tokens,
        "status": st.lists(few, min_size=1, max_size=3, unique=True).map(",".join),
        "patient": few.map(lambda id_: f"Patient/{id_}"),
        "start": st.lists(st.builds("{}{}".format, st.sampled_from(["ge", "le"]), hours), min_size=1, max_size=3),
        "_sort": few,
    },
)


def is_match(kind: str, resource: Resource, query: dict[str, Any]) -> bool:
    """The meaning of a query, told without an index."""
    codings = [coding for concept in resource.get("serviceType", ()) for coding in concept["coding"]]
    subject = resource.get(SUBJECT.get(kind, "?"), {}).get("reference")
    return (
        _has(resource.get("identifier", ()), "value", query.get("identifier"))
        and _has(codings, "code", query.get("service-type"))
        and ("status" not in query or resource.get("status") in query["status"].split(","))
        and ("patient" not in query or subject == query["patient"])
        and all(_is_beyond(resource.get("start"), bound) for bound in query.get("start", ()))
    )


def _has(held: Any, field: str, wanted: str | None) -> bool:
    if wanted is None:
        return True
    system, bar, value = wanted.rpartition("|")
    return any(each[field] == value and (not bar or each.get("system") == system) for each in held)


def _is_beyond(start: str | None, bound: str) -> bool:
    if start is None or "+" not in start:
        return False
    moment, limit = datetime.fromisoformat(start), datetime.fromisoformat(bound[2:])
    return moment >= limit if bound.startswith("ge") else moment <= limit


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.none() | st.integers(0, 9), resources()), max_size=14), st.lists(queries, max_size=4))
def test_a_search_finds_what_looking_at_everything_finds(
    writes: list[tuple[int | None, Resource]], asked: list[dict[str, Any]]
) -> None:
    state = State()
    store = FhirStore(state)
    held: dict[str, dict[str, Resource]] = {kind: {} for kind in KINDS}
    for number, resource in writes:
        kind = resource["resourceType"]
        known = list(held[kind])
        former = known[number % len(known)] if known and number is not None else None
        stored = store.write(kind, former, resource)
        held[kind][stored["id"]] = stored
    for query in [{}, *asked]:
        for kind in KINDS:
            expected = [each for each in held[kind].values() if is_match(kind, each, query)]
            assert store.search(kind, query) == expected
            assert FhirStore(state).search(kind, query) == expected


def test_a_start_is_a_criterion_for_every_type() -> None:
    store = FhirStore(State())
    start, coded = "2031-03-04T09:00:00+00:00", [{"coding": [{"code": "a"}]}]
    stored = store.write("Patient", None, {"resourceType": "Patient", "start": start, "serviceType": coded})
    query = {"service-type": "a", "start": ["ge2031-03-04T09:00:00+00:00", "le2031-03-04T10:00:00+00:00"]}
    assert store.search("Patient", query) == [stored]


def fill(store: FhirStore, journeys: int) -> None:
    """What so many journeys leave at the EHR: a patient, an episode and eight tasks each, and a held place."""
    for number in range(journeys):
        one = f"{number:05}"
        patient = store.write("Patient", None, {"identifier": [{"system": "mrn", "value": one}]})
        subject = {"reference": f"Patient/{patient['id']}"}
        store.write("EpisodeOfCare", None, {**marked("journey", one), "status": "active", "patient": subject})
        for duty in range(8):
            status = "requested" if duty == 7 else "completed"
            store.write("Task", None, {**marked("duty", f"{one}.{duty}"), "status": status, "for": subject})
        taken = {**marked("hold", one), "status": "busy-tentative", **place(number)}
        store.write("Slot", None, taken)
        store.write("Slot", None, {"status": "free", **place(number)})


def marked(system: str, value: str) -> Resource:
    return {"identifier": [{"system": system, "value": value}]}


def place(hour: int) -> Resource:
    return {"serviceType": [{"coding": [{"code": "PHP"}]}], "start": (HOUR + timedelta(hours=hour)).isoformat()}


def one_journeys_searches(store: FhirStore, journey: str) -> Iterator[list[Resource]]:
    (patient,) = store.search("Patient", {"identifier": f"mrn|{journey}"})
    subject = f"Patient/{patient['id']}"
    yield [patient]
    yield store.search("EpisodeOfCare", {"identifier": f"journey|{journey}"})
    yield store.search("EpisodeOfCare", {"patient": subject})
    yield store.search("Task", {"identifier": f"duty|{journey}.7"})
    yield store.search("Task", {"patient": subject, "status": "requested,accepted"})
    yield store.search("Slot", {"identifier": f"hold|{journey}", "status": "busy-tentative"})
    bounds = [f"ge{HOUR.isoformat()}", f"le{(HOUR + timedelta(hours=2)).isoformat()}"]
    yield store.search("Slot", {"status": "free", "service-type": "PHP", "start": bounds})


@pytest.mark.parametrize("journeys", [3, 1500])
def test_a_search_looks_at_its_own_hits_alone_however_many_journeys_there_are(journeys: int) -> None:
    store = FhirStore(State())
    fill(store, journeys)
    before = store.examined
    hits = [len(found) for found in one_journeys_searches(store, "00001")]
    assert hits == [1, 1, 1, 1, 1, 1, 3]
    assert store.examined - before == sum(hits)
    before = store.examined
    assert store.client_of_journey("00002") == "00002"
    assert store.examined - before == 1
    assert store.count("Slot", status="busy-tentative,busy", service_type="PHP") == journeys
    assert store.examined - before == 1


def test_it_finds_the_same_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = FhirStore(State(path))
    fill(store, 3)
    (slot,) = store.search("Slot", {"identifier": "hold|00001"})
    store.write("Slot", slot["id"], {**slot, "status": "free", "identifier": []})
    again = FhirStore(State(path))
    assert [*one_journeys_searches(again, "00002")] == [*one_journeys_searches(store, "00002")]
    assert again.search("Slot", {"identifier": "hold|00001"}) == []
    assert [each["status"] for each in again.history("Slot", slot["id"])] == ["free", "busy-tentative"]


def test_it_forgets_what_is_cleared() -> None:
    state = State()
    store = FhirStore(state)
    fill(store, 2)
    state.clear()
    store.clear()
    assert all(not store.search(kind, {}) for kind in KINDS)


@pytest.mark.parametrize("text", ["", "2031-03-04", "gt2031-03-04T09:00:00Z", "ge2031-03-04T09:00:00"])
def test_a_start_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        FhirStore(State()).search("Slot", {"start": text})


def test_the_ledger_finds_entries_by_each_field() -> None:
    state = State()
    ledger = Ledger(state)
    for number in range(6):
        ledger.add("ehr", "create", f"key-{number // 2}", f"client-{number % 3}", journey=f"j{number % 2}", target="T")
    for wanted in ({"key": "key-1"}, {"client": "client-1", "journey": "j1"}, {"repeat": "True"}, {}, {"key": "none"}):
        expected = [e for e in state.all("ledger") if all(str(e[k]) == v for k, v in wanted.items())]
        assert ledger.entries(wanted) == Ledger(state).entries(wanted) == expected
