"""Which benefits of an answer are about outpatient mental health here, and which of them fits best."""

from __future__ import annotations

from dataclasses import dataclass

from activities.x12.response import Benefit, Member

MOST_SPECIFIC_FIRST = ("BC", "A8", "CH", "CF", "MH", "A4", "A6")
BEHAVIOURAL_HEALTH = frozenset(
    {*MOST_SPECIFIC_FIRST, "A5", "A7", "AI", "AJ", "AK", "BB", "CE", "CG", "RT"},
)
"""All service types of mental health and substance use. A company that handles one of them may also handle ours."""
PLAN_LEVEL = "30"
_OTHERS = frozenset({"SPO", "SPC", "CHD", "DEP"})
_LEVELS = {"IND": 0, "": 1, "FAM": 2}


@dataclass(frozen=True, slots=True)
class Rules:
    """How this centre is contracted with the payer. Comes from its contracts, never from a 271.

    Attributes:
        network: `Y` if the centre is in the payer's network, `N` if it is not, `U` if that is not known.
        places: Place-of-service codes under which care is given.
        procedures: HCPCS and revenue codes under which intensive outpatient care is billed.
        outpatient_procedures: Codes under which outpatient visits are billed. An amount for one of them is not for IOP.
        planned_days: Treatment days of a full course. If fewer are left, a person must judge.
        course_days: Calendar days within which coverage must not end.
    """

    network: str = "Y"
    places: frozenset[str] = frozenset({"11", "22", "49", "52", "53"})
    procedures: frozenset[str] = frozenset({"S9480", "H0015", "0905", "0906", "905", "906"})
    outpatient_procedures: frozenset[str] = frozenset(
        {"90791", "90792", "90832", "90834", "90837", "90846", "90847", "90853"}
    )
    planned_days: int = 18
    course_days: int = 0


Key = tuple[int, int, int]


def key_of(benefit: Benefit, rules: Rules) -> Key | None:
    """How well `benefit` fits, smallest first (service type, network, level); None: it does not apply."""
    kind = 0 if names_our_procedure(benefit, rules) and not benefit.service_types else _service_rank(benefit)
    networks = {rules.network: 0, "W": 1, "": 1, "U": 2}
    elsewhere = bool(benefit.places) and not rules.places.intersection(benefit.places)
    other = bool(benefit.procedure) and not names_our_procedure(benefit, rules)
    if kind is None or benefit.network not in networks or elsewhere or other:
        return None
    return kind, networks[benefit.network], _LEVELS.get(benefit.level, 3)


def names_our_procedure(benefit: Benefit, rules: Rules) -> bool:
    """Whether EB13 names one of our procedure codes, or a range of codes (EB13-2 to EB13-8) in which one lies."""
    named = [code.strip().upper() for code in benefit.procedure]
    if not rules.procedures.isdisjoint(named):
        return True
    first, *others = (*named[1:], "")  # modifiers among the others are shorter than codes
    ends = [end for end in others if len(end) == len(first)]
    return any(len(code) == len(end) and first <= code <= end for end in ends for code in rules.procedures)


def is_behavioural(benefit: Benefit) -> bool:
    """Whether a benefit that applies here names a mental-health service of ours, by service type or procedure alone."""
    by_procedure = bool(benefit.procedure) and not benefit.service_types
    return by_procedure or any(code in MOST_SPECIFIC_FIRST for code in benefit.service_types)


def is_behavioural_health(benefit: Benefit) -> bool:
    """Whether it names a mental-health or substance-use service, even one that is given elsewhere."""
    return not BEHAVIOURAL_HEALTH.isdisjoint(benefit.service_types)


def is_only_ours(benefit: Benefit) -> bool:
    """Whether every service it names is one that this centre gives."""
    return bool(benefit.service_types) and all(code in MOST_SPECIFIC_FIRST for code in benefit.service_types)


def is_about_plan(benefit: Benefit) -> bool:
    """Whether it is about the plan as a whole."""
    return not benefit.service_types or PLAN_LEVEL in benefit.service_types


def is_of(benefit: Benefit, member: Member) -> bool:
    """Whether it may apply to the member. What is only about spouse or children does not apply to a subscriber."""
    return member.is_dependent or benefit.level not in _OTHERS


def applies(benefit: Benefit, rules: Rules) -> bool:
    """Whether it applies to this centre's care: service type, network, place and procedure."""
    return key_of(benefit, rules) is not None


def relevant(benefits: list[Benefit], rules: Rules) -> list[Benefit]:
    """Those that apply here, best fit first."""
    keyed = [(key, benefit) for benefit in benefits if (key := key_of(benefit, rules)) is not None]
    return [benefit for _, benefit in sorted(keyed, key=lambda pair: pair[0])]


def _service_rank(benefit: Benefit) -> int | None:
    ranked = [i for i, code in enumerate(MOST_SPECIFIC_FIRST) if code in benefit.service_types]
    if ranked:
        return ranked[0]
    if PLAN_LEVEL in benefit.service_types:
        return len(MOST_SPECIFIC_FIRST)
    return None if benefit.service_types else len(MOST_SPECIFIC_FIRST) + 1
