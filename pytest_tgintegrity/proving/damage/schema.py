"""How to break what `rule.schema` asks for: in PostgreSQL's catalogs, one object at a time. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from pytest_tgintegrity.planning.sql.compose import Params, Value, identifier, plain, raw, readable
from pytest_tgintegrity.rules.kinds import Schema

_OURS = "relnamespace IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema')"

_OBJECTS = {
    "constraint": ("pg_constraint", "conrelid", "convalidated = FALSE"),
    "index": ("pg_index", "indrelid", "indisvalid = FALSE"),
    "trigger": ("pg_trigger", "tgrelid", "tgenabled = 'D'"),
}
_MISSING = {
    "constraint": "UPDATE pg_catalog.pg_constraint SET conname = 'tgintegrity' WHERE conname = {name} AND {of}conrelid <> 0",
    "index": "UPDATE pg_catalog.pg_class SET relname = 'tgintegrity' WHERE relname = {name} AND relkind IN ('i', 'I')",
    "trigger": "UPDATE pg_catalog.pg_trigger SET tgname = 'tgintegrity' WHERE tgname = {name} AND {of}tgrelid <> 0",
    "column": "UPDATE pg_catalog.pg_attribute SET attname = 'tgintegrity' WHERE attname = {name} AND {of}attrelid <> 0",
}
_RELATION = {"constraint": "conrelid", "trigger": "tgrelid", "column": "attrelid"}


def schema_breaks(kind: Schema, params: Params) -> Iterator[sql.Composed]:
    """Statements that break the objects that a rule names, or one object of each sort; they return what the rule has to report."""
    table = None if kind.table is None else readable(identifier(plain(kind.table, params)))
    named = {what: plain(name, params) for what in _MISSING if (name := getattr(kind, what)) is not None}
    for what, name in named.items():
        yield _missing(what, name, table)
        if what in _OBJECTS:
            yield _disabled(what, table, name)
    if not named:
        for what in _OBJECTS:
            yield _disabled(what, table, None)
    if table is not None and not named:
        yield sql.SQL(
            "UPDATE pg_catalog.pg_class SET relname = 'tgintegrity' WHERE oid = pg_catalog.to_regclass({table}) RETURNING {table}::pg_catalog.text"
        ).format(table=Value(table))


def _missing(what: str, name: str, table: str | None) -> sql.Composed:
    relation = _RELATION.get(what)
    of = (
        raw("")
        if relation is None or table is None
        else sql.SQL("{} = pg_catalog.to_regclass({}) AND ").format(raw(relation), Value(table))
    )
    label = Value(f"{what} {name}")
    return sql.SQL("{} RETURNING {}::pg_catalog.text").format(
        sql.SQL(_MISSING[what]).format(name=Value(name), of=of), label
    )


def _disabled(what: str, table: str | None, name: str | None) -> sql.Composed:
    """Disable one object; of any table if none is named."""
    catalog, relation, change = _OBJECTS[what]
    conditions = [sql.SQL("{} IN (SELECT oid FROM pg_catalog.pg_class WHERE {})").format(raw(relation), raw(_OURS))]
    if table is not None:
        conditions.append(sql.SQL("{} = pg_catalog.to_regclass({})").format(raw(relation), Value(table)))
    label = sql.SQL("{} || {}::pg_catalog.text").format(Value(f"{what} "), _name_of(what))
    if name is not None:
        conditions.append(sql.SQL("{} = {}").format(_name_of(what), Value(name)))
    else:
        label = sql.SQL("{}::pg_catalog.regclass || ': ' || {}").format(raw(relation), label)
    return sql.SQL(
        "UPDATE {catalog} SET {change} WHERE ctid = (SELECT ctid FROM {catalog} WHERE {conditions} ORDER BY {name} LIMIT 1)"
        " RETURNING {label}"
    ).format(
        catalog=raw(catalog),
        change=raw(change),
        conditions=sql.SQL(" AND ").join(conditions),
        name=_name_of(what),
        label=label,
    )


def _name_of(what: str) -> sql.Composable:
    """The name of an object, in a statement about its catalog."""
    if what == "index":
        return raw("(SELECT relname FROM pg_catalog.pg_class WHERE pg_class.oid = indexrelid)")
    return raw({"constraint": "conname", "trigger": "tgname"}[what])
