"""Errors of the server that may quote a row, and the text that replaces them where rows must not be shown. Pure."""

from __future__ import annotations

from psycopg import DataError, Error

DatabaseError = Error

ABOUT_NO_ROW = frozenset({"08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"})
"""Classes of errors that are about statements, names, permissions, resources and connections."""


def quotes_a_row(error: Error) -> bool:
    """Whether the text of an error may hold a value of a row; errors raised inside a user's function may say anything."""
    if error.sqlstate is None:  # of psycopg itself, which quotes the values that it cannot read
        return isinstance(error, DataError)
    if error.diag.source_function == "ProcessInterrupts":  # a timeout, wherever it struck
        return False
    return error.diag.context is not None or error.sqlstate[:2] not in ABOUT_NO_ROW


def without_row(error: Error) -> str:
    """The replacement: the kind of error, and why its text is hidden."""
    name = "".join(f" {char.lower()}" if char.isupper() else char for char in type(error).__name__).strip()
    state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    return f"{name}{state}; --no-samples hides what the server says of a row"
