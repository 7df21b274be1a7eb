"""Sources made ready to be asked: what a table's name or a FROM clause means in this database. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from psycopg import sql

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.planning.facts import Facts, Table
from pytest_tgintegrity.planning.predicates.binding import UNICODE_BLANKS, Binding
from pytest_tgintegrity.planning.scans import UNKNOWN_PAGES
from pytest_tgintegrity.planning.sql.compose import (
    Params,
    Value,
    both,
    identifier,
    parenthesised,
    plain,
    raw,
    readable,
    where_clause,
)
from pytest_tgintegrity.planning.sql.names import KnownTables, lone_name
from pytest_tgintegrity.planning.windows import Dated, Window
from pytest_tgintegrity.rules.kinds import ChildRows, Source

_Group = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PreparedSource:
    """A source made ready to be asked: its FROM clause as SQL, its key and label, what is known of its columns, its size.

    `tables` are the names of the tables in it. `stored` says that it is one table with rows of its own, which can be
    read without the help of an index. `unscoped` names it to people where it does not declare every chosen scope. Sources
    of the same `group` are read as one; rows of the same `subject` are the same if their keys are. `whole` is the qualified
    name of the one table that it is, if it is nothing but that.
    """

    name: str
    table: sql.Composable
    keys: tuple[sql.Composable, ...]
    label: sql.Composable | None
    columns: frozenset[str] = frozenset()
    tables: tuple[str, ...] = ()
    pages: int = UNKNOWN_PAGES
    stored: bool = False
    scope: sql.Composable | None = None
    unscoped: str | None = None
    subject: str = ""
    whole: str = ""
    group: _Group = field(init=False)

    def __post_init__(self) -> None:
        scope = "" if self.scope is None else readable(self.scope)
        object.__setattr__(self, "group", (readable(self.table), scope))

    def binding(self, params: Params, blanks: str = UNICODE_BLANKS) -> Binding:
        """How the texts of a rule with these parametrize values are read here."""
        return Binding(params, self.columns, blanks)

    @property
    def key(self) -> sql.Composable:
        """Its one key. Raises `NotEvaluated` where it has several."""
        if len(self.keys) != 1:
            raise NotEvaluated(f"{self.name} has a key of {len(self.keys)} columns: name one expression with of=")
        return self.keys[0]


@dataclass(frozen=True, slots=True)
class Scoped:
    """A source and the expression that a chosen scope narrows it by; `column` is the name of the column that it is, empty for any other."""

    table: sql.Composable
    expression: sql.Composable
    column: str
    tables: tuple[str, ...]
    pages: int


class PreparedSources:
    """All sources of a plan, each made ready once."""

    def __init__(self, facts: Facts, window: Window) -> None:
        self.facts = facts
        self.window = window
        self.unscoped: set[str] = set()
        self.scopes: set[str] = set()
        self.scoped: dict[str, list[Scoped]] = {}
        self.dated: list[Dated] = []
        self._prepared: dict[tuple[str, ...], PreparedSource] = {}
        self._windows: dict[tuple[_Group, str], sql.Composable] = {}
        self._known = KnownTables(facts.tables)

    def source(self, declared: Source | str, params: Params) -> PreparedSource:
        """A source that a rule looks at; one without a chosen scope is remembered as read whole."""
        source = self.target(declared, params)
        if source.unscoped:
            self.unscoped.add(source.unscoped)
        return source

    def target(self, declared: Source | str, params: Params) -> PreparedSource:
        """A source that a rule only looks things up in."""
        key = tuple(plain(text, params) for text in _texts(declared))
        if key not in self._prepared:
            self._prepared[key] = (
                self._of_table(key[0]) if isinstance(declared, str) else self._of_clause(declared, key[0], params)
            )
        return self._prepared[key]

    def _of_table(self, name: str) -> PreparedSource:
        table = self.facts.table(name)
        unscoped = name if self.window.scopes else None
        if table is None:
            return PreparedSource(name, identifier(name), (raw("NULL"),), None, unscoped=unscoped)
        quoted = self._quoted(table)
        return PreparedSource(
            name=name,
            table=quoted,
            keys=_row_key(table, quoted),
            label=sql.Identifier("name") if "name" in table.columns and table.key != ("name",) else None,
            columns=table.columns,
            tables=(name,),
            pages=table.pages,
            stored=table.stored,
            unscoped=unscoped,
            subject=self._subject_of(table),
            whole=table.qualified,
        )

    def _subject_of(self, table: Table) -> str:
        """The same for every spelling of its name, for people."""
        visible = self.facts.table(table.name)
        return table.name if visible and visible.path == table.path else ".".join(table.path)

    def _quoted(self, table: Table) -> sql.Identifier:
        """The same for every spelling of its name, so that it is read once."""
        visible = self.facts.table(table.name)
        return sql.Identifier(table.name) if visible and visible.path == table.path else sql.Identifier(*table.path)

    def _of_clause(self, declared: Source, name: str, params: Params) -> PreparedSource:
        self.scopes |= set(declared.scopes)
        binding = Binding(params)
        table = binding.fill(declared.from_clause)
        tables = self.tables_in(f"FROM {readable(table)}")  # as SQL writes the names that were filled in
        pages = max([UNKNOWN_PAGES, *(self.facts.tables[known].pages for known in tables)])
        narrowed = {
            scope: binding.column(expression)
            for scope, expression in declared.scopes.items()
            if scope in self.window.scopes
        }
        for scope, expression in narrowed.items():
            path = lone_name(readable(expression)) or ("",)
            self.scoped.setdefault(scope, []).append(Scoped(table, expression, path[-1], tables, pages))
        return PreparedSource(
            name=name,
            table=table,
            keys=tuple(binding.column(key) for key in declared.keys),
            label=None if declared.label is None else binding.column(declared.label),
            tables=tables,
            pages=pages,
            scope=self._scope(narrowed),
            unscoped=_unscoped(name, narrowed, self.window.scopes),
            subject=self._subject(declared, name, tables, params),
        )

    def _subject(self, declared: Source, name: str, tables: Sequence[str], params: Params) -> str:
        """The table that a source merely names, if its key is that table's; else the source itself."""
        table = self.facts.table(tables[0]) if len(tables) == 1 else None
        named = tuple((lone_name(plain(key, params)) or ("",))[-1] for key in declared.keys)
        plainly = "(" not in declared.from_clause and table is not None and table.key == named
        return self._subject_of(table) if table is not None and plainly else f"“{name}”"

    def _scope(self, narrowed: Mapping[str, sql.Composable]) -> sql.Composable | None:
        """The condition of being inside all chosen scopes that are declared."""
        chosen = self.window.scopes
        conditions = [sql.SQL("{} = {}").format(column, Value(chosen[scope])) for scope, column in narrowed.items()]
        return both(conditions) if conditions else None

    def declared(self, schema: str, name: str, *, only: bool) -> PreparedSource:
        """The very table that a constraint is about: its children have constraints of their own."""
        key = (schema, name, "ONLY" if only else "")
        if key not in self._prepared:
            table = self.facts.tables.get(f"{schema}.{name}")
            if table is None:
                raise NotEvaluated(f"the table {schema}.{name} is gone")
            visible = self.facts.table(name)
            source = self._of_table(name if visible and visible.path == (schema, name) else f"{schema}.{name}")
            exactly = sql.SQL("ONLY {}").format(source.table) if only and table.inherited else source.table
            self._prepared[key] = replace(
                source, table=exactly, unscoped=None, whole="" if exactly is not source.table else source.whole
            )
        return self._prepared[key]

    def with_children(
        self, source: PreparedSource, rows: ChildRows, aggregate: str, params: Params
    ) -> tuple[PreparedSource, PreparedSource]:
        """The source with one value beside each row, an aggregate over its child rows; and the source of these."""
        child = self.target(rows.child, params)
        binding = child.binding(params)
        values = child_values(
            table=child.table,
            by=binding.column(rows.by),
            aggregate=binding.fill(aggregate),
            where=binding.optional(rows.where),
        )
        of = source.key if rows.of is None else source.binding(params).column(rows.of)
        table = sql.SQL("{} LEFT JOIN {} ON tgi_children.tgi_parent = {}").format(source.table, values, of)
        tables = tuple(dict.fromkeys([*source.tables, *child.tables]))
        pages = source.pages + child.pages
        return replace(source, table=table, stored=False, pages=pages, tables=tables, whole=""), child

    def with_reached(self, source: PreparedSource, parent: sql.Composable) -> PreparedSource:
        """The source with a sign beside each row from which a root is reached by going up."""
        reached = reached_from_roots(source.table, source.key, parent)
        table = sql.SQL("{} LEFT JOIN {} ON tgi_reached.tgi_id = {}").format(source.table, reached, source.key)
        return replace(source, table=table, stored=False, whole="")

    def tables_in(self, text: str) -> tuple[str, ...]:
        """The known tables that SQL text reads: a statement, an expression with subqueries, or a FROM clause with its keyword."""
        return tuple(sorted(self._known.named_in(text)))

    def within(self, since: str | None, source: PreparedSource, params: Params) -> sql.Composable | None:
        """The condition of being young enough, where the run has a period and the rule a time."""
        if since is None or self.window.cutoff is None:
            return None
        binding = source.binding(params)
        key = (source.group, binding.words(since))
        if key not in self._windows:
            at = binding.column(since)
            self._windows[key] = self.window.within(at, self.window.cutoff)
            self.dated.append(Dated(source.name, key[1], source.table, at))
        return self._windows[key]


def _unscoped(name: str, declared: Collection[str], chosen: Collection[str]) -> str | None:
    """What to call a source that does not declare all chosen scopes."""
    if len(declared) == len(chosen):
        return None
    return f"{name} (but for {', '.join(sorted(declared))})" if declared else name


def _row_key(table: Table, quoted: sql.Composable) -> tuple[sql.Composable, ...]:
    if table.key:
        return tuple(map(sql.Identifier, table.key))
    return (sql.SQL("{}.ctid" if table.stored else "({}.*)::text").format(quoted),)


def _texts(source: Source | str) -> Sequence[str]:
    """All texts of a source, the name first; any of them may hold placeholders."""
    if isinstance(source, str):
        return (source,)
    scopes = [text for pair in source.scopes.items() for text in pair]
    return (source.name, source.from_clause, source.label or "", *source.keys, *scopes)


def child_values(
    table: sql.Composable, by: sql.Composable, aggregate: sql.Composable, where: sql.Composable | None
) -> sql.Composed:
    """One value for each parent that the child rows name: `tgi_value` beside `tgi_parent`."""
    return sql.SQL("(SELECT {} AS tgi_parent, {} AS tgi_value FROM {}{} GROUP BY 1) AS tgi_children").format(
        by, parenthesised(aggregate), table, where_clause(where)
    )


def reached_from_roots(table: sql.Composable, key: sql.Composable, parent: sql.Composable) -> sql.Composed:
    """The keys that are met going down from the roots, each once; a root names no parent, or one that is not there.

    Going up from each row would take a time that grows with the depth.
    """
    links = sql.SQL("(SELECT {} AS id, {} AS up FROM {})").format(key, parent, table)
    return sql.SQL(
        "(WITH RECURSIVE tgi_met(id) AS ("
        "SELECT one.id FROM {links} AS one WHERE NOT EXISTS (SELECT FROM {links} AS above WHERE above.id = one.up)"
        " UNION ALL SELECT below.id FROM tgi_met JOIN {links} AS below ON below.up = tgi_met.id)"
        " SELECT id AS tgi_id FROM tgi_met) AS tgi_reached"
    ).format(links=links)
