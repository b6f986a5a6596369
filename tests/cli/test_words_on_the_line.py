"""Help, usage and what is said when nothing is up: one line on stderr, the documented code, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest
from cyclopts import App

from cli.main import build, run
from cli.output import MEANING, Exit
from deploy.kek import make_key_file
from tests.cli.conftest import Answer, Call
from tests.cli.desk import ADMISSIONS, CLINICIAN


def leaves(of: App, *way: str) -> Iterator[tuple[str, ...]]:
    """The words of every command, those of its groups included."""
    for name in sorted(name for name in of if not name.startswith("-")):
        within = of[name]
        if within.default_command is None:
            yield from leaves(within, *way, name)
        else:
            yield *way, name


COMMANDS = list(leaves(build()))
BY_NOBODY = ("decide-placement", "j-1", "--recommended", "OP", "--actual", "OP")


def assert_one_line(answer: Answer, code: Exit, saying: str) -> None:
    assert answer.code == code, answer
    assert answer.err.startswith("throughline: ")
    assert answer.err.endswith("\n")
    assert answer.err.count("\n") == 1
    assert saying in answer.err
    assert "Traceback" not in answer.err


def test_the_help_documents_every_exit_code_and_every_command(call: Call) -> None:
    answer = call("--help")
    assert answer.code == 0
    for code, meaning in MEANING.items():
        assert f"{code:>3}  {meaning}" in answer.out
    for name, *_ in COMMANDS:
        assert f" {name} " in answer.out
    assert set(MEANING) == set(Exit)


def test_no_command_at_all_shows_the_help(call: Call) -> None:
    assert call().out.startswith("Usage: throughline")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_says_what_it_is(call: Call, words: tuple[str, ...]) -> None:
    answer = call(*words, "--help")
    assert answer.code == 0
    command = reduce(lambda within, name: within[name], words, build(words))
    assert command.help.splitlines()[0].split(".")[0][:40] in answer.out
    for argument in command.assemble_argument_collection(parse_docstring=True):
        if argument.show:
            assert argument.parameter.help, f"{words} {argument.name} has no text"


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        (("nonsense",), 'Unknown command "nonsense"'),
        (("journeys", "--nonsense"), "--nonsense"),
        (("journey",), "JOURNEY_ID"),
        ((*BY_NOBODY, "--by", "s-1"), "--role"),
        ((*BY_NOBODY, "--by", "s-1", "--role", "nurse"), "choose from admissions, clinician"),
        (("decide-placement", "j-1", "--recommended", "OP", "--actual", "x l", *CLINICIAN), "--actual"),
        (("record-benefits", "j-1", "--verdict", "CLEAR", "--note", "x", "--copay", "ten", *ADMISSIONS), "copay"),
        (("resolve-funding", "j-1", "--route", "self-pay", "--reason", "", *ADMISSIONS), "reason"),
        (("send",), "at least one file"),
        (("send", "/nowhere/to/be/found.hl7"), "cannot read"),
        (("send", "/dev/null"), "is empty"),
        (("send", __file__, "--port", "99999"), "--port"),
    ],
)
def test_a_line_that_cannot_be_read_is_answered_with_one(call: Call, arguments: tuple[str, ...], saying: str) -> None:
    assert_one_line(call(*arguments), Exit.USAGE, saying)


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        (("journeys",), "throughline up"),
        (("journey", "j-1"), "throughline up"),
        (("quarantine",), "throughline up"),
        (("messages",), "throughline up"),
        (("client", "rewrap"), "throughline up"),
        ((*BY_NOBODY, *CLINICIAN), "throughline up"),
        (("worker",), "throughline up"),
        (("intake",), "throughline up"),
        (("projector",), "throughline up"),
        (("projections", "list"), "throughline up"),
        (("projections", "rebuild"), "throughline up"),
        (("projections", "verify"), "throughline up"),
        (("status",), "record, keys, temporal, worker, recording, projector, sessions, intake, clinic"),
        (("send", __file__, "--port", "9"), "throughline up"),
    ],
)
def test_nothing_that_answers_is_said_in_one_line(call: Call, arguments: tuple[str, ...], saying: str) -> None:
    assert_one_line(call(*arguments), Exit.UNREACHABLE, saying)


@pytest.mark.parametrize(
    ("name", "value", "arguments", "saying"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing", ("status",), "there are problems"),
        ("TEMPORAL_ADDRESS", "127.0.0.1:9", (*BY_NOBODY, *CLINICIAN), "127.0.0.1:9"),
    ],
)
def test_the_environment_names_what_is_asked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    value: str,
    arguments: tuple[str, ...],
    saying: str,
) -> None:
    make_key_file(tmp_path / "payloads")
    monkeypatch.setenv("THROUGHLINE_PAYLOAD_KEYS", str(tmp_path / "payloads"))
    monkeypatch.setenv("THROUGHLINE_HOME", str(tmp_path))
    monkeypatch.setenv(name, value)
    code = run(list(arguments))
    assert_one_line(Answer(code, *capsys.readouterr()), Exit.UNREACHABLE, saying)


def test_a_setting_that_cannot_be_read_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "http://somewhere")
    assert_one_line(Answer(run(["journeys"]), *capsys.readouterr()), Exit.USAGE, "TEMPORAL_ADDRESS")
    assert_one_line(Answer(run(["up"]), *capsys.readouterr()), Exit.USAGE, "TEMPORAL_ADDRESS")


def test_an_error_nobody_foresaw_tells_its_kind_and_place_but_not_its_text(
    monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    def read_rows(*_: object) -> None:
        raise KeyError("TALLULAH OVERBROOK")

    monkeypatch.setattr("cli.send.split_messages", read_rows)
    answer = call("send", __file__)
    assert_one_line(answer, Exit.FAILED, "unexpected KeyError in read_rows")
    assert "TALLULAH" not in answer.err
