"""What the migrations come to, kept to be read: `python -m tests.migrations.schema` writes `migrations/schema/` anew.

It is `pg_dump` of a database just migrated, put in another order: each table with all that belongs to it.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from deploy.postgres import wheel_programs
from deploy.settings import Settings
from deploy.stack import Stack, to_stderr
from migrations import migrate, migrate_keys

FOLDER = Path(__file__).parents[2] / "migrations" / "schema"
FILES = {"record": FOLDER / "record.sql", "keys": FOLDER / "keys.sql"}

_HEADER = """\
-- What the migrations of this database come to, to be read; nothing runs this file.
-- `python -m tests.migrations.schema` writes it. Roles are made by the migrations too: see docs/roles.md.
"""
_GENERATIONS = """\
-- Left out are the tables dash.<name>_gN, one for each generation of a read model: each is made like dash.<name>_shape.
"""
_DUMP = ("--schema-only", "--exclude-schema=migrations", "--exclude-table=dash.*_g[0-9]*")
_ENTRY = re.compile(r"^--\n-- Name: (.*); Type: (.*); Schema: (.*); Owner: .*\n--\n", re.MULTILINE)
_NOISE = re.compile(r"^(set |--|\\|alter .* owner to postgres;).*\n?", re.MULTILINE)
_TOKEN = re.compile(r"""(\$\w*\$).*?\1|'(?:[^']|'')*'|"[^"]*"|[^$'"]+""", re.DOTALL)
_CONSTRAINT = re.compile(r"alter table only \S+\n    add (constraint .*);")
_COLUMN_GRANT = re.compile(r"grant (\w+)\((\w+)\) on table (\S+) to (\w+);")
_KINDS = ("schema", "table", "view", "aggregate", "function", "default acl")
_OF_A_TABLE = ("constraint", "fk constraint", "sequence", "index", "trigger", "policy", "row security")
_ABOUT = ("comment", "acl")


class Entry(NamedTuple):
    schema: str
    object: str
    kind: str
    text: str


def dumped(database_url: str) -> str:
    """The schema of a database as `pg_dump` tells it."""
    program = [str(wheel_programs() / "pg_dump"), *_DUMP, "--dbname", database_url]
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout


def readable(dump: str) -> str:
    """`dump` without what only a restore needs, in small letters, everything beside the object it belongs to."""
    entries = list(_entries(dump))
    kinds = {(entry.schema, entry.object): entry.kind for entry in entries if entry.kind in _KINDS}

    def place(entry: Entry) -> tuple[str, int, str]:
        return entry.schema, _KINDS.index(kinds[entry.schema, entry.object]), entry.object

    objects = groupby(sorted(entries, key=place), key=place)
    header = _HEADER + (_GENERATIONS if "CREATE SCHEMA dash" in dump else "")
    return "\n\n".join([header.strip(), *(_described(list(of_one)) for _, of_one in objects)]) + "\n"


def _entries(dump: str) -> Iterator[Entry]:
    _, *parts = _ENTRY.split(dump)
    for name, kind, schema, body in zip(*[iter(parts)] * 4, strict=True):
        text = _plain(body)
        if text:
            yield Entry(_schema(name, schema), _object(name, kind.lower(), text), kind.lower(), text)


def _schema(name: str, schema: str) -> str:
    return name.removeprefix("SCHEMA ") if schema == "-" else schema


def _object(name: str, kind: str, text: str) -> str:
    """What the entry belongs to: the table of an index or of a column's comment, else itself."""
    if kind in _OF_A_TABLE:
        found = re.search(r" (?:on|only|table) \w+\.(\w+)", text)
        assert found, text
        return found[1]
    if kind in _ABOUT:
        what, _, name = name.partition(" ")
        return name.partition(".")[0] if what == "COLUMN" else name.partition("(")[0]
    return name.partition("(")[0]


def _plain(text: str) -> str:
    """`text` in small letters and without noise, but for what is quoted."""
    plain = _TOKEN.sub(lambda token: token[0] if token[0][0] in "$'\"" else _NOISE.sub("", token[0].lower()), text)
    return plain.strip().replace(";\n\n\n", ";\n").replace("timestamp with time zone", "timestamptz")


def _described(entries: list[Entry]) -> str:
    """All that there is to one object: itself, then what is said of it."""
    made = "\n\n".join(entry.text for entry in entries if entry.kind in _KINDS)
    constraints, after, grants = [], [], []
    for entry in entries:
        if found := _CONSTRAINT.fullmatch(entry.text):
            constraints.append(found[1])
        elif entry.kind == "acl":
            grants += entry.text.splitlines()
        elif entry.kind not in _KINDS:
            after.append(entry.text)
    return "\n".join([_with(constraints, made), *after, *_merged(grants)])


def _with(constraints: list[str], table: str) -> str:
    columns, end, rest = table.partition("\n)")
    return ",\n".join([columns, *(f"    {each}" for each in constraints)]) + end + rest


def _merged(grants: Iterable[str]) -> list[str]:
    """Grants on columns as one statement for each privilege and role."""
    columns: dict[str, list[str]] = {}
    for grant in grants:
        found = _COLUMN_GRANT.fullmatch(grant)
        statement = f"grant {found[1]} ({{}}) on table {found[3]} to {found[4]};" if found else grant
        columns.setdefault(statement, []).append(found[2] if found else "")
    return [statement.format(", ".join(listed)) for statement, listed in columns.items()]


async def write() -> None:
    with tempfile.TemporaryDirectory(prefix="throughline-schema-") as home:
        async with Stack(Settings(home=Path(home)), ports="free", temporal=False, progress=to_stderr) as stack:
            urls = {"record": stack.database_url, "keys": stack.settings.require_keys_url()}
            migrate(urls["record"])
            migrate_keys(urls["keys"])
            for database, url in urls.items():
                FILES[database].write_text(readable(dumped(url)), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(write())
