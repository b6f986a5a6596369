"""Commands that a journey has accepted and whose outcome is not on record yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.commands import BaseCommand
from domain.pathway import Command
from domain.pathway.calls import SettleEffect
from domain.pathway.deadlines import TimePassed
from domain.refusal import Refusal


@dataclass(eq=False)
class PendingCommand:
    """A command and its outcome so far.

    Attributes:
        answered: Whether its outcome is on record, or it was refused.
        refusal: Why it was refused.
        failed: Whether the last attempt to record its outcome failed.
        callers_waiting: How many callers wait for its outcome.
    """

    command: BaseCommand
    answered: bool = False
    refusal: Refusal | None = None
    failed: bool = False
    callers_waiting: int = 0

    @property
    def kind(self) -> str:
        """The kind of the command, e.g. `decide-placement`; never its content."""
        return self.command.name()


class PendingCommands:
    """The commands in the order in which they came, each once."""

    def __init__(self, kept: Iterable[BaseCommand] = ()) -> None:
        """`kept` are the commands that the run before could not record."""
        self._waiting = deque(map(PendingCommand, kept))

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[PendingCommand]:
        return iter(self._waiting)

    def __getitem__(self, number: int) -> PendingCommand:
        return self._waiting[number]

    def put(self, command: BaseCommand, *, first: bool = False) -> PendingCommand:
        """Adds `command`, unless it is there already, and marks it to be tried."""
        pending = self.find(command)
        if pending is None:
            pending = PendingCommand(command)
            (self._waiting.appendleft if first else self._waiting.append)(pending)
        pending.failed = False
        return pending

    def find(self, command: BaseCommand) -> PendingCommand | None:
        """The same command, if it is there already."""
        return next((each for each in self if each.command.cause == command.cause), None)

    def take_out(self, number: int) -> PendingCommand:
        """Removes the command at `number`, whose outcome is known."""
        pending = self._waiting[number]
        del self._waiting[number]
        pending.answered = True
        return pending

    def fail_all(self) -> None:
        """Notes that no command could be recorded."""
        for each in self:
            each.failed = True

    def try_all_again(self) -> None:
        """Notes that every command is to be tried."""
        for each in self:
            each.failed = False

    @property
    def all_failed(self) -> bool:
        """Whether each was tried and could not be recorded; True if none waits."""
        return all(each.failed for each in self)

    @property
    def has_callers(self) -> bool:
        """Whether a person or a system waits for one of the outcomes."""
        return any(each.callers_waiting for each in self)

    @property
    def has_time_passed(self) -> bool:
        """Whether a deadline that has come is waiting to be decided."""
        return any(isinstance(each.command, TimePassed) for each in self)

    def answered_calls(self) -> set[str]:
        """The concurrency keys of calls that were answered, and whose answer is not on record yet."""
        return {each.command.concurrency_key for each in self if isinstance(each.command, SettleEffect)}

    def commands(self) -> tuple[Command, ...]:
        """The commands alone, for the next run's input."""
        return tuple(each.command for each in self)

    def kinds(self) -> list[str]:
        """The kinds of the waiting commands, in order."""
        return [each.kind for each in self]
