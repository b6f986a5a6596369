"""`throughline reconcile`, `recover` and `look-again`: compare record and workflows, and fix or restart journeys."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from cyclopts import Parameter
from temporalio.client import Client

from cli.access import load_settings, temporal_client, the_journeys
from cli.output import Exit, Stop, show_fields, show_json, stdout, table
from cli.which_journey import journey_to_decide_on
from deploy.errors import SettingsError
from deploy.settings import Settings
from domain.state import STATE_SCHEMA
from eventstore import EventStoreError, open_store
from intake.admitted import HandedOver
from recovery.differences import GOES_ON_BY_ITSELF, Kind
from recovery.paging import page_for
from recovery.reconcile import Comparison, Mended, Reconciler
from recovery.running import RunningJourneys
from recovery.schedule import ensure_schedule
from workflows.client import CommandRefused, JourneyNotRunning, JourneysUnreachable

_TOLD_EVERY = 100


async def reconcile(*, fix: bool = False, json: bool = False) -> None:
    """Compare the record with the running workflows and list every difference. Exit code 7 if any is left.

    This asks every journey. A worker does the same every ten minutes, with --fix, for each journey that gives a reason,
    and for the others in turn. See docs/runbooks/lost-temporal.md for what each means.

    Args:
        fix: Fix what can be fixed safely. A workflow that knows more than the record is stopped, and operations are
            paged.
        json: Print one JSON object.
    """
    async with _reconciler() as (reconciler, _):
        comparison = await reconciler.compare(_progress("compared"))
        done = await _mend(reconciler, comparison) if fix else None
    _show(comparison, done, json)
    differing = [each for each in comparison.differences if each.kind not in GOES_ON_BY_ITSELF]
    left = [each for each in done if each.is_for_a_person] if done is not None else differing
    if left:
        advice = "each needs an engineer" if fix else "--fix fixes what can be fixed safely"
        raise Stop(Exit.DIFFERS, f"{len(left)} of {comparison.journeys} journeys differ from the record: {advice}")


async def recover(*, json: bool = False) -> None:
    """Start a new workflow for each open journey that has none. Use it after Temporal has lost its data.

    Each keeps its state, its deadlines and the keys of its calls. Safe to repeat; running workflows are left alone.

    Args:
        json: Print one JSON object.
    """
    with _told_in_one_line():
        comparison, done = await start_missing(load_settings())
    failed = [each for each in done if each.is_for_a_person]
    if json:
        show_json({"journeys": comparison.journeys, "started": len(done) - len(failed), "failed": _as_json(failed)})
    else:
        _show_table([(e.difference.journey_id, e.difference.kind, e.difference.sentence, _outcome(e)) for e in failed])
        stdout.print(f"{len(done) - len(failed)} of {comparison.journeys} journeys were started again from the record")
    if failed:
        raise Stop(Exit.DIFFERS, f"{len(failed)} journeys could not be started: each needs an engineer")


async def start_missing(settings: Settings) -> tuple[Comparison, tuple[Mended, ...]]:
    """Starts every journey that is open on record and has no workflow.

    Returns:
        What was found missing, and what became of each.

    Raises:
        SettingsError: An address is missing.
        JourneysUnreachable: Temporal does not answer.
        EventStoreError: The record does not answer or cannot be used.
    """
    async with _opened(settings) as (reconciler, client):
        comparison = await reconciler.missing(_progress("checked"))
        done = await reconciler.mend(comparison, _progress("started"))
        await ensure_schedule(client, timedelta(minutes=settings.reconcile_minutes))
    return comparison, done


async def look_again(
    journey_id: Annotated[
        str | None, Parameter(help="The journey that stands still: its full id or reference.")
    ] = None,
    /,
    *,
    all: bool = False,
    json: bool = False,
) -> None:
    """Have a journey that stands still or cannot record check its record again. It continues if the cause is gone.

    Args:
        all: Tell every journey that cannot record, or that stands still but agrees with the record again.
        json: Print the journey's status as JSON; with --all, how many continue.
    """
    if all == (journey_id is not None):
        raise Stop(Exit.USAGE, "name one journey, or give --all")
    if journey_id is None:
        await _all_look_again(json)
        return
    journeys = await the_journeys()
    try:
        status = await journeys.look_again(await journey_to_decide_on(journey_id))
    except CommandRefused as refused:
        raise Stop(Exit.REFUSED, f"refused ({refused.code}): {refused.sentence}") from None
    except JourneyNotRunning as error:
        raise Stop(Exit.NOT_FOUND, str(error)) from None
    except JourneysUnreachable as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
    if json:
        show_json(status)
    else:
        show_fields({"Journey": status.journey_id, "Stage": status.stage, "Continues from event": status.version})


async def _all_look_again(json: bool) -> None:
    async with _reconciler() as (reconciler, _):
        found = (await reconciler.compare(_progress("compared"))).differences
        stopped = [each for each in found if each.kind in (Kind.STOPPED, Kind.NOT_RECORDED)]
        done = await reconciler.release(stopped, _progress("told"))
    failed = [each for each in done if each.failed]
    if json:
        show_json({"go_on": len(done) - len(failed), "failed": _as_json(failed)})
    else:
        _show_table([(e.difference.journey_id, e.difference.kind, e.difference.sentence, _outcome(e)) for e in failed])
        stdout.print(f"{len(done) - len(failed)} journeys continue")
    if failed:
        raise Stop(Exit.DIFFERS, f"{len(failed)} journeys still stand still: see `throughline reconcile`")


@asynccontextmanager
async def _reconciler() -> AsyncIterator[tuple[Reconciler, Client]]:
    with _told_in_one_line():
        async with _opened(load_settings()) as opened:
            yield opened


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Reconciler, Client]]:
    client = await temporal_client(settings)
    url = settings.require_database_url()
    async with open_store(url) as store:
        yield Reconciler(store, RunningJourneys(client), HandedOver(url)), client


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    try:
        yield
    except (SettingsError, JourneysUnreachable, EventStoreError) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None


async def _mend(reconciler: Reconciler, comparison: Comparison) -> tuple[Mended, ...]:
    done = await reconciler.mend(comparison, _progress("handled"))
    notice = page_for(done, datetime.now(UTC))
    if notice is not None:
        await reconciler.running.page(notice)
    return done


def _progress(what: str) -> Callable[[int, int], None]:
    def tell(done: int, of: int) -> None:
        if of > _TOLD_EVERY and done and (done % _TOLD_EVERY == 0 or done == of):
            sys.stderr.write(f"{done} of {of} journeys {what}\n")

    return tell


def _show(comparison: Comparison, done: Sequence[Mended] | None, json: bool) -> None:
    if json:
        named = [_difference(Mended(difference=each)) for each in comparison.differences]
        differences = named if done is None else _as_json(done)
        others = comparison.of_another_schema
        show_json({"journeys": comparison.journeys, "of_another_schema": others, "differences": differences})
        return
    if done is None:
        _show_table([(each.journey_id, each.kind, each.sentence, each.remedy) for each in comparison.differences])
    else:
        _show_table([(e.difference.journey_id, e.difference.kind, e.difference.sentence, _outcome(e)) for e in done])
    kinds = Counter(each.kind.value for each in comparison.differences)
    others = comparison.of_another_schema
    none = "no difference was found" if others else "all agree with the record"
    counted = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) or none
    stdout.print(f"{comparison.journeys} journeys: {counted}")
    if others:
        stdout.print(
            f"{others} run under another state schema than this command's ({STATE_SCHEMA}): what their states hold "
            "was not compared, only versions, calls and whether they stand still. To compare all, run `reconcile` of "
            "their release."
        )


def _show_table(rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        table(None, ("Journey", "Difference", "Details", "Remedy")[: len(rows[0])], rows)
        stdout.print()


def _outcome(each: Mended) -> str:
    return f"not done: {each.failed}" if each.failed else f"done: {each.difference.remedy}"


def _as_json(done: Sequence[Mended]) -> list[dict[str, Any]]:
    return [{**_difference(each), "failed": each.failed, "for_a_person": each.is_for_a_person} for each in done]


def _difference(each: Mended) -> dict[str, Any]:
    return {**each.difference.model_dump(mode="json", exclude={"code"}), "remedy": each.difference.remedy}
