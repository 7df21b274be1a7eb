"""Whether it is known, before fixes are made, what the SQL of a rule will say after them.

In the SQL of a rule, layers stand in for tables by name. A view, a partition or a function of a user reads the tables
themselves instead, so that it does not see what fixes would write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from psycopg import sql

from pytest_tgintegrity.fixing.plan.limits import Ask
from pytest_tgintegrity.fixing.plan.table_fixes import qualified
from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.compose import Value
from pytest_tgintegrity.planning.sql.names import Cell, Relation, reading
from pytest_tgintegrity.planning.sql.standing import can_stand_in

Outlook = Literal["apart", "foreseen", "hidden"]
"""How SQL relates to planned writes.

It cannot see them ("apart"), it is sure to see the layers that stand in for them ("foreseen"), or neither ("hidden").
"""

_DEPENDENTS = sql.SQL("""
    JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid JOIN pg_catalog.pg_class c ON c.oid = w.ev_class AND c.relkind = 'v'
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass""")
_OTHERS = sql.SQL("""
WITH RECURSIVE written AS (
    SELECT c.oid, n.nspname::text || '.' || c.relname::text AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN ROWS FROM (pg_catalog.unnest(CAST({schemas} AS text[])), pg_catalog.unnest(CAST({names} AS text[]))) AS t(s, t) ON n.nspname = t.s AND c.relname = t.t
), down(root, oid) AS (
    SELECT oid, oid FROM written
    UNION SELECT b.root, i.inhrelid FROM down b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid
), up(root, oid) AS (
    SELECT oid, oid FROM written
    UNION SELECT b.root, i.inhparent FROM up b JOIN pg_catalog.pg_inherits i ON i.inhrelid = b.oid
), base AS (SELECT * FROM down UNION SELECT * FROM up), reached(root, oid) AS (
    SELECT root, oid FROM base
    UNION SELECT r.root, w.ev_class FROM reached r JOIN pg_catalog.pg_depend d
      ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = r.oid{views}
)
SELECT w.name, n.nspname::text, c.relname::text, pg_catalog.pg_table_is_visible(c.oid)
FROM written w JOIN reached r ON r.root = w.oid AND r.oid <> w.oid JOIN pg_catalog.pg_class c ON c.oid = r.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
""")
_OWN_CODE = sql.SQL("""
WITH RECURSIVE code AS (
    SELECT p.oid, p.proname::text AS name, n.nspname::text AS schema, pg_catalog.pg_function_is_visible(p.oid) AS visible,
           p.pronargs = 1 AND EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = p.proargtypes[0] AND t.typtype = 'c') AS of_row
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.oid >= 16384 AND p.prorettype NOT IN (2279, 3838) AND NOT (l.lanname IN ('internal', 'c') AND EXISTS (
        SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
        AND d.objid = p.oid AND d.deptype = 'e'))
), views(oid) AS (
    SELECT w.ev_class FROM code f JOIN pg_catalog.pg_depend d
      ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid = f.oid{views}
    UNION SELECT w.ev_class FROM views v JOIN pg_catalog.pg_depend d
      ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = v.oid{views}
)
SELECT CASE WHEN of_row THEN 'row function' ELSE 'function' END, schema, name, visible FROM code
UNION SELECT 'operator', '', o.oprname::text, TRUE FROM code f JOIN pg_catalog.pg_operator o ON o.oprcode = f.oid
UNION SELECT 'view', n.nspname::text, c.relname::text, pg_catalog.pg_table_is_visible(c.oid)
FROM views v JOIN pg_catalog.pg_class c ON c.oid = v.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
""")
_RUN_SQL = frozenset(
    "connectby crosstab crosstab2 crosstab3 crosstab4 crosstab_hash ts_rewrite ts_stat xpath_table".split()
)
"""Functions that run SQL which is given as text; so do all functions whose names begin as in `_RUN_SQL_TOO`."""
_RUN_SQL_TOO = ("cursor_to_xml", "database_to_xml", "dblink", "query_to_xml", "schema_to_xml", "table_to_xml")
_STATISTICS = ("pg_stat_", "pg_statio_", "pg_stats")


@dataclass(slots=True)
class Foresight:
    """How SQL can read the tables that fixes write to, other than by their names.

    `others` maps the qualified name of a table to the relations through which it is read as well. `views` are those that
    call code of users. `functions`, by their names, and `operators` are code of users, which may read anything;
    `row_functions` are functions that SQL may call as if they were columns.
    """

    others: dict[str, set[Relation]] = field(default_factory=dict)
    views: set[Relation] = field(default_factory=set)
    functions: dict[str, set[Relation]] = field(default_factory=dict)
    row_functions: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)

    def outlook(self, text: str, writes: Collection[Cell], stand_ins: Mapping[str, str]) -> Outlook:
        """How SQL relates to the columns that are written, where layers stand in for tables by the names in `stand_ins`."""
        reads = reading(text)
        if reads.anything or self._runs_code(text):
            return "hidden"
        touched = {cell.relation for cell in writes}
        if any(reads.mentions(other) for relation in touched for other in self.others.get(".".join(relation.path), ())):
            return "hidden"
        if not reads.reads_any(writes):
            return "apart"
        return "foreseen" if all(_stands(text, relation, stand_ins) for relation in touched) else "hidden"

    def _runs_code(self, text: str) -> bool:
        """Whether SQL may run code of users or SQL that is given as text, or reads the server's statistics."""
        reads = reading(text)
        if any(name in _RUN_SQL or name.startswith(_RUN_SQL_TOO) for _, name in reads.words.calls):
            return True
        if any(name.startswith(_STATISTICS) for name in reads.words.names):
            return True
        called = any(
            schema == function.schema or (not schema and function.visible)
            for schema, name in reads.words.calls
            for function in self.functions.get(name, ())
        )
        return (
            called
            or not self.row_functions.isdisjoint(reads.words.names)
            or not self.operators.isdisjoint(reads.words.operators)
            or any(reads.mentions(view) for view in self.views)
        )


def _stands(text: str, relation: Relation, stand_ins: Mapping[str, str]) -> bool:
    reads = reading(text)
    if not reads.mentions(relation):
        return True
    return ".".join(relation.path) in stand_ins and can_stand_in(reads, relation)


def read_foresight(ask: Ask, tables: Iterable[Table]) -> Foresight:
    """Read from the catalogs how SQL can read some tables, other than by their names."""
    named = {qualified(table): table for table in tables}
    paths = [table.path for table in named.values()]
    schemas, names = Value([path[0] for path in paths]), Value([path[1] for path in paths])
    foresight = Foresight()
    for name, schema, other, visible in ask(_OTHERS.format(schemas=schemas, names=names, views=_DEPENDENTS)):
        foresight.others.setdefault(name, set()).add(Relation(schema, other, visible))
    for what, schema, name, visible in ask(_OWN_CODE.format(views=_DEPENDENTS)):
        if what == "operator":
            foresight.operators.add(name)
        elif what == "view":
            foresight.views.add(Relation(schema, name, visible))
        else:
            foresight.functions.setdefault(name, set()).add(Relation(schema, name, visible))
            if what == "row function":
                foresight.row_functions.add(name)
    return foresight
