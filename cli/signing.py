"""Who signs what is sent to journeys: intake, an operator for direct access, the board for those signed in."""

from __future__ import annotations

from pathlib import Path

from access.signatures import Signer, Standing
from access.trusted_keys import KeyFileError, read_private_key
from deploy.errors import SettingsError
from deploy.settings import Settings
from domain.authorship import Via
from domain.commands import BaseCommand, Decision, SignedCommand
from workflows.client import Sign


def direct_access(settings: Settings) -> Sign:
    """Signs decisions as an operator of the machine: nobody has signed in, and the record says so.

    The person and the role are those that the decision names, at any site.

    Raises:
        SettingsError: There is no such key, or it cannot be read.
    """
    signer = _signer(settings.require_direct_key(), "THROUGHLINE_DIRECT_KEY")

    def sign(journey_id: str, command: BaseCommand) -> BaseCommand:
        if not isinstance(command, Decision):
            return command
        return signer.sign(journey_id, command, Standing(Via.DIRECT, roles=(command.by.role,)))

    return sign


def intake_signing(settings: Settings) -> Sign:
    """Signs as intake what no person decides: admissions messages, and what is known of sessions.

    Raises SettingsError as `direct_access` does.
    """
    signer = _signer(settings.require_intake_key(), "THROUGHLINE_INTAKE_KEY")

    def sign(journey_id: str, command: BaseCommand) -> BaseCommand:
        if not isinstance(command, SignedCommand) or isinstance(command, Decision):
            return command
        return signer.sign(journey_id, command, Standing(Via.INTAKE))

    return sign


def decision_signer(settings: Settings) -> Signer:
    """Signs decisions of people who have signed in. Raises SettingsError as `direct_access` does."""
    return _signer(settings.require_decision_key(), "THROUGHLINE_DECISION_KEY")


def _signer(file: Path, variable: str) -> Signer:
    try:
        return Signer(read_private_key(file))
    except KeyFileError as error:
        raise SettingsError(f"{variable}: {error}") from None
