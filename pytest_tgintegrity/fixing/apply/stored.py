"""Tables as the server stores them, and statements that read, lock and write their rows as texts.

A row is a JSON object of its columns' texts, since text can hold the values of any type. Every name is qualified, those of
functions and operators too, so that the statements mean the same on any search path. Types keep their modifiers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.fixing.changes import TRIGGER_BITS, Change, Place, Row, place
from pytest_tgintegrity.planning.sql.compose import exact_text, listed, raw, texts_by_name
from pytest_tgintegrity.planning.sql.encoding import sql_bytes


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table: its `type` as SQL writes it.

    `builtin` says that the type is the server's own, `generated` that the server computes the column. `formatted` says that
    casts between the type and text are not to be trusted: they lose blanks, they refuse the ``-`` of a regclass, or somebody
    made a cast, which is code that may return anything. The type's own output and input are used then.
    """

    name: str
    type: str
    builtin: bool = False
    generated: bool = False
    formatted: bool = False

    @property
    def path(self) -> str:
        """The type, written so that it is the same on any search path."""
        return f"pg_catalog.{self.type}" if self.builtin else self.type


@dataclass(frozen=True, slots=True)
class Trigger:
    """An enabled trigger of a user on a relation, and when it fires: ``O`` for ordinary sessions, ``A`` always.

    `bits` are those of `pg_trigger.tgtype`.
    """

    relation: tuple[str, str]
    name: str
    enabled: str
    bits: int

    def fires(self, op: str) -> bool:
        """Whether it fires when a row is updated, deleted or inserted."""
        return bool(self.bits & TRIGGER_BITS[op])


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table as it is now.

    `relations` are the OIDs of the relations that hold its rows: the table itself, or its partitions. `key` maps the columns
    of the primary key to their operators of equality. `rules` are rewrite rules by event (update, insert, delete),
    `triggers` those of the table and its partitions.
    """

    name: str
    path: tuple[str, str]
    oid: int
    partitioned: bool
    columns: tuple[TableColumn, ...]
    key: Mapping[str, str]
    relations: frozenset[int]
    rules: Mapping[str, str]
    triggers: tuple[Trigger, ...]

    @property
    def types(self) -> dict[str, str]:
        """The types of the columns, in their order."""
        return {column.name: column.type for column in self.columns}

    def column(self, name: str) -> TableColumn:
        """One of the columns."""
        return {column.name: column for column in self.columns}[name]

    @property
    def computed(self) -> frozenset[str]:
        """The columns that the server computes: they cannot be written to."""
        return frozenset(column.name for column in self.columns if column.generated)

    @property
    def here(self) -> sql.Composable:
        """The table in SQL: with its partitions, which are parts of it, without the tables that inherit from it."""
        return sql.SQL("{}{}").format(raw("" if self.partitioned else "ONLY "), sql.Identifier(*self.path))

    def place(self, row: Row) -> Place:
        """The place of a whole row."""
        return place(self.name, {column: row[column] for column in self.key})


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it is stored, and the OID of the relation that holds it."""

    row: Row
    relation: int


_TABLES = """
SELECT n.nspname::text || '.' || c.relname::text, n.nspname::text, c.relname::text, c.oid::bigint, c.relkind = 'p',
       ARRAY(SELECT pg_catalog.jsonb_build_object(
                        'name', a.attname::text, 'type', f.told, 'generated', a.attgenerated <> '',
                        'builtin', tn.nspname = 'pg_catalog' AND
                            pg_catalog.split_part(pg_catalog.split_part(f.told, '(', 1), '[', 1) = pg_catalog.quote_ident(
                            CASE WHEN f.told LIKE '%[]' THEN coalesce(e.typname, t.typname) ELSE t.typname END),
                        'formatted', EXISTS (
                            WITH RECURSIVE based(oid, base, typmod) AS (
                                SELECT t.oid, t.typbasetype, a.atttypmod
                                UNION ALL SELECT b.oid, b.typbasetype, greatest(based.typmod, above.typtypmod)
                                FROM based JOIN pg_catalog.pg_type above ON above.oid = based.oid
                                JOIN pg_catalog.pg_type b ON b.oid = based.base)
                            SELECT FROM based WHERE based.oid = 2205 OR based.oid = 1042 AND based.typmod < 0
                            UNION ALL SELECT FROM based JOIN pg_catalog.pg_cast k
                              ON k.castsource = based.oid AND k.casttarget = 25 OR k.castsource = 25 AND k.casttarget = based.oid
                            WHERE k.castfunc <> 0 AND k.oid >= 16384))
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
             JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem,
                  pg_catalog.format_type(a.atttypid, a.atttypmod) AS f(told)
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT pg_catalog.jsonb_build_object('name', a.attname::text, 'equals', coalesce((
                        SELECT pg_catalog.format('OPERATOR(%I.%s)', s.nspname, o.oprname)
                        FROM pg_catalog.pg_opclass oc JOIN pg_catalog.pg_amop m ON m.amopfamily = oc.opcfamily
                        JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
                        JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace
                        WHERE oc.oid = i.indclass[k.n - 1] AND m.amopmethod = 403 AND m.amopstrategy = 3
                          AND m.amoplefttype = oc.opcintype AND m.amoprighttype = oc.opcintype), 'OPERATOR(pg_catalog.=)'))
             FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(num, n),
                  pg_catalog.pg_attribute a
             WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid AND k.n <= i.indnkeyatts
               AND a.attrelid = c.oid AND a.attnum = k.num ORDER BY k.n),
       ARRAY(SELECT p.relid::bigint FROM pg_catalog.pg_partition_tree(c.oid) p WHERE p.isleaf AND c.relkind = 'p'
             UNION ALL SELECT c.oid::bigint WHERE c.relkind <> 'p'),
       ARRAY(SELECT pg_catalog.jsonb_build_object('event', r.ev_type::text, 'name', r.rulename::text)
             FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1' AND r.ev_enabled <> 'D'),
       ARRAY(SELECT pg_catalog.jsonb_build_object('schema', tn.nspname::text, 'table', tc.relname::text,
                        'name', g.tgname::text, 'enabled', g.tgenabled::text, 'bits', g.tgtype)
             FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class tc ON tc.oid = g.tgrelid
             JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
             WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
               AND (g.tgrelid = c.oid OR g.tgrelid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(c.oid) p))
             ORDER BY g.tgrelid, g.tgname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND {}
"""
_NAMED = sql.SQL(_TABLES).format(sql.SQL("n.nspname::text || '.' || c.relname::text = ANY ($1)"))
_NUMBERED = sql.SQL(_TABLES).format(sql.SQL("c.oid::bigint = ANY ($1)"))
_EVENTS = {"2": "update", "3": "insert", "4": "delete"}

_POINTERS = sql.SQL("""
SELECT DISTINCT o.conrelid::bigint, o.confrelid::bigint FROM pg_catalog.pg_constraint o
WHERE o.contype = 'f' AND o.conrelid::bigint = ANY ($1) AND o.confrelid::bigint = ANY ($1) AND o.conrelid <> o.confrelid
""")

_HOLDABLE = sql.SQL("""
SELECT one.oid FROM pg_catalog.unnest($1::pg_catalog.int8[]) AS one(oid)
WHERE pg_catalog.has_table_privilege(one.oid::pg_catalog.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
""")


def stored_tables(connection: psycopg.Connection[Any], names: Iterable[str]) -> dict[str, StoredTable]:
    """The tables that have these qualified names; a name that could mean two tables is left out."""
    tables_by_name: dict[str, list[StoredTable]] = {}
    for row in connection.execute(_NAMED, [sorted(set(names))]).fetchall():
        tables_by_name.setdefault(row[0], []).append(_stored(row))
    return {name: tables[0] for name, tables in tables_by_name.items() if len(tables) == 1}


def held_tables(connection: psycopg.Connection[Any], names: Sequence[str]) -> dict[str, StoredTable]:
    """The same tables, locked until the transaction ends: nobody gives them triggers, rules or another shape meanwhile.

    A role that may write to some columns only may not lock the table, which is left unlocked then.
    """
    held: set[int] = set()
    while True:
        tables = stored_tables(connection, names)
        if held.issuperset(table.oid for table in tables.values()):
            return tables
        held = {table.oid for table in tables.values()}
        lockable = {oid for (oid,) in connection.execute(_HOLDABLE, [sorted(held)]).fetchall()}
        if lockable:
            places = listed(table.here for table in tables.values() if table.oid in lockable)
            connection.execute(sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(places))


def numbered_tables(connection: psycopg.Connection[Any], oids: Iterable[int]) -> dict[int, StoredTable]:
    """The tables of these OIDs."""
    rows = connection.execute(_NUMBERED, [sorted(oids)]).fetchall()
    return {table.oid: table for table in map(_stored, rows)}


def _stored(row: Sequence[Any]) -> StoredTable:
    name, schema, table, oid, partitioned, columns, key, relations, rules, triggers = row
    return StoredTable(
        name=name,
        path=(schema, table),
        oid=oid,
        partitioned=partitioned,
        columns=tuple(TableColumn(**column) for column in columns),
        key={column["name"]: column["equals"] for column in key},
        relations=frozenset(relations),
        rules={_EVENTS[rule["event"]]: rule["name"] for rule in rules},
        triggers=tuple(
            Trigger((trigger["schema"], trigger["table"]), trigger["name"], trigger["enabled"], trigger["bits"])
            for trigger in triggers
        ),
    )


def parents_first(connection: psycopg.Connection[Any], tables: Iterable[StoredTable]) -> list[StoredTable]:
    """Tables in an order in which foreign keys point to earlier tables; those that point to each other stand by name."""
    waiting = sorted(tables, key=lambda table: table.path)
    pointers = connection.execute(_POINTERS, [[table.oid for table in waiting]]).fetchall()
    ordered: list[StoredTable] = []
    while waiting:
        rest = {table.oid for table in waiting}
        free = next(
            (t for t in waiting if not any(child == t.oid and parent in rest for child, parent in pointers)), waiting[0]
        )
        waiting.remove(free)
        ordered.append(free)
    return ordered


# --- rows as texts


def _text(alias: str, column: TableColumn) -> sql.Composable:
    value = sql.SQL("{}.{}").format(raw(alias), sql.Identifier(column.name))
    if column.formatted:
        return exact_text(value)
    return sql.SQL("{}::pg_catalog.text").format(value)


def whole_row(table: StoredTable, alias: str = "t") -> sql.Composable:
    """A row of the table as one JSON object."""
    return texts_by_name({column.name: _text(alias, column) for column in table.columns})


def _value(table: StoredTable, record: str, column: str) -> sql.Composable:
    stored_column = table.column(column)
    if stored_column.formatted:
        return sql.SQL("(SELECT tgi.{name} FROM pg_catalog.jsonb_to_record({record}) AS tgi({name} {type}))").format(
            name=sql.Identifier(column), record=raw(record), type=raw(stored_column.path)
        )
    return sql.SQL("({} OPERATOR(pg_catalog.->>) {}::pg_catalog.text)::{}").format(
        raw(record), sql.Literal(column), raw(stored_column.path)
    )


def _same_key(table: StoredTable) -> sql.Composable:
    return sql.SQL(" AND ").join(
        sql.SQL("t.{} {} {}").format(sql.Identifier(column), raw(equals), _value(table, "v.key", column))
        for column, equals in table.key.items()
    )


_RECORDS = raw(
    "pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb)"
    " AS v(n pg_catalog.int4, key pg_catalog.jsonb, after pg_catalog.jsonb)"
)


def _records(changes: Iterable[Change]) -> list[str]:
    records = [{"n": n, "key": dict(change.key), "after": dict(change.after)} for n, change in enumerate(changes)]
    return [json.dumps(records, ensure_ascii=False)]


Statement = tuple[bytes, list[str]]


def _ready(statement: sql.Composable, changes: Iterable[Change]) -> Statement:
    return sql_bytes(statement), _records(changes)


def lock_statement(table: StoredTable, changes: Sequence[Change], *, lock: bool = True) -> Statement:
    """Read the rows that changes are about, in key order; with `lock`, nobody else changes them meanwhile."""
    mode = "UPDATE" if any(change.op == "delete" for change in changes) else "NO KEY UPDATE"
    statement = sql.SQL("SELECT t.tableoid::pg_catalog.int8, {} FROM {} JOIN {} AS t ON {} ORDER BY {}{}").format(
        whole_row(table),
        _RECORDS,
        sql.Identifier(*table.path),
        _same_key(table),
        listed(sql.SQL("t.{}").format(sql.Identifier(column)) for column in table.key),
        raw(f" FOR {mode} OF t" if lock else ""),
    )
    return _ready(statement, changes)


def read_rows(
    connection: psycopg.Connection[Any], table: StoredTable, changes: Sequence[Change], *, lock: bool = False
) -> dict[Place, StoredRow]:
    """The rows that changes are about, by their places."""
    if not changes:
        return {}
    rows = connection.execute(*lock_statement(table, changes, lock=lock)).fetchall()
    return {table.place(row): StoredRow(row, relation) for relation, row in rows}


def update_statement(table: StoredTable, changes: Sequence[Change]) -> Statement:
    """Write what changes say to the rows of their keys."""
    columns = sorted({column for change in changes for column in change.after} - table.computed)
    sets = listed(
        sql.SQL(
            "{c} = CASE WHEN v.after OPERATOR(pg_catalog.?) {n}::pg_catalog.text THEN {value} ELSE t.{c} END"
        ).format(c=sql.Identifier(column), n=sql.Literal(column), value=_value(table, "v.after", column))
        for column in columns
    )
    statement = sql.SQL("UPDATE {} AS t SET {} FROM {} WHERE {}").format(
        sql.Identifier(*table.path), sets, _RECORDS, _same_key(table)
    )
    return _ready(statement, changes)


def delete_statement(table: StoredTable, changes: Sequence[Change]) -> Statement:
    """Delete the rows of the changes' keys."""
    statement = sql.SQL("DELETE FROM {} AS t USING {} WHERE {}").format(table.here, _RECORDS, _same_key(table))
    return _ready(statement, changes)


def insert_statement(table: StoredTable, changes: Sequence[Change]) -> Statement:
    """Insert rows of the same columns, and return their keys in the order of the changes."""
    columns = [column.name for column in table.columns if column.name in changes[0].after and not column.generated]
    key = texts_by_name({name: _text("t", table.column(name)) for name in table.key})
    statement = sql.SQL(
        "INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} ORDER BY v.n RETURNING {}"
    ).format(
        sql.Identifier(*table.path),
        listed(map(sql.Identifier, columns)),
        listed(_value(table, "v.after", column) for column in columns),
        _RECORDS,
        key,
    )
    return _ready(statement, changes)


def among(table: StoredTable, changes: Iterable[Change]) -> sql.Composable:
    """TRUE for the rows that these changes are about, in a query of that table alone."""
    same = sql.SQL(" AND ").join(
        sql.SQL("{} {} {}").format(sql.Identifier(column), raw(equals), _value(table, "tgi_v.tgi_key", column))
        for column, equals in table.key.items()
    )
    records = sql.SQL("pg_catalog.jsonb_to_recordset({}::pg_catalog.jsonb) AS tgi_v(tgi_key pg_catalog.jsonb)").format(
        sql.Literal(json.dumps([{"tgi_key": dict(change.key)} for change in changes], ensure_ascii=False))
    )
    return sql.SQL("EXISTS (SELECT FROM {} WHERE {})").format(records, same)
