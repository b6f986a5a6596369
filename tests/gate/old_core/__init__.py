"""What is true of a client's journey and what follows from it: pure, no I/O, no clock, no Temporal, no SQL."""
