"""`throughline events …`: commands about the events themselves rather than a journey."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from cli import evidence
from cli.output import Exit, Stop, show_json, stdout, table
from record.schemas import SchemaFolder, SchemasBroken, current_schemas

app = App(name="events", help="Verify, export and import the events on record, and list their schemas.")


@app.command
def schemas(*, write: Path | None = None, check: Path | None = None, json: bool = False) -> None:
    """List the events this release writes, or write or check the JSON Schemas of their data.

    A version that is already in the folder only accepts a compatible change: a new optional property, a new member of
    an enumeration, a wider bound. Anything else needs a new schema_version and an upcaster.

    Args:
        write: Folder to bring up to date: a file for each type and version, and index.json.
        check: Folder to compare with. Exit code 1 if it differs.
        json: Print every schema as one JSON object.
    """
    if write and check:
        raise Stop(Exit.USAGE, "give --write or --check, not both: --write checks first")
    try:
        if write:
            _say(write, SchemaFolder(write).write(), "written")
        elif check:
            _require_fresh(check)
        else:
            _show(json)
    except SchemasBroken as error:
        raise Stop(Exit.FAILED, str(error)) from None
    except OSError as error:
        raise Stop(Exit.FAILED, f"cannot use {error.filename or write or check} ({error.strerror})") from None


def _require_fresh(folder: Path) -> None:
    if stale := SchemaFolder(folder).stale():
        files = ", ".join(stale)
        raise Stop(Exit.FAILED, f"not up to date: {files}; run `throughline events schemas --write {folder}`")
    _say(folder, [], "")


def _say(folder: Path, names: list[str], what: str) -> None:
    for name in names:
        stdout.print(f"{what} {folder / name}", markup=False)
    if not names:
        stdout.print(f"the schemas in {folder} are up to date", markup=False)


def _show(json: bool) -> None:
    made = sorted(current_schemas().items())
    if json:
        show_json({f"{kind}.v{version}": schema for (kind, version), schema in made})
        return
    rows = [(shape.type, shape.version, schema.get("description", "").splitlines()[0]) for shape, schema in made]
    table(None, ("Type", "Version", "What it says"), rows)


for _command in evidence.COMMANDS:
    app.command(_command)
