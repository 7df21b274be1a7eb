"""Prove rules about a pinned schema: on a copy that keeps all that it declares one object is changed, and the rule has to report it alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from pytest_tgintegrity.database.messages.encoding import adapt
from pytest_tgintegrity.database.messages.server_errors import said
from pytest_tgintegrity.errors import NotProven
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.expected.scan import PinnedScan
from pytest_tgintegrity.planning.scans import Count
from pytest_tgintegrity.planning.sql.compose import Statement, parametrised
from pytest_tgintegrity.planning.sql.paths import SERVER
from pytest_tgintegrity.proving.damage.pinned import pinned_damage
from pytest_tgintegrity.rules.kinds import UNPINNED, Pinned
from pytest_tgintegrity.servers.postgres import PostgresServer, connect

ID = "rule"
SHOWN = 3


def prove_pinned(server: PostgresServer, kind: Pinned) -> Measurement | None:
    """What the rule reports of its damage; None if the schema has no such object. Raises `NotProven`."""
    scan = PinnedScan({ID: kind})
    try:
        with adapt(connect(server)) as connection, _rolled_back(connection):
            before = _counted(connection, scan)
            if before.violations:
                raise NotProven(f"it fires on the clean schema: {before.samples[0].key}")
            if not _damaged(connection, kind):
                return None
            return _measured(kind, _counted(connection, scan))
    except psycopg.Error as error:
        raise NotProven(f"its break fails: {said(error)}") from None


@contextlib.contextmanager
def _rolled_back(connection: psycopg.Connection[Any]) -> Iterator[None]:
    connection.execute("BEGIN")
    connection.execute("SELECT pg_catalog.set_config('search_path', %s, true)", [SERVER])
    connection.execute("SET LOCAL allow_system_table_mods = on")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _counted(connection: psycopg.Connection[Any], scan: PinnedScan) -> Count:
    counts = scan.tally(_asked(connection, parametrised(scan.question({}))).fetchall()).counts or {}
    return counts[ID]


def _damaged(connection: psycopg.Connection[Any], kind: Pinned) -> bool:
    return _asked(connection, parametrised(pinned_damage(kind))).rowcount > 0 or kind.what == UNPINNED


def _asked(connection: psycopg.Connection[Any], statement: Statement) -> psycopg.Cursor[Any]:
    cursor = psycopg.RawCursor(connection)
    return cursor.execute(statement.query, statement.values)


def _measured(kind: Pinned, after: Count) -> Measurement:
    if after.violations != 1:
        reported = ", ".join(str(sample.key) for sample in after.samples[:SHOWN]) or "nothing"
        raise NotProven(f"missed its break: one {kind.what} was changed, it reports {reported}")
    return Measurement(after.examined, after.violations, tuple(after.samples))
