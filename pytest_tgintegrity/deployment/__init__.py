"""The gate, which says whether this may go on, and what it has to know."""
