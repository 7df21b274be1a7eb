"""In: what the server says. Out: what of it may be told, in one sentence."""
