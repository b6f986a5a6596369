"""How the clinic should behave: for everyone (`*`) or for one client, by record number or member number."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from clinic.state import Item, State

EVERYONE = "*"
Money = Annotated[Decimal, Field(ge=0)]
Answer = Literal["271", "html", "999", "ta1", "garbage", "truncated", "wrong_trace", "dependent"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Places(_Strict):
    """How many places of a level are shown as free (None: all), and from which search on."""

    available: int | None = Field(default=None, ge=0)
    from_search: int = Field(default=1, ge=1)


SearchAnswer = Literal[
    "searchset",
    "outcome",
    "outcome-entry",
    "html",
    "empty",
    "truncated",
    "array",
    "collection",
    "no-resource",
    "total-only",
]


WriteAnswer = Literal["resource", "minimal", "old", "accepted", "outcome"]


class Quirks(_Strict):
    """What real FHIR servers do that breaks careless clients; only used in the script for everyone.

    Attributes:
        search_answer: The answer to a search, with status 200: a valid `searchset`, or something else.
        ignore_criteria: A search returns every resource of its type.
        include_others: A search also returns a resource of the type that does not match, marked as included.
        lost_creates: This many creates are carried out but answered with 503.
        index_lag: This many searches do not show a new resource yet.
        write_answer: The answer to a write. Carried out: the `resource`, or nothing (`minimal`). Not carried out: the
            resource as it was (`old`), status 202 (`accepted`), or 200 and an error (`outcome`).
        hit_mode: The `search.mode` of matches.
        adds_to_identifiers: Whether the server adds a use and an assigner to each identifier.
        says_total: Whether a searchset says how many matches there are.
    """

    search_cache: bool = False
    ignore_if_none_exist: bool = False
    ignore_if_match: bool = False
    conflict_status: Literal[409, 412] = 412
    conflicts: int = Field(default=0, ge=0)
    lost_answers: int = Field(default=0, ge=0)
    page_size: int = Field(default=50, ge=1)
    search_answer: SearchAnswer = "searchset"
    ignore_criteria: bool = False
    include_others: bool = False
    lost_creates: int = Field(default=0, ge=0)
    index_lag: int = Field(default=0, ge=0)
    write_answer: WriteAnswer = "resource"
    hit_mode: Literal["match", "include"] = "match"
    adds_to_identifiers: bool = False
    says_total: bool = False


class Script(_Strict):
    """One client's script. Every failure count goes down by one with each failure, then the system recovers.

    Attributes:
        aliases: Other names of the same client: a member number, a journey's id.
        coverage: What the payer says; `aaa:<code>` or `aaa:<code>:<follow-up>` rejects the inquiry.
        priced_for: Service types for which the payer states amounts; None means all.
        copay: The copay for each visit; 0 is stated as 0, even with a coinsurance.
        spans: Periods of the plan, as `RD8`. Each has its own EB; those after the first have another plan name.
        ended_plan: Whether a plan that ended last year is listed as inactive next to the active one.
        messages: MSGs under the mental-health benefit.
        other_payer: An organisation named under that benefit in loop 2120; `other_payer_code` is its NM101.
        eligibility_answer: `271`, or what is sent instead of a valid one.
        eligibility_delay: Elapsed seconds before the clearinghouse answers; `ehr_delay` is the same for the EHR.
        staff: Whether the holder of a role answers. Roles that are not named do.
        mail_failures: How often to answer SMTP 451; `mail_refused` answers SMTP 550. Only used for everyone.
    """

    aliases: tuple[str, ...] = ()
    coverage: Annotated[
        str, Field(pattern=r"^(active|inactive|auth_required|excluded|unknown|aaa:[A-Z0-9]{2}(:[A-Z])?)$")
    ] = "active"
    copay: Money | None = Decimal(30)
    coinsurance: Annotated[Decimal, Field(ge=0, le=1)] | None = None
    deductible_total: Money | None = Decimal(1500)
    deductible_remaining: Money | None = Decimal(500)
    out_of_pocket_remaining: Money | None = Decimal(4000)
    priced_for: tuple[str, ...] | None = None
    spans: tuple[Annotated[str, Field(pattern=r"^\d{8}-\d{8}$")], ...] = ()
    ended_plan: bool = False
    messages: tuple[Annotated[str, Field(pattern=r"^[^*~^:]{1,264}$")], ...] = ()
    other_payer: Annotated[str, Field(pattern=r"^[^*~^:]{1,60}$")] | None = None
    other_payer_code: Literal["PR", "PRP", "SEP", "TTP", "VN", "X3", "Y2", "13"] = "VN"
    eligibility_answer: Answer = "271"
    eligibility_delay: float = Field(default=0, ge=0)
    eligibility_failures: int = Field(default=0, ge=0)
    ehr_delay: float = Field(default=0, ge=0)
    ehr_failures: int = Field(default=0, ge=0)
    ehr_refused: bool = False
    places: dict[str, Places] = Field(default_factory=dict)
    staff: dict[str, bool] = Field(default_factory=dict)
    mail_failures: int = Field(default=0, ge=0)
    mail_refused: bool = False
    quirks: Quirks = Field(default_factory=Quirks)


class Scripts:
    """The scripts given so far. A client's own wins over everyone's, which wins over the default."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of(self, *names: str | None) -> Script:
        """The script in force for a client known by any of `names`."""
        merged: Item = {}
        for name in (EVERYONE, *self.known(names)):
            merged = _merge(merged, self.given(name))
        return Script.model_validate(merged)

    def given(self, name: str) -> Item:
        """The script that was set for exactly `name`."""
        return self._state.get("script", name) or {}

    def set(self, name: str, change: Item, *, replace: bool) -> Script:
        """Sets or adds to a script. Raises `pydantic.ValidationError` if it is not valid."""
        wanted = change if replace else _merge(self.given(name), change)
        checked = Script.model_validate(wanted)
        self._state.put("script", name, wanted)
        for alias in checked.aliases:
            self._state.put("alias", alias, {"of": name})
        return checked

    def forget(self, name: str) -> None:
        """Removes a script."""
        self._state.drop("script", name)

    def use_up(self, field: str, *names: str | None) -> bool:
        """Uses one of the failures left in `field` (dotted for a quirk). False if none is left."""
        return any(self._take(name, field.split(".")) for name in (*self.known(names), EVERYONE))

    def count_search(self, level: str, *names: str | None) -> int:
        """Counts one search for places of `level` by a client; returns the number so far."""
        name = f"{next(iter(self.known(names)), EVERYONE)}/{level}"
        number = (self._state.get("searches", name) or {"number": 0})["number"] + 1
        self._state.put("searches", name, {"number": number})
        return int(number)

    def known(self, names: tuple[str | None, ...]) -> list[str]:
        """`names` and the script names they are aliases of."""
        given = [name for name in names if name]
        owners = [alias["of"] for name in given if (alias := self._state.get("alias", name)) is not None]
        return list(dict.fromkeys([*given, *owners]))

    def _take(self, name: str, path: list[str]) -> bool:
        given = self.given(name)
        left: Any = given
        for part in path:
            left = left.get(part, 0) if isinstance(left, dict) else 0
        if not isinstance(left, int) or left <= 0:
            return False
        change: Any = left - 1
        for part in reversed(path):
            change = {part: change}
        self._state.put("script", name, _merge(given, change))
        return True


def _merge(base: Item, change: Item) -> Item:
    merged = dict(base)
    for field, value in change.items():
        held = merged.get(field)
        merged[field] = _merge(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return merged
