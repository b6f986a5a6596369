"""A mail address in a centre's file, checked when the file is read rather than when the first page goes out."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from typing import Annotated

from pydantic import AfterValidator


def _checked(text: str) -> str:
    try:
        read = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        read = Address()
    if not read.username or read.addr_spec != text or not text.isascii():
        raise ValueError("this is not a mail address; write one address such as desk@centre.example, without a name")
    return text


MailAddress = Annotated[str, AfterValidator(_checked)]
"""One address that a mail server accepts: no display name, no list, ASCII."""
