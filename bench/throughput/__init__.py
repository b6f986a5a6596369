"""Journeys per second beside bare workflows that do the same, and how fast a step-up is recorded and called out."""
