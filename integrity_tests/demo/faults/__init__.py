"""The faults of `demo:damaged`, as data: what is planted, under which key, and how."""
