"""What a centre sets for itself in files: its policies, sites, staff and systems."""
