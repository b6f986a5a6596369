"""A centre's year through the pure core: who is in care, how long things take, and who is paged how often."""
