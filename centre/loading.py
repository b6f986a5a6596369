"""Loads a centre's files into a process. Each process does it once, before it uses a journey."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from centre.files import CentreFileError, centre_folder
from centre.policies import ReadPolicy, read_policies
from centre.sites import read_sites
from domain.policy import use_policies
from domain.sites import Site, use_sites


class Loaded(NamedTuple):
    """What a process knows about its centre."""

    policies: list[ReadPolicy]
    sites: tuple[Site, ...]


def load(folder: Path | None = None) -> Loaded:
    """Loads the policies and sites of the centre into this process.

    Args:
        folder: The centre's files; if None, those of an invented centre.

    Raises:
        CentreFileError: A file cannot be used; names the file, the line and the reason. Nothing is loaded then.
    """
    chosen = centre_folder(folder)
    policies, sites = read_policies(chosen / "policies"), read_sites(chosen)
    known = {each.policy.version for each in policies}
    for site in sites:
        if site.policy not in known:
            file = chosen / "sites" / f"{site.id}.toml"
            raise CentreFileError(
                file, None, f"policy {site.policy!r} is unknown; name one of {', '.join(sorted(known))}"
            )
    use_policies(each.policy for each in policies)
    use_sites(sites)
    return Loaded(policies, sites)
