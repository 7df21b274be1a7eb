"""Probes that write, and what they did."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql


def found(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def declaring(url: str, what: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET {}").format(sql.Identifier(str(name)), sql.SQL(what)))
