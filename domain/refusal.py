"""A refusal: an answer, not a fault. It changes nothing and costs nothing."""

from __future__ import annotations

from domain.values import Value


class Refusal(Value):
    """Why a command was not carried out.

    Attributes:
        code: Short and stable, for programs.
        sentence: For a nurse: what is wrong and what to do instead. No client data.
    """

    code: str
    sentence: str


class Refused(Exception):
    """Carries a refusal out of a rule; `decide` turns it into its result. Only `require_known` lets it out."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code=code, sentence=sentence)


def require(met: bool, code: str, sentence: str) -> None:
    """Refuses with `code` and `sentence` unless `met`."""
    if not met:
        raise Refused(code, sentence)


class UnknownHere(LookupError):
    """This process's copy of the centre's files lacks it; another process may have a newer copy.

    It is no refusal: whether a command is refused must not depend on which worker is asked.
    """
