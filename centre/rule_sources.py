"""Where the numbers of a policy come from, for a person who asks why something is due then."""

from __future__ import annotations

from collections.abc import Iterable

from centre.policies import ReadPolicy, Sourced


class RuleSources:
    """The sources of every rule in these policies."""

    def __init__(self, policies: Iterable[ReadPolicy]) -> None:
        self._policies = {each.policy.version: each for each in policies}

    def of(self, version: str | None, rule: str | None) -> str | None:
        """The source of a rule and the day on which a person compared it; None if the files do not say.

        Args:
            version: Of the policy.
            rule: As `Counted.rule` names it: `step_up_hours`, or `levels.IOP.review.every_days`.
        """
        found = self._policies.get(version or "")
        if found is None or rule is None:
            return None
        of_level: dict[str, Sourced | None] = {f"levels.{each.id}.review": each.review for each in found.file.levels}
        entry = found.file.numbers.get(rule) or of_level.get(rule.rpartition(".")[0])
        return f"{entry.source} Checked {entry.checked}." if entry else None
