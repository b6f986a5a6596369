"""What a filter's form sends: fields that were left empty count as not given."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from domain.values import Value


class FilterForm(Value):
    """The query of a page with a filter. A form sends what is not chosen as empty text."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if value not in ("", [""])}
