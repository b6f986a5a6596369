"""Why a message cannot be used, in words that may be sent back, stored and logged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a message cannot be used. It never holds client data, so it can be sent back and stored.

    Attributes:
        code: Short and stable, e.g. `no-msh`.
        advice: One sentence saying what to do next.
        table_0357: HL7's own error code.
        location: ERR-2 in HL7's terms (segment^sequence^field), or empty.
    """

    code: str
    advice: str
    table_0357: str = "100"
    location: str = ""


class Hl7Error(Exception):
    """Bytes that cannot be read as one HL7 v2 message, or a message that cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.advice}")
        self.problem = problem

    def __reduce__(self) -> tuple[type[Hl7Error], tuple[Problem]]:
        """Makes it picklable, so that it can be raised in another process than the one that read the message."""
        return type(self), (self.problem,)
