"""`throughline sessions`: enters sessions of care, for one client, a group or a whole file, and lists them."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cyclopts import App, Parameter
from pydantic import ValidationError

from attendance.entering import SessionEntry
from cli import api
from cli import options as opt
from cli.access import load_settings, the_record, told_in_one_line
from cli.output import Exit, Stop, complain, show_json, stdout
from cli.session_lists import journeys_now, list_sessions, list_untold
from cli.which_journey import journey_to_decide_on
from domain.plans import Actor
from domain.refusal import Refused
from domain.sessions.facts import Entry, Modality, Session, SessionOutcome, SessionType

app = App(name="sessions", help="Enter sessions of care, for one client, a group or a whole file, and list them.")
app.command(list_sessions, name="list")
app.command(list_untold, name="untold")

_NOBODY_NAMED = opt.Who()
_OWN_COLUMNS = ("journey", "id")
_Journeys = Annotated[str, Parameter(help="The clients' journeys, by id or reference; several for a group.")]


class _Given(NamedTuple):
    """An entry to be made. `where` says where it stands, for a person."""

    where: str
    journey_id: str
    id: str
    said: Session


class _Outcome(NamedTuple):
    where: str
    journey_id: str
    outcome: str
    code: str | None = None
    detail: str | None = None


@app.command(name="enter")
async def enter_session(
    *journeys: _Journeys,
    outcome: SessionOutcome,
    type: SessionType,
    starts_at: Annotated[datetime, Parameter(converter=opt.read_moment)],
    site: str,
    minutes: int = 60,
    session: str | None = None,
    attended: int | None = None,
    modality: Modality = Modality.IN_PERSON,
    skill: str | None = None,
    led_by: str | None = None,
    makes_up_for: str | None = None,
    noted: bool = False,
    who: opt.Who = _NOBODY_NAMED,
) -> None:
    """Enter a session of one client, or of all who were in a group: planned, kept, missed or cancelled.

    To correct an entry, enter the session again with the same --session.

    Args:
        outcome: What came of it.
        type: What kind of session it is.
        starts_at: When it begins, or began, such as 2026-03-16T17:00-07:00.
        site: Where it is held, or the site that gives it by telehealth.
        minutes: How long it is planned to last.
        session: Its id; for a new one it is made from its type and time.
        attended: Minutes that the client was there; left out, all of it.
        modality: In person or by telehealth.
        skill: What the group teaches, such as dbt.
        led_by: Staff id of who leads it.
        makes_up_for: The id of the missed session that it makes up for.
        noted: Its progress note is written.
    """
    if not journeys:
        raise Stop(Exit.USAGE, "name the journey of one client at least")
    kept = outcome is SessionOutcome.KEPT
    fields = {
        "session": session or f"{type}-{starts_at:%Y%m%dT%H%MZ}",
        "outcome": outcome,
        "type": type,
        "starts_at": starts_at,
        "minutes": minutes,
        "attended": (attended if attended is not None else minutes) if kept else attended,
        "modality": modality,
        "skill": skill,
        "site": site,
        "led_by": led_by,
        "makes_up_for": makes_up_for,
        "noted": noted,
    }
    said = _read("", fields)
    given = [_Given(each, await journey_to_decide_on(each), who.decision_id(), said) for each in journeys]
    _show(await _entered(given, who), who)


@app.command(name="import")
async def import_sessions(file: Path, /, *, who: opt.Who = _NOBODY_NAMED) -> None:
    """Enter the sessions of a CSV file. The first line names the columns; importing it again enters nothing twice.

    Columns: journey, session, outcome, type, starts_at, minutes, site; and attended, modality, skill, led_by,
    makes_up_for, noted (yes or no), id. A row without an id has one that is made from what it says. A row that is
    refused is named with its line, and all others are entered.

    Args:
        file: The file in UTF-8, or - for standard input.
    """
    rows = csv.DictReader(_text_of(file).splitlines())
    _require_columns(rows.fieldnames or ())
    given, wrong = [], []
    for row in rows:
        where = f"line {rows.line_num}"
        try:
            given.append(await _of_row(where, row))
        except Stop as stop:
            wrong.append(_Outcome(where, str(row.get("journey") or ""), "refused", "unreadable", str(stop)))
    _show([*wrong, *await _entered(given, who)] if given else wrong, who)


def _text_of(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(Exit.USAGE, f"{file} cannot be read: {type(error).__name__}") from None


def _require_columns(names: Sequence[str]) -> None:
    known = {*Session.model_fields, *_OWN_COLUMNS}
    needed = {"journey", *(name for name, field in Session.model_fields.items() if field.is_required())}
    if lacking := sorted(needed - set(names)):
        raise Stop(Exit.USAGE, f"the file lacks the columns {', '.join(lacking)}: name them in its first line")
    if unknown := sorted(set(names) - known):
        raise Stop(Exit.USAGE, f"the file has unknown columns {', '.join(unknown)}: leave them out")


async def _of_row(where: str, row: Mapping[str, Any]) -> _Given:
    if None in row or None in row.values():
        raise Stop(Exit.USAGE, "the line has more or fewer values than the first line has columns")
    said = {name: value.strip() for name, value in row.items() if name not in _OWN_COLUMNS and value.strip()}
    if "noted" in said:
        said["noted"] = said["noted"].lower() in ("yes", "true", "1")
    session = _read("", said)
    digest = sha256("\x1f".join(f"{name}={row[name]}" for name in sorted(row)).encode()).hexdigest()
    return _Given(where, await journey_to_decide_on(row["journey"].strip()), row.get("id") or digest[:32], session)


def _read(where: str, fields: Mapping[str, Any]) -> Session:
    try:
        return Session.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or where
        raise Stop(Exit.USAGE, f"{name}: {first['msg']}" if name else str(first["msg"])) from None


async def _entered(given: Sequence[_Given], who: opt.Who) -> list[_Outcome]:
    if not who.is_direct:
        return await _over_http(given)
    assert who.by is not None and who.role is not None, "asked of direct access alone"
    by, settings = Actor(id=who.by, role=who.role), load_settings()
    now = journeys_now(settings)
    made: list[_Outcome] = []
    with told_in_one_line():
        async with the_record() as store:
            entering = SessionEntry(store, "direct")
            for each in given:
                entry = Entry(entry=each.id, entered_at=now, by=by, said=each.said)
                try:
                    done = await entering.enter(each.journey_id, entry, now)
                    made.append(_Outcome(each.where, each.journey_id, done.outcome))
                except Refused as refused:
                    code, sentence = refused.refusal.code, refused.refusal.sentence
                    made.append(_Outcome(each.where, each.journey_id, "refused", code, sentence))
    return made


async def _over_http(given: Sequence[_Given]) -> list[_Outcome]:
    rows: list[Mapping[str, Any]] = []
    for start in range(0, len(given), 200):
        page = given[start : start + 200]
        entries = [
            {"journey_id": each.journey_id, "id": each.id, "said": each.said.model_dump(mode="json")} for each in page
        ]
        rows += (await api.post("sessions", {"entries": entries}))["rows"]
    return [
        _Outcome(each.where, each.journey_id, row["outcome"], row["code"], row["detail"])
        for each, row in zip(given, rows, strict=True)
    ]


def _show(made: Sequence[_Outcome], who: opt.Who) -> None:
    counted = Counter(each.outcome for each in made)
    if who.json:
        show_json({"rows": [each._asdict() for each in made], **counted})
    for each in made:
        if each.outcome == "refused":
            complain(f"{each.where}: refused ({each.code}): {each.detail}")
    if not who.json:
        stdout.print(", ".join(f"{number} {outcome}" for outcome, number in counted.items()) or "nothing to enter")
    if counted["refused"]:
        raise Stop(Exit.REFUSED, f"{counted['refused']} of {len(made)} were refused; the others are entered")
