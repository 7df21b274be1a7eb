"""The statements of a census: which tables there are, how many rows they have, what stands in their columns. Pure.

Rows are counted, all of them. Values are looked at in a bounded number of rows: in all of a small table, in some of the
blocks of a large one. What a sample suggests is asked of the whole table before anybody is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from pytest_tgintegrity.planning.facts import qualified_name
from pytest_tgintegrity.planning.sql.compose import Value, exact_text, listed, raw
from pytest_tgintegrity.planning.sql.containers import BASED

WHOLE = 300
"""A table of at most so many rows is looked at whole; of a larger one about as many rows are."""
BLOCKS = 4
"""So many times as many rows are read for a sample, so that it comes from more blocks."""
HUGE = 131_072
"""Pages (a GiB) from which on a table that no rule reads whole is not counted."""
PREFIX = 64
"""Of long texts so much is compared in a sample."""
MARKS = 65_536
ALL_ROWS = -1

TABLES = sql.SQL("""
WITH locked AS MATERIALIZED (
    SELECT relation FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT n.nspname, c.relname, c.relpages, greatest(c.reltuples, 0)::float8,
       has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'),
       c.oid IN (SELECT relation FROM locked), coalesce(held.names, '{{}}'), coalesce(held.sorts, '{{}}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (
    SELECT a.attrelid, array_agg(a.attname::text ORDER BY a.attnum) AS names, array_agg(CASE
               WHEN t.typtype = 'e' THEN 'enum'
               WHEN s.nspname = 'pg_catalog' AND t.typcategory = 'S' THEN 'text'
               WHEN s.nspname = 'pg_catalog' AND (t.typcategory IN ('B', 'D', 'N') OR t.typname = 'uuid') THEN 'short'
               WHEN a.attnotnull THEN 'skip' ELSE 'other' END ORDER BY a.attnum) AS sorts
    FROM pg_attribute a JOIN ({based}) AS b ON b.own = a.atttypid
    JOIN pg_type t ON t.oid = b.base JOIN pg_namespace s ON s.oid = t.typnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid >= 16384
      AND (a.attrelid, a.attnum) NOT IN (
          SELECT indrelid, indkey[0] FROM pg_index i JOIN pg_attribute k ON k.attrelid = indrelid AND k.attnum = indkey[0]
          WHERE indisunique AND indnkeyatts = 1 AND indpred IS NULL AND k.attnotnull)
      AND (has_table_privilege(a.attrelid, 'SELECT') OR has_column_privilege(a.attrelid, a.attnum, 'SELECT'))
    GROUP BY a.attrelid
) AS held ON held.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%'
  AND n.nspname NOT IN ('information_schema', 'tgintegrity')
""").format(based=raw(BASED))
"""Tables with rows of their own and the roots of partitioned ones, and the columns that may be read and are no key by themselves."""


@dataclass(frozen=True, slots=True)
class Countable:
    """A table that may be counted: its parts of the name, its size by the catalog, and its columns with the sort of their type.

    The sorts: ``short`` and ``enum`` values are compared as text, ``text`` by its beginning, ``other`` only for NULL, and ``skip`` not at all.
    """

    schema: str
    name: str
    pages: int
    estimate: int
    columns: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        """Its qualified name."""
        return qualified_name(self.schema, self.name)

    @property
    def table(self) -> sql.Identifier:
        """Its name in SQL."""
        return sql.Identifier(self.schema, self.name)

    @property
    def looked_at(self) -> tuple[tuple[str, str], ...]:
        """The columns that have something to count."""
        return tuple((name, sort) for name, sort in self.columns if sort != "skip")


def rows_question(table: Countable) -> sql.Composed:
    """How many rows there are; of a huge table whether there are any."""
    if table.pages < HUGE:
        return sql.SQL("SELECT count(*) FROM {}").format(table.table)
    return sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 1) AS tgi_first").format(table.table)


def values_question(table: Countable, rows: int) -> sql.Composed:
    """For each column: how many rows have a value, how many different ones, and of the commonest count and mark in one number."""
    names = listed(sql.Identifier(name) for name, _ in table.looked_at)
    values = [sql.SQL("({}, '')").format(raw(str(ALL_ROWS)))]
    values += [
        sql.SQL("({}, {})").format(raw(str(number)), _compared(sql.Identifier("tgi_looked", name), sort))
        for number, (name, sort) in enumerate(table.looked_at)
    ]
    return sql.SQL(
        "SELECT c, sum(n)::pg_catalog.int8, count(*), max(n * {marks} + (pg_catalog.hashtext(v) & ({marks} - 1))) FROM ("
        'SELECT tgi_value.c, tgi_value.v COLLATE pg_catalog."C" AS v, count(*) AS n'
        " FROM (SELECT {names} FROM {table}{sample}) AS tgi_looked, LATERAL (VALUES {values}) AS tgi_value(c, v)"
        " WHERE tgi_value.v IS NOT NULL GROUP BY 1, 2) AS tgi_grouped GROUP BY 1"
    ).format(marks=raw(str(MARKS)), names=names, table=table.table, sample=_sample(rows), values=listed(values))


def _sample(rows: int) -> sql.Composable:
    """All rows, or about as many as `WHOLE` from several times as many in blocks that are chosen by chance."""
    if rows <= WHOLE:
        return sql.SQL(" LIMIT {}").format(Value(WHOLE))
    blocks = min(1.0, WHOLE * BLOCKS / rows)
    return sql.SQL(" TABLESAMPLE SYSTEM ({}) WHERE pg_catalog.random() < {} LIMIT {}").format(
        Value(100 * blocks), Value(WHOLE / (rows * blocks)), Value(WHOLE * BLOCKS)
    )


def _compared(column: sql.Identifier, sort: str) -> sql.Composable:
    """The text that stands for a value; of what has none to compare, only that there is one."""
    if sort == "other":
        return sql.SQL("CASE WHEN pg_catalog.num_nonnulls({}) = 1 THEN '' END").format(column)
    if sort == "text":
        return sql.SQL('pg_catalog."left"({}::pg_catalog.text, {})').format(column, raw(str(PREFIX)))
    return whole_text(column, sort)


def whole_text(column: sql.Identifier, sort: str) -> sql.Composable:
    """A value as text; that of an enum by its output function, since somebody may have made a cast."""
    return exact_text(column) if sort == "enum" else sql.SQL("{}::pg_catalog.text").format(column)


def commonest_question(table: Countable, column: str, sort: str, *, quote: bool) -> sql.Composed:
    """The rows that have the commonest value of the whole column, and those that have another; with `quote` its beginning."""
    text = whole_text(sql.Identifier(column), sort)
    values = sql.SQL('SELECT {} COLLATE pg_catalog."C" AS v, count(*) AS n FROM {} GROUP BY 1').format(
        text, table.table
    )
    return sql.SQL(
        'SELECT pg_catalog."left"(v, {}), n, (sum(n) OVER ())::pg_catalog.int8 - n FROM ({}) AS tgi_values WHERE v IS NOT NULL'
        " ORDER BY n DESC LIMIT 1"
    ).format(raw(str(PREFIX if quote else 0)), values)


def nulls_question(table: Countable, column: str) -> sql.Composed:
    """All rows, and those that have a value."""
    there = sql.SQL("pg_catalog.num_nonnulls({}) = 1").format(sql.Identifier(column))
    return sql.SQL("SELECT count(*), count(*) FILTER (WHERE {}) FROM {}").format(there, table.table)


def countable(row: Sequence[object]) -> Countable:
    """A row of `TABLES`."""
    schema, name, pages, estimate, _, _, names, sorts = row
    columns = tuple(zip(names, sorts, strict=True))  # type: ignore[call-overload] # arrays
    return Countable(str(schema), str(name), int(pages), int(estimate), columns)  # type: ignore[call-overload] # numbers
