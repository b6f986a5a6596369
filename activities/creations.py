"""What a call must remember between its attempts: which resources it has started to create, and their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Creation:
    """A resource that was sent to a server.

    Attributes:
        begun: When the request was sent.
        id: The id that the server gave it; empty until an answer names one.
    """

    begun: datetime
    id: str = ""


class Creations:
    """The creations that no search has confirmed yet, by a label without client data, e.g. `Task/duty-1`.

    A server's search may find a new resource only seconds later, and the process may end right after a request was
    sent. So each change is passed to `keep` at once, and the next attempt starts with what was kept.
    """

    def __init__(
        self,
        kept: Mapping[str, Sequence[str]] | None = None,
        keep: Callable[[dict[str, list[str]]], object] = lambda _: None,
    ) -> None:
        """`kept` is what an earlier attempt last passed to `keep`: start time (ISO 8601) and id, by label."""
        self._open = {label: Creation(datetime.fromisoformat(begun), id_) for label, (begun, id_) in _items(kept)}
        self._keep = keep
        self._shared: Creations | None = None

    def shared_with(self, others: Creations) -> Creations:
        """These creations together with `others` from other calls. Changes here are noted there too."""
        self._shared = others if others is not self else None
        return self

    def get(self, label: str) -> Creation | None:
        """The unconfirmed creation with this label, if there is one."""
        return self._open.get(label) or (self._shared.get(label) if self._shared else None)

    def note(self, label: str, creation: Creation) -> None:
        """Notes that the resource is being sent, or the id that it was given."""
        self._open[label] = creation
        if self._shared:
            self._shared.note(label, creation)
        self._tell()

    def forget(self, label: str) -> None:
        """Forgets a resource that a search has found, or that was certainly not created."""
        if self._shared:
            self._shared.forget(label)
        if self._open.pop(label, None) is not None:
            self._tell()

    def _tell(self) -> None:
        self._keep({label: [each.begun.isoformat(), each.id] for label, each in self._open.items()})


def _items(kept: Mapping[str, Sequence[str]] | None) -> list[tuple[str, tuple[str, str]]]:
    return [(label, (values[0], values[1])) for label, values in (kept or {}).items()]
