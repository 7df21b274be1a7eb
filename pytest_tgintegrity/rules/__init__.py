"""Declare: what to look at, what counts as a violation, how grave it is."""
