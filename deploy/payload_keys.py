"""The keys that encrypt what goes to Temporal: a file, which the embedded stack makes once.

It holds one key a line, 32 random bytes in base64, like the file of key-encryption keys. The last one encrypts, all
of them decrypt.
"""

import base64
import binascii
import stat
from pathlib import Path
from typing import Final

from deploy.errors import KeyLostError, SettingsError
from deploy.kek import make_key_file

_KEY_BYTES: Final = 32
_SETTING: Final = "THROUGHLINE_PAYLOAD_KEYS"


def read_payload_keys(file: Path) -> list[bytes]:
    """The keys in `file`, the one that encrypts last.

    Raises:
        SettingsError: It is missing, others may read it, or a line is not 32 bytes in base64.
    """
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise SettingsError(f"others than its owner may use {file}, which {_SETTING} names: make its mode 0600")
        lines = file.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file}, which {_SETTING} names, cannot be read ({type(error).__name__}): put the payload keys there"
        ) from None
    if not lines:
        raise SettingsError(f"{file}, which {_SETTING} names, is empty: put a key there, 32 random bytes in base64")
    return [_decoded(line, file) for line in lines]


def provide_payload_keys(file: Path, used: Path, *, may_make: bool, begins_empty: bool) -> None:
    """Sees that `file` is there; a first key is made for a Temporal server that holds nothing encrypted yet.

    Args:
        file: The payload keys.
        used: A note next to Temporal's data that keys were provided for it.
        may_make: Whether the file is the stack's own, and not named by someone else.
        begins_empty: Whether Temporal has no data.

    Raises:
        KeyLostError: The file is missing and must not be made, as running journeys may need what it held.
    """
    if not file.exists():
        if not may_make or (used.exists() and not begins_empty):
            raise KeyLostError(
                f"{file} is missing: put the payload keys there from their safe copy; without them no worker can go "
                "on with a running journey"
            )
        make_key_file(file)
    used.touch(mode=0o600)


def _decoded(line: str, file: Path) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise SettingsError(f"a line of {file} is not a payload key: each is {_KEY_BYTES} random bytes in base64")
    return key
