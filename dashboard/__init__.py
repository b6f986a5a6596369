"""Journeys as people look at them: lists, timelines and the words for each event, from the record alone."""
