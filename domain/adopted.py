"""What a version of the centre's own data said when it was first used. On record once, in no journey's stream."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, Self

from domain.events import BaseEvent
from domain.sites import Calendar, SiteId
from domain.values import Instant


class Adopted(BaseEvent):
    """A version of the centre's data was first used.

    Attributes:
        digest: SHA-256 of the document, as `digest_of` makes it.
        document: The version, whole.
    """

    digest: str
    document: dict[str, Any]

    @property
    def stream(self) -> str:
        """The stream that holds it and nothing else."""
        raise NotImplementedError(f"{type(self).__name__} has no stream")

    @property
    def what(self) -> str:
        """What was adopted, for people."""
        raise NotImplementedError(f"{type(self).__name__} is not named")

    @property
    def file(self) -> str:
        """The centre's file that says it, from its folder on."""
        raise NotImplementedError(f"{type(self).__name__} has no file")


class CalendarAdopted(Adopted):
    """A site's calendar was first used: journeys may open under it from now on."""

    type: Literal["calendar.adopted"] = "calendar.adopted"
    site: SiteId
    version: int

    @classmethod
    def of(cls, site: str, calendar: Calendar, at: Instant) -> Self:
        """The calendar as its file says now."""
        document = calendar.model_dump(mode="json", exclude_defaults=True)  # a field added later changes no digest
        cause = f"adopt/calendar/{site}/{calendar.version}"
        return cls(
            at=at, cause=cause, digest=digest_of(document), document=document, site=site, version=calendar.version
        )

    @property
    def stream(self) -> str:
        """One for each version."""
        return f"calendar/{self.site}/{self.version}"

    @property
    def what(self) -> str:
        """Site and version."""
        return f"calendar {self.version} of site {self.site}"

    @property
    def file(self) -> str:
        """The site's."""
        return f"sites/{self.site}.toml"

    def _sentence(self) -> str:
        return f"Calendar {self.version} of site {self.site} is used from now on"


class PolicyAdopted(Adopted):
    """A policy was first used: journeys may be under it from now on."""

    type: Literal["policy.adopted"] = "policy.adopted"
    version: str

    @property
    def stream(self) -> str:
        """One for each version."""
        return f"policy/{self.version}"

    @property
    def what(self) -> str:
        """The version."""
        return f"policy {self.version}"

    @property
    def file(self) -> str:
        """The version's."""
        return f"policies/{self.version}.toml"

    def _sentence(self) -> str:
        return f"Policy {self.version} is used from now on"


def digest_of(document: dict[str, Any]) -> str:
    """Equal for equal documents; the order of keys does not count."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
