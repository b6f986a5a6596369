"""X12 005010X279A1 of our own: a tolerant tokeniser, 270 writer, 271 reader and the verdict."""
