"""Who works at the centre, as far as a decision names a person: staff ids, roles and sites, never names.

The list of staff changes from day to day. So it is asked before a decision is taken in, and never by `decide`, whose
outcome must be the same whenever it is worked out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain.refusal import Refused, UnknownHere
from domain.values import Key, Role, Value


class Colleague(Value):
    """One member of staff.

    Attributes:
        sites: The ids of the sites they work at; empty means every site.
    """

    id: Key
    roles: tuple[Role, ...]
    sites: tuple[str, ...] = ()


FindColleague = Callable[[str], Colleague | None]
_FIND: list[FindColleague] = []


def use_staff(find: FindColleague) -> None:
    """Makes the centre's staff known to this process. `find` is asked each time, so it may follow a file."""
    _FIND[:] = [find]


def require_can_own(person: str, roles: Iterable[Role], site: str) -> None:
    """Refuses a person who is not on the list of staff, lacks one of the roles or does not work at the site.

    Args:
        site: Empty where it is not known.

    Raises:
        Refused: They cannot own it.
        UnknownHere: This process knows no staff.
    """
    if not _FIND:
        raise UnknownHere("the centre's staff is unknown here: give this process the centre's staff.toml")
    found = _FIND[0](person)
    if found is None:
        sentence = f"{person} is not on the centre's list of staff. Check the id, or add the person."
        raise Refused("person-unknown", sentence)
    lacking = sorted(role for role in set(roles) if role not in found.roles)
    if lacking:
        raise Refused("person-lacks-role", f"{person} is not {' or '.join(lacking)}. Choose someone who is.")
    if site and found.sites and site not in found.sites:
        raise Refused("person-elsewhere", f"{person} does not work at site {site}. Choose someone who does.")
