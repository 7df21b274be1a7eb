"""How a scan may read tables, and the settings that make the server do so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from psycopg import sql

from pytest_tgintegrity.planning.sql.paths import KEEP, LOOK_AGAIN

Access = Literal["any", "heap", "lookup", "catalogs"]
"""How a scan may read tables: as the server likes; from the heap alone, as a broken index would answer that the constraint
which it stands for holds; the source from the heap, and its few keys looked up in the indexes of large targets; or the
catalogs, where names of the SQL, and those that the server prints, are found on its own path alone."""

LOOKUP_RATIO: Final = 8


def access_of(pages: int, target_pages: int) -> Access:
    """Both tables are read whole, unless the target is so large that looking up the source's keys is cheaper."""
    return "lookup" if target_pages > LOOKUP_RATIO * (pages + LOOKUP_RATIO) else "heap"


def _reading(*settings: str) -> sql.Composed:
    return sql.SQL(
        "SELECT pg_catalog.set_config('enable_indexscan', {}, true),"
        " pg_catalog.set_config('enable_indexonlyscan', {}, true), pg_catalog.set_config('enable_bitmapscan', {}, true)"
    ).format(*settings)


_ANY: Final = _reading("on", "on", "on")
BEFORE: Final[Mapping[Access, sql.Composable]] = {
    "heap": _reading("off", "off", "off"),
    "lookup": _reading("on", "off", "off"),
    "catalogs": sql.SQL(KEEP),
}
"""The statement before questions of each access but any."""
AFTER: Final[Mapping[Access, sql.Composable]] = {"heap": _ANY, "lookup": _ANY, "catalogs": sql.SQL(LOOK_AGAIN)}
"""The statement that takes it back."""
