"""The key-encryption key of the embedded stack: made once, and never silently made again."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.errors import KeyLostError
from deploy.settings import Settings
from deploy.stack import Stack

pytestmark = pytest.mark.stack


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="throughline-kek-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def stack(settings: Settings) -> Stack:
    return Stack(settings, ports="free", temporal=False)


async def test_it_is_made_once_for_its_owner_alone_and_a_lost_one_stops_the_start(home: Path) -> None:
    async with stack(Settings(home=home)) as running:
        file, url = running.settings.require_kek_file(), running.settings.require_keys_url()
        assert running.database_url != url
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == "throughline_keys"
    key = file.read_bytes()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert len(base64.b64decode(key)) == 32
    file.unlink()
    with pytest.raises(KeyLostError, match=str(file)):
        async with stack(Settings(home=home)):
            pass
    assert not file.exists()
    file.write_bytes(key)
    file.chmod(0o600)
    async with stack(Settings(home=home)) as running:
        assert running.settings.require_kek_file().read_bytes() == key


async def test_a_file_that_somebody_named_is_used_and_not_made(home: Path, tmp_path: Path) -> None:
    named = Settings(home=home).changed(kek_file=tmp_path / "kek")
    with pytest.raises(KeyLostError, match=str(tmp_path)):
        async with stack(named):
            pass
    (tmp_path / "kek").write_bytes(base64.b64encode(bytes(32)))
    async with stack(named) as running:
        assert running.settings.kek_file == tmp_path / "kek"
    assert not (home / "keys").exists()
