"""In: a run and those before it. Out: whether this may go on: the gate, and the performance that it asks for."""
