"""Our own X12 005010X279A1 layer: a tolerant tokeniser, a 270 writer, a 271 reader and the verdict."""
