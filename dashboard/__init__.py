"""Journeys for people to look at: lists, timelines and a sentence for each event, from the record only."""
