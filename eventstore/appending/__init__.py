"""Many appends over few connections: what travels together, and each answer to its own append."""
