"""Rows in memory, then COPY: the layer through which the demo is written.

A row names only what matters; every other column gets what the application would give it. An object whose class has
parents becomes one row in each table of its chain, all with one id, and the root row gets the content type.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg import sql

from .models import content_types, start_of, table_of

if TYPE_CHECKING:
    from psycopg import Connection

_NULL: Final = r"\N"
_POINTER: Final = "_ptr_id"
_ZEROS: Final = {"boolean": "f", "smallint": "0", "integer": "0", "bigint": "0", "text": "", "jsonb": "[]"}
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_COLUMNS: Final = """
    SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), a.attnotnull
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum
"""
_SEQUENCES: Final = """
    SELECT setval(pg_get_serial_sequence(name, 'id'), last)
    FROM unnest(%s::text[], %s::bigint[]) AS behind (name, last)
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as COPY needs it: its columns in order (the primary key first), and the text each starts with."""

    name: str
    starts: Mapping[str, str | None]

    @property
    def key(self) -> str:
        """The column of the primary key."""
        return next(iter(self.starts))

    @property
    def parent(self) -> str | None:
        """The table that this one's key points to, if its class has a parent."""
        app_label = self.name.partition("_")[0]
        return f"{app_label}_{self.key.removesuffix(_POINTER)}" if self.key.endswith(_POINTER) else None

    def line(self, values: Mapping[str, object]) -> str:
        """One row in COPY's text format."""
        cells = {**self.starts, **{column: _cell(value) for column, value in values.items()}}
        if missing := [column for column, cell in cells.items() if cell is None]:
            raise ValueError(f"{self.name} needs a value for {', '.join(missing)}")
        return "\t".join(map(str, cells.values())) + "\n"


def _cell(value: object) -> str:
    """A value in COPY's text format."""
    match value:
        case None:
            return _NULL
        case bool():
            return "t" if value else "f"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
        case _:
            return str(value).translate(_ESCAPES)


def _start(table: str, column: str, kind: str, not_null: bool) -> str | None:
    """The text a column starts with; None if the application cannot know it (a date, a mandatory reference)."""
    given = start_of(table)
    if column in given:
        return _cell(given[column])
    if not not_null:
        return _NULL
    if kind in ("integer", "bigint") and (column == "id" or column.endswith("_id")):
        return None
    return _ZEROS.get(kind, "" if kind.startswith("character varying") else None)


def read_tables(connection: "Connection") -> dict[str, Table]:
    """Describe the tables of a database that has only just been created."""
    starts: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
    for table, column, kind, not_null in connection.execute(_COLUMNS):
        starts[table][column] = _start(table, column, kind, not_null)
    return {name: Table(name, columns) for name, columns in starts.items()}


class Rows:
    """All rows of a database to be, by table and id."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables = tables
        self._rows: defaultdict[str, dict[int, dict[str, object]]] = defaultdict(dict)
        self._chains: dict[str, tuple[str, ...]] = {}
        self._homes: dict[str, dict[str, str]] = {}
        self._types = {table_of(*pair): number for number, pair in enumerate(content_types(), start=1)}

    def add(self, table: str, **values: object) -> int:
        """Add an object of the class that owns this table, rows of its parent classes included; return its id."""
        chain = self.chain(table)
        identity = len(self._rows[chain[0]]) + 1
        parts: dict[str, dict[str, object]] = {name: {self.tables[name].key: identity} for name in chain}
        homes = self._homes[table]
        for column, value in values.items():
            parts[homes[column]][column] = value
        if "polymorphic_ctype_id" in self.tables[chain[0]].starts:
            parts[chain[0]]["polymorphic_ctype_id"] = self._types[table]
        for name, part in parts.items():
            self._rows[name][identity] = part
        return identity

    def link(self, table: str, left: int, right: int) -> int:
        """Add a pair to the table of a many-to-many field, in the order of its columns."""
        _, one, other = self.tables[table].starts
        return self.add(table, **{one: left, other: right})

    def change(self, table: str, identity: int, **values: object) -> None:
        """Give an object other values; the class may be any one that has these columns."""
        for column, value in values.items():
            self._rows[self._home(table, column)][identity][column] = value

    def value(self, table: str, identity: int, column: str) -> object:
        """What an object was given for a column of its class, None if nothing."""
        return self._rows[self._home(table, column)][identity].get(column)

    def size(self, table: str) -> int:
        """How many rows a table has so far."""
        return len(self._rows[table])

    def ids(self, table: str, **values: object) -> tuple[int, ...]:
        """The objects of a class (and of those derived from it) that were given these values, oldest first."""
        wanted = [(self._rows[self._home(table, column)], column, value) for column, value in values.items()]
        return tuple(
            one
            for one in self._rows.get(table, {})
            if all(rows[one].get(column) == value for rows, column, value in wanted)
        )

    def content_type(self, table: str) -> int:
        """The id of the content type whose rows live in this table."""
        return self._types[table]

    def chain(self, table: str) -> tuple[str, ...]:
        """The tables of a class, root first."""
        if table not in self._chains:
            parent = self.tables[table].parent
            self._chains[table] = (*(self.chain(parent) if parent else ()), table)
            self._homes[table] = {column: name for name in self._chains[table] for column in self.tables[name].starts}
        return self._chains[table]

    def copy_to(self, connection: "Connection") -> None:
        """Write everything, and set the identity sequences behind it."""
        with connection.cursor() as cursor:
            for name, lines in sorted(self._lines()):
                columns = sql.SQL(", ").join(map(sql.Identifier, self.tables[name].starts))
                with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), columns)) as copy:
                    copy.write(lines)
            cursor.execute(_SEQUENCES, [list(column) for column in zip(*self._last_ids(), strict=True)])

    def _home(self, table: str, column: str) -> str:
        self.chain(table)
        return self._homes[table][column]

    def _lines(self) -> Iterator[tuple[str, str]]:
        for name, rows in self._rows.items():
            yield name, "".join(map(self.tables[name].line, rows.values()))

    def _last_ids(self) -> Iterator[tuple[str, int]]:
        return ((name, max(rows)) for name, rows in sorted(self._rows.items()) if self.tables[name].key == "id")
