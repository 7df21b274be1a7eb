"""In: the objects that a lock file pins, and those of the live catalog. Out: what is missing, changed or new. Pure."""
