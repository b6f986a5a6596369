"""`throughline projections`: lists the read models, rebuilds them, and verifies them against the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from cyclopts import App

from cli.access import load_settings, told_in_one_line
from cli.output import Exit, Stop, show_json, stdout, table
from cli.progress import progress
from dashboard.projections import READ_MODELS, ReadModel
from dashboard.projections import rebuild as rebuilding
from dashboard.projections.standing import generations
from dashboard.projections.verify import Verified
from dashboard.projections.verify import verify as verify_models
from domain.wording import moment

app = App(name="projections", help="List, rebuild or verify the read models that dashboards see.", sort_key=10)


@app.command(name="list", sort_key=0)
async def list_(*, json: bool = False) -> None:
    """List each read model: how far it has come, and its other generations.

    Args:
        json: Print one JSON object.
    """
    with told_in_one_line():
        found, kept = await generations(_database_url(), READ_MODELS)
    if json:
        show_json({"projector": "active" if kept else "none runs", "generations": [asdict(each) for each in found]})
        return
    columns = ("Read model", "Generation", "Status", "As of event", "Behind", "Written", "Alarm")
    rows = [
        (e.read_model, e.generation, e.status, e.position, e.head - e.position, moment(e.updated_at), e.alarm)
        for e in found
    ]
    table(None, columns, rows)
    if not kept:
        stdout.print("\nno projector is active: start one with `throughline projector`")


@app.command(sort_key=1)
async def rebuild(*name: str, previous: bool = False, json: bool = False) -> None:
    """Rebuild read models from the first event, next to the live ones, and switch to them.

    Dashboards and the service keep running meanwhile.

    Args:
        name: The read models to rebuild; all of them if left out.
        previous: Go back to the generation before the live one, brought up to date, instead of making a new one.
        json: Print one JSON object.
    """
    models = _chosen(name)
    with told_in_one_line(), progress("rebuilding") as told:
        rebuilt = await rebuilding.rebuild(_database_url(), models, told, previous=previous)
    if json:
        show_json(asdict(rebuilt))
        return
    live = ", ".join(f"{name} {generation}" for name, generation in rebuilt.generations.items())
    stdout.print(f"live as of event {rebuilt.position}, generation: {live}", markup=False)
    stdout.print(f"{rebuilt.seconds:.1f} s, and {rebuilt.switch_seconds * 1000:.0f} ms to switch", markup=False)


@app.command(sort_key=2)
async def verify(*name: str, json: bool = False) -> int:
    """Compare every row of the live read models with the whole record. Exit code 1 if any row differs.

    Args:
        name: The read models to verify; all of them if left out.
        json: Print a JSON list.
    """
    models = _chosen(name)
    with told_in_one_line(), progress("verifying") as told:
        verified = await verify_models(_database_url(), models, told)
    if json:
        show_json([asdict(each) for each in verified])
    else:
        _show(verified)
    return Exit.FAILED if any(each.differing for each in verified) else Exit.OK


def _show(verified: Sequence[Verified]) -> None:
    for each in verified:
        same = f"{each.differing} rows differ" if each.differing else "all equal"
        line = f"{each.read_model} {each.generation}, as of event {each.position}: {each.rows} rows, {same}"
        stdout.print(line, markup=False)
        for row in each.first:
            key = ", ".join(f"{name} {value}" for name, value in row.key.items())
            stdout.print(f"  {row.found}: {key}  {', '.join(row.columns)}", markup=False)


def _chosen(names: Sequence[str]) -> list[ReadModel]:
    known = {model.name: model for model in READ_MODELS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Stop(Exit.USAGE, f"no read model is called {', '.join(unknown)}: there are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] or list(READ_MODELS)


def _database_url() -> str:
    return load_settings().require_database_url()
