"""A changed value is what pydantic's own copy would be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.obligations import ObligationStatus
from domain.state import JourneyState
from tests.domain.walk import STAGES


@pytest.mark.parametrize("name", STAGES)
def test_a_changed_value_equals_a_copy_with_the_change_and_leaves_the_first_as_it_was(name: str) -> None:
    state = STAGES[name]().state
    before = state.model_dump_json()
    changed = state.changed(news=98, version=99)
    copied = state.model_copy(update={"news": 98, "version": 99})
    assert changed == copied
    assert changed.model_dump_json() == copied.model_dump_json()
    assert changed.model_fields_set == copied.model_fields_set
    assert type(changed) is JourneyState
    assert state.model_dump_json() == before
    assert JourneyState.model_validate_json(changed.model_dump_json()) == changed
    for owed in state.obligations.open.values():
        waived = owed.changed(status=ObligationStatus.WAIVED)
        assert (waived.status, waived.id, owed.status.is_open) == (ObligationStatus.WAIVED, owed.id, True)


def test_what_was_set_is_known_of_a_value_that_had_only_defaults() -> None:
    assert JourneyState().changed(version=1).model_fields_set == {"version"}
    assert JourneyState().model_fields_set == set()


def test_a_changed_value_is_as_frozen_as_the_first() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        JourneyState().changed(version=1).version = 2  # type: ignore[misc]
