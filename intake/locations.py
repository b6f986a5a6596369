"""Finds the site that a message means, by the names it gives for where the client is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo

from domain.sites import Site
from intake.hl7 import Message

_DELETE = '""'
_NAMES = (("PV1", 3, 4, 1), ("PV1", 3, 4, 2), ("PV1", 3, 1, 1), ("MSH", 4, 1, 1), ("MSH", 4, 2, 1))
"""The facility of the assigned location, its point of care, and the sending facility: names and universal ids."""


@dataclass(frozen=True, slots=True)
class SiteNames:
    """One site, its names in lower case, and its current time zone."""

    site: str
    names: frozenset[str]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Locations:
    """How senders name the centre's sites. It is sent to the process that reads long messages, so it is kept small."""

    sites: tuple[SiteNames, ...] = ()

    @classmethod
    def of(cls, sites: Iterable[Site]) -> Self:
        """Reads the names from the sites. A site's own id is a name too."""
        return cls(tuple(map(_names_of, sites)))

    def meant(self, named: Iterable[str]) -> SiteNames | None:
        """The site that `named` means; None if it contains no site's name or the names of several.

        If the centre has only one site, it is always that site.
        """
        if len(self.sites) == 1:
            return self.sites[0]
        said = {name.casefold() for name in named}
        found = [each for each in self.sites if each.names & said]
        return found[0] if len(found) == 1 else None


def _names_of(site: Site) -> SiteNames:
    names = frozenset(name.casefold() for name in (site.id, *site.locations))
    return SiteNames(site.id, names, ZoneInfo(site.calendar.zone))


def named_locations(message: Message) -> tuple[str, ...]:
    """The names that an HL7 v2 message gives for where the client is, and for who sent it.

    Raises:
        Hl7Error: One is longer than any real one.
    """
    found = (message.field(*place[:3], subcomponent=place[3]) for place in _NAMES)
    return tuple(name for name in found if name not in ("", _DELETE))
