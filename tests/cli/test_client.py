"""Words about a client, seen and destroyed by the command against a running house."""

from __future__ import annotations

import re
import time
import uuid
from pathlib import Path

import pytest

from cli.output import Exit
from tests.cli.conftest import PATIENCE_SECONDS, Answer, Call
from tests.cli.desk import CLINICIAN
from tests.cli.test_house import admitted, shown

pytestmark = pytest.mark.stack

CANARY = "CANARYVARIANCE, as her sister said"
PLACEMENT = ("--recommended", "IOP", "--actual", "OP", "--variance", CANARY, *CLINICIAN)
BY_LAW = ("--by", "s-1", "--approved-by", "s-2", "--reason", "legal-order", "--order", "24-CV-1")


def cancelled_at_the_source(there: Call, folder: Path) -> None:
    [file] = folder.glob("*.hl7")
    words = re.sub(rb"\|ADT\^A04\|\w+\|", f"|ADT^A11|{uuid.uuid4().hex}|".encode(), file.read_bytes())
    cancellation = folder / "cancellation.hl7"
    cancellation.write_bytes(words.replace(b"EVN|A04", b"EVN|A11"))
    assert there("send", cancellation).code == Exit.OK


def finally_(call: Call, *line: str) -> Answer:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := call(*line)).code == Exit.REFUSED:
        assert "journey-open" in answer.err, answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer


def test_words_are_shown_to_who_asks_for_them_and_destroyed_by_two_people(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    assert there("decide-placement", journey, *PLACEMENT).code == Exit.OK
    told = there("journey", journey, "--json")
    assert "[sealed]" in told.out and CANARY not in told.out
    assert CANARY not in there("journey", journey, "--everything").out
    assert CANARY in there("journey", journey, "--json", "--unseal").out
    client = shown(there, journey)["events"][0]["data"]["client_ref"]

    refused = there("client", "shred", client, *BY_LAW)
    assert (refused.code, "journey-open" in refused.err) == (Exit.REFUSED, True)
    cancelled_at_the_source(there, tmp_path)
    done = finally_(there, "client", "shred", client, *BY_LAW)
    assert (done.code, "destroyed" in done.out) == (Exit.OK, True)
    again = there("client", "shred", client, *BY_LAW)
    assert (again.code, "already decided earlier" in again.out) == (Exit.OK, True)

    after = there("journey", journey, "--json", "--unseal")
    assert (after.code, CANARY in after.out, "[sealed]" in after.out) == (Exit.OK, False, True)
    assert after.json["journey"]["stage"] == "CANCELLED"
    assert there("journeys", "--all").code == Exit.OK
    again = there("client", "shred-again")
    assert re.fullmatch(r"\d+ keys? (is|are) destroyed, as the record says\n", again.out)


def test_what_cannot_be_destroyed_is_told_in_one_line(there: Call, tmp_path: Path) -> None:
    stranger = there("client", "shred", str(uuid.uuid4()), *BY_LAW)
    assert (stranger.code, stranger.err.count("\n")) == (Exit.NOT_FOUND, 1)
    alone = there("client", "shred", str(uuid.uuid4()), "--by", "s", "--approved-by", "s", "--reason", "retention-over")
    assert (alone.code, "two-people" in alone.err) == (Exit.REFUSED, True)
    named = there("client", "shred", str(uuid.uuid4()), *BY_LAW[:-1], "CANARY SMITH")
    assert (named.code, "CANARY" in named.err) == (Exit.USAGE, False)


def test_keys_wrapped_by_the_newest_key_are_left_as_they_are(there: Call) -> None:
    assert there("client", "rewrap").out.startswith("0 keys re-wrapped")


def test_a_message_for_a_person_is_listed_and_shown_only_when_asked_for(there: Call, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.txt"
    garbage.write_bytes(b"not a message, but CANARYNAME sent it")
    assert there("send", garbage).code == Exit.NOT_ACCEPTED
    listed = there("quarantine", "--json")
    number = str(listed.json[0]["quarantine_id"])
    assert listed.json[0]["code"] == "no-msh"
    assert "CANARYNAME" not in listed.out + there("quarantine").out
    assert there("quarantine", number, "--unseal").out == "not a message, but CANARYNAME sent it\n"
    assert there("quarantine", number).code == there("quarantine", "--unseal").code == Exit.USAGE
    assert there("quarantine", "999999", "--unseal").code == Exit.NOT_FOUND
