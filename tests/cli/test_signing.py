"""The keys of a system on one machine, and what a command or a worker says that lacks its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import worker
from access.trusted_keys import read_trusted_keys
from cli.house_keys import provide_signing_keys
from cli.output import Exit
from cli.signing import direct_access, intake_signing
from deploy.errors import SettingsError
from deploy.settings import Settings
from deploy.stack import Stack
from domain.authorship import KEY_NOT_TRUSTED, Via
from domain.commands import SignedCommand
from domain.pathway.admission import RepeatAdmission
from tests.access.test_signatures import JOURNEY, PLACEMENT
from tests.cli.conftest import Call, Command
from tests.cli.desk import CLINICIAN
from tests.cli.test_house import admitted


def provided(settings: Settings) -> Settings:
    stack = Stack(settings)
    provide_signing_keys(stack)
    return stack.settings


def test_the_keys_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    first = provided(Settings(home=tmp_path))
    keys = {name: (tmp_path / "keys" / f"{name}.pem").read_bytes() for name in ("decisions", "direct", "intake")}
    assert len(set(keys.values())) == 3
    assert {(tmp_path / "keys" / f"{name}.pem").stat().st_mode & 0o077 for name in keys} == {0}
    assert provided(Settings(home=tmp_path)) == first
    assert {name: (tmp_path / "keys" / f"{name}.pem").read_bytes() for name in keys} == keys


def test_direct_access_and_intake_are_trusted_for_their_own_ways_in_alone(tmp_path: Path) -> None:
    settings = provided(Settings(home=tmp_path))
    trusted = worker.trusted_keys(settings)
    message = RepeatAdmission(id="repeat/1", message="m-1")
    for sign, command, via in (
        (direct_access(settings), PLACEMENT, Via.DIRECT),
        (intake_signing(settings), message, Via.INTAKE),
    ):
        signed = sign(JOURNEY, command)
        assert isinstance(signed, SignedCommand) and signed.signature is not None and signed.signature.via is via
        assert trusted.refusal(JOURNEY, signed.cause, signed.authorship("anywhere")) is None
        other = Via.API if via is Via.DIRECT else Via.DIRECT
        forged = signed.model_copy(update={"signature": signed.signature.changed(via=other)})
        refusal = trusted.refusal(JOURNEY, forged.cause, forged.authorship("anywhere"))
        assert refusal is not None and refusal.code == KEY_NOT_TRUSTED


def test_neither_signs_for_the_other(tmp_path: Path) -> None:
    settings = provided(Settings(home=tmp_path))
    message = RepeatAdmission(id="repeat/1", message="m-1")
    assert direct_access(settings)(JOURNEY, message) == message
    assert intake_signing(settings)(JOURNEY, PLACEMENT) == PLACEMENT


def test_a_list_of_trusted_keys_that_is_given_is_left_alone(tmp_path: Path) -> None:
    given = tmp_path / "given.toml"
    given.write_text("keys = []\n")
    assert provided(Settings(home=tmp_path, trusted_keys=given)).trusted_keys == given
    assert given.read_text() == "keys = []\n"
    assert not (tmp_path / "keys" / "trusted.toml").exists()


def test_a_key_that_is_given_is_the_one_that_is_listed(tmp_path: Path) -> None:
    other = provided(Settings(home=tmp_path / "other"))
    settings = provided(Settings(home=tmp_path / "mine", direct_key=other.direct_key))
    assert settings.direct_key == other.direct_key
    signed = direct_access(other)(JOURNEY, PLACEMENT)
    assert isinstance(signed, SignedCommand)
    trusted = read_trusted_keys(settings.require_trusted_keys())
    assert trusted.refusal(JOURNEY, signed.cause, signed.authorship("main")) is None


@pytest.mark.parametrize(("file", "saying"), [(None, "is not set"), ("none.toml", "cannot be read")])
def test_a_worker_has_no_list_but_the_one_it_is_given(tmp_path: Path, file: str | None, saying: str) -> None:
    settings = Settings(home=tmp_path, trusted_keys=tmp_path / file if file else None)
    with pytest.raises(SettingsError, match=f"THROUGHLINE_TRUSTED_KEYS.*{saying}"):
        worker.trusted_keys(settings)


def test_a_key_that_cannot_be_read_is_named_by_its_setting(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, direct_key=tmp_path / "none.pem")
    with pytest.raises(SettingsError, match=r"THROUGHLINE_DIRECT_KEY: no key can be read"):
        direct_access(settings)
    with pytest.raises(SettingsError, match="THROUGHLINE_INTAKE_KEY is not set"):
        intake_signing(settings)


@pytest.mark.stack
def test_a_command_that_lacks_the_operators_key_says_so(house: Command, there: Call, tmp_path: Path) -> None:
    """And one that has another's is told that nobody trusts it."""
    journey = admitted(there, tmp_path)
    asked = ("decide-placement", journey, "--recommended", "IOP", "--actual", "IOP", *CLINICIAN)
    keys = house.home / "keys"
    (keys / "direct.pem").rename(keys / "away.pem")
    try:
        answer = there(*asked)
        assert answer.code == Exit.UNREACHABLE and "THROUGHLINE_DIRECT_KEY: no key can be read" in answer.err
        (keys / "direct.pem").write_bytes((keys / "intake.pem").read_bytes())
        answer = there(*asked)
        assert answer.code == Exit.REFUSED and KEY_NOT_TRUSTED in answer.err
    finally:
        (keys / "away.pem").replace(keys / "direct.pem")
    assert there(*asked).code == Exit.OK
    assert "(direct access)" in there("journey", journey).out
    events = there("journey", journey, "--json").json["events"]
    vias = {each["meta"]["command_id"].partition("/")[0]: each["meta"].get("via") for each in events}
    assert (vias["decide-placement"], vias["open"]) == ("direct", None)
