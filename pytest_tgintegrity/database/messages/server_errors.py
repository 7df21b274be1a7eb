"""Errors of the server as one sentence for a person; all its texts pass through here, as they may quote rows."""

from __future__ import annotations

import psycopg
from psycopg import errors

from pytest_tgintegrity.database.messages.hiding import quotes_a_row, without_row

_GRANT = "GRANT SELECT to the role, or USAGE on its schema"
_PROBABLY = " This probably means"
_ADVICE = " Is the server running"


def said(error: BaseException, *, quote: bool = True) -> str:
    """An error's message in one line; without `quote` nothing that may be of a row."""
    if not quote and isinstance(error, psycopg.Error) and quotes_a_row(error):
        return without_row(error)
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return " ".join(lines) if lines else type(error).__name__


def primary(error: psycopg.Error, *, quote: bool) -> str:
    """The primary message of the server."""
    message = error.diag.message_primary if quote or not quotes_a_row(error) else None
    return message or said(error, quote=quote)


def exception(error: Exception, *, quote: bool) -> str:
    """Any exception, by its class and the first line of what it says."""
    if not quote and isinstance(error, psycopg.Error) and quotes_a_row(error):
        return without_row(error)
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def refused(error: BaseException, *, quote: bool) -> str:
    """Why the server refused to write: what it says and its detail, without the position in a function."""
    if not isinstance(error, psycopg.Error) or not error.diag.message_primary or (not quote and quotes_a_row(error)):
        return said(error, quote=quote)
    words = ": ".join(filter(None, [error.diag.message_primary, error.diag.message_detail]))
    return " ".join(words.split())


def unconnected(error: psycopg.Error) -> str:
    """Why there is no connection, without advice for users of psql."""
    words = said(error).removeprefix("connection failed: ").removeprefix("connection is bad: ")
    return words.partition(_ADVICE)[0]


def explained(error: psycopg.Error, allowed: float, lock: float, *, quote: bool) -> str:
    """What went wrong with one statement, and the cure where there is one; `allowed` and `lock` are its limits."""
    words = primary(error, quote=quote)
    return words if not quote and quotes_a_row(error) else _with_cure(error, words, allowed, lock)


def _with_cure(error: psycopg.Error, words: str, allowed: float, lock: float) -> str:
    match error:
        case errors.LockNotAvailable():
            return f"a lock was not granted within {lock:g} s (--lock-timeout): somebody else holds the table"
        case errors.QueryCanceled() if "statement timeout" in words:
            return f"it took longer than {allowed:g} s (--statement-timeout, or timeout= of the rule)"
        case errors.InsufficientPrivilege():
            hidden = "row-level security" in words
            cure = "rows would be hidden; use a role with BYPASSRLS" if hidden else _GRANT
            return f"{words}: {cure}"
        case errors.AdminShutdown() | errors.CrashShutdown() | psycopg.OperationalError(sqlstate=None):
            return f"the connection was lost: {words.partition(_PROBABLY)[0]}"
        case errors.SerializationFailure():
            return f"{words}: try again, or raise max_standby_streaming_delay"
    hint = error.diag.message_hint
    return f"{words} ({hint.rstrip('.')})" if hint else words
