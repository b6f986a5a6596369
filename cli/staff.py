"""`throughline staff`: shows the centre's staff and who is on call, and checks their file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter, validators

from activities.ports import Recipient
from centre.files import centre_folder, read
from centre.on_call import recipients
from centre.staff import Person, Staff
from centre.staff_checks import warnings
from centre.staff_file import examine, read_staff, site_ids, zone_of
from cli.access import load_settings, the_journeys_to_decide, the_record, told_in_one_line
from cli.options import ActingRole, AtTime, SomeRole
from cli.output import Exit, Stop, complain, show_json, stdout, table
from domain.obligation_terms import Channel
from domain.plans import Actor
from domain.values import Role
from recovery.hand_over import HandOverOfAll, HandOvers
from recovery.telling import NoneAnswers, Told

app = App(name="staff", help="The centre's people: their file, who is on call, work handed over.", sort_key=20)

_Of = Annotated[str, Parameter(help="Staff id of the person whose obligations they are.")]
_To = Annotated[str, Parameter(help="Staff id of the person who takes them over.")]
_By = Annotated[str, Parameter(help="Staff id of the person who decides; opaque, never a name.")]
_Reason = Annotated[str, Parameter(help="Why, for the record of each journey.")]
_PerMinute = Annotated[float, Parameter(validator=validators.Number(gt=0), help="Journeys told in a minute, at most.")]
_DryRun = Annotated[bool, Parameter(help="Only say on how many journeys they owe something.")]
_Json = Annotated[bool, Parameter(help="Print JSON.")]


@app.command(sort_key=0)
def show(*, json: bool = False) -> None:
    """List the centre's staff: roles, sites, addresses, caseload, and who is absent today.

    Args:
        json: Print one JSON object: the whole staff list.
    """
    staff = the_staff()
    if json:
        show_json(staff)
        return
    today = _today()
    columns = ("Id", "Name", "Roles", "Sites", "Mail", "Pager", "Clients at most", "Absent")
    table(None, columns, [_row(each, today) for each in staff.people])


@app.command(sort_key=1)
def check(*, json: bool = False) -> int:
    """Check staff.toml and list every error with its line, and warnings. Exit code 1 if a worker could not use it.

    Args:
        json: Print one JSON object.
    """
    document = read(_file())
    staff, faults = examine(document, site_ids())
    found = [] if faults else [str(document.error(*each)) for each in warnings(staff, _today().date())]
    if json:
        show_json({"errors": [str(each) for each in faults], "warnings": found})
        return Exit.FAILED if faults else Exit.OK
    for line in (*(f"error: {each}" for each in faults), *(f"warning: {each}" for each in found)):
        stdout.print(line, markup=False)
    if faults:
        raise Stop(Exit.FAILED, f"{document.file.name} cannot be used; correct each error")
    stdout.print(f"{document.file.name} can be used: {len(staff.people)} people, {len(found)} warnings")
    return Exit.OK


@app.command(name="on-call", sort_key=2)
def on_call(*, role: SomeRole = None, site: str | None = None, at: AtTime = None, json: bool = False) -> None:
    """Show who is notified for each role, by mail and by page, in order.

    Args:
        role: One role; every role if left out.
        site: The site that the notice is about; any site if left out.
        at: The time to ask about, such as 2026-03-01T12:00Z; now if left out.
        json: Print a JSON list.
    """
    staff, moment = the_staff(), at or datetime.now(UTC)
    if site is not None and site not in site_ids():
        raise Stop(Exit.USAGE, f"there is no site {site!r}; the centre's sites are: {', '.join(site_ids())}")
    asked = [role] if role else list(Role)
    found = [
        (each, channel, recipients(staff, each, site, channel, moment, zone_of(site)))
        for each, channel in product(asked, Channel)
    ]
    if json:
        show_json([{"role": each, "channel": channel, "told": list(told)} for each, channel, told in found])
        return
    rows = [(each, channel, number, *_told(to)) for each, channel, told in found for number, to in enumerate(told, 1)]
    table(None, ("Role", "By", "Turn", "Who", "Address"), rows)


@app.command(sort_key=3)
async def hand_over(
    of: _Of,
    /,
    *,
    to: _To,
    by: _By,
    role: ActingRole,
    reason: _Reason,
    only_as: SomeRole = None,
    per_minute: _PerMinute = 600,
    dry_run: _DryRun = False,
    json: _Json = False,
) -> None:
    """Hand over all that a person owes, on every journey, with their roles on the care teams.

    One recorded decision for each journey. What was not done is listed with its reason, and it can be asked for again:
    journeys on which they owe nothing more are passed over. Exit code 7 if something is left.

    Args:
        only_as: Only what is theirs in this role; all if left out.
    """
    if the_staff().person(to) is None:
        raise Stop(Exit.REFUSED, f"refused (person-unknown): {to} is not in staff.toml; add the person first")
    asked = HandOverOfAll(of=of, to=to, only_as=only_as, reason=reason, by=Actor(id=by, role=role))
    results: list[Told] = []
    async with _hand_overs() as hand_overs:
        journeys = await hand_overs.concerned(asked)
        if dry_run:
            stdout.print(f"{of} owes something on {len(journeys)} open journeys")
            return
        try:
            await hand_overs.carry_out(asked, journeys, per_minute, results.append)
        except NoneAnswers as error:
            complain(str(error))
    _show_hand_over(results, len(journeys), json)
    left = len(journeys) - sum(each.failed is None for each in results)
    if left:
        raise Stop(Exit.DIFFERS, f"{left} of {len(journeys)} journeys are not handed over: ask again")


@asynccontextmanager
async def _hand_overs() -> AsyncIterator[HandOvers]:
    journeys = await the_journeys_to_decide()
    async with the_record() as store:
        with told_in_one_line():
            yield HandOvers(store, journeys)


def _show_hand_over(results: Sequence[Told], journeys: int, json: bool) -> None:
    if json:
        show_json({"journeys": journeys, "results": [each.model_dump(mode="json") for each in results]})
        return
    if failed := [each for each in results if each.failed]:
        table("Not done", ("Journey", "Why"), [(each.journey_id, each.failed) for each in failed])
    stdout.print(f"{sum(each.failed is None for each in results)} of {journeys} journeys are handed over")


def _told(recipient: Recipient) -> tuple[str, str]:
    who = recipient.staff_id or "the role's own address"
    if recipient.in_place_of:
        who += f" in place of {recipient.in_place_of}"
    return who, recipient.address


def _row(person: Person, now: datetime) -> tuple[object, ...]:
    zone = zone_of(person.sites[0] if person.sites else None)
    absence = person.absence_on(now.astimezone(zone).date())
    return (
        person.id,
        person.name,
        ", ".join(person.roles),
        ", ".join(person.sites) or "all",
        person.mail,
        person.pager,
        person.caseload_clients,
        f"until {absence.last_day}, cover {absence.cover or 'none'}" if absence else None,
    )


def the_staff() -> Staff:
    """The centre's staff list, or the example's.

    Raises:
        CentreFileError: It cannot be used.
    """
    return read_staff(_file(), site_ids())


def _file() -> Path:
    given = load_settings().centre
    if given is None:
        complain("this is the invented example; set THROUGHLINE_CENTRE to the centre's folder")
    return centre_folder(given) / "staff.toml"


def _today() -> datetime:
    return datetime.now(zone_of(None))
