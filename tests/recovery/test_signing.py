"""The head of the record is signed in every scheduled run, or it is said why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.signatures import HeadSigned
from eventstore import open_store
from eventstore.verification.anchors import ensure_signing_key, public_key_file, read_anchors, read_public_key
from eventstore.verification.verify import verify
from recovery.signing import HeadSigner
from tests.eventstore.facts import record

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)


@pytest.fixture
def signer(migrated_database: str, tmp_path: Path) -> HeadSigner:
    key_file = tmp_path / "signing.pem"
    ensure_signing_key(key_file)
    return HeadSigner(migrated_database, key_file, tmp_path / "kept" / "heads.jsonl", lambda: NOW)


async def signed(signer: HeadSigner) -> HeadSigned:
    answer: HeadSigned = await ActivityEnvironment().run(signer.sign)
    return answer


async def test_where_the_record_stands_is_signed_and_kept(
    signer: HeadSigner, migrated_database: str, tmp_path: Path
) -> None:
    assert await signed(signer) == HeadSigned(position=None)
    async with open_store(migrated_database) as store:
        for expected in (2, 4):
            await record(store, "a", expected - 1, expected)
            assert await signed(signer) == HeadSigned(position=expected)
    key = read_public_key(public_key_file(tmp_path / "signing.pem"))
    anchors = read_anchors(tmp_path / "kept" / "heads.jsonl", key).anchors
    assert [(each.position, each.signed_at) for each in anchors] == [(2, NOW), (4, NOW)]
    assert verify(migrated_database, anchors).anchors == 2


async def test_without_a_key_none_is_signed(signer: HeadSigner) -> None:
    assert await signed(replace(signer, key_file=None)) == HeadSigned(position=None)


async def test_a_file_that_cannot_be_written_is_a_failure_that_names_it(signer: HeadSigner, tmp_path: Path) -> None:
    async with open_store(signer.database_url or "") as store:
        await record(store, "a", 1)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ApplicationError, match="folder") as refused:
        await signed(replace(signer, anchors=tmp_path / "folder"))
    assert refused.value.type == "not-signed"
    with pytest.raises(ApplicationError, match="signing key"):
        await signed(replace(signer, key_file=tmp_path / "nothing"))
