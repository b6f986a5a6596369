"""Loads a centre's files into a process. Each process does it once, before it uses a journey."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from centre.files import CentreFileError, centre_folder
from centre.policies import ReadPolicy, read_policies
from centre.sites import read_sites, require_known_levels
from domain.policy import use_policies
from domain.sites import Site, use_sites


class Loaded(NamedTuple):
    """What a process knows about its centre."""

    policies: list[ReadPolicy]
    sites: tuple[Site, ...]


_Stamps = frozenset[tuple[Path, int, int, int]]
_READ: dict[Path, tuple[_Stamps, Loaded]] = {}


def load(folder: Path | None = None) -> Loaded:
    """Loads the policies and sites of the centre into this process. Files that have not changed are read once.

    Args:
        folder: The centre's files; if None, those of an invented centre.

    Raises:
        CentreFileError: A file cannot be used; names the file, the line and the reason. Nothing is loaded then.
    """
    chosen = centre_folder(folder)
    stamps = _stamps(chosen)  # before the files are read: a change during the reading is seen the next time
    known = _READ.get(chosen)
    if known is None or known[0] != stamps:
        known = _READ[chosen] = stamps, _read(chosen)
    loaded = known[1]
    use_policies(each.policy for each in loaded.policies)
    use_sites(loaded.sites)
    return loaded


def _read(chosen: Path) -> Loaded:
    policies, sites = read_policies(chosen / "policies"), read_sites(chosen)
    known = {each.policy.version: each.policy for each in policies}
    for site in sites:
        if site.policy not in known:
            file = chosen / "sites" / f"{site.id}.toml"
            raise CentreFileError(
                file, None, f"policy {site.policy!r} is unknown; name one of {', '.join(sorted(known))}"
            )
        require_known_levels(chosen, site, known[site.policy])
    return Loaded(policies, sites)


def _stamps(chosen: Path) -> _Stamps:
    """Differs once a file of the policies or sites was changed, added or taken away."""
    found = []
    for each in (*(chosen / "policies").glob("*"), *(chosen / "sites").glob("*")):
        with suppress(OSError):  # the reading says what is wrong with it
            stat = each.stat()
            found.append((each, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)
