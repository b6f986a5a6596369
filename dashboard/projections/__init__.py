"""Read models: tables in the schema `dash` that follow the record and can be rebuilt from it at any time."""

from dashboard.projections.authorisations import AUTHORISATIONS
from dashboard.projections.journeys import JOURNEYS
from dashboard.projections.model import Change, ReadModel
from dashboard.projections.numbers import NUMBERS
from dashboard.projections.obligations import OBLIGATIONS
from dashboard.projections.stays import STAYS
from dashboard.projections.timeline import TIMELINE

READ_MODELS: tuple[ReadModel, ...] = (JOURNEYS, OBLIGATIONS, STAYS, AUTHORISATIONS, TIMELINE, NUMBERS)
"""All read models, in the order in which they are shown."""

__all__ = [
    "AUTHORISATIONS",
    "JOURNEYS",
    "NUMBERS",
    "OBLIGATIONS",
    "READ_MODELS",
    "STAYS",
    "TIMELINE",
    "Change",
    "ReadModel",
]
