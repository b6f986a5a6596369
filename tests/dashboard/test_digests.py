"""The daily digest: one mail a day for each person, with what is new, due and overdue, and nothing about a client."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from activities.ports import Notice
from centre.staff import Staff
from dashboard.digest_writing import write_digests
from dashboard.digests import Span, digests
from dashboard.open_obligations import OpenObligation
from domain.obligation_terms import Channel, Priority
from domain.obligations import ObligationStatus
from domain.sites import site_named
from domain.values import Role
from eventstore import EventStore
from tests.centre.people import away, centre_of, on_call, person
from tests.dashboard.keeping import keep
from tests.domain import walk

MAIN = site_named("main")
NORTH = MAIN.changed(id="north", title="North")
SITES = (MAIN, NORTH)
ZONE = ZoneInfo("America/Los_Angeles")


def at_site(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZONE).astimezone(UTC)  # type: ignore[arg-type,misc]


FRIDAY, MONDAY = at_site(2026, 3, 13, 8), at_site(2026, 3, 16, 8)
SPAN = Span(MAIN, FRIDAY, MONDAY)


def owed(
    id: str,
    due: datetime,
    *,
    to: str | None = "a",
    role: Role = Role.CLINICIAN,
    site: str = "main",
    urgent: bool = False,
    waived_until: date | None = None,
) -> OpenObligation:
    return OpenObligation(
        journey_id=f"{id}-4b1c-secret",
        site=site,
        id=id,
        kind=id.rpartition("-")[0],
        owner=role,
        assignee=to,
        due_at=due,
        urgent=urgent,
        status=ObligationStatus.OPEN,
        owner_since_version=3,
        priority=Priority.SAFETY if urgent else Priority.CLINICAL,
        waived_until=waived_until,
        falls_due=due,
    )


def written(
    *rows: OpenObligation, staff: Staff | None = None, new: tuple[str, ...] = (), span: Span = SPAN
) -> dict[str, Notice]:
    """The digests by their reader, where the obligations in `new` became known since the one before."""
    known = {(row.journey_id, row.id): span.since + timedelta(hours=1 if row.id in new else -1) for row in rows}
    found = digests(rows, known, staff or centre_of(person("a"), person("b"), person("c")), SITES, span)
    assert len({each.key for each in found}) == len(found)
    return {each.key.split("/")[1]: each for each in found}


def test_a_person_reads_what_is_new_what_is_due_and_what_is_overdue() -> None:
    rows = (
        owed("review-1", at_site(2026, 3, 13, 17)),
        owed("follow-up-2", at_site(2026, 3, 17, 17)),
        owed("review-7", at_site(2026, 4, 20, 17)),
        owed("enrol-1", at_site(2026, 4, 20, 17)),
    )
    notice = written(*rows, new=("review-7", "follow-up-2"))["a"]
    assert (notice.person, notice.channel, notice.subject) == ("a", Channel.MAIL, "Today: 2 new, 1 due, 1 overdue")
    assert notice.key == "digest/a/2026-03-16"
    assert notice.body.splitlines() == [
        "Overdue: 1",
        "  Fri 13 Mar 17:00  Review the level of care (review-1, journey review-1)",
        "",
        "Due by the end of Tue 17 Mar: 1",
        "  Tue 17 Mar 17:00  Follow up after discharge (follow-up-2, journey follow-u) [new]",
        "",
        "New, due later: 1",
        "  Mon 20 Apr 17:00  Review the level of care (review-7, journey review-7) [new]",
        "",
        "New by kind: Follow up after discharge 1, Review the level of care 1",
        "Open in all: 4",
        "See all: throughline obligations --person a",
        "Times are those of main, America/Los_Angeles.",
    ]


def test_a_person_with_nothing_new_or_due_gets_no_mail() -> None:
    assert written(owed("review-7", at_site(2026, 4, 20, 17))) == {}


def test_what_is_waived_until_a_day_is_in_no_digest() -> None:
    waived = owed("review-1", at_site(2026, 3, 13, 17), waived_until=date(2026, 4, 1))
    assert written(waived, new=("review-1",)) == {}


def test_what_is_urgent_is_told_apart_and_only_counted() -> None:
    rows = owed("complete-step-up-1", MONDAY, urgent=True), owed("review-1", MONDAY)
    assert written(rows[0], new=("complete-step-up-1",)) == {}
    assert "Open in all: 2, 1 of them urgent, with notices of their own" in written(*rows)["a"].body


def test_what_is_due_over_the_weekend_is_named_on_friday() -> None:
    friday = Span(MAIN, at_site(2026, 3, 12, 8), FRIDAY)
    assert written(owed("review-1", at_site(2026, 3, 15, 17)), span=friday)["a"].subject.endswith("1 due, 0 overdue")
    assert written(owed("review-1", at_site(2026, 3, 16, 17)), span=friday)
    assert not written(owed("review-1", at_site(2026, 3, 17, 17)), span=friday)


def test_the_cover_reads_it_while_the_person_is_absent() -> None:
    staff = centre_of(person("a", away=away("c", date(2026, 3, 16), date(2026, 3, 20))), person("b"), person("c"))
    found = written(owed("review-1", FRIDAY), owed("enrol-1", FRIDAY, to="c"), staff=staff)
    assert set(found) == {"c"}
    assert "(review-1, journey review-1) [for a]" in found["c"].body and "2 due" not in found["c"].subject
    assert found["c"].subject == "Today: 0 new, 0 due, 2 overdue"


def test_what_nobody_owes_in_person_is_read_by_the_first_who_is_on_call() -> None:
    staff = centre_of(person("a"), person("b"), orders=(on_call("b", "a"),))
    found = written(owed("review-1", MONDAY, to=None), staff=staff)
    assert set(found) == {"b"} and "[clinician, no person]" in found["b"].body


def test_without_a_person_the_roles_own_mailbox_is_told_at_each_site() -> None:
    row = owed("verify-benefits-1", MONDAY, to=None, role=Role.ADMISSIONS)
    elsewhere = owed("verify-benefits-2", MONDAY, to=None, role=Role.ADMISSIONS, site="north")
    found = written(row, elsewhere)
    assert set(found) == {"admissions@main"}
    notice = found["admissions@main"]
    assert (notice.person, notice.to, notice.site) == (None, Role.ADMISSIONS, "main")
    assert "verify-benefits-2" not in notice.body
    assert "--owner admissions --site main --unassigned" in notice.body


def test_a_person_of_two_sites_reads_of_both_in_one_mail_at_their_first() -> None:
    both = person("a").changed(sites=("north", "main"))
    rows = owed("review-1", FRIDAY), owed("review-2", FRIDAY, site="north")
    assert written(*rows, staff=centre_of(both)) == {}
    at_north = written(*rows, staff=centre_of(both), span=SPAN._replace(site=NORTH))
    assert at_north["a"].subject == "Today: 0 new, 0 due, 2 overdue"


def test_a_long_list_is_cut_and_counted() -> None:
    rows = [owed(f"review-{number}", MONDAY) for number in range(100)]
    body = written(*rows)["a"].body
    assert body.count("Review the level of care") == 30 and "  and 70 more" in body


def test_no_journey_id_stands_there_whole() -> None:
    body = written(owed("review-1", MONDAY))["a"].body
    assert "secret" not in body


def test_the_days_are_those_of_the_site_across_a_clock_change() -> None:
    span = Span(MAIN, at_site(2026, 10, 30, 8), at_site(2026, 11, 2, 8))
    assert span.soon == datetime(2026, 11, 4, tzinfo=ZONE)
    assert (span.until - span.since) == timedelta(days=3, hours=1)
    assert written(owed("review-1", at_site(2026, 11, 2, 17)), span=span)["a"].key == "digest/a/2026-11-02"


def test_at_a_site_in_another_zone_day_and_times_are_those_of_that_site() -> None:
    zone = ZoneInfo("Australia/Sydney")
    sydney = MAIN.changed(id="sydney", calendars=(MAIN.calendar.changed(zone="Australia/Sydney"),))
    opening = datetime(2026, 3, 17, 8, tzinfo=zone).astimezone(UTC)  # still Monday in Los Angeles, and in UTC
    assert sydney.calendar.next_opening(opening - timedelta(hours=1)) == opening
    assert opening.date() == date(2026, 3, 16)
    row = owed("review-1", datetime(2026, 3, 17, 17, tzinfo=zone).astimezone(UTC), site="sydney")
    span = Span(sydney, opening - timedelta(days=1), opening)
    staff = centre_of(person("a").changed(sites=("sydney",)))
    [notice] = digests([row], {}, staff, (MAIN, sydney), span)
    assert notice.key == "digest/a/2026-03-17"
    assert "Tue 17 Mar 17:00" in notice.body and "Australia/Sydney" in notice.body
    assert digests([row], {}, staff, (MAIN, sydney), SPAN) == [], "main's opening is none of theirs"


def test_what_is_recorded_around_a_digest_is_new_in_exactly_one() -> None:
    spans = [Span(MAIN, MONDAY + timedelta(days=n), MONDAY + timedelta(days=n + 1)) for n in range(3)]
    middle = spans[1].since
    for seconds in range(-90, 91, 15):
        recorded = middle + timedelta(seconds=seconds)
        assert sum(span.is_new(recorded) for span in spans) == 1, seconds
    assert spans[1].is_new(middle), "what came into the record as the digest was read is in the next"
    assert not spans[1].is_new(None)


# ---- from the record ---------------------------------------------------------------------------------------


async def test_what_the_record_learnt_since_the_digest_before_is_new_also_where_it_was_typed_in_late(
    database_url: str, store: EventStore
) -> None:
    walked = walk.opened(datetime(2026, 3, 3, 18, tzinfo=UTC))
    await keep(store, "j", walked)
    staff = centre_of(person("a", Role.ADMISSIONS))
    now = datetime.now(UTC)
    opening = MAIN.calendar.next_opening(now)
    found = await write_digests(database_url, staff, [Span(MAIN, now - timedelta(minutes=5), opening)])
    [notice] = found.notices
    assert not found.behind and notice.subject.startswith("Today: 2 new, 0 due, 2 overdue")
    [again] = (await write_digests(database_url, staff, [Span(MAIN, opening, opening + timedelta(hours=1))])).notices
    assert again.subject.startswith("Today: 0 new, ")
