"""The systems around a centre, as `centre.toml` describes them: clearinghouse, mail server, FHIR server."""

from __future__ import annotations

from pathlib import Path

from activities.x12.inquiry import Submitter
from centre.files import Document, read
from centre.mail_address import MailAddress
from domain.values import Value


class MailServer(Value):
    """The mail server's settings.

    Attributes:
        sender: The address that notices come from.
        start_tls: Whether to send only over TLS.
        username: Left out if the server requires no login.
        password_file: A file that holds only the password; a relative path starts at the centre's folder.
    """

    sender: MailAddress
    start_tls: bool = False
    username: str | None = None
    password_file: Path | None = None

    def password(self) -> str | None:
        """The password, or None if none is required."""
        return self.password_file.read_text(encoding="utf-8").strip() if self.password_file else None


class Systems(Value):
    """How a centre is known to the systems around it.

    Attributes:
        submitter: The centre's identity in eligibility inquiries.
        mail: The mail server for mail and pages.
        fhir_headers: Sent with every FHIR request, such as an authorisation.
        schedules: The Schedules whose places may be held, e.g. `Schedule/12`; empty means every one on the server.
    """

    submitter: Submitter
    mail: MailServer
    fhir_headers: dict[str, str] = {}
    schedules: frozenset[str] = frozenset()


def read_systems(file: Path) -> Systems:
    """Reads the systems from `file`.

    Raises:
        CentreFileError: The file, or the file of the mail server's password, cannot be used.
    """
    document = read(file)
    systems = document.read_as(Systems)
    if (secret := systems.mail.password_file) is None:
        return systems
    mail = systems.mail.changed(password_file=file.parent / secret)
    _check_password(document, mail)
    return systems.changed(mail=mail)


def _check_password(document: Document, mail: MailServer) -> None:
    try:
        found = mail.password()
    except OSError as error:
        raise document.error(("mail", "password_file"), f"that file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise document.error(("mail", "password_file"), "that file is not UTF-8 text") from None
    if not found:
        raise document.error(("mail", "password_file"), "that file is empty; write the password into it")
