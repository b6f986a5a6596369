"""Makes a centre's files known to a process. Each process does it once, before it looks at a journey."""

from __future__ import annotations

from pathlib import Path

from centre.files import centre_folder
from centre.policies import ReadPolicy, read_policies
from domain.policy import use_policies


def load(folder: Path | None = None) -> list[ReadPolicy]:
    """Reads the policies of the centre in `folder`, without one those of the example, and makes them known.

    Raises:
        CentreFileError: A file cannot be used; names the file, the line and the reason.
    """
    found = read_policies(centre_folder(folder) / "policies")
    use_policies(each.policy for each in found)
    return found
