"""Help and version are answered at once: they load no driver, no SDK, no model of the domain."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cli.catalogue import SUMMARIES
from cli.summarise import made

HEAVY = {"temporalio", "psycopg", "pydantic", "httpx2", "structlog", "starlette", "cryptography", "asyncio", "domain"}
LOADED = """
import json, sys
from cli.main import run
assert run(sys.argv[1:]) == 0
sys.stderr.write(json.dumps([name.partition(".")[0] for name in sys.modules]))
"""


def loaded_by(*arguments: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stderr))


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ()], ids=str)
def test_help_and_version_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not loaded_by(*arguments) & HEAVY


def test_a_command_loads_what_it_needs_and_not_the_others() -> None:
    loaded = loaded_by("events", "schemas")
    assert "pydantic" in loaded
    assert "starlette" not in loaded


def test_the_summaries_are_what_the_commands_say_of_themselves() -> None:
    assert SUMMARIES.read_text(encoding="utf-8") == made(), "run `python -m cli.summarise`"
