"""Keys without a database, for tests of what is built on them: same contract, gone with the process."""

from __future__ import annotations

from uuid import UUID

from clientkeys.errors import KeyDestroyed, KeyMissing
from clientkeys.keys import DataKey, new_key


class MemoryKeyring:
    """A `Keyring` in memory."""

    def __init__(self) -> None:
        self._keys: dict[str, DataKey | None] = {}
        self._ids: dict[UUID, str] = {}

    async def key_of(self, owner: str) -> DataKey:
        """See `Keyring.key_of`."""
        if owner not in self._keys:
            made = new_key()[0]
            self._keys[owner], self._ids[made.id] = made, owner
        return self._held(owner)

    async def key(self, key_id: UUID) -> DataKey:
        """See `Keyring.key`."""
        if key_id not in self._ids:
            raise KeyMissing(key_id)
        return self._held(self._ids[key_id])

    async def destroy(self, owner: str) -> None:
        """See `Keyring.destroy`."""
        self._keys[owner] = None

    def _held(self, owner: str) -> DataKey:
        held = self._keys[owner]
        if held is None:
            raise KeyDestroyed
        return held
