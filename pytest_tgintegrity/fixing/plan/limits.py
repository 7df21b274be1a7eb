"""What a fix must not touch, and what columns can hold, as the catalogs say.

Tables are looked up by their OIDs, since names may hold any characters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.fixing.changes import OPPOSITES, TRIGGER_BITS
from pytest_tgintegrity.fixing.plan.layer_columns import LayerColumn
from pytest_tgintegrity.fixing.plan.table_fixes import TableFix, qualified
from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.compose import Value
from pytest_tgintegrity.planning.sql.names import EVERY
from pytest_tgintegrity.planning.sql.tokens import words

Rows = Sequence[tuple[Any, ...]]
Ask = Callable[[sql.Composable], Rows]
"""A function that answers a query of the catalogs, and raises where they cannot be read."""

_WRITTEN = sql.SQL("""
written AS (
    SELECT c.oid, n.nspname::text || '.' || c.relname::text AS name, c.relkind
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN ROWS FROM (pg_catalog.unnest(CAST({schemas} AS text[])), pg_catalog.unnest(CAST({names} AS text[]))) AS w(s, t)
      ON n.nspname = w.s AND c.relname = w.t
), parts(root, oid) AS (
    SELECT oid, oid FROM written
    UNION SELECT p.root, i.inhrelid FROM parts p JOIN pg_catalog.pg_class c ON c.oid = p.oid AND c.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = p.oid
)""")
_COLUMNS = sql.SQL("""
WITH RECURSIVE {written}, typed(root, attnum, type, typmod, many, depth) AS (
    SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, FALSE, 0
    FROM written w JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT p.root, p.attnum, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END,
           CASE WHEN t.typtype = 'd' AND t.typtypmod <> -1 THEN t.typtypmod ELSE p.typmod END,
           p.many OR t.typtype <> 'd', p.depth + 1
    FROM typed p JOIN pg_catalog.pg_type t ON t.oid = p.type
    WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1)
), based AS (
    SELECT DISTINCT ON (root, attnum) root, attnum, type, typmod, many FROM typed ORDER BY root, attnum, depth DESC
)
SELECT w.name, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), t.typname::text, b.typmod, b.many,
       CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) ELSE '' END, a.attidentity = 'a',
       EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE k.casttarget = 25 AND k.castfunc <> 0 AND k.oid >= 16384
               AND k.castsource IN (a.atttypid, CASE WHEN b.many THEN a.atttypid ELSE b.type END)),
       coalesce((SELECT pg_catalog.format('OPERATOR(%I.%s)', s.nspname, o.oprname)
                 FROM pg_catalog.pg_index i
                 JOIN pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(num, n) ON k.num = a.attnum
                 JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[k.n - 1]
                 JOIN pg_catalog.pg_amop m ON m.amopfamily = oc.opcfamily AND m.amopmethod = 403
                  AND m.amopstrategy = 3 AND m.amoplefttype = oc.opcintype AND m.amoprighttype = oc.opcintype
                 JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
                 JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace
                 WHERE i.indrelid = w.oid AND i.indisprimary AND k.n <= i.indnkeyatts LIMIT 1), '=')
FROM written w JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN based b ON b.root = w.oid AND b.attnum = a.attnum JOIN pg_catalog.pg_type t ON t.oid = b.type
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = w.oid AND d.adnum = a.attnum
ORDER BY w.oid, a.attnum
""")
_TRIGGERS = sql.SQL("""
WITH RECURSIVE {written}
SELECT DISTINCT w.name, t.tgname::text, t.tgtype::int
FROM written w JOIN parts p ON p.root = w.oid JOIN pg_catalog.pg_trigger t ON t.tgrelid = p.oid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' ORDER BY 2
""")
_RULES = sql.SQL("""
WITH RECURSIVE {written}
SELECT w.name, r.rulename::text, r.ev_type::text FROM written w JOIN pg_catalog.pg_rewrite r ON r.ev_class = w.oid
WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D' ORDER BY 2
""")
_CASCADES = sql.SQL("""
WITH RECURSIVE {written}
SELECT w.name, o.conrelid::pg_catalog.regclass::text, o.conname::text, o.confdeltype IN ('c', 'n', 'd'),
       CASE WHEN o.confupdtype IN ('c', 'n', 'd') THEN ARRAY(
           SELECT a.attname::text FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = o.confrelid AND a.attnum = ANY (o.confkey)) ELSE '{{}}'::text[] END
FROM written w JOIN parts p ON p.root = w.oid JOIN pg_catalog.pg_constraint o ON o.confrelid = p.oid
WHERE o.contype = 'f' AND coalesce(pg_catalog.to_jsonb(o) ->> 'conenforced', 'true') = 'true'
ORDER BY o.conparentid <> 0, o.conname
""")
_PARTED_BY = sql.SQL("""
WITH RECURSIVE {written}
SELECT DISTINCT w.name, CASE k.num WHEN 0 THEN '*' ELSE (
    SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = p.oid AND a.attnum = k.num) END
FROM written w JOIN parts p ON p.root = w.oid JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = p.oid,
     pg_catalog.unnest(t.partattrs::int2[]) AS k(num)
""")
_HEIRS = sql.SQL("""
WITH RECURSIVE {written}
SELECT w.name FROM written w WHERE w.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = w.oid)
""")
_ABOVE = sql.SQL("""
WITH RECURSIVE {written}, up(root, oid) AS (
    SELECT oid, oid FROM written
    UNION SELECT u.root, i.inhparent FROM up u JOIN pg_catalog.pg_inherits i ON i.inhrelid = u.oid
)
SELECT w.name, n.nspname::text || '.' || c.relname::text
FROM written w JOIN up u ON u.root = w.oid AND u.oid <> w.oid JOIN pg_catalog.pg_class c ON c.oid = u.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2
""")
_RULE_EVENTS = {"2": "update", "3": "insert", "4": "delete"}

_WIDE = {
    "bpchar": ("pg_catalog.varchar", "pg_catalog.bpchar"),
    "varchar": ("pg_catalog.varchar", "pg_catalog.bpchar"),
    "bit": ("pg_catalog.varbit", "pg_catalog.varbit"),
    "varbit": ("pg_catalog.varbit", "pg_catalog.varbit"),
}
"""For each type a type that holds values of any length, and a type that compares them without blanks at the end."""
_ROUNDED = frozenset("int2 int4 int8 float4 float8 money date".split())
_ROUNDED_TO = frozenset("numeric timestamp timestamptz time timetz interval".split())


def layer_column(base: str, typmod: int, *, many: bool, written: str) -> LayerColumn:
    """A column of the type `written`. Its base type is `base` with that modifier, or an array (`many`) of it."""
    wide, compared = _WIDE.get(base, ("", "")) if typmod >= 0 else ("", "")
    ending = "[]" if many else ""
    return LayerColumn(
        type=written,
        wide=wide and wide + ending,
        compared=compared and compared + ending,
        rounds=not many and (base in _ROUNDED or (base in _ROUNDED_TO and typmod >= 0)),
        scale=_scale(typmod) if base == "numeric" and typmod >= 0 and not many else None,
        lossy=base == "bpchar" and typmod < 0 and not many,
    )


def _scale(typmod: int) -> int:
    """The digits behind the point, which a modifier of numeric holds as eleven bits with a sign."""
    return (((typmod - 4) & 0x7FF) ^ 1024) - 1024


@dataclass(slots=True)
class FixLimits:
    """What is known of the tables that fixes want to write to, by their qualified names.

    `above` maps a table to those that it is a part of. `sharing` are the tables that have a key in common with a table that
    inherits from them.
    """

    columns: dict[str, dict[str, LayerColumn]] = field(default_factory=dict)
    triggers: Rows = ()
    rules: Rows = ()
    cascades: Rows = ()
    parted_by: Rows = ()
    above: dict[str, list[str]] = field(default_factory=dict)
    sharing: frozenset[str] = frozenset()

    def forbids(self, table_fix: TableFix, allows: Collection[str]) -> str:
        """Why a table fix must not be made, in a sentence; empty if it may be made."""
        return (
            self._computed(table_fix)
            or self._fires(table_fix, allows)
            or self._changes_children(table_fix)
            or self._lacks_consent(table_fix, allows)
        )

    def _computed(self, table_fix: TableFix) -> str:
        table = qualified(table_fix.table)
        columns = self.columns.get(table, {})
        if not columns:
            return f"{table} is gone"
        for name in table_fix.columns:
            if name in columns and columns[name].generated:
                return f"{table_fix.table.name}.{name} is generated: it cannot be written to"
            if name in columns and columns[name].identity and table_fix.op == "update":
                return (
                    f"{table_fix.table.name}.{name} is an identity column (GENERATED ALWAYS): it cannot be written to"
                )
        if table in self.sharing:
            return f"rows of {table} and of tables that inherit from it have the same key: name one of these tables"
        return ""

    def _fires(self, table_fix: TableFix, allows: Collection[str]) -> str:
        name, events = qualified(table_fix.table), self._events(table_fix)
        undoing = {OPPOSITES[event] for event in events}
        for table, rule, event in self.rules:
            if table == name and _RULE_EVENTS[event] in {*events, *undoing}:
                what = "is written" if _RULE_EVENTS[event] in events else "an undo writes"
                return f"{name} has the rewrite rule {rule}, which would change what {what}"
        bits = sum(TRIGGER_BITS[event] for event in events)
        fired = [trigger for table, trigger, when in self.triggers if table == name and when & bits]
        if fired and "triggers" not in allows:
            return f'{table_fix.table.name} has the trigger {fired[0]}: say fix_allows="triggers" if it may fire'
        return ""

    def _events(self, table_fix: TableFix) -> set[str]:
        """What happens to the table; an update that moves a row to another partition deletes and inserts it, too."""
        moving = {column for table, column in self.parted_by if table == qualified(table_fix.table)}
        if table_fix.op == "update" and moving & {*table_fix.columns, EVERY}:
            return {"update", "delete", "insert"}
        return {table_fix.op}

    def _changes_children(self, table_fix: TableFix) -> str:
        for table, child, constraint, on_delete, on_update in self.cascades:
            if table != qualified(table_fix.table):
                continue
            if table_fix.op == "delete" and on_delete:
                return f"deleting from {table_fix.table.name} would change {child} too ({constraint}), unjournalled"
            changed = [column for column in table_fix.columns if column in on_update]
            if table_fix.op == "update" and changed:
                return (
                    f"writing {table_fix.table.name}.{changed[0]} would change {child} too ({constraint}), unjournalled"
                )
        return ""

    def _lacks_consent(self, table_fix: TableFix, allows: Collection[str]) -> str:
        if table_fix.op != "update" and table_fix.op not in allows:
            return f'it would {table_fix.op} rows of {table_fix.table.name}: say fix_allows="{table_fix.op}" if it may'
        return ""

    def computed_from(self, table_fix: TableFix) -> tuple[str, ...]:
        """The columns that the server computes from those that a table fix writes."""
        columns = self.columns.get(qualified(table_fix.table), {})
        return tuple(
            name for name, column in columns.items() if not words(column.generated).names.isdisjoint(table_fix.columns)
        )


def read_limits(ask: Ask, tables: Iterable[Table]) -> FixLimits:
    """Read the limits of some tables from the catalogs."""
    named = {qualified(table): table for table in tables}
    paths = [table.path for table in named.values()]
    schemas, tables_named = Value([path[0] for path in paths]), Value([path[1] for path in paths])
    written = _WRITTEN.format(schemas=schemas, names=tables_named)
    limits = FixLimits()
    for name, column_name, written_type, base, typmod, many, generated, identity, cast, equals in ask(
        _COLUMNS.format(written=written)
    ):
        plain = layer_column(base, typmod, many=many, written=written_type)
        limits.columns.setdefault(name, {})[column_name] = replace(
            plain, generated=generated, identity=identity, lossy=plain.lossy or cast, equals=equals
        )
    limits.triggers, limits.rules = ask(_TRIGGERS.format(written=written)), ask(_RULES.format(written=written))
    limits.cascades, limits.parted_by = ask(_CASCADES.format(written=written)), ask(_PARTED_BY.format(written=written))
    for name, above in ask(_ABOVE.format(written=written)):
        limits.above.setdefault(name, []).append(above)
    heirs = [named[name] for (name,) in ask(_HEIRS.format(written=written)) if named[name].key]
    limits.sharing = frozenset(qualified(table) for table in heirs if ask(_shared_key(table)))
    return limits


def _shared_key(table: Table) -> sql.Composed:
    keys = sql.SQL(", ").join(map(sql.Identifier, table.key))
    return sql.SQL("SELECT TRUE FROM {} GROUP BY {} HAVING pg_catalog.count(*) > 1 LIMIT 1").format(
        sql.Identifier(*table.path), keys
    )


# --- functions that give another value each time

_VOLATILE = sql.SQL("""
SELECT DISTINCT n.nspname::text, p.proname::text, pg_catalog.pg_function_is_visible(p.oid), p.oid < 16384
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.provolatile = 'v' AND p.proname = ANY (CAST({} AS text[]))
""")


def volatile_calls(ask: Ask, texts: Collection[str]) -> dict[str, str]:
    """Why no fix can be planned with a text, for each text that calls a volatile function, or may call it."""
    called = {name for text in texts for _, name in words(text).calls}
    known = ask(_VOLATILE.format(Value(sorted(called)))) if called else ()
    return {text: reason for text in texts if (reason := _volatile(text, known))}


def _volatile(text: str, known: Rows) -> str:
    if words(text).escaped:
        return 'its fix writes a name with escapes (U&"…"): what it calls cannot be told'
    for schema, name in sorted(words(text).calls):
        for its_schema, its_name, visible, ours in known:
            if name == its_name and (schema == its_schema or (not schema and visible)):
                why = (
                    "gives another value each time: what is planned would not be what is written"
                    if ours
                    else "is declared VOLATILE: it may give another value each time; declare it STABLE if it does not"
                )
                return f"its fix calls {f'{schema}.' if schema else ''}{name}(), which {why}"
    return ""
