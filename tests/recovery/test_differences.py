"""What the record says beside what the workflow says, without either: every pair has one name or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.benefits import Benefits, CostShare, Evidence, Topic, Verdict
from domain.commands import BaseCommand
from domain.comparing import comparable, fingerprint
from domain.decide import decide
from domain.evolve import fold
from domain.pathway import Event
from domain.pathway.admission import CancelAdmission, OpenJourney
from domain.pathway.calls import BenefitsAnswer, Done, SettleEffect
from domain.pathway.coverage import Coverage
from domain.pathway.discharge import Discharging
from domain.plans import DischargePlan
from domain.refusal import Refusal
from domain.state import STATE_SCHEMA, JourneyState
from recovery.differences import (
    FOR_A_PERSON,
    GOES_ON_BY_ITSELF,
    TO_BE_STARTED,
    TO_CATCH_UP,
    TO_TRY_AGAIN,
    Difference,
    Kind,
    OnRecord,
    Running,
    difference,
    never_begun,
)
from recovery.paging import AGAIN_AFTER, page_for
from recovery.reconcile import Mended
from workflows.messages import JourneySnapshot
from workflows.not_recorded import NotRecorded

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)
OPENING = OpenJourney(id="open/m", journey_id="j", client_ref="c", site="main", message="m", admitted_at=NOW)


def told(*commands: BaseCommand) -> tuple[Event, ...]:
    events: tuple[Event, ...] = ()
    for command in commands:
        outcome = decide(fold(events), command, NOW)
        assert not isinstance(outcome, Refusal)
        events += outcome.events
    return events


COVERED = SettleEffect(
    id="settle/benefits-1",
    key="benefits-1",
    answer=BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR, cost_share=CostShare(copay=20))),
)
OPENED, COVERED_TOO = told(OPENING), told(OPENING, COVERED)
CANCELLED = told(OPENING, CancelAdmission(id="cancel/m", message="m"))
OVER = fold(
    told(
        OPENING,
        CancelAdmission(id="cancel/m", message="m"),
        *(
            SettleEffect(id=f"settle/{key}", key=key, answer=Done(reference="x"), revision=call.told)
            for key, call in fold(CANCELLED).pending().items()
        ),
    )
)


def on_record(state: JourneyState, *, closed: bool = False) -> OnRecord:
    return OnRecord(version=state.version, closed=closed, state=state)


def running(
    state: JourneyState,
    *,
    waiting: int = 0,
    stopped: str | None = None,
    trouble: NotRecorded | None = None,
    calls: bool = True,
    reading: bool = False,
    schema: int = STATE_SCHEMA,
) -> Running:
    slots = tuple(call.concurrency_key for call in state.pending().values()) if calls else ()
    known = fingerprint(state).model_copy(update={"state_schema": schema})
    snapshot = JourneySnapshot(
        state=known, calls=slots, waiting=waiting, stopped=stopped, not_recorded=trouble, is_reading=reading
    )
    return Running(snapshot=snapshot)


A, B = fold(OPENED), fold(COVERED_TOO)
OTHER = B.changed(admission=B.admission.changed(client_ref="somebody-else"))
TROUBLE = NotRecorded(code="key-destroyed", since=NOW, known=True)
UNREADABLE = OnRecord(version=3, closed=False, state=None)
PAIRS: dict[str, tuple[OnRecord | None, Running | None, Kind | None]] = {
    "in step": (on_record(B), running(B), None),
    "neither": (None, None, None),
    "about to begin": (None, running(JourneyState()), None),
    "over and gone": (on_record(OVER, closed=True), None, None),
    "cannot begin": (None, running(JourneyState(), stopped="not-recordable"), Kind.STOPPED),
    "missing": (on_record(B), None, Kind.MISSING),
    "missing, only calls left": (on_record(fold(CANCELLED)), None, Kind.MISSING),
    "over, not closed, gone": (on_record(OVER), None, Kind.DIFFERS),
    "zombie": (on_record(OVER, closed=True), running(B), Kind.ZOMBIE),
    "zombie that knows": (on_record(OVER, closed=True), running(OVER), Kind.ZOMBIE),
    "closed by somebody": (on_record(B, closed=True), running(B), Kind.DIFFERS),
    "behind": (on_record(B), running(A), Kind.BEHIND),
    "behind, nothing folded": (on_record(B), running(JourneyState()), Kind.BEHIND),
    "ahead": (on_record(A), running(B), Kind.AHEAD),
    "ahead of a closed stream": (on_record(fold(CANCELLED), closed=True), running(OVER), Kind.AHEAD),
    "no such stream": (None, running(A), Kind.AHEAD),
    "another story": (on_record(B), running(OTHER), Kind.DIFFERS),
    "a call forgotten": (on_record(A), running(A, calls=False), Kind.ORPHAN),
    "its answer is in the inbox": (on_record(A), running(A, calls=False, waiting=1), None),
    "stopped": (on_record(B), running(B, stopped="ahead-of-record"), Kind.STOPPED),
    "stopped and ahead": (on_record(A), running(B, stopped="ahead-of-record"), Kind.AHEAD),
    "cannot record": (on_record(B), running(B, waiting=1, trouble=TROUBLE), Kind.NOT_RECORDED),
    "cannot record its opening": (None, running(JourneyState(), waiting=1, trouble=TROUBLE), Kind.NOT_RECORDED),
    "cannot record, and stands still": (on_record(B), running(B, stopped="x", trouble=TROUBLE), Kind.STOPPED),
    "cannot record, and ahead": (on_record(A), running(B, trouble=TROUBLE), Kind.AHEAD),
    "reading its record": (on_record(B), running(B, calls=False, reading=True), Kind.WAITING),
    "reading, and more was recorded": (on_record(B), running(A, calls=False, reading=True), Kind.WAITING),
    "reading, under another schema": (
        on_record(B),
        running(A, calls=False, reading=True, schema=STATE_SCHEMA + 1),
        Kind.WAITING,
    ),
    "reading, and the record is short": (on_record(A), running(B, calls=False, reading=True), Kind.AHEAD),
    "reading, another story": (on_record(B), running(OTHER, calls=False, reading=True), Kind.DIFFERS),
    "reading, cannot": (on_record(B), running(B, calls=False, reading=True, trouble=TROUBLE), Kind.NOT_RECORDED),
    "reading, stopped": (on_record(B), running(B, calls=False, reading=True, stopped="x"), Kind.STOPPED),
    "reading, over on record": (on_record(OVER, closed=True), running(B, reading=True), Kind.ZOMBIE),
    "another schema": (on_record(B), running(OTHER, schema=STATE_SCHEMA + 1), None),
    "another schema, a call forgotten": (on_record(A), running(A, calls=False, schema=STATE_SCHEMA + 1), Kind.ORPHAN),
    "another schema, behind": (on_record(B), running(A, schema=STATE_SCHEMA + 1), Kind.BEHIND),
    "another schema, ahead": (on_record(A), running(B, schema=STATE_SCHEMA + 1), Kind.AHEAD),
    "another schema, stopped": (on_record(B), running(B, stopped="x", schema=STATE_SCHEMA + 1), Kind.STOPPED),
    "silent": (on_record(B), Running(snapshot=None), Kind.SILENT),
    "silent, no stream": (None, Running(snapshot=None), Kind.SILENT),
    "unreadable": (UNREADABLE, running(B), Kind.UNREADABLE),
    "unreadable and gone": (UNREADABLE, None, Kind.UNREADABLE),
}


@pytest.mark.parametrize(("record", "workflow", "kind"), PAIRS.values(), ids=PAIRS)
def test_every_pair_has_one_name_or_none(record: OnRecord | None, workflow: Running | None, kind: Kind | None) -> None:
    found = difference("j", record, workflow)
    assert (found.kind if found else None) == kind
    if found is not None:
        assert len(found.sentence) > 20 and len(found.remedy) > 20
        assert found.on_record == (record.version if record else None)


def test_every_kind_is_set_right_or_for_a_person() -> None:
    assert {*TO_BE_STARTED, *TO_CATCH_UP, *TO_TRY_AGAIN, *GOES_ON_BY_ITSELF, *FOR_A_PERSON} == set(Kind)
    assert {kind for *_, kind in PAIRS.values() if kind} == set(Kind)
    assert {Kind.AHEAD, Kind.DIFFERS} <= set(FOR_A_PERSON)


def test_an_admission_that_left_no_trace_is_missing() -> None:
    assert never_begun("j").kind is Kind.MISSING


def test_what_people_wrote_is_no_difference() -> None:
    written = B.changed(discharge=Discharging(plan=DischargePlan(follow_ups=("a visit",))))
    masked = B.changed(discharge=Discharging(plan=DischargePlan(follow_ups=("[sealed]",))))
    assert comparable(written) == comparable(masked)
    assert difference("j", on_record(masked), running(written)) is None


def test_what_a_payer_wrote_is_no_difference_and_what_it_is_about_is() -> None:
    said = Evidence(topics=(Topic.CONTACT,), about="EB-1-MH", text="CALL US")
    answer = Benefits(verdict=Verdict.NEEDS_REVIEW, evidence=(said,))
    written = B.changed(coverage=Coverage(benefits=answer))
    masked = B.changed(coverage=Coverage(benefits=answer.changed(evidence=(said.changed(text="[sealed]"),))))
    assert difference("j", on_record(masked), running(written)) is None
    other = B.changed(coverage=Coverage(benefits=answer.changed(evidence=(said.changed(about="EB-B-MH"),))))
    assert comparable(other) != comparable(written)


def test_only_a_state_of_this_schema_can_be_compared() -> None:
    assert not running(B).is_of_another_schema and not Running(snapshot=None).is_of_another_schema
    assert running(B, schema=STATE_SCHEMA + 1).is_of_another_schema


def test_an_account_of_a_newer_release_can_be_read() -> None:
    written = running(B, schema=STATE_SCHEMA + 1).snapshot
    assert written is not None
    newer = {**written.model_dump(), "added": 1, "state": {**written.state.model_dump(), "also_added": [2]}}
    assert JourneySnapshot.model_validate(newer) == written


def test_why_a_task_fails_is_said() -> None:
    failing = Running(
        snapshot=None, failure="this journey's state has schema 3, this worker knows 2: run the newer release"
    )
    found = difference("j", on_record(B), failing)
    assert found is not None and "its task fails: this journey's state has schema 3" in found.sentence
    page = page_for([Mended(difference=found)], NOW)
    assert page is not None and "this worker knows 2: run the newer release" in page.body


def test_a_state_carried_over_keeps_its_fingerprint() -> None:
    assert fingerprint(JourneyState.model_validate_json(B.model_dump_json())) == fingerprint(B)
    assert len({fingerprint(each) for each in (A, B, OTHER, OVER)}) == 4


def stuck(kind: Kind, journey_id: str = "j") -> Mended:
    return Mended(
        difference=Difference(journey_id=journey_id, kind=kind, on_record=1, in_workflow=2, sentence="It is so.")
    )


def test_a_page_is_one_for_all_and_repeats_only_while_it_lasts() -> None:
    assert page_for([stuck(Kind.MISSING), stuck(Kind.BEHIND)], NOW) is None
    many = [stuck(Kind.AHEAD, f"journey-{number}") for number in range(30)]
    page = page_for([*many, stuck(Kind.MISSING, "mended")], NOW)
    assert page is not None
    assert "30 journeys" in page.subject and "and 20 more" in page.body and "mended" not in page.body
    assert page_for(many[::-1], NOW + timedelta(minutes=10)).key == page.key  # type: ignore[union-attr]
    assert page_for(many[1:], NOW).key != page.key  # type: ignore[union-attr]
    assert page_for(many, NOW + AGAIN_AFTER).key != page.key  # type: ignore[union-attr]
    failed = Mended(difference=stuck(Kind.MISSING).difference, failed="Temporal did not answer")
    assert page_for([failed], NOW) is not None
