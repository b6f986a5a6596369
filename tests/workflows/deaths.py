"""Steps after whose append a worker is to die, by journey and cause. Outside the workflow sandbox, so it is shared."""

MARKED: set[tuple[str, str]] = set()
