"""The centre's files, brought into the domain when a process starts."""

from __future__ import annotations

from pathlib import Path

from centre.files import EXAMPLE, CentreFileError
from centre.sites import read_sites
from domain.policy import policy_named
from domain.sites import Site, use_sites


def load(folder: Path | None = None) -> None:
    """Makes the centre's sites known to this process.

    Args:
        folder: The centre's files; without it those of an invented centre.

    Raises:
        CentreFileError: A file cannot be used. Nothing is loaded then.
    """
    chosen = folder or EXAMPLE
    sites = read_sites(chosen)
    for each in sites:
        _require_policy(each, chosen)
    use_sites(sites)


def _require_policy(site: Site, folder: Path) -> None:
    try:
        policy_named(site.policy)
    except LookupError:
        file = folder / "sites" / f"{site.id}.toml"
        raise CentreFileError(
            file, None, f"policy {site.policy!r} is unknown; name one that this release has"
        ) from None
