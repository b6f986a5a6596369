"""Many journeys in the read models: some decided and recorded for real, the others copies of their rows."""

from __future__ import annotations

from typing import LiteralString

import psycopg

_OPEN_SHARE = 0.05
"""Of the copies: a centre's open journeys among all it ever had."""
_COPIES: dict[str, LiteralString] = {
    "journeys": """
create temporary table copies as
select r.journey_id as original, r.journey_id || '-' || n as copy, random() < %(open)s as is_open,
       (random() - 0.35) * interval '30 days' as shift, row_number() over () as at
from (select journey_id, row_number() over (order by journey_id) as place from dash.journeys_g1) r,
     generate_series(1, %(times)s) n;
create index on copies (original);
""",
    "rows": """
insert into dash.journeys_g1
select (jsonb_populate_record(j, jsonb_build_object('journey_id', c.copy,
        'ended_at', case when c.is_open then null else now() - interval '60 days' end,
        'stage', case when c.is_open then j.stage else 'CLOSED' end,
        'open_count', case when c.is_open then j.open_count else 0 end,
        'urgent_open', c.is_open and j.urgent_open and c.shift < interval '0',
        'next_due', case when c.is_open then now() + c.shift end,
        'as_of_position', 1))).*
from copies c join dash.journeys_g1 j on j.journey_id = c.original;
""",
    "duties": """
insert into dash.obligations_g1
select (jsonb_populate_record(o, jsonb_build_object('journey_id', c.copy,
        'ended_at', case when c.is_open then o.ended_at else now() - interval '60 days' end,
        'due_at', now() + c.shift, 'falls_due', now() + c.shift, 'as_of_position', 1))).*
from copies c join dash.obligations_g1 o on o.journey_id = c.original;
""",
    "stays": """
insert into dash.stays_g1
select (jsonb_populate_record(s, jsonb_build_object('journey_id', c.copy))).*
from copies c join dash.stays_g1 s on s.journey_id = c.original;
""",
    "numbers": "insert into dash.journey_numbers_g1 select 10000000 + at, copy from copies;",
    "timeline": """
insert into dash.timeline_g1
select 10000000 + row_number() over (), c.copy, t.version + 1000 * again.number, t.type, t.sentence, t.bookkeeping,
       t.actor_role, t.actor_id, t.occurred_at, t.recorded_at
from copies c cross join generate_series(0, %(repeats)s - 1) as again (number)
     join dash.timeline_g1 t on t.journey_id = c.original;
""",
    "statistics": """
vacuum (analyze) dash.journeys_g1, dash.obligations_g1, dash.stays_g1, dash.journey_numbers_g1, dash.timeline_g1
""",
}


def copy_read_models(database_url: str, journeys: int, events: int) -> dict[str, int]:
    """Fills the read models up to about so many journeys and events; how many rows there are then.

    What is on record already is in the read models, and is copied again and again with other due times.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        [real] = connection.execute("select count(*) from dash.journeys").fetchone() or (0,)
        [each] = connection.execute("select count(*) / %s from dash.timeline", [real]).fetchone() or (1,)
        repeats = max(1, round(events / journeys / each))
        values = {"times": max(1, journeys // real), "open": _OPEN_SHARE, "repeats": repeats}
        for statement in _COPIES.values():
            for part in filter(str.strip, statement.split(";")):
                connection.execute(part, values if "%(" in part else None)
        counted = {}
        for name in ("journeys", "obligations", "timeline"):
            [counted[name]] = connection.execute(f"select count(*) from dash.{name}").fetchone() or (0,)  # noqa: S608
        return counted
