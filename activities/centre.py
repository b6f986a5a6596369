"""What a centre must say of itself before its calls go anywhere real: who it is to payers, and who is on duty.

Read from a JSON file. Without one the invented centre of the demonstration is used, whose mail reaches nobody.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from activities.x12.inquiry import Submitter
from domain.values import Role, Value


class CentreFileError(Exception):
    """The file cannot be used; the message says which part, and never what it holds."""


class MailServer(Value):
    """How the mail server wants to be spoken to. `password_file` holds the password alone."""

    sender: str
    start_tls: bool = False
    username: str | None = None
    password_file: Path | None = None


class Centre(Value):
    """One centre.

    Attributes:
        submitter: For eligibility inquiries.
        mail: For mail and pages.
        mailboxes: Address of whoever holds a role now; `pagers` likewise, at the pager's mail gateway.
        fhir_headers: Sent with every FHIR request, such as an authorisation.
        schedules: The Schedules whose places may be held, e.g. `Schedule/12`; empty means every one on the server.
    """

    submitter: Submitter
    mail: MailServer
    mailboxes: dict[Role, str]
    pagers: dict[Role, str]
    fhir_headers: dict[str, str] = {}
    schedules: frozenset[str] = frozenset()


def read_centre(file: Path) -> Centre:
    """The centre that `file` describes.

    Raises:
        CentreFileError: It cannot be read, or a role has no address.
    """
    try:
        centre = Centre.model_validate_json(file.read_bytes())
    except OSError as error:
        raise CentreFileError(f"cannot read the centre's file: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CentreFileError(f"the centre's file is not usable at {where}: {first['msg']}") from None
    unreachable = [role for role in Role if role not in centre.mailboxes or role not in centre.pagers]
    if unreachable:
        raise CentreFileError(f"give a mailbox and a pager to each role; missing: {', '.join(unreachable)}")
    return centre


EXAMPLE = Centre(
    submitter=Submitter(
        sender_id="THROUGHLINE",
        receiver_id="CLEARINGHOUSE",
        name="THROUGHLINE CENTRE",
        npi="1999999984",
        company_id="9THROUGHLN",
        usage="T",
    ),
    mail=MailServer(sender="throughline@clinic.example"),
    mailboxes={role: f"{role}@clinic.example" for role in Role},
    pagers={role: f"{role}@pager.clinic.example" for role in Role},
)
"""An invented centre. Addresses under `.example` reach nobody."""
