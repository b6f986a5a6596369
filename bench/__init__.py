"""Measurements, each beside a peer or a floor taken in the same run. Printed as they come out."""

from centre.loading import load

load()
