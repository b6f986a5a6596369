"""Reading the record as it grows: pages of events, checkpoints, and one active consumer at a time."""
