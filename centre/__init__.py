"""What a centre decides for itself, as files: its policies, sites, staff and systems."""
