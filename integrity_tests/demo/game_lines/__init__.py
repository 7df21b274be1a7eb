"""One module per game line: its reference objects, and its kinds of characters."""
