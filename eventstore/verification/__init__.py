"""Whether the record is as it was written: the hash chain, its check, and signed heads kept elsewhere."""
