from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clinic.process import ClinicProcess


@pytest.fixture(scope="session")
def running_clinic() -> Iterator[ClinicProcess]:
    clinic = ClinicProcess("--places", "4")
    yield clinic
    clinic.stop()


@pytest.fixture
def clinic(running_clinic: ClinicProcess) -> ClinicProcess:
    running_clinic.reset()
    return running_clinic
