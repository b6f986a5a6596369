"""Proposes holidays from the `holidays` library. A person accepts them by pasting them into a site's file.

The library is used for nothing else, so an update of it never moves a deadline.
"""

from __future__ import annotations

from datetime import date

_LONGEST_YEARS = 20


class NoProposal(Exception):
    """There is no list for that place or time. The message says what to ask for instead."""


def propose(country: str, subdivision: str | None, first_year: int, last_year: int) -> dict[date, str]:
    """The public holidays of these years, in order.

    Args:
        country: ISO country, such as `US`.
        subdivision: State, to include its own holidays, such as `CA`.

    Raises:
        NoProposal: The library does not know the place, or the years are out of order or too many.
    """
    if not first_year <= last_year < first_year + _LONGEST_YEARS:
        raise NoProposal(f"name at most {_LONGEST_YEARS} years, the first before the last: 2027-2029")
    import holidays  # here, so that no process that counts days ever loads it

    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=range(first_year, last_year + 1))
    except NotImplementedError:
        place = f"{country} {subdivision}" if subdivision else country
        raise NoProposal(
            f"no holidays are known for {place}: give an ISO country and a state, such as US and CA"
        ) from None
    return dict(sorted(found.items()))


def as_toml(found: dict[date, str]) -> str:
    """Lines for a site's file, under `[calendars.holidays]`."""
    return "\n".join(f"{day} = {_quoted(name)}" for day, name in found.items())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
