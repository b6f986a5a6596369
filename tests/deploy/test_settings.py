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
from deploy.layers import unit_of
from deploy.limits import Limits
from deploy.settings import Settings
from deploy.values import HostPort

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
        payload_keys=Path("/etc/throughline/payload-keys"),
        temporal_address=str(address),
        temporal_namespace="centre",
        mllp_port=mllp,
        http_port=http,
        max_connections_per_peer=mllp + 1,
        worker_cpu=0.5,
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
        ("THROUGHLINE_MLLP_MAX_BYTES", "1.5"),
        ("THROUGHLINE_MLLP_IDLE_SECONDS", "inf"),
        ("THROUGHLINE_HTTP_BODY_SECONDS", "nan"),
        ("THROUGHLINE_HTTP_IDLE_SECONDS", "0"),
        ("THROUGHLINE_WORKER_CPU", "1.5"),
        ("THROUGHLINE_INTAKE_LEASE_SECONDS", "20"),
        ("THROUGHLINE_WORKER_FEWEST_CALLS", "501"),
        ("THROUGHLINE_RECONCILE_MINUTES", "1441"),
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "oracle://care:hunter2@db.example.org/x"),
        ("THROUGHLINE_KEYS_URL", "care:hunter2@db.example.org"),
        ("THROUGHLINE_CLINIC_URL", "ftp://care:hunter2@clinic.example.org"),
        ("THROUGHLINE_CLINIC_URL", "http://[care:hunter2@clinic"),
        ("THROUGHLINE_SMTP", "smtp://care:hunter2@mail.example.org/x"),
        ("TEMPORAL_ADDRESS", "care:hunter2"),
        ("THROUGHLINE_WORKER_CPU", "hunter2"),
        ("THROUGHLINE_VIRTUAL_TIME", "hunter2"),
    ],
)
def test_what_is_refused_is_not_shown_since_it_may_hold_a_password(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refusal:
        Settings.from_env({name: value})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "saying"),
    [
        ("THROUGHLINE_MLLP_MAX_BYTES", "lots", "must be a whole number of bytes, from 1024"),
        ("THROUGHLINE_WORKER_CPU", "80", "must be a share, from 0.05 to 1"),
        ("THROUGHLINE_MLLP_PORT", "65536", "must be a whole number, from 0 to 65535"),
        ("THROUGHLINE_VIRTUAL_TIME", "maybe", "must be 1 or 0"),
    ],
)
def test_what_is_refused_says_its_unit_and_its_bounds(name: str, value: str, saying: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_env({name: value})
    assert str(refusal.value) == f"{name} {saying}"


def test_a_password_is_not_in_what_a_log_would_show(tmp_path: Path) -> None:
    url = "postgresql://worker:hunter2@db/throughline"
    assert "hunter2" not in repr(Settings(home=tmp_path, database_url=url, keys_url=url))


def test_settings_that_a_program_makes_read_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://care@db.example.org/x")
    assert Settings(home=tmp_path).database_url is None


def test_every_setting_says_what_it_is_and_every_limit_its_unit() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert all(unit_of(field) for field in Limits.model_fields.values())


@pytest.mark.parametrize("name", Limits.model_fields)
def test_every_limit_is_used(name: str) -> None:
    root = Path(__file__).parents[2]
    users = [root / "worker.py", *(root / "cli").glob("*.py")]
    assert any(f".{name}" in each.read_text(encoding="utf-8") for each in users)


def test_a_missing_address_says_how_to_get_one(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    for require in (
        settings.require_database_url,
        settings.require_keys_url,
        settings.require_kek_file,
        settings.require_payload_keys,
        settings.require_temporal_address,
        settings.require_trusted_keys,
        settings.require_decision_key,
        settings.require_direct_key,
        settings.require_intake_key,
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
