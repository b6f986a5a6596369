"""The demonstration: invented clients and months of care in seconds, on the real processes and databases."""
