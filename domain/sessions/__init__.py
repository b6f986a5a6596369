"""Sessions of care: what was planned and what came of it. Pure; the facts are kept beside the journey's own events."""
