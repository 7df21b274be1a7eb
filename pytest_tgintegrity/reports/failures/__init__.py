"""Violated and unknown rules as people read them: each one, and many of one kind together. Pure."""
