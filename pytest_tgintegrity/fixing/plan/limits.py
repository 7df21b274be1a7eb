"""What a fix must not touch, and what columns can hold, as the catalogs say.

All is looked up by the OID of the table: names may hold anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.fixing.plan.simulation import Column
from pytest_tgintegrity.fixing.plan.table_fixes import TableFix, qualified
from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.compose import Value
from pytest_tgintegrity.planning.sql.names import EVERY
from pytest_tgintegrity.planning.sql.tokens import words

Rows = Sequence[tuple[Any, ...]]
Ask = Callable[[sql.Composable], Rows]
"""Asks the catalogs one thing. Raises where they cannot be read."""

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
_TRIGGER_BITS = {"insert": 4, "delete": 8, "update": 16}
_UNDONE_BY = {"update": "update", "delete": "insert", "insert": "delete"}
_RULE_EVENTS = {"2": "update", "3": "insert", "4": "delete"}

_WIDE = {
    "bpchar": ("pg_catalog.varchar", "pg_catalog.bpchar"),
    "varchar": ("pg_catalog.varchar", "pg_catalog.bpchar"),
    "bit": ("pg_catalog.varbit", "pg_catalog.varbit"),
    "varbit": ("pg_catalog.varbit", "pg_catalog.varbit"),
}
"""What holds the values of any length of a type, and in what they are compared: blanks at the end do not count there."""
_ROUNDED = frozenset("int2 int4 int8 float4 float8 money date".split())
_ROUNDED_TO = frozenset("numeric timestamp timestamptz time timetz interval".split())


def column(base: str, typmod: int, *, many: bool, written: str) -> Column:
    """A column of the type `written`, which in the end is `base` or an array (`many`) of it, with that modifier."""
    wide, compared = _WIDE.get(base, ("", "")) if typmod >= 0 else ("", "")
    ending = "[]" if many else ""
    return Column(
        type=written,
        wide=wide and wide + ending,
        compared=compared and compared + ending,
        rounds=not many and (base in _ROUNDED or (base in _ROUNDED_TO and typmod >= 0)),
        scale=_scale(typmod) if base == "numeric" and typmod >= 0 and not many else None,
        lossy=base == "bpchar" and typmod < 0 and not many,
    )


def _scale(typmod: int) -> int:
    """The digits behind the point: eleven bits with a sign."""
    return (((typmod - 4) & 0x7FF) ^ 1024) - 1024


@dataclass(slots=True)
class FixLimits:
    """What is known of the tables that fixes want to write to; each goes by its qualified name.

    `above` are the tables that one is a part of, `sharing` those whose keys are also keys of tables that inherit from them.
    """

    columns: dict[str, dict[str, Column]] = field(default_factory=dict)
    triggers: Rows = ()
    rules: Rows = ()
    cascades: Rows = ()
    parted_by: Rows = ()
    above: dict[str, list[str]] = field(default_factory=dict)
    sharing: frozenset[str] = frozenset()

    def forbids(self, one: TableFix, allows: Collection[str]) -> str:
        """Why a remedy must not be, in a sentence; empty where it may."""
        return self._computed(one) or self._fires(one, allows) or self._follows(one) or self._unsaid(one, allows)

    def _computed(self, one: TableFix) -> str:
        name = qualified(one.table)
        known = self.columns.get(name, {})
        if not known:
            return f"{name} is gone"
        for each in one.columns:
            if each in known and known[each].generated:
                return f"{one.table.name}.{each} is generated: it cannot be written to"
            if each in known and known[each].identity and one.op == "update":
                return f"{one.table.name}.{each} is an identity column (GENERATED ALWAYS): it cannot be written to"
        if name in self.sharing:
            return f"rows of {name} and of tables that inherit from it have the same key: name one of these tables"
        return ""

    def _fires(self, one: TableFix, allows: Collection[str]) -> str:
        name, events = qualified(one.table), self._events(one)
        undoing = {_UNDONE_BY[event] for event in events}
        for table, rule, event in self.rules:
            if table == name and _RULE_EVENTS[event] in {*events, *undoing}:
                what = "is written" if _RULE_EVENTS[event] in events else "an undo writes"
                return f"{name} has the rewrite rule {rule}, which would change what {what}"
        bits = sum(_TRIGGER_BITS[event] for event in events)
        fired = [trigger for table, trigger, when in self.triggers if table == name and when & bits]
        if fired and "triggers" not in allows:
            return f'{one.table.name} has the trigger {fired[0]}: say fix_allows="triggers" if it may fire'
        return ""

    def _events(self, one: TableFix) -> set[str]:
        """What happens to the table: a row that moves to another partition is deleted and inserted there."""
        moving = {each for table, each in self.parted_by if table == qualified(one.table)}
        if one.op == "update" and moving & {*one.columns, EVERY}:
            return {"update", "delete", "insert"}
        return {one.op}

    def _follows(self, one: TableFix) -> str:
        for table, child, constraint, on_delete, on_update in self.cascades:
            if table != qualified(one.table):
                continue
            if one.op == "delete" and on_delete:
                return f"deleting from {one.table.name} would change {child} too ({constraint}), unjournalled"
            changed = [each for each in one.columns if each in on_update]
            if one.op == "update" and changed:
                return f"writing {one.table.name}.{changed[0]} would change {child} too ({constraint}), unjournalled"
        return ""

    def _unsaid(self, one: TableFix, allows: Collection[str]) -> str:
        if one.op != "update" and one.op not in allows:
            return f'it would {one.op} rows of {one.table.name}: say fix_allows="{one.op}" if it may'
        return ""

    def computed_from(self, one: TableFix) -> tuple[str, ...]:
        """The columns that the server computes from those that a remedy writes."""
        known = self.columns.get(qualified(one.table), {})
        return tuple(name for name, each in known.items() if not words(each.generated).names.isdisjoint(one.columns))


def read_limits(ask: Ask, tables: Iterable[Table]) -> FixLimits:
    """What the catalogs say of some tables."""
    named = {qualified(table): table for table in tables}
    paths = [table.path for table in named.values()]
    schemas, tables_named = Value([path[0] for path in paths]), Value([path[1] for path in paths])
    written = _WRITTEN.format(schemas=schemas, names=tables_named)
    found = FixLimits()
    for name, each, of, base, typmod, many, generated, identity, cast, equals in ask(_COLUMNS.format(written=written)):
        plain = column(base, typmod, many=many, written=of)
        found.columns.setdefault(name, {})[each] = replace(
            plain, generated=generated, identity=identity, lossy=plain.lossy or cast, equals=equals
        )
    found.triggers, found.rules = ask(_TRIGGERS.format(written=written)), ask(_RULES.format(written=written))
    found.cascades, found.parted_by = ask(_CASCADES.format(written=written)), ask(_PARTED_BY.format(written=written))
    for name, above in ask(_ABOVE.format(written=written)):
        found.above.setdefault(name, []).append(above)
    heirs = [named[name] for (name,) in ask(_HEIRS.format(written=written)) if named[name].key]
    found.sharing = frozenset(qualified(one) for one in heirs if ask(_shared_key(one)))
    return found


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
    """For each text that calls a volatile function, or may, why no fix can be planned with it."""
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
