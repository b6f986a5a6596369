"""The lives of simulated clients on the real server, and checks that would notice if they came to other events.

`make campaign` lives a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from activities import signatures
from domain.benefits import Benefits, Verdict
from domain.pathway import Event
from domain.pathway.calls import BenefitsAnswer, SettleEffect
from domain.pathway.cost import AcceptCost
from domain.pathway.obligation_events import ObligationRaised
from domain.pathway.placement import DecidePlacement
from tests.campaigns.lives import life
from tests.campaigns.pure_core import PureCore, Refused, Told
from tests.campaigns.report import any_seed
from tests.campaigns.same_events import campaign
from tests.campaigns.server_inputs import ServerInputs
from tests.domain import walk

pytestmark = pytest.mark.stack
_NOW = datetime(2026, 3, 16, 17, tzinfo=UTC)


async def test_the_real_server_and_the_pure_core_come_to_the_same_events(
    record_property: Callable[[str, object], None],
) -> None:
    report = await campaign(any_seed(), clients=3, weeks=6, minutes=3, orders=2)
    record_property("campaign", str(report))
    assert report.faults == [], str(report)
    assert report.counts["clients"] == 3, str(report)
    assert report.counts["events"] > 3 * 25, str(report)


def test_a_life_is_the_same_for_the_same_seed() -> None:
    one, same, other = life(1, 2, _NOW, 20), life(1, 2, _NOW, 20), life(2, 2, _NOW, 20)
    assert one == same != other
    assert len(one.script) > 10 and all(_NOW <= at <= _NOW + timedelta(weeks=20) for at, _ in one.script)


def placed() -> walk.Walk:
    """A client was placed in IOP, and the payer's answer came as the workflow takes it in."""
    walked = walk.opened(_NOW)
    answer = BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR, cost_share=walk.COPAY))
    walked.do(SettleEffect, id="settle/benefits-1", key="benefits-1", answer=answer)
    walked.do(DecidePlacement, recommended="IOP", actual="IOP")
    return walked


def differences(
    record: Sequence[Event], *refused: Refused, later: timedelta = timedelta(0), until: datetime = _NOW
) -> list[str]:
    """What is found if this is the record of that client until then, and the server's clock was so late."""
    walked, inputs, told = placed(), ServerInputs(), Told(refused=[*refused])
    for _, command in walked.script:
        if isinstance(command, SettleEffect):
            inputs.answered(signatures.CHECK_BENEFITS, "journey-1/benefits-1", command.answer)
        else:
            told.commands[command.cause] = command
    inputs.decided_at = {each.cause: each.at + later for each in record}
    return [*PureCore(told, inputs).differences(record, until)]


def test_what_is_the_same_is_found_to_be_the_same() -> None:
    record = placed().record
    again = Refused(DecidePlacement(id="c", by=walk.CLINICIAN, recommended="OP", actual="OP"), 0, _NOW, "not-open")
    assert differences(record) == differences(record, again) == []


def test_whatever_differs_is_noticed() -> None:
    record = placed().record
    [*_, owed] = (number for number, each in enumerate(record) if isinstance(each, ObligationRaised))
    raised = record[owed]
    assert isinstance(raised, ObligationRaised)
    later = raised.obligation.due_at + timedelta(seconds=1)
    other = raised.changed(obligation=raised.obligation.changed(due_at=later))
    [found] = differences([*record[:owed], other, *record[owed + 1 :]])
    assert "obligation.raised" in found and "differs in obligation" in found
    [found] = differences(record[:-1])
    assert "the core decides" in found and "recorded are" in found
    [found] = differences([*record[:7], *record[11:], *record[7:11]])
    assert "decide-placement" in found, "in another order"
    [found] = differences(record, later=timedelta(microseconds=1))
    assert "differs in" in found and "at" in found
    taken = Refused(AcceptCost(id="c", by=walk.ADMISSIONS, estimate="estimate-1"), len(record), _NOW, "not-yet")
    [found] = differences(record, taken)
    assert found == "accept-cost/c came to not-yet on the server, to None in the core"
    [found] = differences(record, until=_NOW + timedelta(days=60))
    assert "nothing had come of what was due" in found
