from __future__ import annotations

import pytest

from activities.mail import Roster, SmtpMessenger
from activities.ports import ClinicRefused, ClinicUnavailable, Notice
from domain.obligations import Channel
from domain.values import Role
from tests.clinic.process import ClinicProcess

ROSTER = Roster(
    mail={Role.CLINICIAN: "clinician-canary@centre.invalid"},
    page={Role.CLINICIAN: "pager-canary@centre.invalid"},
)


def notice(key: str = "key-1", channel: Channel = Channel.MAIL, to: Role = Role.CLINICIAN) -> Notice:
    return Notice(key=key, channel=channel, to=to, subject="A review is due", body="Open the desk.\nThank you.")


def messenger(port: int, **arguments: object) -> SmtpMessenger:
    return SmtpMessenger("127.0.0.1", port, ROSTER, sender="desk@centre.invalid", **arguments)  # type: ignore[arg-type]


async def test_mail_and_page_reach_the_one_who_holds_the_role(clinic: ClinicProcess) -> None:
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


async def test_a_role_nobody_holds_is_refused(clinic: ClinicProcess) -> None:
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
