"""Lists as files: the whole list of one moment, for who may export, and noted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator

import psycopg
import pytest

from dashboard.api.files import Form, _cell, form_in
from dashboard.queries import journeys
from dashboard.queries.filters import JourneyFilter
from dashboard.queries.moment import Moment
from dashboard.reading import JourneyRow
from tests.dashboard.api.served import Served
from tests.domain import walk


@pytest.mark.parametrize("name", ["journeys", "duties"])
async def test_a_file_has_the_rows_of_the_list(filled: Served, name: str) -> None:
    listed = (await filled.get(f"/{name}?size=200&order=pressing")).json()
    lines = await filled.get(f"/{name}.ndjson")
    assert [json.loads(line) for line in lines.text.splitlines()] == listed["rows"]
    table = await filled.get(f"/{name}.csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [each["journey_id"] for each in rows] == [each["journey_id"] for each in listed["rows"]]
    assert list(rows[0]) == list(listed["rows"][0])
    for answer in (lines, table):
        assert answer.headers["as-of"] == str(listed["as_of"])
        assert answer.headers["total-count"] == str(listed["total"]) == str(len(rows))
    assert table.headers["content-type"].startswith("text/csv")
    assert lines.headers["content-type"].startswith("application/x-ndjson")


async def test_the_accept_header_chooses_the_form(filled: Served) -> None:
    for accept, ending in (("text/csv", "csv"), ("application/json;q=0.5, application/x-ndjson", "ndjson")):
        assert (await filled.get("/duties?due=overdue", Accept=accept)).text == (
            await filled.get(f"/duties.{ending}?due=overdue")
        ).text
    assert (await filled.get("/duties", Accept="text/html, */*")).json()["rows"]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Form.JSON),
        ("*/*", Form.JSON),
        ("text/html", Form.JSON),
        ("text/csv;q=0", Form.JSON),
        ("text/csv;q=x", Form.JSON),
        ("application/json, text/csv", Form.JSON),
        ("application/json;q=0.1, TEXT/CSV;q=0.2", Form.CSV),
        ("application/x-ndjson", Form.NDJSON),
    ],
)
def test_the_form_that_is_liked_best_is_taken(accept: str | None, form: Form) -> None:
    assert form_in(accept) is form


async def test_who_may_not_export_gets_no_file_and_no_row_in_the_audit(served: Served) -> None:
    await served.keep({"enrolled": walk.enrolled()})
    for path, accept in (("/journeys.csv", "*/*"), ("/duties.ndjson", "*/*"), ("/journeys", "text/csv")):
        answer = await served.get(path, "case-manager-1", Accept=accept)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await served.services.audit.looks() == []


async def test_each_file_is_one_row_in_the_audit_with_the_codes_of_its_filter(served: Served) -> None:
    await served.keep({"enrolled": walk.enrolled()})
    await served.get("/journeys.csv?standing=overdue&site=main", "operations-1")
    await served.get("/duties?stuck=true", "operations-1", Accept="application/x-ndjson")
    [second, first] = await served.services.audit.looks()
    assert (first.did, first.person, first.journey_id) == ("exported", "operations-1", None)
    assert (first.about, second.about) == ("journeys csv standing=overdue site=main", "duties ndjson stuck=True")


async def test_what_cannot_be_noted_is_not_sent(served: Served) -> None:
    await served.keep({"enrolled": walk.enrolled()})
    async with await psycopg.AsyncConnection.connect(served.url, autocommit=True) as connection:
        await connection.execute("alter table access.audit rename to gone")
    for path in ("/journeys.csv", "/journeys/enrolled", "/journeys/enrolled/events"):
        answer = await served.get(path)
        assert answer.status_code >= 500
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_file_shows_only_the_sites_of_the_person(filled: Served) -> None:
    answer = await filled.get("/journeys.ndjson", "north-1")
    assert (answer.status_code, answer.text, answer.headers["total-count"]) == (200, "", "0")


async def test_a_file_is_of_one_moment_also_if_rows_come_while_it_is_read(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.keep({f"j{number}": walk.opened() for number in range(6)})
    before = (await served.get("/journeys.ndjson")).text
    whole = journeys.every_journey

    async def slowly(moment: Moment, wanted: JourneyFilter) -> AsyncIterator[JourneyRow]:
        async for row in whole(moment, wanted):
            yield row
            if len(await served.store.read("later")) == 0:
                await served.keep({"later": walk.opened()})

    monkeypatch.setattr("dashboard.queries.moment._AT_ONCE", 2)
    monkeypatch.setattr(journeys, "every_journey", slowly)
    assert (await served.get("/journeys.ndjson")).text == before
    assert '"later"' in (await served.get("/journeys.ndjson")).text


async def test_no_more_files_are_sent_at_once_than_leave_the_pages_their_connections(filled: Served) -> None:
    async with filled.services.files, filled.services.files:
        answer = await filled.get("/journeys.csv")
        assert (answer.status_code, answer.json()["code"]) == (503, "too-many-files")
        assert int(answer.headers["retry-after"]) > 0
        assert (await filled.get("/journeys")).status_code == 200
    assert (await filled.get("/journeys.csv")).status_code == 200


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", "\ta", "\ra"])
def test_a_cell_is_no_formula(cell: str) -> None:
    assert _cell(cell) == f"'{cell}"
    assert _cell(f"a{cell}") == f"a{cell}"


def test_cells_are_plain() -> None:
    assert [_cell(each) for each in (None, True, False, 3, ["a", "b"], "x")] == ["", "true", "false", "3", "a b", "x"]
