"""The tables as fixes would leave them, as one SQL statement: a layer for each fix over the tables as they are. Pure.

A layer is a CTE; the last one of a table stands in for it, by its name, wherever SQL of a rule reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from pytest_tgintegrity.fixing.plan.layer_columns import LayerColumn, Types, column_at, same_key, text_of
from pytest_tgintegrity.fixing.plan.table_fixes import Step, TableFix, qualified
from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.compose import listed, raw, texts_by_name, where_clause
from pytest_tgintegrity.planning.sql.encoding import sql_text
from pytest_tgintegrity.planning.sql.standing import standing_in

NUMBERED = ("smallint", "integer", "bigint")
"""Types of keys that servers give out."""


@dataclass
class Simulation:
    """The tables of a group of steps as the steps would leave them.

    `types` are the columns of the tables. `stand_ins` are the names under which layers stand in for tables. `only` confines a
    table to some of its rows, where these are enough. All three map qualified names of tables.
    """

    types: Types
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, sql.Composable] = field(default_factory=dict)
    _parts: list[sql.Composable] = field(default_factory=list)
    _last: dict[str, str] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    _tables: dict[str, Table] = field(default_factory=dict)
    _visible: set[str] = field(default_factory=set)
    _longer: set[str] = field(default_factory=set)
    _shorter: set[str] = field(default_factory=set)
    _written: dict[str, dict[str, None]] = field(default_factory=dict)
    _cut: list[tuple[str, str, str]] = field(default_factory=list)

    def apply(self, steps: Sequence[Step], numbers: Mapping[str, int]) -> None:
        """Add a layer for each table fix; the table fixes of a step see the same state."""
        for step in steps:
            for table_fix in step.table_fixes:
                self._begin(table_fix)
            state = self._state()
            for table_fix in step.table_fixes:
                self._layer(table_fix, state, numbers[step.rule], fresh=step.fresh)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that have layers."""
        return tuple(self._tables.values())

    # --- layers

    def _add(self, query: sql.Composable) -> str:
        name = f"tgi_{len(self._parts)}"
        self._parts.append(raw(sql_text(sql.SQL("{} AS ({})").format(raw(name), query))))
        return name

    def _begin(self, table_fix: TableFix) -> None:
        table, name = table_fix.table, qualified(table_fix.table)
        if name in self._last:
            return
        query = sql.SQL(
            "SELECT {}, '{{}}'::int[] AS tgi_rules, '{{}}'::int[] AS tgi_cut, FALSE AS tgi_gone FROM {}{}"
        ).format(
            listed(map(sql.Identifier, self.types[name])),
            sql.Identifier(*table.path),
            where_clause(self.only.get(name)),
        )
        self._tables[name] = table
        if table_fix.visible:
            self._visible.add(name)
        self._written[name] = {}
        self._first[name] = self._last[name] = self._add(query)

    def _state(self) -> sql.Composable:
        """CTEs that stand in for the tables by name."""
        parts = []
        for table, last in self._last.items():
            name = raw(self.stand_ins[table])
            parts.append(
                sql.SQL("{} AS (SELECT {} FROM {} WHERE NOT tgi_gone)").format(name, self._seen(table, last), raw(last))
            )
            if table in self._visible:
                known = sql.Identifier(self._tables[table].name)
                parts.append(sql.SQL("{} AS (SELECT * FROM {})").format(known, name))
        return sql.SQL("WITH {} ").format(listed(parts)) if parts else raw("")

    def asked(self, text: str) -> sql.SQL:
        """SQL of a rule, in which the tables that have layers are replaced by the names that stand in for them."""
        return raw(standing_in(text, {self._tables[table].path: self.stand_ins[table] for table in self._last}))

    def _seen(self, table: str, last: str) -> sql.Composable:
        """The columns as SQL of rules sees them: columns that the server computes are computed, and new rows have keys.

        The keys of new rows are lower than all keys that the server gives out.
        """
        key = self._tables[table].key if table in self._longer else ()
        return listed(self._shown(name, column, last, new=name in key) for name, column in self.types[table].items())

    def _shown(self, name: str, column: LayerColumn, last: str, *, new: bool) -> sql.Composable:
        if column.generated:
            return sql.SQL("({}\n)::{} AS {}").format(raw(column.generated), raw(column.type), sql.Identifier(name))
        if new and column.type in NUMBERED:
            return sql.SQL(
                "coalesce({c}, ((SELECT least(pg_catalog.min({c}), 0) FROM {last})"
                " - pg_catalog.row_number() OVER ())::{of}) AS {c}"
            ).format(c=sql.Identifier(name), last=raw(last), of=raw(column.type))
        return sql.Identifier(name)

    def _layer(self, table_fix: TableFix, state: sql.Composable, number: int, *, fresh: bool) -> None:
        name = qualified(table_fix.table)
        self._written[name].update(dict.fromkeys(table_fix.columns))
        if table_fix.op == "insert":
            self._last[name] = self._add(self._inserted(table_fix, state, number))
            self._longer.add(name)
            return
        if table_fix.op == "delete":
            self._shorter.add(name)
        keys = [raw(f"k{n}") for n in range(len(table_fix.table.key))]
        order = listed([*keys, *(sql.SQL("({})::text").format(raw(f"v{n}")) for n in range(len(table_fix.columns)))])
        hits = sql.SQL("SELECT DISTINCT ON ({}) *, TRUE AS tgi_hit FROM ({}) AS tgi_hit_row ORDER BY {}").format(
            listed(keys), self._hits(table_fix, state, fresh=fresh), order
        )
        on = same_key(table_fix.table, self.types[name], "tgi_row", lambda n: raw(f"tgi_hits.k{n}"))
        self._last[name] = self._add(
            sql.SQL("SELECT {} FROM {} AS tgi_row LEFT JOIN ({}) AS tgi_hits ON {}").format(
                self._rewritten(table_fix, number), raw(self._last[name]), hits, on
            )
        )

    def _hits(self, table_fix: TableFix, state: sql.Composable, *, fresh: bool) -> sql.Composable:
        """The rows that a table fix finds in a state; a fresh one leaves out the rows that it finds in the tables today."""
        hits = sql.SQL("{}{}").format(state, self.asked(table_fix.text))
        if not fresh:
            return hits
        keys = [raw(f"k{n}") for n in range(len(table_fix.table.key))]
        today = sql.SQL("SELECT {keys} FROM ({}) AS tgi_old WHERE pg_catalog.num_nulls({keys}) = 0").format(
            raw(table_fix.text), keys=listed(keys)
        )
        return sql.SQL("SELECT * FROM ({}) AS tgi_new WHERE ({}) NOT IN ({})").format(hits, listed(keys), today)

    def _rewritten(self, table_fix: TableFix, number: int) -> sql.Composable:
        values = {column: raw(f"tgi_hits.v{n}") for n, column in enumerate(table_fix.columns)}
        targets: list[sql.Composable] = []
        for name, column in self.types[qualified(table_fix.table)].items():
            if name in values:
                targets.append(
                    sql.SQL("CASE WHEN tgi_hits.tgi_hit THEN ({})::{} ELSE {} END AS {}").format(
                        values[name], raw(column.type), column_at("tgi_row", name), sql.Identifier(name)
                    )
                )
            else:
                targets.append(column_at("tgi_row", name))
        gone = "tgi_row.tgi_gone OR tgi_hits.tgi_hit IS TRUE" if table_fix.op == "delete" else "tgi_row.tgi_gone"
        columns = self.types[qualified(table_fix.table)]
        differ = [_differ(columns[c], c, f"tgi_hits.v{n}") for n, c in enumerate(table_fix.columns)] or [raw("TRUE")]
        return listed(
            [
                *targets,
                sql.SQL(
                    "CASE WHEN tgi_hits.tgi_hit IS TRUE AND ({}) THEN pg_catalog.array_append(tgi_row.tgi_rules, {})"
                    " ELSE tgi_row.tgi_rules END AS tgi_rules"
                ).format(_any(differ), raw(str(number))),
                sql.SQL("{} AS tgi_cut").format(self._cut_off(table_fix, values, raw("tgi_row.tgi_cut"))),
                raw(f"{gone} AS tgi_gone"),
            ]
        )

    def _cut_off(
        self, table_fix: TableFix, values: Mapping[str, sql.Composable], before: sql.Composable
    ) -> sql.Composable:
        """The numbers of the columns that cannot hold the values they are given, appended to those known `before`."""
        cut = before
        for name, value in values.items():
            column = self.types[qualified(table_fix.table)][name]
            if column.wide:
                cut = sql.SQL(
                    "pg_catalog.array_cat({}, CASE WHEN pg_catalog.num_nulls({}) = 1 THEN '{{}}'::int[]"
                    " WHEN {} THEN '{{}}'::int[] ELSE ARRAY[{}] END)"
                ).format(cut, value, column.fits(value), raw(str(len(self._cut))))
                self._cut.append((table_fix.rule, qualified(table_fix.table), name))
        return cut

    def _inserted(self, table_fix: TableFix, state: sql.Composable, number: int) -> sql.Composable:
        values = {column: raw(f"tgi_found.v{n}") for n, column in enumerate(table_fix.columns)}
        targets = [
            sql.SQL("({})::{} AS {}").format(values.get(name, raw("NULL")), raw(column.type), sql.Identifier(name))
            for name, column in self.types[qualified(table_fix.table)].items()
        ]
        cut = self._cut_off(table_fix, values, raw("'{}'::int[]"))
        targets.append(
            sql.SQL("ARRAY[{}] AS tgi_rules, {} AS tgi_cut, FALSE AS tgi_gone").format(raw(str(number)), cut)
        )
        return sql.SQL("SELECT * FROM {} UNION ALL SELECT {} FROM ({}{}) AS tgi_found").format(
            raw(self._last[qualified(table_fix.table)]), listed(targets), state, self.asked(table_fix.text)
        )

    # --- questions

    def _with(self) -> sql.Composable:
        return sql.SQL("WITH {} ").format(listed(self._parts))

    def together(self, questions: Iterable[sql.Composable]) -> sql.Composable:
        """Several questions about the final state as one statement, whose rows begin with the number of the question."""
        asked = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} AS tgi_question, tgi_answer.* FROM ({}) AS tgi_answer").format(raw(str(n)), question)
            for n, question in enumerate(questions)
        )
        return sql.SQL("{}{} ORDER BY 1").format(self._with(), asked)

    def cut_off(self) -> tuple[Sequence[tuple[str, str, str]], list[sql.Composable]]:
        """Rule, table and column of each value that might not fit, and questions that find those which do not.

        The answer to each question is a number of rows, the numbers of the values that do not fit, and 0.
        """
        questions: list[sql.Composable] = [
            sql.SQL(
                "SELECT pg_catalog.count(*), pg_catalog.array_agg(DISTINCT tgi_number), 0::int8"
                " FROM {} AS tgi_row, pg_catalog.unnest(tgi_row.tgi_cut) AS tgi_number"
            ).format(raw(self._last[table]))
            for table in dict.fromkeys(table for _, table, _ in self._cut)
        ]
        return self._cut, questions

    def stored(self, table: Table) -> sql.Composable:
        """A question that makes the server compute all values that are written to a table.

        Its answer is the number of rows, an empty list, and the number of rows again.
        """
        name = qualified(table)
        written = [column for column in self.types[name] if column in self._written[name]]
        return sql.SQL(
            "SELECT pg_catalog.count(*), '{{}}'::int[], pg_catalog.count({}) FROM {} AS tgi_row"
            " WHERE pg_catalog.cardinality(tgi_row.tgi_rules) > 0"
        ).format(self._texts("tgi_row", name, written), raw(self._last[name]))

    def restless(self, step: Step, table_fix: TableFix, number: int, *, sure: bool) -> sql.Composable:
        """A question that asks how many rows a table fix would still change in the final state, and why.

        Its answer is the number of rows, the numbers of the rules that wrote to them, and how many rows store another value
        than was computed. If the fix is `sure` to see the final state, the rows that it changed and still finds count, too.
        """
        state = self._state()
        if table_fix.op != "update":
            return sql.SQL("SELECT pg_catalog.count(*), '{{}}'::int[], 0::int8 FROM ({}) AS tgi_found").format(
                self._hits(table_fix, state, fresh=step.fresh and table_fix.op == "delete")
            )
        name = qualified(table_fix.table)
        columns = self.types[name]
        hits, first, last = (
            self._hits(table_fix, state, fresh=step.fresh),
            raw(self._first[name]),
            raw(self._last[name]),
        )
        return sql.SQL(
            "SELECT pg_catalog.count(DISTINCT ROW({keys})), pg_catalog.array_agg(DISTINCT tgi_number),"
            " pg_catalog.count(*) FILTER (WHERE {rounded}) FROM ({found}) AS tgi_found JOIN {last} AS tgi_row ON {on}"
            " JOIN {first} AS tgi_old ON {same} CROSS JOIN LATERAL pg_catalog.unnest(tgi_row.tgi_rules) AS tgi_number"
            " WHERE {differ}{changed}"
        ).format(
            keys=listed(column_at("tgi_row", key) for key in table_fix.table.key),
            found=hits,
            last=last,
            first=first,
            on=same_key(table_fix.table, columns, "tgi_row", lambda n: raw(f"tgi_found.k{n}")),
            same=same_key(table_fix.table, columns, "tgi_old", lambda n: column_at("tgi_row", table_fix.table.key[n])),
            rounded=_any(_rounded(columns[c], raw(f"tgi_found.v{n}")) for n, c in enumerate(table_fix.columns)),
            differ=_any(_differ(columns[c], c, f"tgi_found.v{n}") for n, c in enumerate(table_fix.columns)),
            changed=self._changed(table_fix, number) if sure else raw(""),
        )

    def _changed(self, table_fix: TableFix, number: int) -> sql.Composable:
        columns = self.types[qualified(table_fix.table)]
        pairs = [
            (text_of(column_at(alias, c), columns[c]) for alias in ("tgi_row", "tgi_old")) for c in table_fix.columns
        ]
        return sql.SQL(" OR ({} = ANY (tgi_row.tgi_rules) AND ({}))").format(
            raw(str(number)), _any(sql.SQL("{} IS DISTINCT FROM {}").format(*pair) for pair in pairs)
        )

    def count(self, rows: sql.Composable) -> sql.Composable:
        """A question that asks how many rows a query finds in the final state."""
        return sql.SQL("SELECT pg_catalog.count(*) FROM ({}SELECT * FROM ({}\n) AS tgi_asked) AS tgi_found").format(
            self._state(), self.asked(sql_text(rows))
        )

    def changes(self, table: Table) -> sql.Composable:
        """A query for every change of a table in key order: operation, key, before, after, and the numbers of the rules.

        Key, before and after map columns to texts. An updated row has only the columns that fixes write to, a deleted row has
        all columns.
        """
        name = qualified(table)
        written = [column for column in self.types[name] if column in self._written[name]]
        before = list(self.types[name]) if name in self._shorter else written
        missing = sql.SQL("tgi_a.tgi_there IS NULL")
        return sql.SQL(
            "{with_}SELECT CASE WHEN {missing} THEN 'insert' WHEN tgi_b.tgi_gone THEN 'delete' ELSE 'update' END,"
            " {key}, tgi_a.tgi_texts, {after}, tgi_b.tgi_rules FROM {last} AS tgi_b LEFT JOIN"
            " (SELECT {keys}, TRUE AS tgi_there, {texts} AS tgi_texts, {before} AS tgi_before FROM {first} AS tgi_c OFFSET 0)"
            " AS tgi_a ON {on} WHERE pg_catalog.cardinality(tgi_b.tgi_rules) > 0 AND NOT ({missing} AND tgi_b.tgi_gone)"
            " AND ({missing} OR tgi_b.tgi_gone OR tgi_a.tgi_before OPERATOR(pg_catalog.<>) {after}) ORDER BY {order}"
        ).format(
            with_=self._with(),
            missing=missing,
            key=self._texts("tgi_b", name, table.key),
            keys=listed(column_at("tgi_c", key) for key in table.key),
            texts=self._texts("tgi_c", name, before),
            before=self._texts("tgi_c", name, written),
            after=self._texts("tgi_b", name, written),
            last=raw(self._last[name]),
            first=raw(self._first[name]),
            on=same_key(table, self.types[name], "tgi_a", lambda n: column_at("tgi_b", table.key[n])),
            order=listed(column_at("tgi_b", key) for key in table.key),
        )

    def _texts(self, alias: str, table: str, columns: Iterable[str]) -> sql.Composed:
        return texts_by_name({name: text_of(column_at(alias, name), self.types[table][name]) for name in columns})


def _any(conditions: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(" OR ").join(conditions)


def _differ(column: LayerColumn, name: str, value: str) -> sql.Composable:
    """TRUE where a row does not hold the value that was computed for it, as the column would store that value."""
    stored = sql.SQL("({})::{}").format(raw(value), raw(column.type))
    return sql.SQL("{} IS DISTINCT FROM {}").format(
        text_of(column_at("tgi_row", name), column), text_of(stored, column)
    )


def _rounded(column: LayerColumn, value: sql.Composable) -> sql.Composable:
    """TRUE where the column would store another value than was computed; zeros at the end of a number do not count."""
    if not column.rounds:
        return raw("FALSE")
    return sql.SQL(
        "{trim}({v}::text, {zeros}, {kept}) IS DISTINCT FROM {trim}(({v})::{of}::text, {zeros}, {kept})"
    ).format(
        trim=raw("pg_catalog.regexp_replace"),
        v=value,
        of=raw(column.type),
        zeros=sql.Literal(r"\.0+$|(\.[0-9]*[1-9])0+$"),
        kept=sql.Literal(r"\1"),
    )
