"""The file of payload keys: read with care, made once, and never silently made again."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import KeyLostError, SettingsError
from deploy.home import running_stack_env
from deploy.payload_keys import provide_payload_keys, read_payload_keys
from deploy.settings import Settings
from deploy.stack import Stack

OLD, NEW = bytes(32), b"\x01" * 32


def key_file(folder: Path, *lines: bytes, mode: int = 0o600) -> Path:
    file = folder / "payloads"
    file.write_bytes(b"\n".join(lines) + b"\n")
    file.chmod(mode)
    return file


def test_the_key_that_encrypts_is_the_last_one(tmp_path: Path) -> None:
    assert read_payload_keys(key_file(tmp_path, *map(base64.b64encode, (OLD, NEW)))) == [OLD, NEW]


@pytest.mark.parametrize(
    ("lines", "mode", "saying"),
    [
        ([], 0o600, "is empty"),
        ([base64.b64encode(OLD)], 0o640, "make its mode 0600"),
        ([base64.b64encode(OLD), b"hunter2"], 0o600, "is not a payload key"),
        ([base64.b64encode(OLD[:16])], 0o600, "each is 32 random bytes in base64"),
        (["geheim-für-uns".encode()], 0o600, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, lines: list[bytes], mode: int, saying: str) -> None:
    with pytest.raises(SettingsError, match=saying) as refused:
        read_payload_keys(key_file(tmp_path, *lines, mode=mode))
    assert str(tmp_path) in str(refused.value)
    assert "hunter2" not in str(refused.value) and "geheim" not in str(refused.value)


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none.*THROUGHLINE_PAYLOAD_KEYS.*put the payload keys there"):
        read_payload_keys(tmp_path / "none")


def provide(folder: Path, *, may_make: bool = True, begins_empty: bool = False) -> Path:
    file = folder / "keys" / "payloads"
    provide_payload_keys(file, folder / "used", may_make=may_make, begins_empty=begins_empty)
    return file


def test_a_first_key_is_made_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    file = provide(tmp_path, begins_empty=True)
    [key] = read_payload_keys(file)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert read_payload_keys(provide(tmp_path)) == [key]


def test_one_is_made_for_the_data_of_a_release_that_encrypted_nothing(tmp_path: Path) -> None:
    assert len(read_payload_keys(provide(tmp_path, begins_empty=False))) == 1


def test_a_lost_one_is_not_made_again_while_journeys_may_need_it(tmp_path: Path) -> None:
    file = provide(tmp_path, begins_empty=True)
    file.unlink()
    with pytest.raises(KeyLostError, match="from their safe copy"):
        provide(tmp_path)
    assert not file.exists()
    assert provide(tmp_path, begins_empty=True).exists(), "nothing is there that it could have encrypted"


def test_a_file_that_somebody_named_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(KeyLostError):
        provide(tmp_path, may_make=False, begins_empty=True)


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="throughline-payload-keys-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.stack
async def test_the_stack_makes_it_and_tells_other_commands(home: Path) -> None:
    async with Stack(Settings(home=home), ports="free", postgres=False, ui=False) as running:
        file = running.settings.require_payload_keys()
        assert running_stack_env(home)["THROUGHLINE_PAYLOAD_KEYS"] == str(file)
        key = read_payload_keys(file)
    file.unlink()
    with pytest.raises(KeyLostError, match=str(file)):
        async with Stack(Settings(home=home), ports="free", postgres=False, ui=False):
            pass
    shutil.rmtree(home / "temporal")
    async with Stack(Settings(home=home), ports="free", postgres=False, ui=False) as running:
        assert read_payload_keys(running.settings.require_payload_keys()) != key


@pytest.mark.stack
async def test_a_file_that_somebody_named_is_used(home: Path, tmp_path: Path) -> None:
    named = Settings(home=home).changed(payload_keys=key_file(tmp_path, base64.b64encode(NEW)))
    async with Stack(named, ports="free", postgres=False, ui=False) as running:
        assert running.settings.payload_keys == named.payload_keys
    assert not (home / "keys").exists()
