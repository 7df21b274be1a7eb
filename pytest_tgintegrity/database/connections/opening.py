"""How our connections are opened, and what is set inside their transactions and read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.database.connections.address import Address
from pytest_tgintegrity.database.connections.loan import Connection
from pytest_tgintegrity.database.messages.encoding import adapt
from pytest_tgintegrity.database.messages.server_errors import said, unconnected
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.planning.sql.paths import LOOK

CONNECT_SECONDS = 10
KEPT_ALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""When the system gives up a peer that does not answer: in seconds, `tcp_user_timeout` in milliseconds."""
IDLE_SECONDS = 600
POSTGRES_14 = 140_000
POSTGRES_17 = 170_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Timeouts in seconds: of one scan, and of waiting for a lock; and whether errors may quote rows."""

    statement: float = 60.0
    lock: float = 2.0
    quote: bool = True

    def said(self, error: BaseException) -> str:
        """The message of an error, as far as it may be shown."""
        return said(error, quote=self.quote)


def milliseconds(seconds: float) -> int:
    """A timeout as the server takes it: whole, and not 0, which means none."""
    return max(1, round(seconds * 1000))


PINNED = {
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "xmloption": "content",
    "xmlbinary": "base64",
    "array_nulls": "on",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
}
"""Settings that decide how values are written as text and read again: the same in all our sessions."""


def settings_of(limits: Limits | None, version: int) -> dict[str, str]:
    """SET LOCAL settings of a transaction; None for one that only holds the snapshot and must not be timed out."""
    settings = {
        **PINNED,
        "statement_timeout": str(milliseconds(limits.statement) if limits else 0),
        "lock_timeout": str(milliseconds(limits.lock) if limits else 0),
        "idle_in_transaction_session_timeout": str(IDLE_SECONDS * 1000 if limits else 0),
        "row_security": "off",
        "constraint_exclusion": "off",
        "jit": "off",
        "tcp_keepalives_idle": "60",
    }
    if version >= POSTGRES_14:
        settings["client_connection_check_interval"] = "5000"
    if version >= POSTGRES_17:
        settings["transaction_timeout"] = "0"
    return settings


READ_BACK = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def begin_reading(settings: dict[str, str], snapshot: str | None) -> sql.Composed:
    """One round trip: SET LOCAL may stand before SET TRANSACTION SNAPSHOT, a SELECT may not."""
    parts: list[sql.Composable] = [sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")]
    parts += [sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(k), sql.Literal(v)) for k, v in settings.items()]
    if snapshot is not None:
        parts.append(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
    return sql.SQL("; ").join(parts)


def read_back(expected: Mapping[str, str]) -> sql.Composed:
    """Whether settings have these values; so that it means the same on any path, operators have their schema."""
    return sql.SQL(", ").join(
        sql.SQL(
            "pg_catalog.current_setting({name}){type} OPERATOR(pg_catalog.=) {value}::pg_catalog.text{type}"
        ).format(
            name=sql.Literal(name),
            type=sql.SQL("::pg_catalog.interval" if name in READ_BACK else ""),
            value=sql.Literal(f"{value} ms" if name in READ_BACK else value),
        )
        for name, value in expected.items()
    )


def check_settled(connection: Connection, settings: Mapping[str, str]) -> None:
    """In a transaction that has just begun: check its settings, and set the search path of the role.

    Raises `ConnectionFailed`.
    """
    expected = {"transaction_read_only": "on", "transaction_isolation": "repeatable read", "row_security": "off"}
    timeouts = {name: settings[name] for name in READ_BACK}
    kept = sql.SQL("SELECT {}, {}").format(read_back({**expected, **timeouts}), sql.SQL(LOOK))
    _check_kept((connection.execute(kept).fetchone() or ())[:-1])


def _check_kept(answer: Iterable[bool]) -> None:
    names = ("read-only transaction", "repeatable read", "row_security = off", *READ_BACK)
    dropped = [name for name, kept in zip(names, answer, strict=True) if not kept]
    if dropped:
        raise ConnectionFailed(
            f"the connection does not keep what was set inside its transaction ({', '.join(dropped)}): something between"
            " us and the server, such as a pooler, drops it; connect to PostgreSQL directly"
        )


def connect(address: Address) -> Connection:
    """Open a connection in autocommit mode, without prepared statements, which poolers do not keep.

    Raises `ConnectionFailed` in one sentence that does not hold the password.
    """
    try:
        return adapt(Connection.connect(address.conninfo, autocommit=True, prepare_threshold=None, **defaults(address)))
    except psycopg.Error as error:
        raise ConnectionFailed(f"cannot connect to {address.shown}: {address.scrub(unconnected(error))}") from None


def defaults(address: Address) -> dict[str, Any]:
    """The parameters of our connections, except those that the address sets itself."""
    settings: dict[str, Any] = {"client_encoding": "UTF8"}
    if "connect_timeout=" not in address.conninfo:
        settings["connect_timeout"] = CONNECT_SECONDS
    if "application_name=" not in address.conninfo:
        settings["application_name"] = "pytest-tgintegrity"
    alive = {name: value for name, value in KEPT_ALIVE.items() if f"{name}=" not in address.conninfo}
    return {**settings, **alive}
