"""What the Temporal UI shows: enough to act on, and not one word that says who the client is."""

from __future__ import annotations

import json

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.converter import PayloadConverter

from deploy import temporal_setup
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp
from domain.values import Stage
from tests.workflows.decrypted import decrypted
from tests.workflows.house import Case, House, until
from tests.workflows.paths import IOP, OUT_OF_CARE, PHP, enrol
from workflows.card import NEXT_DEADLINE, PROGRAMME, SEARCH_ATTRIBUTES, STAGE, URGENT

pytestmark = pytest.mark.stack

_TO_BE_SUMMARISED = (EventType.EVENT_TYPE_TIMER_STARTED, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)


async def metadata(case: Case) -> WorkflowMetadata:
    told: WorkflowMetadata = await case.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return told


async def found(case: Case, query: str) -> bool:
    listed = case.house.client.list_workflows(f"WorkflowId = '{case.handle.id}' AND {query}")
    return [each.id async for each in listed] == [case.handle.id]


async def test_search_attributes_follow_the_journey(house: House) -> None:
    case = await house.admit()
    state = await case.settled()
    shown = (await case.handle.describe()).typed_search_attributes
    assert [shown.get(each) for each in (PROGRAMME, STAGE, URGENT)] == ["none", "PLACEMENT", False]
    owed = state.next_due()
    assert owed is not None and shown.get(NEXT_DEADLINE) == owed.due_at
    await enrol(case, IOP)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    for query in ("Stage = 'TRANSITION'", "Urgent = true", "Programme = 'IOP'", "NextDeadline IS NOT NULL"):

        async def is_listed(query: str = query) -> bool:
            return await found(case, query)

        await until(is_listed, f"the journey is listed by {query}")
    assert not await found(case, "Stage = 'PLACEMENT'")


async def test_every_timer_and_call_says_what_it_is_for(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    await case.later(hours=30)
    summaries = {
        event.event_id: event.user_metadata.summary
        for history in await case.histories()
        for event in history.events
        if event.event_type in _TO_BE_SUMMARISED
    }
    assert len(summaries) > 10
    said = [PayloadConverter.default.from_payload(payload, str) for payload in summaries.values()]
    assert all(20 < len(each) <= 200 for each in said)


async def test_the_card_says_where_the_journey_stands_and_who_must_act(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    await case.settled()
    card = (await metadata(case)).current_details
    for word in ("TRANSITION", "IOP", "clinician", "Complete the step-up", "PHP", "Harbour Day Hospital"):
        assert word in card


async def test_every_message_is_described(house: House) -> None:
    case = await house.admit()
    await case.settled()
    definition = (await metadata(case)).definition
    updates = {each.name for each in definition.update_definitions}
    assert {"decide-placement", "request-step-up", "discharge", "cancel-admission"} <= updates
    for messages in (definition.update_definitions, definition.signal_definitions, definition.query_definitions):
        ours = [each for each in messages if not each.name.startswith("__")]
        assert ours
        assert all(len(each.description) > 20 for each in ours)


async def test_temporal_never_learns_who_the_client_is(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    await case.later(hours=30)
    await case.do(ConfirmArrival)
    for step in OUT_OF_CARE:
        await step(case)
        await case.settled()
    await case.ended()
    assert (await case.path()).stages[-1] is Stage.CLOSED
    person = case.person
    histories = [await decrypted(each, house.client.data_converter) for each in await case.histories()]
    told = [json.dumps(history.to_json_dict()) for history in histories]
    told += [str(event.SerializeToString()) for history in histories for event in history.events]
    told += [str((await case.handle.describe()).raw_description)]
    told += [str(await metadata(case))]
    canaries = (person.mrn, person.member_id, person.family_name, person.given_name, person.birth_date.isoformat())
    everything = "\n".join(told)
    assert person.client_ref in everything  # the search finds what is there
    for canary in canaries:
        assert canary not in everything and canary.upper() not in everything
    assert {key.name for key in SEARCH_ATTRIBUTES} == {
        *("Programme", "Stage", "Site", "NextDeadline", "Urgent", "NotRecorded", "RecordHead")
    }
    assert {key.name for key in SEARCH_ATTRIBUTES} == set(temporal_setup.SEARCH_ATTRIBUTES)
