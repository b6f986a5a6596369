"""Who is told when of an obligation that is not met: the ladders that several parts share.

Offsets are elapsed hours from the due time; `None` means when the obligation is raised. They are the centre's policy.
"""

from __future__ import annotations

from domain.obligations import Channel, Step
from domain.values import Role

ADMISSIONS_DESK: tuple[Step, ...] = (
    (0, Role.ADMISSIONS, Channel.MAIL),
    (24, Role.OPERATIONS, Channel.MAIL),
    (72, Role.SUPERVISOR, Channel.PAGE),
)
CLINICIAN: tuple[Step, ...] = (
    (0, Role.CLINICIAN, Channel.PAGE),
    (24, Role.SUPERVISOR, Channel.PAGE),
    (72, Role.MEDICAL_DIRECTOR, Channel.PAGE),
)
CASE_MANAGER: tuple[Step, ...] = (
    (0, Role.CASE_MANAGER, Channel.MAIL),
    (24, Role.SUPERVISOR, Channel.PAGE),
)
