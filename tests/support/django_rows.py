"""Rows as Django writes and deletes them: a class with parents is a row in each table of its chain, and Django, not the
database, deletes or empties what refers to a row.

Which of the two it does follows from the schema, but for what `CASCADING` names: a column that may be NULL is emptied
(SET_NULL), rows that must refer to something go as well (CASCADE).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from integrity_tests.demo.rows import Table, read_tables
from tg import Connection

CASCADING: Final = frozenset(
    {("characters_pact", "demon_id"), ("characters_pact", "thrall_id"), ("characters_visage", "house_id")}
)
"""Columns that may be NULL and whose rows Django deletes none the less; so it does with those of a type tag."""

TAG: Final = "polymorphic_ctype_id"
_KEYS: Final = """
    SELECT child.relname::text, column_.attname::text, parent.relname::text, NOT column_.attnotnull
    FROM pg_catalog.pg_constraint AS fk
    JOIN pg_catalog.pg_class AS child ON child.oid = fk.conrelid
    JOIN pg_catalog.pg_class AS parent ON parent.oid = fk.confrelid
    JOIN pg_catalog.pg_attribute AS column_ ON column_.attrelid = fk.conrelid AND column_.attnum = fk.conkey[1]
    WHERE fk.contype = 'f' AND fk.connamespace = 'public'::regnamespace
    ORDER BY 1, 2
"""


@dataclass(frozen=True)
class ForeignKey:
    """A column of a table that refers to the primary key of another; `empties` says that Django sets it to NULL."""

    table: str
    column: str
    target: str
    empties: bool


@dataclass
class Fate:
    """What becomes of rows when one is deleted: which go, by table, and which columns of which rows are emptied."""

    gone: defaultdict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))
    emptied: list[tuple[ForeignKey, list[Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class DjangoRows:
    """A database as Django's models write it; the caller commits."""

    connection: Connection

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """Every table, with what the application gives a new row."""
        return read_tables(self.connection)

    @cached_property
    def foreign_keys(self) -> list[ForeignKey]:
        """Every foreign key, with what Django does when its target goes."""
        found = self.connection.execute(_KEYS.encode()).fetchall()
        return [
            ForeignKey(table, column, target, nullable and column != TAG and (table, column) not in CASCADING)
            for table, column, target, nullable in found
        ]

    def one(self, query: str, *parameters: object) -> Any:
        """The first value of an answer."""
        row = self.connection.execute(query.encode(), parameters or None).fetchone()
        return row and row[0]

    def chain(self, table: str) -> list[str]:
        """The tables of a class, root first."""
        parent = self.tables[table].parent
        return [*(self.chain(parent) if parent else ()), table]

    def home(self, table: str, column: str) -> str:
        """Which table of a class has a column."""
        return next(one for one in reversed(self.chain(table)) if column in self.tables[one].starts)

    # --- written

    def add(self, table: str, **values: object) -> int:
        """Create an object of a class; what is not given starts as the application starts it."""
        chain = self.chain(table)
        number = self._next(chain[0])
        for one in chain:
            own = {column: value for column, value in values.items() if self.home(table, column) == one}
            self._insert(one, own | self._identity(one, table, number))
        return number

    def copy(self, table: str, source: int, **values: object) -> int:
        """Create an object of a class with the values of another one, but for those that are given."""
        number = self._next(self.chain(table)[0])
        for one in self.chain(table):
            own = {column: value for column, value in values.items() if self.home(table, column) == one}
            key = self.tables[one].key
            self.connection.execute(
                sql.SQL("INSERT INTO {} SELECT (jsonb_populate_record(t, %s)).* FROM {} AS t WHERE {} = %s").format(
                    sql.Identifier(one), sql.Identifier(one), sql.Identifier(key)
                ),
                [Jsonb(own | {key: number}), source],
            )
        return number

    def change(self, table: str, number: object, **values: object) -> None:
        """Give an object of a class other values."""
        for column, value in values.items():
            home = self.home(table, column)
            stored = Jsonb(value) if isinstance(value, list | dict) else value
            self.connection.execute(
                sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(
                    sql.Identifier(home), sql.Identifier(column), sql.Identifier(self.tables[home].key)
                ),
                [stored, number],
            )

    def link(self, table: str, left: int, right: int) -> None:
        """Enter a pair into the table of a many-to-many field, unless it is there already."""
        _, one, other = self.tables[table].starts
        pair = sql.SQL("SELECT 1 FROM {} WHERE ({}, {}) = (%s, %s)").format(*map(sql.Identifier, (table, one, other)))
        if not self.connection.execute(pair, [left, right]).fetchone():
            self.add(table, **{one: left, other: right})

    def unlink(self, table: str, **where: int) -> None:
        """Take pairs out of the table of a many-to-many field."""
        conditions = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in where)
        self.connection.execute(
            sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table), conditions), list(where.values())
        )

    def _identity(self, one: str, table: str, number: int) -> dict[str, object]:
        identity: dict[str, object] = {self.tables[one].key: number}
        if TAG in self.tables[one].starts:
            identity[TAG] = self.content_type(table)
        return identity

    def content_type(self, table: str) -> int:
        """The content type of the class with a table."""
        return int(self.one("SELECT id FROM django_content_type WHERE app_label || '_' || model = %s", table))

    def _next(self, root: str) -> int:
        return int(self.one("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", root))

    def _insert(self, table: str, values: Mapping[str, object]) -> None:
        columns = sql.SQL(", ").join(map(sql.Identifier, self.tables[table].starts))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(self.tables[table].line(values))

    # --- deleted

    def delete(self, table: str, number: int) -> None:
        """Delete an object as Django's collector does, with the observers that bear its own content type."""
        root = self.chain(table)[0]
        fate = Fate()
        self._collect(fate, root, [number])
        if TAG in self.tables[root].starts:
            tag = self.one(f"SELECT {TAG} FROM {root} WHERE id = %s", number)
            observers = "DELETE FROM core_observer WHERE (content_type_id, object_id) = (%s, %s)"
            self.connection.execute(observers.encode(), [tag, number])
        for key, targets in fate.emptied:
            self._where(sql.SQL("UPDATE {} SET {} = NULL").format(*_names(key.table, key.column)), key.column, targets)
        for one, numbers in fate.gone.items():
            self._where(sql.SQL("DELETE FROM {}").format(sql.Identifier(one)), self.tables[one].key, numbers)

    def _collect(self, fate: Fate, table: str, numbers: Iterable[Any]) -> None:
        new = [number for number in numbers if number not in fate.gone[table]]
        if not new:
            return
        fate.gone[table].update(new)
        if (parent := self.tables[table].parent) is not None:
            self._collect(fate, parent, new)
        for key in self.foreign_keys:
            if key.target == table and key.empties:
                fate.emptied.append((key, new))
            elif key.target == table:
                self._collect(fate, key.table, self._referring(key, new))

    def _referring(self, key: ForeignKey, targets: list[Any]) -> list[Any]:
        names = _names(self.tables[key.table].key, key.table, key.column)
        query = sql.SQL("SELECT {} FROM {} WHERE {} = ANY (%s)").format(*names)
        return [row[0] for row in self.connection.execute(query, [targets])]

    def _where(self, statement: sql.Composed, column: str, numbers: Iterable[Any]) -> None:
        where = sql.SQL(" WHERE {} = ANY (%s)").format(sql.Identifier(column))
        self.connection.execute(statement + where, [list(numbers)])


def _names(*names: str) -> list[sql.Identifier]:
    return [sql.Identifier(name) for name in names]
