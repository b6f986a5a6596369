"""The record is altered behind its back, by its owner with the triggers off: the check names the first row of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eventstore import NewEvent, PostgresEventStore, SchemaMissing
from eventstore.request import content_digest
from eventstore.verification.anchors import (
    Anchor,
    AnchorError,
    SignedHeads,
    ensure_signing_key,
    keep,
    public_key_file,
    read_anchors,
    read_public_key,
    read_signing_key,
    sign,
)
from eventstore.verification.chain import read_rows
from eventstore.verification.verify import FaultKind, Verification, as_events, verify
from tests.eventstore.facts import fact

NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
async def twelve_events(database_url: str, postgres_store: PostgresEventStore) -> str:
    """Positions 1 to 12: appends of 2, 1, 3, 1, 2 and 3 events in three streams; stream b is closed at position 12."""
    versions: dict[str, int] = {}
    for number, (stream, size) in enumerate([("a", 2), ("b", 1), ("a", 3), ("c", 1), ("a", 2), ("b", 3)]):
        await postgres_store.append(
            stream,
            expected_version=versions.get(stream, 0),
            key=f"k{number}",
            events=[_sealed(number) if number == 3 else fact(number * 10 + n, actor="test") for n in range(size)],
            close=number == 5,
        )
        versions[stream] = versions.get(stream, 0) + size
    return database_url


def _sealed(number: int) -> NewEvent:
    return fact(number).model_copy(update={"sealed": b"ciphertext", "key_id": UUID(int=7)})


async def test_an_open_stream_that_lost_its_last_event_is_listed_without_it(
    twelve_events: str, postgres_store: PostgresEventStore
) -> None:
    tamper(twelve_events, "delete from es.events where stream = 'a' and version = 7")
    found = {each.stream: each async for each in postgres_store.open_streams()}
    assert found.keys() == {"a", "c"}
    assert (found["a"].version, found["a"].event_id, found["a"].recorded_at) == (7, None, None)
    assert found["c"].event_id is not None


def tamper(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for table in ("events", "appends", "streams"):
            connection.execute(f"alter table es.{table} disable trigger user".encode())
        for statement in statements:
            connection.execute(statement.encode())


def found(url: str, *anchors: Anchor) -> tuple[FaultKind, int]:
    fault = verify(url, anchors).fault
    assert fault is not None, "nothing was found"
    assert str(fault.position) in fault.sentence or fault.kind is FaultKind.STREAM_HEAD
    return fault.kind, fault.position


def chained_anew(url: str) -> None:
    """What someone would do who knows how the record works."""
    tamper(
        url,
        """update es.events e set hash = c.hash from (
               select position, es.chain(es.no_hash(), es.content(position, version, occurred_at, recorded_at,
                   event_id, schema_version, closes, stream, type, data::text, meta::text, key_id, sealed))
                   over (order by position) as hash from es.events) c
           where c.position = e.position""",
    )


def test_an_untouched_record_is_sound(twelve_events: str) -> None:
    told: list[tuple[int, int]] = []
    verdict = verify(twelve_events, progress=lambda done, of: told.append((done, of)))
    with psycopg.connect(twelve_events) as connection:
        last = [*read_rows(connection)][-1]
    assert verdict == Verification(events=12, hash=last.hash)
    assert verdict.is_sound and told == [(12, 12)]


def test_an_empty_record_is_sound(database_url: str) -> None:
    assert verify(database_url) == Verification()


def test_what_is_no_record_is_named_as_such(fresh_database: str) -> None:
    with pytest.raises(SchemaMissing):
        verify(fresh_database)


@pytest.mark.parametrize(
    "change",
    [
        """data = '{"number":99}'""",
        """data = '{"number": 30}'""",  # the same fact, another letter
        """meta = '{"actor":"other"}'""",
        "type = 'test.other'",
        "schema_version = 2",
        "occurred_at = occurred_at + interval '1 microsecond'",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "sealed = 'x'",
        "sealed = null, key_id = null",
        "key_id = gen_random_uuid()",
        "hash = sha256('x')",
        "version = 70",
        "closes = true",
        "stream = 'z'",
    ],
)
def test_an_altered_row_is_named(change: str, twelve_events: str) -> None:
    tamper(twelve_events, f"update es.events set {change} where position = 7")
    assert found(twelve_events) == (FaultKind.ALTERED, 7)


def test_another_id_is_named(twelve_events: str) -> None:
    tamper(twelve_events, "update es.events set event_id = gen_random_uuid() where position = 7")
    assert found(twelve_events) == (FaultKind.INSERTED, 7)


@pytest.mark.parametrize("position", [1, 5, 12])
def test_a_missing_row_is_named(position: int, twelve_events: str) -> None:
    tamper(twelve_events, f"delete from es.events where position = {position}")
    assert found(twelve_events) == (FaultKind.MISSING, position)


@pytest.mark.parametrize("position", [1, 5, 6])
def test_a_missing_row_is_named_although_later_ones_moved_up(position: int, twelve_events: str) -> None:
    tamper(
        twelve_events,
        f"delete from es.events where position = {position}",
        f"update es.events set position = -position where position > {position}".replace(
            "-position", "position + 1000"
        ),
        "update es.events set position = position - 1001 where position > 1000",
    )
    assert found(twelve_events) == (FaultKind.MISSING, position)


_INSERT = (
    "insert into es.events (position, version, occurred_at, recorded_at, event_id, schema_version, stream, type, data,"
    " meta, hash) select {position}, {version}, occurred_at, recorded_at, gen_random_uuid(), 1, 'a', type, data, meta,"
    " hash from es.events where position = 1"
)


def test_an_inserted_row_is_named(twelve_events: str) -> None:
    tamper(
        twelve_events,
        "update es.events set position = position + 1000 where position > 5",
        "update es.events set position = position - 999 where position > 1000",
        _INSERT.format(position=6, version=100),
    )
    assert found(twelve_events) == (FaultKind.INSERTED, 6)


def test_a_row_added_at_the_end_is_named_even_with_a_right_hash(twelve_events: str) -> None:
    tamper(twelve_events, _INSERT.format(position=13, version=8))
    chained_anew(twelve_events)
    assert found(twelve_events) == (FaultKind.INSERTED, 13)


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("delete from es.appends where first_position = 4", 4),
        ("update es.appends set append_key = 'x' where first_position = 4", 4),
        ("update es.appends set digest = 'x' where first_position = 4", 4),
        ("update es.appends set closes = true where first_position = 4", 4),
        ("update es.appends set last_version = 50 where first_position = 4", 4),
        ("update es.appends set closes = false where first_position = 10", 10),
        ("update es.appends set last_position = 9000000000000000000 where first_position = 4", 7),
    ],
)
def test_an_altered_ledger_is_named(statement: str, position: int, twelve_events: str) -> None:
    tamper(twelve_events, statement)
    assert found(twelve_events) == (FaultKind.LEDGER, position)


@pytest.mark.parametrize(
    "statement",
    [
        "update es.streams set version = 3 where stream = 'a'",
        "update es.streams set closed_at = null where stream = 'b'",
        "update es.streams set closed_at = closed_at + interval '1 day' where stream = 'b'",
        "delete from es.streams where stream = 'c'",
        "insert into es.streams values ('d', 1)",
    ],
)
def test_an_altered_head_is_named(statement: str, twelve_events: str) -> None:
    tamper(twelve_events, statement)
    assert found(twelve_events)[0] is FaultKind.STREAM_HEAD


def _signed(url: str, position: int, key: Ed25519PrivateKey) -> Anchor:
    with psycopg.connect(url) as connection:
        row = connection.execute("select hash from es.events where position = %s", [position]).fetchone()
    assert row is not None
    return sign(position, bytes(row[0]), key, NOW)


def test_a_chain_computed_anew_deceives_all_but_a_signed_head(twelve_events: str) -> None:
    anchors = [_signed(twelve_events, position, Ed25519PrivateKey.generate()) for position in (3, 9)]
    tamper(twelve_events, "update es.events set meta = '{}' where position = 8")
    chained_anew(twelve_events)
    assert verify(twelve_events).is_sound
    assert found(twelve_events, *anchors) == (FaultKind.ANCHOR, 9)


def test_a_stream_reopened_is_named_by_a_signed_head(twelve_events: str) -> None:
    anchor = _signed(twelve_events, 12, Ed25519PrivateKey.generate())
    tamper(
        twelve_events,
        "update es.events set closes = false where position = 12",
        "update es.appends set closes = false where first_position = 10",
        "update es.streams set closed_at = null where stream = 'b'",
    )
    assert found(twelve_events)[1] == 12
    chained_anew(twelve_events)
    assert found(twelve_events) == (FaultKind.LEDGER, 10)  # by its digest, which can be made anew as well
    with psycopg.connect(twelve_events) as connection:
        last = [*read_rows(connection)][-3:]
    digest = content_digest(as_events(last), close=False).hex()
    tamper(twelve_events, f"update es.appends set digest = decode('{digest}', 'hex') where first_position = 10")
    assert verify(twelve_events).is_sound
    assert found(twelve_events, anchor) == (FaultKind.ANCHOR, 12)


def test_a_head_signed_after_the_deed_does_not_hide_one_signed_before(twelve_events: str) -> None:
    key = Ed25519PrivateKey.generate()
    before = _signed(twelve_events, 9, key)
    tamper(twelve_events, "update es.events set meta = '{}' where position = 8")
    chained_anew(twelve_events)
    assert found(twelve_events, before, _signed(twelve_events, 9, key)) == (FaultKind.ANCHOR, 9)


def test_an_end_cut_off_deceives_all_but_a_signed_head(twelve_events: str) -> None:
    anchor = _signed(twelve_events, 12, Ed25519PrivateKey.generate())
    tamper(
        twelve_events,
        "delete from es.events where position > 9",
        "delete from es.appends where first_position > 9",
        "update es.streams set version = 1, closed_at = null where stream = 'b'",
    )
    assert verify(twelve_events).is_sound
    assert found(twelve_events, anchor) == (FaultKind.MISSING, 10)


def test_signed_heads_are_counted(twelve_events: str) -> None:
    key = Ed25519PrivateKey.generate()
    assert verify(twelve_events, [_signed(twelve_events, 4, key), _signed(twelve_events, 12, key)]).anchors == 2


def test_signed_heads_are_kept_and_read_again(tmp_path: Path) -> None:
    key_file, file = tmp_path / "keys" / "signing.pem", tmp_path / "heads.jsonl"
    ensure_signing_key(key_file)
    before = key_file.read_bytes()
    ensure_signing_key(key_file)
    assert key_file.read_bytes() == before
    assert key_file.stat().st_mode & 0o077 == 0
    key, public = read_signing_key(key_file), read_public_key(public_key_file(key_file))
    anchors = [sign(number, bytes(32), key, NOW + timedelta(hours=number)) for number in (1, 2)]
    for anchor in anchors:
        keep(anchor, file)
    assert read_anchors(file, public) == SignedHeads(tuple(anchors), ())


def test_a_line_that_was_cut_short_is_named_and_spoils_no_other(tmp_path: Path) -> None:
    key, file = Ed25519PrivateKey.generate(), tmp_path / "heads.jsonl"
    first, second = (sign(number, bytes(32), key, NOW) for number in (1, 2))
    keep(first, file)
    with file.open("a") as opened:
        opened.write(first.model_dump_json()[:50])
    keep(second, file)
    assert read_anchors(file, key.public_key()) == SignedHeads((first, second), torn=(2,))


@pytest.mark.parametrize(
    "forge",
    [
        lambda line: line.replace('"position":1', '"position":2'),
        lambda line: line.replace('"hash":"00', '"hash":"01'),
        lambda line: line.replace("2026", "2027"),
        lambda line: line.replace("signature", "signed"),
        lambda line: "{}",
    ],
)
def test_a_forged_head_is_refused(forge: Callable[[str], str], tmp_path: Path) -> None:
    key, file = Ed25519PrivateKey.generate(), tmp_path / "heads.jsonl"
    keep(sign(1, bytes(32), key, NOW), file)
    file.write_text(forge(file.read_text().rstrip("\n")) + "\n")
    with pytest.raises(AnchorError, match="line 1"):
        read_anchors(file, key.public_key())


def test_a_key_that_is_none_is_named(tmp_path: Path) -> None:
    for read in (read_signing_key, read_public_key):
        with pytest.raises(AnchorError):
            read(tmp_path / "nothing")
    (tmp_path / "text").write_text("no key")
    for read in (read_signing_key, read_public_key):
        with pytest.raises(AnchorError, match="PEM"):
            read(tmp_path / "text")
