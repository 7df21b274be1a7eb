"""Scans: one question to the database for one or more rules. Pure."""
