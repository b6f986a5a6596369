"""Writes `cli/summaries.json` from the commands' docstrings: `python -m cli.summarise`."""

from __future__ import annotations

import importlib
import inspect
import json

from cli.catalogue import KEEP, LOOK, RUN, SUMMARIES
from domain.pathway import DECISIONS


def made() -> str:
    """The text that the file should have now."""
    commands = {name: _summary(path) for name, path in {**RUN, **LOOK, **KEEP}.items()}
    decisions = {each.name(): each.description() for each in DECISIONS}
    return json.dumps({"commands": commands, "decisions": decisions}, indent=2, ensure_ascii=False) + "\n"


def _summary(path: str) -> str:
    module, _, attribute = path.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    text = inspect.getdoc(command) if inspect.isfunction(command) else command.help
    return " ".join((text or "").partition("\n\n")[0].split())


if __name__ == "__main__":
    SUMMARIES.write_text(made(), encoding="utf-8")
