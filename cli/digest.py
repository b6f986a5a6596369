"""`throughline digest`: the daily digests as they would be sent now."""

from __future__ import annotations

from datetime import UTC, datetime

from activities.ports import Notice
from activities.signatures import DigestRequest
from cli.access import load_settings, told_in_one_line
from cli.options import AtTime
from cli.output import Exit, Stop, complain, show_json, stdout
from cli.staff import the_staff
from dashboard.digest_writing import Written, write_digests
from dashboard.digests import Span
from domain.sites import all_sites
from domain.values import Instant
from domain.wording import moment


async def digest(
    *, site: str | None = None, person: str | None = None, since: AtTime = None, json: bool = False
) -> None:
    """Show the daily digests that would be sent if the sites opened now. Nothing is sent.

    New is what the record took in since the site last opened, as in a digest that was sent on time. What it took in
    during the last minute is left to the digest after.

    Args:
        site: Only those sent when this site opens; those of every site if left out.
        person: Staff id: only the one of this person.
        since: What came after this time is new, such as 2026-03-01T12:00Z; since the site last opened if left out.
        json: Print a JSON list.
    """
    settings, now = load_settings(), datetime.now(UTC)
    spans = _spans(site, since, now)
    staff = the_staff()
    if person is not None and staff.person(person) is None:
        raise Stop(Exit.USAGE, f"{person} is not in staff.toml: see `throughline staff show`")
    with told_in_one_line():
        written = await write_digests(
            settings.require_database_url(),
            staff,
            spans,
            patience_seconds=settings.dashboard_patience_seconds,
            folded=settings.dashboard_folded_events,
        )
    _show(written, spans, person, json)


def _spans(site: str | None, since: Instant | None, now: Instant) -> list[Span]:
    if since is not None and since > now:
        raise Stop(Exit.USAGE, "--since: name a time in the past")
    spans = [
        Span(each, since or each.calendar.last_opening(now), now) for each in all_sites() if site in (None, each.id)
    ]
    if not spans:
        known = ", ".join(each.id for each in all_sites())
        raise Stop(Exit.USAGE, f"there is no site {site!r}; the centre's sites are: {known}")
    return spans


def _show(written: Written, spans: list[Span], person: str | None, json: bool) -> None:
    if written.behind:
        complain(f"as of event {written.as_of} of {written.head}: see `throughline projections list`")
    found = [each for each in written.notices if person in (None, each.person)]
    if json:
        asked = {span.site.id: DigestRequest(site=span.site.id, since=span.since, until=span.until) for span in spans}
        show_json(
            [{**each.model_dump(mode="json"), **asked[each.site or ""].model_dump(mode="json")} for each in found]
        )
        return
    for span in spans:
        _show_site(span, [each for each in found if each.site == span.site.id])


def _show_site(span: Span, found: list[Notice]) -> None:
    stdout.print(f"{span.site.id}: {len(found)} {'digest' if len(found) == 1 else 'digests'} if it opened now")
    stdout.print(f"New is what came since {moment(span.since)}, without the last minute.\n")
    for each in found:
        reader = each.person or f"the mailbox of {each.to}"
        stdout.print(f"To {reader}: {each.subject}\n", markup=False)
        stdout.print(each.body, markup=False)
