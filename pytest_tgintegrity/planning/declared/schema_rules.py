"""The questions of ``rule.schema`` to PostgreSQL's catalogs: what is missing, NOT VALID, INVALID or disabled."""

from __future__ import annotations

from psycopg import sql

from pytest_tgintegrity.planning.sql.compose import Params, Value, identifier, plain, raw, readable
from pytest_tgintegrity.planning.sql.containers import OF_DOMAINS
from pytest_tgintegrity.rules.kinds import Schema

_IN_FORCE = {
    "constraint": (
        "SELECT conrelid AS relid, conname AS name, pg_catalog.concat('constraint ', conname) AS object,"
        " CASE WHEN pg_catalog.jsonb_extract_path_text(pg_catalog.to_jsonb(pg_constraint), 'conenforced') = 'false' THEN 'NOT ENFORCED'"
        " WHEN NOT convalidated THEN 'NOT VALID' END AS problem FROM pg_catalog.pg_constraint"
        " WHERE conrelid <> '0'::pg_catalog.oid"
    ),
    "index": (
        "SELECT indrelid AS relid, relname AS name, pg_catalog.concat('index ', relname) AS object,"
        " CASE WHEN NOT indisvalid OR NOT indisready THEN 'INVALID' END AS problem"
        " FROM pg_catalog.pg_index JOIN pg_catalog.pg_class ON pg_class.oid = indexrelid"
    ),
    "trigger": (
        "SELECT tgrelid AS relid, tgname AS name, pg_catalog.concat('trigger ', tgname) AS object,"
        " CASE WHEN tgenabled IN ('D', 'R') THEN 'disabled' END AS problem FROM pg_catalog.pg_trigger"
    ),
    "column": (
        "SELECT attrelid AS relid, attname AS name, pg_catalog.concat('column ', attname) AS object, NULL AS problem"
        " FROM pg_catalog.pg_attribute WHERE attnum > 0 AND NOT attisdropped"
    ),
}
_HIDDEN = (
    "SELECT oid AS relid, relname AS name, 'rows' AS object,"
    " CASE WHEN pg_catalog.row_security_active(oid) THEN 'hidden from this role by row security' END AS problem"
    " FROM pg_catalog.pg_class WHERE relrowsecurity"
)
_TRIGGERS_OFF = (
    "WITH RECURSIVE off(id) AS (SELECT tgconstraint FROM pg_catalog.pg_trigger WHERE tgenabled IN ('D', 'R')"
    " UNION SELECT whole.conparentid FROM off JOIN pg_catalog.pg_constraint AS whole ON whole.oid = off.id) SELECT id FROM off"
)
"""Constraints with a disabled trigger, and those of which they are the part that a partition has."""
_CLONES_OFF = (
    "WITH RECURSIVE own AS (SELECT oid AS id, tgenabled AS state,"
    " pg_catalog.jsonb_extract_path_text(pg_catalog.to_jsonb(one), 'tgparentid')::pg_catalog.oid AS parent"
    " FROM pg_catalog.pg_trigger AS one), off(id) AS (SELECT parent FROM own WHERE state IN ('D', 'R')"
    " UNION SELECT own.parent FROM off JOIN own ON own.id = off.id) SELECT id FROM off WHERE id IS NOT NULL"
)
"""Triggers of partitioned tables that are disabled on a partition."""

_NAMED = {
    **_IN_FORCE,
    "trigger": (
        "SELECT tgrelid AS relid, tgname AS name, pg_catalog.concat('trigger ', tgname) AS object,"  # noqa: S608 - SQL of ours
        " CASE WHEN tgenabled IN ('D', 'R') THEN 'disabled'"
        " WHEN pg_trigger.oid IN ("
        + _CLONES_OFF
        + ") THEN 'disabled on a partition' END AS problem FROM pg_catalog.pg_trigger"
    ),
    "constraint": (
        "SELECT conrelid AS relid, conname AS name, pg_catalog.concat('constraint ', conname) AS object,"  # noqa: S608 - SQL of ours
        " CASE WHEN pg_catalog.jsonb_extract_path_text(pg_catalog.to_jsonb(pg_constraint), 'conenforced') = 'false' THEN 'NOT ENFORCED'"
        " WHEN NOT convalidated THEN 'NOT VALID'"
        " WHEN pg_constraint.oid IN (" + _TRIGGERS_OFF + ") THEN 'its triggers are disabled'"
        " WHEN EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = conindid AND conindid <> '0'::pg_catalog.oid"
        " AND NOT (indisvalid AND indisready)) THEN 'its index is INVALID' END AS problem FROM pg_catalog.pg_constraint"
        " WHERE conrelid <> '0'::pg_catalog.oid"
    ),
}
"""What is asked of an object that a rule names: whatever a constraint stands on has to be in force as well."""


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
    return sql.SQL(
        "SELECT {}::pg_catalog.text AS object, 'missing' AS problem WHERE pg_catalog.to_regclass({}) IS NULL"
    ).format(Value(table), Value(table))


def _not_in_force(table: str | None) -> sql.Composed:
    objects = " UNION ALL ".join([*(text for what, text in _IN_FORCE.items() if what != "column"), OF_DOMAINS, _HIDDEN])
    chosen = (
        raw("")
        if table is None
        else sql.SQL(" AND relid = pg_catalog.to_regclass({})::pg_catalog.oid").format(Value(table))
    )
    return sql.SQL(
        "SELECT pg_catalog.concat(relid::pg_catalog.regclass, ': ', object) AS object, problem FROM ({}) AS objects"
        " JOIN pg_catalog.pg_class ON pg_class.oid = relid"
        " JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE problem IS NOT NULL AND NOT pg_catalog.starts_with(nspname, 'pg_') AND nspname <> 'information_schema'{}"
    ).format(raw(objects), chosen)


def _required(what: str, name: str, table: str | None) -> sql.Composed:
    chosen = (
        raw("")
        if table is None
        else sql.SQL(" AND relid = pg_catalog.to_regclass({})::pg_catalog.oid").format(Value(table))
    )
    return sql.SQL(
        "SELECT {}::pg_catalog.text AS object, coalesce(pg_catalog.min(problem), 'missing') AS problem"
        " FROM ({}) AS objects"
        " WHERE name = {}::pg_catalog.text{} HAVING count(*) = 0 OR pg_catalog.count(problem) > 0"
    ).format(Value(f"{what} {name}"), raw(_NAMED[what]), Value(name), chosen)
