"""Calls to other systems: a port for each clinic system, and an adapter that speaks its real protocol."""
