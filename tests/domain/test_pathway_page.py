"""The tables of stages and obligations in the docs say what the domain does."""

from __future__ import annotations

from tests.domain.pathway_page import PAGE, filled_in, observe


def test_the_tables_of_stages_and_obligations_are_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = filled_in(page, observe())
    assert found == page, "run `python -m tests.domain.pathway_page`"
    assert "not seen here" not in found, "add a walk to STAGES that raises it"
