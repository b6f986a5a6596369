"""The demonstration: invented clients, months of care in seconds, on the real parts."""
