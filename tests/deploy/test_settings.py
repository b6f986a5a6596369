"""Reading settings: layers, defaults, and errors that say what to set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import SettingsError
from deploy.home import Home
from deploy.settings import HostPort, Settings

ports = st.integers(min_value=0, max_value=65535)


def test_nothing_given_means_the_defaults(tmp_path: Path) -> None:
    settings = Settings.from_env({"THROUGHLINE_HOME": str(tmp_path)})
    assert settings == Settings(home=tmp_path)
    assert (settings.temporal_namespace, settings.mllp_port, settings.http_port) == ("throughline", 2575, 8480)


def test_the_default_home_is_the_users_state_directory_and_absolute() -> None:
    home = Settings.from_env({}).home
    assert home.is_absolute()
    assert home.name == "throughline"


@given(
    mllp=ports,
    http=ports,
    smtp=st.builds(HostPort, st.sampled_from(["127.0.0.1", "mail.example.org", "::1"]), ports),
    address=st.builds(HostPort, st.sampled_from(["127.0.0.1", "temporal.example.org", "::1"]), ports),
    virtual=st.booleans(),
)
def test_what_is_passed_to_another_process_is_read_back_the_same(
    mllp: int, http: int, smtp: HostPort, address: HostPort, virtual: bool
) -> None:
    settings = Settings(
        home=Path("/srv/throughline"),
        database_url="postgresql://care@db.example.org/throughline",
        keys_url="postgresql://care@keys.example.org/throughline_keys",
        kek_file=Path("/etc/throughline/kek"),
        temporal_address=str(address),
        temporal_namespace="centre",
        mllp_port=mllp,
        http_port=http,
        max_connections_per_peer=mllp + 1,
        clinic_url="http://clinic.example.org:8490/base",
        smtp=smtp,
        centre=Path("/etc/throughline/centre"),
        ui_url="https://temporal.example.org",
        virtual_time=virtual,
    )
    assert Settings.from_env(settings.as_env()) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THROUGHLINE_MLLP_PORT", "65536"),
        ("THROUGHLINE_HTTP_PORT", "-1"),
        ("THROUGHLINE_HTTP_PORT", "²"),
        ("THROUGHLINE_MAX_CONNECTIONS_PER_PEER", "0"),
        ("THROUGHLINE_MAX_CONNECTIONS_PER_PEER", "many"),
        ("THROUGHLINE_SMTP", "mail.example.org"),
        ("THROUGHLINE_SMTP", "mail.example.org:smtp"),
        ("TEMPORAL_ADDRESS", "http://127.0.0.1:7233"),
        ("THROUGHLINE_CLINIC_URL", "127.0.0.1:8490"),
        ("THROUGHLINE_UI_URL", "ftp://example.org"),
        ("THROUGHLINE_VIRTUAL_TIME", "maybe"),
        ("DATABASE_URL", "mysql://example.org/x"),
        ("THROUGHLINE_KEYS_URL", "mysql://example.org/x"),
    ],
)
def test_a_bad_value_is_refused_by_the_variables_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: value})


def test_the_database_password_is_not_shown_when_the_url_is_refused() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env({"DATABASE_URL": "oracle://care:hunter2@db.example.org/x"})
    assert "hunter2" not in str(refusal.value)


def test_a_missing_address_says_how_to_get_one(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    for require in (
        settings.require_database_url,
        settings.require_keys_url,
        settings.require_kek_file,
        settings.require_temporal_address,
        settings.require_clinic_url,
        settings.require_smtp,
    ):
        with pytest.raises(SettingsError, match="throughline up"):
            require()


def test_a_running_stacks_addresses_are_found_and_the_environment_goes_first(tmp_path: Path) -> None:
    Home(tmp_path).publish({"TEMPORAL_ADDRESS": "127.0.0.1:1111", "THROUGHLINE_HTTP_PORT": "2222"})
    env = {"THROUGHLINE_HOME": str(tmp_path), "THROUGHLINE_HTTP_PORT": "3333", "TEMPORAL_ADDRESS": " "}
    settings = Settings.load(env)
    assert settings.temporal_address == "127.0.0.1:1111"
    assert settings.http_port == 3333


def test_the_note_of_a_stack_that_died_is_ignored(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from deploy.home import Home; "
        "Home(Path(sys.argv[1])).publish({'TEMPORAL_ADDRESS': '127.0.0.1:1111'})"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=dict(os.environ))
    assert (tmp_path / "stack.json").exists()
    assert Settings.load({"THROUGHLINE_HOME": str(tmp_path)}).temporal_address is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"owner": 1, "env": {}}', '{"owner": {"pid": 1}, "env": 2}'])
def test_an_unreadable_note_is_ignored(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.json").write_text(text)
    assert Settings.load({"THROUGHLINE_HOME": str(tmp_path)}) == Settings(home=tmp_path)


def test_the_note_is_for_its_owner_alone(tmp_path: Path) -> None:
    Home(tmp_path).publish({"DATABASE_URL": "postgresql://care:secret@db.example.org/x"})
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0
