"""What a call must not forget between its attempts: which resources it has begun to create, and their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Creation:
    """A resource that was sent to a server.

    Attributes:
        begun: When it was sent.
        id: The id that the server gave it; empty as long as no answer named one.
    """

    begun: datetime
    id: str = ""


class Creations:
    """The creations that no search has confirmed yet, by a label that holds no client data, e.g. `Task/duty-1`.

    A server's search may find a new resource only seconds later, and the process may end right after a resource was
    sent. So each change is handed to `keep` at once, and the next attempt begins with what was kept.
    """

    def __init__(
        self,
        kept: Mapping[str, Sequence[str]] | None = None,
        keep: Callable[[dict[str, list[str]]], object] = lambda _: None,
    ) -> None:
        """`kept` is what an earlier attempt last gave to `keep`: begin (ISO 8601) and id, by label."""
        self._open = {label: Creation(datetime.fromisoformat(begun), id_) for label, (begun, id_) in _items(kept)}
        self._keep = keep
        self._shared: Creations | None = None

    def shared_with(self, others: Creations) -> Creations:
        """These, and what `others` remember of other calls; what happens here is noted there too."""
        self._shared = others if others is not self else None
        return self

    def get(self, label: str) -> Creation | None:
        """The creation that is not confirmed yet."""
        return self._open.get(label) or (self._shared.get(label) if self._shared else None)

    def note(self, label: str, creation: Creation) -> None:
        """Notes that the resource is being sent, or the id it was given."""
        self._open[label] = creation
        if self._shared:
            self._shared.note(label, creation)
        self._tell()

    def forget(self, label: str) -> None:
        """The resource is found by searching, or was certainly not created."""
        if self._shared:
            self._shared.forget(label)
        if self._open.pop(label, None) is not None:
            self._tell()

    def _tell(self) -> None:
        self._keep({label: [each.begun.isoformat(), each.id] for label, each in self._open.items()})


def _items(kept: Mapping[str, Sequence[str]] | None) -> list[tuple[str, tuple[str, str]]]:
    return [(label, (values[0], values[1])) for label, values in (kept or {}).items()]
