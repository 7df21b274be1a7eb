"""Throw-away PostgreSQL and Valkey servers."""
