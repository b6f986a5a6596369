"""What the first page shows beside the lists: moves on a clock, the census, what changed, and messages that wait."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from dashboard.queries.moment import Moment
from domain.policy import policy_named
from domain.refusal import UnknownHere
from domain.sites import all_sites
from domain.values import Instant, LevelOfCare, Role, Stage, Value

STEP_UP_WITHIN = timedelta(hours=24)
"""Elapsed, for the length of a clock's bar; the due time itself is in the record."""

_STEP_UPS = """
select j.journey_id, n.number, j.site, j.stage, j.policy, j.moving_from, j.moving_to, j.move_due,
       j.move_place, j.move_starts_at, o.obligation_id as obligation, o.owner, o.assignee
from dash.journeys j left join lateral (
    select obligation_id, owner, assignee from dash.obligations
    where journey_id = j.journey_id and kind = 'complete-step-up' and ended_at is null limit 1) o on true
     left join dash.journey_numbers n on n.journey_id = j.journey_id
where j.moving_to is not null and j.move_direction = 'up' and j.ended_at is null
  and (%(sites)s::text[] is null or j.site = any (%(sites)s))
order by j.move_due, j.journey_id
limit %(most)s
"""
_CENSUS = """
with days (site, today) as (select * from unnest(%(zone_sites)s::text[], %(todays)s::date[])),
present as (
    select site, level, stage, on_leave_until is not null as on_leave, count(*) as count
    from dash.journeys
    where level is not null and ended_at is null and (%(sites)s::text[] is null or site = any (%(sites)s))
    group by 1, 2, 3, 4
), moves as (
    select j.site, s.level, count(*) filter (where s.first_day = d.today) as came,
           count(*) filter (where s.last_day = d.today) as went
    from dash.stays s join dash.journeys j using (journey_id) join days d on d.site = j.site
    where (s.first_day = d.today or s.last_day = d.today) and (%(sites)s::text[] is null or j.site = any (%(sites)s))
    group by 1, 2
)
select coalesce(p.site, m.site) as site, coalesce(p.level, m.level) as level,
       coalesce(p.count, 0) as count, coalesce(p.on_leave, 0) as on_leave,
       coalesce(m.came, 0) as came, coalesce(m.went, 0) as went
from (select site, level, sum(count) as count, coalesce(sum(count) filter (where on_leave), 0) as on_leave
      from present group by 1, 2) p
     full join moves m on m.site = p.site and m.level = p.level
order by 2, 1
"""
_CHANGES = """
select t.position, t.journey_id, n.number, j.site, t.sentence, t.occurred_at, t.recorded_at
from dash.timeline t join dash.journeys j using (journey_id)
     left join dash.journey_numbers n using (journey_id)
where not t.bookkeeping and t.position > (select coalesce(max(position), 0) - %(within)s from dash.timeline)
  and (%(sites)s::text[] is null or j.site = any (%(sites)s))
order by t.position desc limit %(most)s
"""
_NAMED = """
select j.journey_id, n.number, j.site from dash.journeys j left join dash.journey_numbers n using (journey_id)
where j.journey_id = any (%(journeys)s) and (%(sites)s::text[] is null or j.site = any (%(sites)s))
order by n.number
"""
_MESSAGES = """
select quarantine_id as number, listener, reason_code as code, advice, quarantined_at as came_at, last_seen_at, times
from intake.messages_for_people order by last_seen_at desc limit %(most)s
"""
_MESSAGES_COUNT = "select count(*) as count from intake.messages_for_people"


class StepUp(Value):
    """A move to a higher level of care, on its clock.

    Attributes:
        obligation: What is owed until the client has arrived.
    """

    journey_id: str
    number: int | None
    site: str
    stage: Stage
    policy: str
    moving_from: LevelOfCare | None
    moving_to: LevelOfCare
    move_due: Instant
    move_place: str | None
    move_starts_at: Instant | None
    obligation: str | None
    owner: Role | None
    assignee: str | None

    def left(self, now: datetime) -> timedelta:
        """Time left, elapsed; negative once it is late."""
        return self.move_due - now

    def waits_for(self, now: datetime) -> str:
        """What the move waits for, in words."""
        if self.move_place is None:
            return f"the first visit at {self.moving_to}" if self._stays_here() else "a place: none is held yet"
        if self.move_starts_at is not None and self.move_starts_at > now:
            return f"the place held at {self.move_place}"
        return f"arrival at {self.move_place}"

    def _stays_here(self) -> bool:
        """Whether the centre itself gives the level."""
        try:
            return policy_named(self.policy).level(self.moving_to).is_ours
        except UnknownHere:
            return False


class CensusCell(Value):
    """Clients at one level of care at one site.

    Attributes:
        count: Now, those on leave included.
        came: Days at this level that began today at the site; `went`: that ended.
    """

    site: str
    level: LevelOfCare
    count: int
    on_leave: int
    came: int
    went: int


class ChangeSeen(Value):
    """Something that happened on a journey."""

    position: int
    journey_id: str
    number: int | None
    site: str
    sentence: str
    occurred_at: Instant
    recorded_at: Instant


class NamedJourney(Value):
    """A journey by what people call it."""

    journey_id: str
    number: int | None
    site: str


class WaitingMessage(Value):
    """An admissions message that waits for a person; codes only."""

    number: int
    listener: str
    code: str
    advice: str
    came_at: Instant
    last_seen_at: Instant
    times: int


async def step_ups(moment: Moment, *, most: int | None = 50) -> list[StepUp]:
    """The open step-ups, the one with the least time left first; all of them if `most` is None."""
    return [StepUp.model_validate(row) for row in await moment.rows(_STEP_UPS, {"most": most})]


async def census(moment: Moment) -> list[CensusCell]:
    """How many clients are at each level of each site, and who came and went today."""
    sites = all_sites()
    todays = [each.calendar.local_date(moment.now) for each in sites]
    rows = await moment.rows(_CENSUS, {"zone_sites": [each.id for each in sites], "todays": todays})
    return [CensusCell.model_validate(row) for row in rows]


async def changes(moment: Moment, *, most: int = 12, within: int = 2_000) -> list[ChangeSeen]:
    """What happened last, the newest first, among the record's last `within` events."""
    return [ChangeSeen.model_validate(row) for row in await moment.rows(_CHANGES, {"most": most, "within": within})]


async def named(moment: Moment, journeys: Iterable[str]) -> list[NamedJourney]:
    """Those of these journeys that the person may see and that the read models know."""
    return [NamedJourney.model_validate(row) for row in await moment.rows(_NAMED, {"journeys": list(journeys)})]


async def messages(moment: Moment, *, most: int = 200) -> list[WaitingMessage]:
    """Messages that wait for a person, the newest first. They belong to no site."""
    return [WaitingMessage.model_validate(row) for row in await moment.rows(_MESSAGES, {"most": most})]


async def messages_count(moment: Moment) -> int:
    """How many wait."""
    return await moment.count(_MESSAGES_COUNT)
