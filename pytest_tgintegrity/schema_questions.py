"""The questions of ``rule.schema`` to PostgreSQL's catalogs: what is missing, NOT VALID, INVALID or disabled."""

from __future__ import annotations

from psycopg import sql

from pytest_tgintegrity.kinds import Schema
from pytest_tgintegrity.predicates import Params, Value, identifier, plain, raw, readable

_IN_FORCE = {
    "constraint": (
        "SELECT conrelid AS relid, conname AS name, 'constraint ' || conname AS object,"
        " CASE WHEN NOT convalidated THEN 'NOT VALID' END AS problem FROM pg_constraint WHERE conrelid <> 0"
    ),
    "index": (
        "SELECT indrelid AS relid, relname AS name, 'index ' || relname AS object,"
        " CASE WHEN NOT indisvalid OR NOT indisready THEN 'INVALID' END AS problem"
        " FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
    ),
    "trigger": (
        "SELECT tgrelid AS relid, tgname AS name, 'trigger ' || tgname AS object,"
        " CASE WHEN tgenabled IN ('D', 'R') THEN 'disabled' END AS problem FROM pg_trigger"
    ),
    "column": (
        "SELECT attrelid AS relid, attname AS name, 'column ' || attname AS object, NULL AS problem"
        " FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
    ),
}


def schema_question(kind: Schema, params: Params) -> sql.Composed:
    """Catalog objects that are missing or not in force, as rows of name and problem."""
    named = {what: getattr(kind, what) for what in _IN_FORCE if getattr(kind, what) is not None}
    table = None if kind.table is None else readable(identifier(plain(kind.table, params)))
    if table is not None and not named:
        return sql.SQL("{} UNION ALL {}").format(_missing_table(table), _not_in_force(table))
    if not named:
        return _not_in_force(None)
    return sql.SQL(" UNION ALL ").join(_required(what, plain(name, params), table) for what, name in named.items())


def _missing_table(table: str) -> sql.Composed:
    return sql.SQL("SELECT {}::text AS object, 'missing' AS problem WHERE to_regclass({}) IS NULL").format(
        Value(table), Value(table)
    )


def _not_in_force(table: str | None) -> sql.Composed:
    objects = " UNION ALL ".join(text for what, text in _IN_FORCE.items() if what != "column")
    chosen = raw("") if table is None else sql.SQL(" AND relid = to_regclass({})").format(Value(table))
    return sql.SQL(
        "SELECT relid::regclass || ': ' || object AS object, problem FROM ({}) AS objects"
        " JOIN pg_class ON pg_class.oid = relid JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE problem IS NOT NULL AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'{}"
    ).format(raw(objects), chosen)


def _required(what: str, name: str, table: str | None) -> sql.Composed:
    chosen = raw("") if table is None else sql.SQL(" AND relid = to_regclass({})").format(Value(table))
    return sql.SQL(
        "SELECT {}::text AS object, coalesce(min(problem), 'missing') AS problem FROM ({}) AS objects"
        " WHERE name = {}{} HAVING count(*) = 0 OR count(problem) > 0"
    ).format(Value(f"{what} {name}"), raw(_IN_FORCE[what]), Value(name), chosen)
