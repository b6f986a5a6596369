"""`throughline policy`: what a centre's policies say, whether a file can be used, and how two differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclopts import App

from centre.files import centre_folder
from centre.policies import ReadPolicy, StepEntry, TermsEntry, read_policies, read_policy
from cli.access import load_settings
from cli.output import Exit, Stop, show_fields, show_json, stdout, table
from domain.pathway import PART_NAMES
from domain.policy import Numbers, ReviewRule

app = App(name="policy", help="Show, check or compare policies: numbers, levels of care, escalation steps.")


@app.command(sort_key=0)
def show(version: str | None = None, *, json: bool = False) -> None:
    """Show a policy: every number with its unit, source and check date. Without a version, list the policies.

    Args:
        version: The policy's version, or the path of its file.
        json: Print it as JSON.
    """
    if version is None:
        _list(json)
        return
    found = _policy(version)
    if json:
        show_json({"digest": found.policy.digest, **found.document})
        return
    show_fields(
        {
            "Policy": f"{found.policy.version}: {found.policy.title}",
            "Digest": found.policy.digest,
            "Left out": ", ".join(name for name in PART_NAMES if name not in found.policy.parts) or "nothing",
        }
    )
    table("Numbers", ("Number", "Value", "Unit", "What for", "Source", "Checked"), _numbers(found))
    columns = ("Level", "Given by", "Hours a week", "Sessions a week", "Review", "Told at once of a step-up", "Price")
    table("Levels of care, the gentlest first", columns, list(_levels(found)))
    table("Obligations", ("Obligation", "Owner", "Escalation"), list(_obligations(found)))


@app.command(sort_key=1)
def check(*file: Path) -> None:
    """Check whether policy files can be used. If one cannot, exit code 1, with the line and the reason.

    Args:
        file: The files to check; all of this centre's if left out.
    """
    found = [read_policy(each) for each in file] if file else _policies()
    for each in found:
        stdout.print(f"{each.policy.version}: can be used, digest {each.policy.digest}", markup=False)


@app.command(sort_key=2)
def diff(one: str, other: str, *, json: bool = False) -> None:
    """Show what differs between two policies. Exit code 1 if anything does.

    Args:
        one: A version, or the path of a file.
        other: Another version, or the path of a file.
        json: Print the differences as JSON.
    """
    before, after = (dict(_lines(_policy(each).document)) for each in (one, other))
    rows = [
        (name, before.get(name, "not there"), after.get(name, "not there"))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if json:
        show_json([{"where": name, "one": first, "other": second} for name, first, second in rows])
    elif rows:
        table(None, ("Where", one, other), rows)
    else:
        stdout.print("there is no difference", markup=False)
    if rows:
        raise Stop(Exit.FAILED, f"{len(rows)} difference{'s' if len(rows) > 1 else ''}")


def _list(json: bool) -> None:
    found = _policies()
    if json:
        show_json([{"version": each.policy.version, "digest": each.policy.digest} for each in found])
        return
    table(None, ("Version", "Title", "Digest"), [(p.version, p.title, p.digest[:16]) for p, _, _ in found])


def _policy(version: str) -> ReadPolicy:
    if version.endswith(".toml"):
        return read_policy(Path(version))
    for each in _policies():
        if each.policy.version == version:
            return each
    raise Stop(Exit.USAGE, f"there is no policy {version!r}; `throughline policy show` lists them")


def _policies() -> list[ReadPolicy]:
    return read_policies(centre_folder(load_settings().centre) / "policies")


def _numbers(found: ReadPolicy) -> list[tuple[object, ...]]:
    return [
        (name, _value(entry.value), entry.unit, Numbers.model_fields[name].description, entry.source, entry.checked)
        for name, entry in found.file.numbers.items()
    ]


def _value(value: Any) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _levels(found: ReadPolicy) -> Iterator[tuple[object, ...]]:
    for level in found.file.levels:
        hours = "{} to {}".format(*level.hours_a_week) if level.hours_a_week else ""
        sessions = "{} to {}".format(*level.sessions_a_week) if level.sessions_a_week else ""
        price = level.price
        cost = f"${price.allowed_dollars} allowed, ${price.self_pay_dollars} self-pay a day" if price else ""
        yield (
            f"{level.id}: {level.title}",
            "us" if level.is_ours else "another facility",
            hours,
            sessions,
            _review(level.review) + ("; maintenance without an end date" if level.maintenance else ""),
            ", ".join(level.tell_at_once),
            cost,
        )


def _review(rule: ReviewRule | None) -> str:
    if rule is None:
        return ""
    if rule.every_days is not None:
        return f"every {rule.every_days} days"
    beyond = f"; beyond week {rule.last_week} {' or '.join(rule.beyond)} decides" if rule.last_week else ""
    return f"from week {rule.first_week}{beyond}"


def _obligations(found: ReadPolicy) -> Iterator[tuple[object, ...]]:
    for kind, terms in found.file.obligations.items():
        told = "; ".join(map(_step, terms.steps)) + f"; again every {terms.repeat_hours} h"
        yield kind, terms.owner, told + _limits(terms)


def _limits(terms: TermsEntry) -> str:
    """How a kind differs from the usual: when it waits, when people are told, and how it may be acknowledged."""
    hours = {None: "", True: "; at any hour", False: "; in opening hours"}[terms.around_the_clock]
    limits = terms.acknowledgement
    quiet = f"; quiet for {limits.hours} h at an acknowledgement" if limits.hours else ""
    most = f", {limits.times} at most" if limits.times else ""
    crisis = "; waits during a crisis" if terms.pauses_in_crisis else ""
    leave = "; waits during a leave" if terms.pauses_on_leave else ""
    return hours + quiet + most + crisis + leave


def _step(step: StepEntry) -> str:
    when = "at once" if step.hours is None else "when due" if step.hours == 0 else f"{step.hours:+d} h"
    return f"{when} {step.by} {step.tell}"


def _lines(data: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Each value of a document with its path. Levels are named by their ids."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _lines(value, f"{where}.{name}" if where else name)
    elif isinstance(data, list) and data and all(isinstance(each, dict) and "id" in each for each in data):
        yield f"{where} in order", ", ".join(str(each["id"]) for each in data)
        for each in data:
            yield from _lines(each, f"{where}.{each['id']}")
    elif isinstance(data, list):
        yield where, ", ".join(_flat(each) for each in data)
    else:
        yield where, str(data)


def _flat(value: Any) -> str:
    return " ".join(str(each) for _, each in sorted(value.items())) if isinstance(value, dict) else str(value)
