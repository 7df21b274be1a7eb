"""Violated and unknown rules as people read them: one by one, and many of one kind together. Pure."""
