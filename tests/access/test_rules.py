"""Who may see and do what: the whole table, written out by hand, so that a change of it is a change here too."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.rules import TABLE, About, Action, Viewer, may
from domain.values import Role

EVERYONE = set(Role)
LEADERS = {Role.SUPERVISOR, Role.MEDICAL_DIRECTOR}
HERE = About(site="main")
AT_THEIR_SITES = {
    Action.SEE_LISTS: EVERYONE,
    Action.READ_JOURNEY: EVERYONE,
    Action.TAKE_DECISION: EVERYONE,
    Action.FIND_CLIENT: EVERYONE - {Role.OPERATIONS},
    Action.EXPORT: {*LEADERS, Role.ADMISSIONS, Role.UTILISATION_REVIEW, Role.OPERATIONS},
    Action.SEE_MESSAGES: {*LEADERS, Role.ADMISSIONS, Role.OPERATIONS},
    Action.READ_PAYLOADS: LEADERS,
    Action.READ_AUDIT: set(),
}
"""Who may take an action about an open journey of their site that somebody else has on their caseload."""
ON_CASELOAD = {Role.CLINICIAN, Role.CASE_MANAGER, Role.UTILISATION_REVIEW}


def viewer(*roles: Role, sites: tuple[str, ...] = ("main",), auditor: bool = False) -> Viewer:
    return Viewer(person="s-1", roles=roles, sites=sites, auditor=auditor)


@pytest.mark.parametrize(("action", "role"), list(itertools.product(AT_THEIR_SITES, Role)))
def test_each_role_may_do_at_its_sites_what_the_table_says_and_nothing_elsewhere(action: Action, role: Role) -> None:
    assert may(viewer(role), action, HERE) == (role in AT_THEIR_SITES[action])
    assert not may(viewer(role), action, About(site="north"))
    assert not may(viewer(role), action, About(site="")), "a site that is not known is nobody's who works at one"


def test_no_action_is_without_a_line_here_and_in_the_table() -> None:
    assert set(TABLE) == set(Action) == {*AT_THEIR_SITES, Action.READ_WORDS}


@pytest.mark.parametrize("role", Role)
def test_words_are_for_the_caseload_for_leaders_and_for_admissions_until_care_begins(role: Role) -> None:
    theirs = About(site="main", caseload={role: frozenset({"s-1"})})
    anothers = About(site="main", caseload={role: frozenset({"s-2"})})
    nobodys = About(site="main")
    before_care = About(site="main", before_care=True, caseload={role: frozenset({"s-2"})})

    def reads(about: About) -> bool:
        return may(viewer(role), Action.READ_WORDS, about)

    assert reads(theirs) == reads(nobodys) == (role in {*ON_CASELOAD, *LEADERS})
    assert reads(anothers) == (role in LEADERS)
    assert reads(before_care) == (role in {*LEADERS, Role.ADMISSIONS})
    assert not may(viewer(role, sites=("north",)), Action.READ_WORDS, theirs)


def test_the_audit_is_for_auditors_alone_whatever_their_roles() -> None:
    assert may(viewer(auditor=True), Action.READ_AUDIT)
    assert not any(may(viewer(auditor=True), each, HERE) for each in Action if each is not Action.READ_AUDIT)
    assert not may(viewer(*Role), Action.READ_AUDIT)


def test_a_person_without_a_role_may_nothing() -> None:
    assert not any(may(viewer(), each, about) for each in Action for about in (About(), HERE))


@given(
    roles=st.lists(st.sampled_from(Role), unique=True),
    action=st.sampled_from(Action),
    site=st.sampled_from(["main", "north", "", None]),
    before_care=st.booleans(),
    caseload=st.dictionaries(st.sampled_from(Role), st.frozensets(st.sampled_from(["s-1", "s-2"]))),
)
def test_more_roles_and_more_sites_never_take_a_right_away(
    roles: list[Role], action: Action, site: str | None, before_care: bool, caseload: dict[Role, frozenset[str]]
) -> None:
    about = About(site=site, before_care=before_care, caseload=caseload)
    if may(viewer(*roles), action, about):
        assert may(viewer(*Role), action, about)
        assert may(viewer(*roles, sites=()), action, about)
    assert may(viewer(*roles), action, about) == any(may(viewer(each), action, about) for each in roles)
