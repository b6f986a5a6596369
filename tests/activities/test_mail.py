from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from activities.mail import SmtpMessenger
from activities.ports import ClinicRefused, ClinicUnavailable, Notice, Recipient
from domain.obligation_terms import Channel
from domain.values import Role
from tests.activities.mail_server import mail_server
from tests.clinic.process import ClinicProcess

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
ADDRESSES = {Channel.MAIL: "clinician-canary@centre.invalid", Channel.PAGE: "pager-canary@centre.invalid"}


@dataclass
class OneClinician:
    """A roster of one person who is a clinician, and what it was asked."""

    asked: list[tuple[Notice, datetime]] = field(default_factory=list)

    def recipients(self, notice: Notice, now: datetime) -> Sequence[Recipient]:
        self.asked.append((notice, now))
        if notice.to is not Role.CLINICIAN:
            return ()
        return (Recipient(address=ADDRESSES[notice.channel], staff_id="s-1"),)


@dataclass
class These:
    """A roster that names these."""

    found: Sequence[Recipient]

    def recipients(self, notice: Notice, now: datetime) -> Sequence[Recipient]:
        return self.found


def notice(key: str = "key-1", channel: Channel = Channel.MAIL, to: Role = Role.CLINICIAN) -> Notice:
    return Notice(key=key, channel=channel, to=to, subject="A review is due", body="Open the desk.\nThank you.")


def messenger(port: int, **arguments: object) -> SmtpMessenger:
    wanted = {"roster": OneClinician(), "sender": "desk@centre.invalid", **arguments}
    return SmtpMessenger("127.0.0.1", port, **wanted)  # type: ignore[arg-type]


async def test_mail_and_page_reach_the_person_the_roster_names(clinic: ClinicProcess) -> None:
    post = messenger(clinic.smtp_port)
    first = await post.send(notice())
    second = await post.send(notice("key-2", Channel.PAGE))
    kept = {message["id"]: message for message in clinic.get("/mailbox")}
    assert kept[first]["to"] == ["clinician-canary@centre.invalid"]
    assert kept[second]["to"] == ["pager-canary@centre.invalid"]
    assert "Open the desk." in kept[first]["body"]


async def test_the_same_key_is_the_same_message(clinic: ClinicProcess) -> None:
    post = messenger(clinic.smtp_port)
    assert await post.send(notice()) == await post.send(notice())
    assert len(clinic.get("/mailbox")) == 1
    assert [entry["repeat"] for entry in clinic.ledger(system="mail")] == [False, True]


async def test_a_temporary_failure_is_unavailable_and_then_recovers(clinic: ClinicProcess) -> None:
    clinic.script("*", mail_failures=1)
    post = messenger(clinic.smtp_port)
    with pytest.raises(ClinicUnavailable) as caught:
        await post.send(notice())
    assert caught.value.code == "smtp-451"
    assert "canary" not in str(caught.value)
    await post.send(notice())
    assert len(clinic.get("/mailbox")) == 1


async def test_a_permanent_failure_is_refused(clinic: ClinicProcess) -> None:
    clinic.script("*", mail_refused=True)
    with pytest.raises(ClinicRefused) as caught:
        await messenger(clinic.smtp_port).send(notice())
    assert caught.value.code == "smtp-550"
    assert "canary" not in str(caught.value)


async def test_a_role_without_an_address_is_refused(clinic: ClinicProcess) -> None:
    with pytest.raises(ClinicRefused) as caught:
        await messenger(clinic.smtp_port).send(notice(to=Role.OPERATIONS))
    assert caught.value.code == "no-address"


async def test_a_server_without_starttls_gets_nothing_where_it_is_wanted(clinic: ClinicProcess) -> None:
    with pytest.raises(ClinicRefused) as caught:
        await messenger(clinic.smtp_port, start_tls=True).send(notice())
    assert caught.value.code == "not-supported"
    assert clinic.get("/mailbox") == []


async def test_a_subject_with_a_line_end_is_refused_and_not_injected(clinic: ClinicProcess) -> None:
    odd = notice().model_copy(update={"subject": "Due\r\nBcc: other@centre.invalid"})
    with pytest.raises(ClinicRefused) as caught:
        await messenger(clinic.smtp_port).send(odd)
    assert caught.value.code == "bad-message"


async def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(ClinicUnavailable) as caught:
        await messenger(1).send(notice())
    assert caught.value.code == "unreachable"


async def test_the_roster_is_asked_for_each_notice_and_its_moment(clinic: ClinicProcess) -> None:
    roster = OneClinician()
    post = messenger(clinic.smtp_port, roster=roster, now=lambda: NOW)
    await post.send(notice())
    await post.send(notice("key-2"))
    assert [(asked.key, now) for asked, now in roster.asked] == [("key-1", NOW), ("key-2", NOW)]
    assert all(message["date"] == "Mon, 02 Mar 2026 17:00:00 +0000" for message in clinic.get("/mailbox"))


async def test_one_person_is_told_of_several(clinic: ClinicProcess) -> None:
    people = [Recipient(address=f"{name}@centre.invalid", staff_id=name) for name in ("s-1", "s-2")]
    await messenger(clinic.smtp_port, roster=These(people)).send(notice())
    assert [message["to"] for message in clinic.get("/mailbox")] == [["s-1@centre.invalid"]]


async def test_a_fallback_says_so_in_its_subject_and_in_the_log(clinic: ClinicProcess) -> None:
    own = Recipient(address="desk-canary@centre.invalid", is_fallback=True)
    with capture_logs() as logs:
        await messenger(clinic.smtp_port, roster=These([own])).send(notice())
    assert clinic.get("/mailbox")[0]["subject"] == "No one on call as clinician: A review is due"
    assert [(each["event"], each["log_level"], each["role"]) for each in logs] == [
        ("no-one-on-call", "warning", "clinician")
    ]
    assert "canary" not in str(logs)


async def test_the_roles_own_address_is_no_fallback_where_it_is_all_there_is(clinic: ClinicProcess) -> None:
    await messenger(clinic.smtp_port, roster=These([Recipient(address="desk@centre.invalid")])).send(notice())
    assert clinic.get("/mailbox")[0]["subject"] == "A review is due"


async def test_a_cover_reads_for_whom_they_are_told(clinic: ClinicProcess) -> None:
    cover = Recipient(address="s-2@centre.invalid", staff_id="s-2", in_place_of="s-1", note="The list is old.")
    await messenger(clinic.smtp_port, roster=These([cover])).send(notice())
    lines = clinic.get("/mailbox")[0]["body"].splitlines()
    assert lines == [
        "Open the desk.",
        "Thank you.",
        "",
        "You are told in place of s-1, who is absent.",
        "The list is old.",
    ]


TWO_AND_THE_DESK = These(
    [
        *(Recipient(address=f"{name}@centre.invalid", staff_id=name) for name in ("gone", "there")),
        Recipient(address="desk@centre.invalid", is_fallback=True),
    ]
)


async def test_the_next_is_told_where_the_mail_server_refuses_an_address() -> None:
    async with mail_server(gone="550 no such user") as (port, taken):
        with capture_logs() as logs:
            await messenger(port, roster=TWO_AND_THE_DESK).send(notice())
    assert [to for to, _ in taken] == [["there@centre.invalid"]]
    assert "The mail server refuses the address of gone: tell operations." in taken[0][1]
    assert (logs[0]["event"], logs[0]["staff"], logs[0]["code"]) == ("address-refused", "gone", "smtp-550")


async def test_the_roles_own_address_is_told_where_every_other_is_refused() -> None:
    async with mail_server(gone="550 no such user", there="553 not here") as (port, taken):
        await messenger(port, roster=TWO_AND_THE_DESK).send(notice())
    assert [to for to, _ in taken] == [["desk@centre.invalid"]]
    assert "Subject: No one on call as clinician: A review is due" in taken[0][1]


async def test_a_notice_that_no_address_takes_is_refused() -> None:
    async with mail_server(gone="550 gone", there="550 gone", desk="550 gone") as (port, taken):
        with pytest.raises(ClinicRefused) as caught:
            await messenger(port, roster=TWO_AND_THE_DESK).send(notice())
    assert caught.value.code == "smtp-550"
    assert "centre.invalid" not in str(caught.value)
    assert taken == []


async def test_a_page_to_an_address_that_is_refused_for_now_goes_to_the_next_at_once() -> None:
    async with mail_server(gone="450 greylisted") as (port, taken):
        await messenger(port, roster=TWO_AND_THE_DESK).send(notice(channel=Channel.PAGE))
    assert [to for to, _ in taken] == [["there@centre.invalid"]]


async def test_a_page_that_no_address_takes_is_tried_again_if_one_may_take_it_later() -> None:
    async with mail_server(gone="450 greylisted", there="550 gone", desk="550 gone") as (port, taken):
        with pytest.raises(ClinicUnavailable) as caught:
            await messenger(port, roster=TWO_AND_THE_DESK).send(notice(channel=Channel.PAGE))
    assert caught.value.code == "smtp-450" and taken == []


async def test_an_address_that_is_refused_for_now_is_tried_again_later_and_no_other_is_told() -> None:
    async with mail_server(gone="450 greylisted") as (port, taken):
        with pytest.raises(ClinicUnavailable):
            await messenger(port, roster=TWO_AND_THE_DESK).send(notice())
    assert taken == []
