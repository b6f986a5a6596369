"""Mail and paging over SMTP: one role's address for each, one Message-ID for each key."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable, Notice
from domain.obligations import Channel
from domain.values import Role

SYSTEM = "mail"


@dataclass(frozen=True, slots=True)
class Roster:
    """Where whoever holds a role now is reached: mailbox, and the pager's mail gateway."""

    mail: Mapping[Role, str] = field(default_factory=dict)
    page: Mapping[Role, str] = field(default_factory=dict)

    def address(self, channel: Channel, role: Role) -> str | None:
        """The address, or None where nobody is named."""
        return (self.page if channel is Channel.PAGE else self.mail).get(role)


class SmtpMessenger:
    """A `Messenger` that hands each notice to one mail server."""

    def __init__(
        self,
        host: str,
        port: int,
        roster: Roster,
        *,
        sender: str,
        timeout_seconds: float = 20.0,
        start_tls: bool = False,
        tls_context: ssl.SSLContext | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        """`start_tls` refuses to send where the server does not offer it; the certificate is verified."""
        self._server = (host, port)
        self._roster = roster
        self._sender = sender
        self._seconds = timeout_seconds
        self._start_tls = start_tls
        self._tls_context = tls_context
        self._login = (username, password)

    async def aclose(self) -> None:
        """Nothing is kept open between notices."""

    async def send(self, notice: Notice) -> str:
        """Hands `notice` over; returns its Message-ID, by which a repetition is recognised.

        Raises:
            ClinicUnavailable: SMTP 4yz, time-outs, no connection.
            ClinicRefused: SMTP 5yz, or nobody holds the role.
        """
        address = self._roster.address(notice.channel, notice.to)
        if address is None:
            raise ClinicRefused(SYSTEM, "no-address", f"Name an address for {notice.to.value} in the roster.")
        message_id = message_id_for(notice.key, self._sender)
        try:
            await self._deliver(self._message(notice, address, message_id), address)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _typed(error) from None
        except (ValueError, MessageError):
            raise ClinicRefused(SYSTEM, "bad-message", "Correct the notice's subject or the roster.") from None
        return message_id

    async def _deliver(self, message: EmailMessage, address: str) -> None:
        host, port = self._server
        await aiosmtplib.send(
            message,
            sender=self._sender,
            recipients=[address],
            hostname=host,
            port=port,
            timeout=self._seconds,
            start_tls=self._start_tls,
            tls_context=self._tls_context,
            username=self._login[0],
            password=self._login[1],
        )

    def _message(self, notice: Notice, address: str, message_id: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = address
        message["Subject"] = notice.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = message_id
        message["Auto-Submitted"] = "auto-generated"
        if notice.channel is Channel.PAGE:
            message["X-Priority"] = "1"
        message.set_content(notice.body)
        return message


def message_id_for(key: str, sender: str) -> str:
    """The Message-ID of a key: opaque, and the same each time."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    return f"<{digest}@{sender.rpartition('@')[2] or 'throughline.invalid'}>"


def _typed(error: Exception) -> ClinicError:
    code = _smtp_code(error)
    if code is not None and 500 <= code < 600:
        return ClinicRefused(SYSTEM, f"smtp-{code}", "Check the roster's address and the mail server's log.")
    if isinstance(error, aiosmtplib.SMTPNotSupported) or type(error) is aiosmtplib.SMTPException:
        return ClinicRefused(SYSTEM, "not-supported", "The mail server lacks what is set up, such as STARTTLS.")
    if code is not None:
        return ClinicUnavailable(SYSTEM, f"smtp-{code}", "Wait; the notice is sent again.")
    timed_out = isinstance(error, TimeoutError)
    return ClinicUnavailable(SYSTEM, "timeout" if timed_out else "unreachable", "Check the mail server.")


def _smtp_code(error: Exception) -> int | None:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        return error.recipients[0].code
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) and error.code > 0 else None
