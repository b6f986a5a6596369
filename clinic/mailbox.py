"""The mail server: keeps each message once, by its Message-ID."""

from __future__ import annotations

import email
import email.policy
from typing import Any

from clinic.ledger import Ledger
from clinic.scripts import Scripts
from clinic.state import Item, State


class Mailbox:
    """An aiosmtpd handler."""

    def __init__(self, state: State, scripts: Scripts, ledger: Ledger) -> None:
        self._state = state
        self._scripts = scripts
        self._ledger = ledger

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Accepts a message, or refuses it as scripted."""
        if self._scripts.of().mail_refused:
            return "550 5.7.1 refused for " + " ".join(envelope.rcpt_tos)
        if self._scripts.use_up("mail_failures"):
            return "451 4.3.0 try again for " + " ".join(envelope.rcpt_tos)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        id_ = str(message["Message-ID"] or "").strip()
        self._ledger.add("mail", "message", id_, to=list(envelope.rcpt_tos))
        if not id_:
            return "554 5.6.0 no Message-ID"
        if self._state.get("mail", id_) is None:
            self._state.put("mail", id_, _kept(message, id_, list(envelope.rcpt_tos)))
        return "250 2.0.0 taken in"

    def messages(self) -> list[Item]:
        """All accepted messages, without duplicates."""
        return self._state.all("mail")


def _kept(message: Any, id_: str, recipients: list[str]) -> Item:
    body = message.get_body(preferencelist=("plain",))
    return {
        "id": id_,
        "to": recipients,
        "from": str(message["From"]),
        "subject": str(message["Subject"]),
        "date": str(message["Date"]),
        "body": "" if body is None else body.get_content(),
    }
