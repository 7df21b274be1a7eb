"""Read the catalogs: which tables there are, and which constraints they declare."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.errors import ConnectionFailed
from pytest_tgintegrity.planning.expected.lock_file import object_of
from pytest_tgintegrity.planning.expected.questions import objects_question
from pytest_tgintegrity.planning.facts import Constraint, Excluded, Facts, Step, Table, Use
from pytest_tgintegrity.planning.sql.containers import BASED, HELD
from pytest_tgintegrity.planning.sql.paths import KEEP, LOOK_AGAIN
from pytest_tgintegrity.rules.kinds import OBJECT_KINDS, CatalogObject, ConstraintKind

CATALOG_SECONDS = 120.0

_OURS = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'tgintegrity')"
"""Neither the system's tables nor those of the journal, which appear with the first ``--fix``."""

_VISIBLE = "coalesce(pg_table_is_visible(c.oid), n.nspname = ANY (current_schemas(false)))"
"""``pg_table_is_visible`` is NULL where the table was dropped after the snapshot was taken; then the path alone decides."""

_TABLES = f"""
SELECT n.nspname, c.relname, {_VISIBLE}, c.relkind IN ('r', 'p', 'm', 'f'),
       c.relkind = 'r' AND c.relhassubclass, c.relispartition, greatest(c.relpages, 0),
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
       coalesce(keys.sets, '{{}}'), getdatabaseencoding()
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (
    SELECT i.indrelid, jsonb_object_agg(i.indexrelid::text, jsonb_build_array(i.indisprimary, (
               SELECT jsonb_agg(a.attname ORDER BY k.n)
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(num, n)
               JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num WHERE k.n <= i.indnkeyatts)))  AS sets
    FROM pg_index i
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND NOT (0 = ANY (i.indkey::int2[]))
    GROUP BY 1
) keys ON keys.indrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_OURS}
"""


def _is_there(oid: str) -> str:
    """Whether a relation that the snapshot sees still exists."""
    return f"pg_table_is_visible({oid}) IS NOT NULL"


_NOT_VALID = "CASE WHEN to_jsonb(o) ->> 'conenforced' = 'false' THEN 'NOT ENFORCED' WHEN NOT o.convalidated THEN 'NOT VALID' {} END"
_TRIGGERS_OFF = """WHEN o.oid IN (
    WITH RECURSIVE off(id) AS (
        SELECT tgconstraint FROM pg_trigger WHERE tgenabled IN ('D', 'R')
        UNION SELECT conparentid FROM off JOIN pg_constraint k ON k.oid = off.id)
    SELECT id FROM off) THEN 'its triggers are disabled'"""
"""On the table or on one of its partitions."""
_INDEX_OFF = "CASE WHEN NOT (i.indisvalid AND i.indisready) THEN 'its index is INVALID' END"

_CHECKS = f"""
SELECT 'check', n.nspname, c.relname, {_VISIBLE}, o.conname,
       CASE WHEN {{free}} THEN pg_get_constraintdef(o.oid) END, o.convalidated,
       ARRAY(SELECT attname::text FROM unnest(o.conkey) AS k(num)
             JOIN pg_attribute ON attrelid = c.oid AND attnum = k.num),
       ARRAY[CASE WHEN {{free}} THEN pg_get_expr(o.conbin, o.conrelid) END], NULL, true, NULL, NULL, NULL::text[], false, o.connoinherit,
       {_NOT_VALID.format("")}
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE o.contype = 'c' AND o.coninhcount = 0 AND {_OURS}
"""

_FOREIGN_KEYS = f"""
SELECT 'foreign_key', n.nspname, c.relname, {_VISIBLE}, o.conname,
       CASE WHEN {{free}} AND {_is_there("o.confrelid")} THEN pg_get_constraintdef(o.oid) END, o.convalidated,
       ARRAY(SELECT attname::text FROM unnest(o.conkey) WITH ORDINALITY AS k(num, i)
             JOIN pg_attribute ON attrelid = o.conrelid AND attnum = k.num ORDER BY k.i),
       ARRAY(SELECT quote_ident(a.attname) || CASE
                        WHEN a.attcollation NOT IN (0, b.attcollation) THEN ' COLLATE ' || b.attcollation::regcollation
                        ELSE '' END
             FROM unnest(o.conkey, o.confkey) WITH ORDINALITY AS k(num, target, i)
             JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.num
             JOIN pg_attribute b ON b.attrelid = o.confrelid AND b.attnum = k.target ORDER BY k.i),
       NULL, true,
       CASE WHEN to_jsonb(o) ->> 'conperiod' = 'true' THEN NULL ELSE tn.nspname END, t.relname,
       ARRAY(SELECT attname::text FROM unnest(o.confkey) WITH ORDINALITY AS k(num, i)
             JOIN pg_attribute ON attrelid = o.confrelid AND attnum = k.num ORDER BY k.i),
       o.confmatchtype = 'f', true, {_NOT_VALID.format(_TRIGGERS_OFF)}
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = o.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE o.contype = 'f' AND o.conparentid = 0 AND {_OURS}
"""

_NOT_NULLS = f"""
SELECT 'not_null', n.nspname, c.relname, {_VISIBLE}, '', 'NOT NULL', true,
       array_agg(a.attname::text ORDER BY a.attnum), '{{{{}}}}'::text[], NULL, true, NULL, NULL, NULL::text[], false, true,
       (SELECT 'NOT VALID' FROM pg_constraint o WHERE o.conrelid = c.oid AND o.contype = 'n' AND NOT o.convalidated LIMIT 1)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND {_OURS}
  AND NOT (c.relispartition AND EXISTS (
      SELECT FROM pg_inherits h JOIN pg_attribute up ON up.attrelid = h.inhparent
      WHERE h.inhrelid = c.oid AND up.attname = a.attname AND up.attnotnull AND NOT up.attisdropped))
GROUP BY c.oid, n.nspname, c.relname
"""

_UNIQUES = f"""
SELECT 'unique', n.nspname, c.relname, {_VISIBLE}, x.relname,
       CASE WHEN {{free}} THEN pg_get_indexdef(i.indexrelid) END, i.indisvalid,
       '{{{{}}}}'::text[],
       ARRAY(SELECT CASE WHEN {{free}} THEN pg_get_indexdef(i.indexrelid, k, false) END || CASE
                        WHEN i.indcollation[k - 1] NOT IN (0, coalesce(a.attcollation, 0))
                        THEN ' COLLATE ' || i.indcollation[k - 1]::regcollation ELSE '' END
             FROM generate_series(1, CASE WHEN i.indisexclusion THEN 0 ELSE i.indnkeyatts END) AS k
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] AND a.attnum > 0),
       CASE WHEN {{free}} THEN pg_get_expr(i.indpred, i.indrelid) END,
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) IS FALSE,
       NULL, NULL, NULL::text[], false, true, {_INDEX_OFF}
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND NOT x.relispartition AND {_OURS}
"""

_EQUAL = """EXISTS (SELECT FROM pg_amop m JOIN pg_opclass f ON f.opcfamily = m.amopfamily AND f.opcintype = m.amoplefttype
                   WHERE m.amopopr = {} AND m.amopmethod = 403 AND m.amopstrategy = 3 AND m.amoprighttype = m.amoplefttype
                     AND f.opcdefault)"""
"""Whether an operator is the equality of the default order (btree) of its type."""

_EXCLUSIONS = f"""
SELECT 'exclusion', n.nspname, c.relname, {_VISIBLE}, o.conname,
       CASE WHEN {{free}} THEN pg_get_constraintdef(o.oid) END, i.indisvalid,
       ARRAY(SELECT attname::text FROM unnest(o.conkey) AS k(num)
             JOIN pg_attribute ON attrelid = c.oid AND attnum = k.num),
       ARRAY(SELECT CASE WHEN {{free}} THEN pg_get_indexdef(i.indexrelid, k, false) END || CASE
                        WHEN i.indcollation[k - 1] NOT IN (0, coalesce(a.attcollation, 0))
                        THEN ' COLLATE ' || i.indcollation[k - 1]::regcollation ELSE '' END
             FROM generate_series(1, i.indnkeyatts) AS k
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] AND a.attnum > 0),
       CASE WHEN {{free}} THEN pg_get_expr(i.indpred, i.indrelid) END, true, NULL, NULL,
       ARRAY(SELECT jsonb_build_array(
                 quote_ident(s.nspname) || '.' || p.oprname,
                 CASE WHEN {_EQUAL.format("p.oid")} THEN 'equal' WHEN {_EQUAL.format("p.oprnegate")} THEN 'differ'
                      WHEN p.oprname = '&&' AND s.nspname = 'pg_catalog' AND (l.typname, t.typtype) IN
                           (('anyrange', 'r'), ('anymultirange', 'm'), ('inet', 'b'))
                      THEN replace(l.typname, 'any', '') ELSE 'other' END,
                 CASE WHEN g.typname IS NOT NULL THEN quote_ident(gs.nspname) || '.' || quote_ident(g.typname)
                      WHEN l.typtype <> 'p' THEN quote_ident(ls.nspname) || '.' || quote_ident(l.typname) ELSE '' END)::text
             FROM unnest(o.conexclop) WITH ORDINALITY AS k(op, i)
             JOIN pg_operator p ON p.oid = k.op JOIN pg_namespace s ON s.oid = p.oprnamespace
             JOIN pg_type l ON l.oid = p.oprleft JOIN pg_namespace ls ON ls.oid = l.typnamespace
             JOIN pg_attribute x ON x.attrelid = o.conindid AND x.attnum = k.i
             LEFT JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = i.indkey[k.i - 1] AND a.attnum > 0
             JOIN ({BASED}) AS b ON b.own = coalesce(a.atttypid, x.atttypid) JOIN pg_type t ON t.oid = b.base
             LEFT JOIN pg_range r ON t.oid IN (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)
             LEFT JOIN pg_type g ON g.oid = r.rngtypid LEFT JOIN pg_namespace gs ON gs.oid = g.typnamespace
             ORDER BY k.i), false, true, {_INDEX_OFF}
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index i ON i.indexrelid = o.conindid
WHERE o.contype = 'x' AND o.conparentid = 0 AND {_OURS}
"""
"""The columns of a target hold, for each operator, its name, how conflicting rows are found, and a type.

An index does not show the type of its multiranges, the column does.
"""

_DOMAINS = f"""
WITH RECURSIVE {HELD}
SELECT 'domain', n.nspname, d.typname, pg_type_is_visible(d.oid), k.name, k.definition, k.valid, '{{{{}}}}'::text[],
       ARRAY[k.expression], NULL, true, NULL, quote_ident(bs.nspname) || '.' || quote_ident(base.typname),
       ARRAY(SELECT jsonb_build_array(n.nspname, c.relname, a.attname, b.steps, c.relkind = 'r' AND a.attgenerated = '')::text
             FROM tgi_built b JOIN pg_attribute a ON a.atttypid = b.type AND a.attnum > 0 AND NOT a.attisdropped
             JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'f')
             JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE b.domain = d.oid AND {_OURS} ORDER BY n.nspname, c.relname, a.attnum, b.steps),
       false, true, CASE WHEN NOT k.valid THEN 'NOT VALID' END
FROM pg_type d JOIN pg_namespace n ON n.oid = d.typnamespace JOIN ({BASED}) AS below ON below.own = d.oid
JOIN pg_type base ON base.oid = below.base JOIN pg_namespace bs ON bs.oid = base.typnamespace CROSS JOIN LATERAL (
    SELECT o.conname::text, pg_get_constraintdef(o.oid), o.convalidated, pg_get_expr(o.conbin, 0)
    FROM pg_constraint o WHERE o.contypid = d.oid AND o.contype = 'c'
    UNION ALL SELECT 'not-null', 'NOT NULL', true, 'VALUE IS NOT NULL' WHERE d.typnotnull
) AS k(name, definition, valid, expression)
WHERE d.typtype = 'd' AND {_OURS}
"""
"""The target is the base type of the domain, the target's columns are the columns that hold its values."""

_CONSTRAINTS: dict[ConstraintKind, str] = {
    "check": _CHECKS,
    "foreign_key": _FOREIGN_KEYS,
    "not_null": _NOT_NULLS,
    "unique": _UNIQUES,
    "exclusion": _EXCLUSIONS,
    "domain": _DOMAINS,
}


_IN_JSON = frozenset({"exclusion", "domain"})

_LOCKED = """
SELECT DISTINCT relation::bigint FROM pg_locks
WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""Relations that another session holds, or waits for, in a mode that blocks readers."""

_ATTEMPTS = 4
_GONE = "it was dropped, or its table, after the snapshot was taken"


def _rows(reader: Reader, text: str) -> Sequence[tuple[Any, ...]]:
    answer = reader.ask_catalogs(sql.SQL(text), timeout=CATALOG_SECONDS)
    if isinstance(answer, Failure):
        raise ConnectionFailed(f"the catalogs cannot be read: {answer.reason}")
    return answer.rows


def _constraint_rows(reader: Reader, text: str) -> tuple[Sequence[tuple[Any, ...]], str]:
    """All constraints, and why some have no definition.

    Functions that print a definition lock the table; they are not called for tables that another session holds for long.
    """
    locked: set[int] = set()
    reason = _GONE
    for _ in range(_ATTEMPTS):
        answer = reader.ask_catalogs(sql.SQL(text.format(free=_free(locked))), timeout=CATALOG_SECONDS)
        if not isinstance(answer, Failure):
            return answer.rows, reason
        reason = answer.reason
        locked.update(row[0] for row in _rows(reader, _LOCKED))
    return _rows(reader, text.format(free="false")), reason


def _free(locked: Iterable[int]) -> str:
    return f"c.oid <> ALL ('{{{','.join(map(str, sorted(locked)))}}}'::oid[]) AND {_is_there('c.oid')}"


def read_facts(reader: Reader) -> Facts:
    """All tables, views and the like outside the system schemas, by qualified name and, where visible, by plain name.

    Raises `ConnectionFailed`.
    """
    tables: dict[str, Table] = {}
    rows = _rows(reader, _TABLES)
    for schema, name, visible, stored, inherited, partition, pages, columns, keys, _ in rows:
        table = _table(schema, name, columns, keys.values(), pages)
        table = replace(table, stored=stored, inherited=inherited, partition=partition)
        tables[f"{schema}.{name}"] = table
        if visible:
            tables[name] = table
    return Facts(tables, encoding=rows[0][-1] if rows else "UTF8")


def _table(schema: str, name: str, columns: Sequence[str], keys: Iterable[Any], pages: int) -> Table:
    indexes = list(keys)
    primary = next((tuple(names) for is_primary, names in indexes if is_primary), ())
    uniques = frozenset(frozenset(names) for _, names in indexes)
    return Table(schema, name, frozenset(columns), primary, uniques, pages)


def read_constraints(reader: Reader, kind: ConstraintKind) -> tuple[Constraint, ...]:
    """All declared constraints of one kind, in order of their labels. Raises `ConnectionFailed`."""
    rows, reason = _constraint_rows(reader, _CONSTRAINTS[kind])
    return tuple(sorted((_constraint(row, reason) for row in rows), key=lambda constraint: constraint.label))


def _constraint(row: Sequence[Any], reason: str) -> Constraint:
    (kind, schema, table, visible, name, definition, valid, columns, expressions, where, nulls_distinct) = row[:11]
    target_schema, target, target_columns, match_full, only, not_in_force = row[11:]
    unread = definition is None or None in expressions
    parts = tuple(target_columns or ())
    return Constraint(
        kind=kind,
        schema=schema,
        table=table,
        name=name,
        definition=definition or "",
        columns=tuple(columns),
        expressions=() if unread else tuple(expressions),
        where=where,
        nulls_distinct=nulls_distinct,
        target=None if target_schema is None else (target_schema, target),
        target_columns=() if kind in _IN_JSON else parts,
        match_full=match_full,
        valid=valid,
        only=only,
        visible=visible,
        unread=reason if unread else None,
        excluded=tuple(Excluded(*json.loads(part)) for part in parts) if kind == "exclusion" else (),
        uses=tuple(map(_use, parts)) if kind == "domain" else (),
        base=target if kind == "domain" else "",
        not_in_force=not_in_force,
    )


def _use(text: str) -> Use:
    schema, table, column, steps, writable = json.loads(text)
    return Use(schema, table, column, tuple(Step(*step) for step in steps), writable)


def read_objects(reader: Reader) -> tuple[CatalogObject, ...]:
    """All objects of the schema that can be pinned. Raises `ConnectionFailed`, also where a definition cannot be read."""
    answers = reader.ask([sql.SQL(KEEP), objects_question(OBJECT_KINDS), sql.SQL(LOOK_AGAIN)], CATALOG_SECONDS)
    if isinstance(answers[1], Failure):
        raise ConnectionFailed(f"the catalogs cannot be read: {answers[1].reason}")
    rows = answers[1].rows
    unread = next((row for row in rows if not row[4]), None)
    if unread is not None:
        raise ConnectionFailed(f"{unread[2]} {unread[3]} was dropped meanwhile: pin again when the schema is at rest")
    return tuple(sorted(map(object_of, rows)))
