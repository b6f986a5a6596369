"""`throughline decisions`: every decision, who may take it and at which stages, made from the declarations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cli.decisions import where, who_may
from cli.output import Exit, Stop, show_json, stdout, table
from domain.commands import Decision
from domain.decision_options import Option, options_of
from domain.pathway import DECISIONS, OBLIGATIONS
from domain.values import Role, Stage


def decisions(*, write: Path | None = None, check: Path | None = None, json: bool = False) -> None:
    """List the decisions people can take on a journey, or write or check their reference page.

    Args:
        write: File to write the reference page to.
        check: File to compare with the reference page. Exit code 1 if it differs.
        json: Print them as JSON, each with the JSON Schema of its fields.
    """
    if write and check:
        raise Stop(Exit.USAGE, "give --write or --check, not both")
    if write:
        _write(write)
        stdout.print(f"written {write}", markup=False)
    elif check:
        _require_same(check)
    elif json:
        show_json([_as_json(each) for each in DECISIONS])
    else:
        rows = [(each.name(), who_may(each.declared), where(each.declared), _risk(each)) for each in DECISIONS]
        table(None, ("Decision", "By", "At", "High-risk"), rows)


def _write(page: Path) -> None:
    try:
        page.write_text(reference(), encoding="utf-8")
    except OSError as error:
        raise Stop(Exit.FAILED, f"cannot write {page} ({error.strerror})") from None


def _require_same(page: Path) -> None:
    try:
        same = page.read_text(encoding="utf-8") == reference()
    except OSError as error:
        raise Stop(Exit.FAILED, f"cannot read {page} ({error.strerror})") from None
    except UnicodeDecodeError:
        same = False
    if not same:
        raise Stop(Exit.FAILED, f"{page} is not up to date: run `throughline decisions --write {page}`")
    stdout.print(f"{page} is up to date", markup=False)


def _as_json(decision: type[Decision]) -> dict[str, object]:
    declared = decision.declared
    return {
        "name": decision.name(),
        "label": declared.label,
        "description": decision.description(),
        "by": declared.by,
        "at": declared.at,
        "high_risk": declared.high_risk,
        "fields": decision.model_json_schema(),
    }


_INTRODUCTION = """# Decisions

<!-- Made by `throughline decisions --write`. Change the declarations in domain/pathway, not this page. -->

Every decision a person can take on a journey. Each is one class in `domain/pathway/`; the Temporal Update of the
same name, the command and this page are made from it. Each also takes who decides (`--by`, `--role`), an id under
which it is done once (`--id`), and when it was true if that is earlier than now (`--occurred-at`): what is due then
counts from that time.
"""


def reference() -> str:
    """The reference page, Markdown."""
    sections = (line for decision in DECISIONS for line in _section(decision))
    return "\n".join([_INTRODUCTION, *_stages(), *_roles(), *_obligations(), *sections])


def _stages() -> Iterator[str]:
    yield from ("## At which stage", "")
    rows = [[f"`{each.name()}`", *(_mark(stage in each.declared.at) for stage in Stage)] for each in DECISIONS]
    yield from _table(["decision", *(stage.replace("_", " ").lower() for stage in Stage)], rows)


def _roles() -> Iterator[str]:
    yield from ("## By which role", "")
    yield "Some decisions depend on more than the role; their refusals say so. The next table says who may complete or"
    yield "waive an obligation."
    yield ""
    rows = [
        [f"`{each.name()}`", *(_mark(role in each.declared.by) for role in Role), _risk(each)] for each in DECISIONS
    ]
    yield from _table(["decision", *(role.replace("-", " ") for role in Role), "high-risk"], rows)


def _obligations() -> Iterator[str]:
    yield from ("## Who may complete or waive", "")
    yield "Each kind of obligation says who may end it by saying it is done, and who may decide that it need not be."
    yield "Where nobody may complete it, a decision of its own ends it. An obligation that nobody may waive keeps the"
    yield "journey moving; `continued-stay` is waived by those whom the policy lets continue care at the level."
    yield ""
    rows = [
        [f"`{name}`", kind.title, kind.priority, ", ".join(kind.completable_by), ", ".join(kind.waivable_by)]
        for name, kind in sorted(OBLIGATIONS.items())
    ]
    yield from _table(["obligation", "what", "priority", "completed by", "waived by"], rows)


def _section(decision: type[Decision]) -> Iterator[str]:
    yield from (f"## {decision.declared.label}", "", f"`{decision.name()}`. {decision.description()}", "")
    if options := options_of(decision):
        rows = [[f"`{each.flag}`", _kind(each), "yes" if each.required else "", each.description] for each in options]
        yield from _table(["option", "holds", "needed", "what it says"], rows)


def _kind(option: Option) -> str:
    if option.choices:
        return ", ".join(option.choices)
    return _HOLDS.get(option.kind.__name__, "text")


_HOLDS = {"bool": "yes or no", "tuple": "lines of text", "Decimal": "number", "int": "number"}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _mark(is_so: bool) -> str:
    return "●" if is_so else ""


def _risk(decision: type[Decision]) -> str:
    return "yes" if decision.declared.high_risk else ""
