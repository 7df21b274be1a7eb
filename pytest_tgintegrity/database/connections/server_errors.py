"""What the server says went wrong, in one sentence for a person."""

from __future__ import annotations

import psycopg
from psycopg import errors

_GRANT = "GRANT SELECT to the role, or USAGE on its schema"
_PROBABLY = " This probably means"


def explained(error: psycopg.Error, words: str, allowed: float, lock: float) -> str:
    """What went wrong with one statement, and the cure where there is one; `allowed` and `lock` are its limits."""
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
