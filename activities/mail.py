"""Mail and paging over SMTP. Each notice goes to one person on call, and each key has one Message-ID."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib
import structlog

from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable, Notice, Recipient, Roster
from domain.obligation_terms import Channel

log = structlog.get_logger(__name__)

SYSTEM = "mail"


def _clock() -> datetime:
    return datetime.now(UTC)


class _AddressRefused(ClinicRefused):
    """The mail server does not accept mail for this address."""


class _AddressRefusedForNow(ClinicUnavailable):
    """The same, and it may take it later."""


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
        now: Callable[[], datetime] = _clock,
    ) -> None:
        """Sets it up for one mail server.

        Args:
            roster: Asked for each notice, because another person may be on call by then.
            start_tls: Refuse to send if the server does not offer TLS. The certificate is verified.
            now: The time for which the roster is asked, and the date of each message.
        """
        self._server = (host, port)
        self._roster = roster
        self._sender = sender
        self._seconds = timeout_seconds
        self._start_tls = start_tls
        self._tls_context = tls_context
        self._login = (username, password)
        self._now = now

    async def aclose(self) -> None:
        """Does nothing, because no connection stays open between notices."""

    async def send(self, notice: Notice) -> str:
        """Sends `notice`; returns its Message-ID, by which a repeat is recognised.

        It goes to the first recipient whose address the mail server accepts. If an address is refused for now, a mail
        waits for it, and a page goes to the next recipient.

        Raises:
            ClinicUnavailable: SMTP 4yz, time-outs, no connection.
            ClinicRefused: SMTP 5yz, or the role has no address.
        """
        refused: list[str] = []
        later: ClinicError | None = None
        for recipient in self._recipients(notice):
            try:
                return await self._send_to(recipient, notice, refused)
            except (_AddressRefused, _AddressRefusedForNow) as error:
                if isinstance(error, ClinicUnavailable) and notice.channel is not Channel.PAGE:
                    raise
                refused.append(recipient.staff_id or "a role")
                log.error("address-refused", staff=recipient.staff_id, code=error.code, advice=error.advice)
                later = error if later is None or isinstance(error, ClinicUnavailable) else later
        assert later is not None  # there is always a recipient
        raise later

    def _recipients(self, notice: Notice) -> list[Recipient]:
        found = list(self._roster.recipients(notice, self._now()))
        if not found:
            raise ClinicRefused(SYSTEM, "no-address", f"Name an address for {notice.to.value} in the centre's staff.")
        return found

    async def _send_to(self, recipient: Recipient, notice: Notice, refused: Sequence[str]) -> str:
        message_id = message_id_for(notice.key, self._sender)
        try:
            await self._deliver(self._message(notice, recipient, message_id, refused), recipient.address)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _typed(error) from None
        except (ValueError, MessageError):
            raise ClinicRefused(SYSTEM, "bad-message", "Correct the notice's subject or the staff's address.") from None
        _log_handed_over(notice, recipient, message_id)
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

    def _message(self, notice: Notice, recipient: Recipient, message_id: str, refused: Sequence[str]) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = recipient.address
        message["Subject"] = _subject(notice, recipient)
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = message_id
        message["Auto-Submitted"] = "auto-generated"
        if notice.channel is Channel.PAGE:
            message["X-Priority"] = "1"
        message.set_content(_body(notice, recipient, refused))
        return message


def _subject(notice: Notice, recipient: Recipient) -> str:
    return f"No one on call as {notice.to.value}: {notice.subject}" if recipient.is_fallback else notice.subject


def _body(notice: Notice, recipient: Recipient, refused: Sequence[str]) -> str:
    notes = []
    if recipient.in_place_of:
        notes.append(f"You are told in place of {recipient.in_place_of}, who is absent.")
    if refused:
        notes.append(f"The mail server refuses the address of {', '.join(refused)}: tell operations.")
    if recipient.note:
        notes.append(recipient.note)
    return "\n".join([notice.body.rstrip(), "", *notes, ""]) if notes else notice.body


def _log_handed_over(notice: Notice, recipient: Recipient, message_id: str) -> None:
    about = {"role": notice.to.value, "channel": notice.channel.value, "site": notice.site, "message": message_id}
    if recipient.is_fallback:
        log.warning("no-one-on-call", **about, advice="the role's own address was told; correct staff.toml")
    else:
        log.info("notice-handed-over", **about, staff=recipient.staff_id)


def message_id_for(key: str, sender: str) -> str:
    """The Message-ID of a key: opaque, and the same each time."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    return f"<{digest}@{sender.rpartition('@')[2] or 'throughline.invalid'}>"


def _typed(error: Exception) -> ClinicError:
    code = _smtp_code(error)
    if code is not None and 500 <= code < 600 and isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _AddressRefused(SYSTEM, f"smtp-{code}", "Correct this address in the centre's staff.")
    if code is not None and 500 <= code < 600:
        return ClinicRefused(SYSTEM, f"smtp-{code}", "Check the staff's address and the mail server's log.")
    if isinstance(error, aiosmtplib.SMTPNotSupported) or type(error) is aiosmtplib.SMTPException:
        return ClinicRefused(
            SYSTEM, "not-supported", "The mail server does not support a configured feature, such as STARTTLS."
        )
    if code is not None:
        kind = _AddressRefusedForNow if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else ClinicUnavailable
        return kind(SYSTEM, f"smtp-{code}", "Wait; the notice is sent again.")
    timed_out = isinstance(error, TimeoutError)
    return ClinicUnavailable(SYSTEM, "timeout" if timed_out else "unreachable", "Check the mail server.")


def _smtp_code(error: Exception) -> int | None:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        return error.recipients[0].code
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) and error.code > 0 else None
