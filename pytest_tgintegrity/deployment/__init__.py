"""In: a run, the runs before it, probes and migrations. Out: whether the gate is open, with a reason for each condition."""
