"""Continuing a journey as a new run of its workflow: when, and with what."""

from __future__ import annotations

from temporalio import workflow

from workflows.messages import JourneyStart
from workflows.recording import Recording


def should_roll_over(start: JourneyStart, recording: Recording, *, is_asked: bool) -> bool:
    """Whether this run should end and another go on.

    Not while callers wait to be told that nothing can be recorded, and not before the comparisons with the record that
    were asked for: none is carried over.
    """
    if recording.checks.stopped or recording.trouble.is_starting or not recording.checks.all_failed:
        return False
    info, limit = workflow.info(), start.roll_over_after
    too_long = limit is not None and info.get_current_history_length() > limit
    return is_asked or too_long or info.is_continue_as_new_suggested()


def next_start(start: JourneyStart, recording: Recording) -> JourneyStart:
    """The next run's input. The state stays behind: the next run folds it from the record in the shape it knows."""
    known = recording.known_state
    carried = {"carried": known if known.version else None, "kept": recording.pending.commands()}
    return start.model_copy(update={**carried, "not_recorded": recording.trouble.now})
