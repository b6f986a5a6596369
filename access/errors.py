"""What goes wrong between a person and their session, with words for the page that says so."""

from __future__ import annotations


class SignInFailed(Exception):
    """The sign-in did not work. Nothing has changed; the person may begin again.

    Attributes:
        code: Short and stable, for the log.
        sentence: For the person: what is wrong and what to do.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class ProviderUnreachable(SignInFailed):
    """The sign-in provider does not answer."""

    def __init__(self) -> None:
        super().__init__("provider-unreachable", "The sign-in service does not answer. Try again in a minute.")
