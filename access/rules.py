"""Who may see and do what. One pure function decides, for pages, fields, the API and the codec server.

What no line of the table allows is denied. The table says for each action which role may take it, and how far: at all
the sites where the person works, or only for clients on their caseload.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domain.values import Key, Role, Value


class Action(StrEnum):
    """What a person may do here. The value is the name in the table of docs/access.md."""

    SEE_LISTS = "see-lists"  #: journeys, duties and counts of a site: codes, times and staff ids only
    READ_JOURNEY = "read-journey"  #: one journey: stage, duties, timeline, costs
    READ_WORDS = "read-words"  #: what people wrote about a client: reasons, rationales, plans
    FIND_CLIENT = "find-client"  #: a client by name or record number, and who a journey's client is
    TAKE_DECISION = "take-decision"  #: in one of their roles; each decision says which roles may take it
    EXPORT = "export"  #: lists as a file
    SEE_MESSAGES = "see-messages"  #: admissions messages that wait for a person: codes only
    READ_PAYLOADS = "read-payloads"  #: what Temporal holds encrypted, of any journey
    READ_AUDIT = "read-audit"  #: who looked at whom


class Scope(StrEnum):
    """How far an action goes for a role."""

    SITE = "site"  #: every journey of the sites where the person works
    BEFORE_CARE = "before-care"  #: the same, until the client is enrolled
    CASELOAD = "caseload"  #: clients on their caseload, and those whom nobody in that role has on theirs


class Viewer(Value):
    """Who asks.

    Attributes:
        person: Opaque staff id.
        roles: As the centre's list of staff says now, never as the person claims.
        sites: Where they work; empty means every site.
        auditor: Whether the list of staff names them as an auditor.
    """

    person: Key
    roles: tuple[Role, ...]
    sites: tuple[str, ...] = ()
    auditor: bool = False

    def works_at(self, site: str) -> bool:
        """Whether they work at `site`. A site that is not known counts only for those who work at every site."""
        return not self.sites or site in self.sites


class About(Value):
    """What an action is about.

    Attributes:
        site: The journey's site; None for what belongs to no site.
        before_care: Whether the client is not enrolled yet.
        caseload: Who has this client on their caseload, by role.
    """

    site: str | None = None
    before_care: bool = False
    caseload: Mapping[Role, frozenset[str]] = {}


_EVERYONE = dict.fromkeys(Role, Scope.SITE)
_LEADERS = {Role.SUPERVISOR: Scope.SITE, Role.MEDICAL_DIRECTOR: Scope.SITE}

TABLE: Mapping[Action, Mapping[Role, Scope]] = {
    Action.SEE_LISTS: _EVERYONE,
    Action.READ_JOURNEY: _EVERYONE,
    Action.READ_WORDS: {
        **_LEADERS,
        Role.CLINICIAN: Scope.CASELOAD,
        Role.CASE_MANAGER: Scope.CASELOAD,
        Role.UTILISATION_REVIEW: Scope.CASELOAD,
        Role.ADMISSIONS: Scope.BEFORE_CARE,
    },
    Action.FIND_CLIENT: {
        **_LEADERS,
        Role.ADMISSIONS: Scope.SITE,
        Role.CLINICIAN: Scope.SITE,
        Role.CASE_MANAGER: Scope.SITE,
        Role.UTILISATION_REVIEW: Scope.SITE,
    },
    Action.TAKE_DECISION: _EVERYONE,
    Action.EXPORT: {
        **_LEADERS,
        Role.ADMISSIONS: Scope.SITE,
        Role.UTILISATION_REVIEW: Scope.SITE,
        Role.OPERATIONS: Scope.SITE,
    },
    Action.SEE_MESSAGES: {**_LEADERS, Role.ADMISSIONS: Scope.SITE, Role.OPERATIONS: Scope.SITE},
    Action.READ_PAYLOADS: _LEADERS,
    Action.READ_AUDIT: {},
}
"""By action and role: how far. A role that is not named may not."""


def may(viewer: Viewer, action: Action, about: About = About()) -> bool:  # noqa: B008 - About is frozen
    """Whether `viewer` may take `action`. Pure; the default is no."""
    if action is Action.READ_AUDIT:
        return viewer.auditor
    if about.site is not None and not viewer.works_at(about.site):
        return False
    return any(_reaches(viewer, role, scope, about) for role, scope in TABLE[action].items() if role in viewer.roles)


def _reaches(viewer: Viewer, role: Role, scope: Scope, about: About) -> bool:
    match scope:
        case Scope.SITE:
            return True
        case Scope.BEFORE_CARE:
            return about.before_care
        case Scope.CASELOAD:
            on_it = about.caseload.get(role, frozenset())
            return not on_it or viewer.person in on_it
