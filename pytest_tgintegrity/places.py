"""Sources made ready to be asked: what a table's name or a FROM clause means in this database. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from psycopg import sql

from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.kinds import ChildRows, Source
from pytest_tgintegrity.predicates import (
    Params,
    Value,
    both,
    column,
    fill,
    identifier,
    parenthesised,
    plain,
    raw,
    readable,
)
from pytest_tgintegrity.scans import UNKNOWN_PAGES
from pytest_tgintegrity.schema import Facts, Table
from pytest_tgintegrity.sql_text import relation_texts, words
from pytest_tgintegrity.windows import Dated
from pytest_tgintegrity.windows import Window as Window  # noqa: PLC0414 - proofs know it from here

_Group = tuple[str, str]
_COLUMN = re.compile(r"(?:\w+\.)*(\w+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A source made ready: its FROM clause as SQL, its key and label, what is known of its columns, its size.

    `tables` are the names of the tables in it. `stored` says that it is one table with rows of its own, which can be
    read without the help of an index. `unscoped` names it to people where it does not declare every chosen scope. Sources
    of the same `group` are read as one; rows of the same `subject` are the same if their keys are.
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
    group: _Group = field(init=False)

    def __post_init__(self) -> None:
        scope = "" if self.scope is None else readable(self.scope)
        object.__setattr__(self, "group", (readable(self.table), scope))

    @property
    def key(self) -> sql.Composable:
        """Its one key. Raises `NotEvaluated` where it has several."""
        if len(self.keys) != 1:
            raise NotEvaluated(f"{self.name} has a key of {len(self.keys)} columns: name one expression with of=")
        return self.keys[0]


@dataclass(frozen=True, slots=True)
class Scoped:
    """A source and the expression that a chosen scope narrows it by; `column` is its name, if it is no more than one."""

    table: sql.Composable
    expression: sql.Composable
    column: str
    tables: tuple[str, ...]
    pages: int


class Places:
    """All sources of a plan, each made ready once."""

    def __init__(self, facts: Facts, window: Window) -> None:
        self.facts = facts
        self.window = window
        self.unscoped: set[str] = set()
        self.scopes: set[str] = set()
        self.scoped: dict[str, list[Scoped]] = {}
        self.dated: list[Dated] = []
        self._places: dict[tuple[str, ...], Place] = {}
        self._windows: dict[tuple[_Group, str], sql.Composable] = {}
        self._named = _names_in(facts.tables)

    def place(self, source: Source | str, params: Params) -> Place:
        """A source that a rule looks at; one without a chosen scope is remembered as read whole."""
        place = self.target(source, params)
        if place.unscoped:
            self.unscoped.add(place.unscoped)
        return place

    def target(self, source: Source | str, params: Params) -> Place:
        """A source that a rule only looks things up in."""
        key = tuple(plain(text, params) for text in _texts(source))
        if key not in self._places:
            self._places[key] = (
                self._table_place(key[0]) if isinstance(source, str) else self._join_place(source, key[0], params)
            )
        return self._places[key]

    def _table_place(self, name: str) -> Place:
        table = self.facts.table(name)
        unscoped = name if self.window.scopes else None
        if table is None:
            return Place(name, identifier(name), (raw("NULL"),), None, unscoped=unscoped)
        quoted = self._quoted(table)
        return Place(
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
        )

    def _subject_of(self, table: Table) -> str:
        """The same for every spelling of its name, for people."""
        visible = self.facts.table(table.name)
        return table.name if visible and visible.path == table.path else ".".join(table.path)

    def _quoted(self, table: Table) -> sql.Identifier:
        """The same for every spelling of its name, so that it is read once."""
        visible = self.facts.table(table.name)
        return sql.Identifier(table.name) if visible and visible.path == table.path else sql.Identifier(*table.path)

    def _join_place(self, source: Source, name: str, params: Params) -> Place:
        self.scopes |= set(source.scopes)
        scopes = {known: expression for known, expression in source.scopes.items() if known in self.window.scopes}
        conditions = [
            sql.SQL("{} = {}").format(column(expression, params), Value(self.window.scopes[known]))
            for known, expression in scopes.items()
        ]
        table = fill(source.from_clause, params)
        tables = self.tables_in(readable(table))  # as SQL writes the names that were filled in
        pages = max([UNKNOWN_PAGES, *map(self._pages, tables)])
        for known, expression in scopes.items():
            named = _COLUMN.fullmatch(plain(expression, params))
            one = Scoped(table, column(expression, params), named[1] if named else "", tables, pages)
            self.scoped.setdefault(known, []).append(one)
        return Place(
            name=name,
            table=table,
            keys=tuple(column(one, params) for one in source.keys),
            label=None if source.label is None else column(source.label, params),
            tables=tables,
            pages=pages,
            scope=both(conditions) if conditions else None,
            unscoped=_unscoped(name, scopes, self.window.scopes),
            subject=self._subject(source, name, tables, params),
        )

    def _subject(self, source: Source, name: str, tables: Sequence[str], params: Params) -> str:
        """The table that a source merely names, if its key is that table's; else the source itself."""
        table = self.facts.table(tables[0]) if len(tables) == 1 else None
        keys = [_COLUMN.fullmatch(plain(one, params)) for one in source.keys]
        named = tuple(one[1] if one else "" for one in keys)
        plainly = "(" not in source.from_clause and table is not None and table.key == named
        return self._subject_of(table) if table is not None and plainly else f"“{name}”"

    def _pages(self, table: str) -> int:
        return self.facts.tables[table].pages

    def declared(self, schema: str, name: str, *, only: bool) -> Place:
        """The very table that a constraint is about: its children have constraints of their own."""
        key = (schema, name, "ONLY" if only else "")
        if key not in self._places:
            table = self.facts.tables.get(f"{schema}.{name}")
            if table is None:
                raise NotEvaluated(f"the table {schema}.{name} is gone")
            visible = self.facts.table(name)
            place = self._table_place(name if visible and visible.path == (schema, name) else f"{schema}.{name}")
            exactly = sql.SQL("ONLY {}").format(place.table) if only and table.inherited else place.table
            self._places[key] = replace(place, table=exactly, unscoped=None)
        return self._places[key]

    def with_children(self, place: Place, rows: ChildRows, aggregate: str, params: Params) -> tuple[Place, Place]:
        """The source with one value beside each row, an aggregate over its child rows; and the source of these."""
        child = self.target(rows.child, params)
        values = child_values(
            table=child.table,
            by=column(rows.by, params, child.columns),
            aggregate=fill(aggregate, params, child.columns),
            where=None if rows.where is None else fill(rows.where, params, child.columns),
        )
        of = place.key if rows.of is None else column(rows.of, params, place.columns)
        table = sql.SQL("{} LEFT JOIN {} ON tgi_children.tgi_parent = {}").format(place.table, values, of)
        pages = place.pages + child.pages
        tables = tuple(dict.fromkeys([*place.tables, *child.tables]))
        return replace(place, table=table, stored=False, pages=pages, tables=tables), child

    def with_reached(self, place: Place, parent: sql.Composable) -> Place:
        """The source with a sign beside each row from which a root is reached by going up."""
        reached = reached_from_roots(place.table, place.key, parent)
        table = sql.SQL("{} LEFT JOIN {} ON tgi_reached.tgi_id = {}").format(place.table, reached, place.key)
        return replace(place, table=table, stored=False)

    def tables_in(self, text: str) -> tuple[str, ...]:
        """The known tables that SQL text names."""
        return tuple(sorted(self._named(text)))

    def within(self, since: str | None, place: Place, params: Params) -> sql.Composable | None:
        """The condition of being young enough, where the run has a period and the rule a time."""
        if since is None or self.window.cutoff is None:
            return None
        key = (place.group, plain(since, params))
        if key not in self._windows:
            at = column(since, params, place.columns)
            self._windows[key] = self.window.within(at, self.window.cutoff)
            self.dated.append(Dated(place.name, key[1], place.table, at))
        return self._windows[key]


def _names_in(tables: Mapping[str, Table]) -> Callable[[str], set[str]]:
    """Finds the tables that SQL text names, by the names under which they are known."""
    plain = {name for name, table in tables.items() if name == table.name}
    qualified = {table.path: name for name, table in tables.items() if name != table.name}

    def named(text: str) -> set[str]:
        found = words(text)
        pairs = (qualified[pair] for pair in qualified.keys() & found.pairs)
        casts = (name for one in relation_texts(text) for name in named(one))
        return {*(plain & found.alone), *pairs, *casts}

    return named


def _unscoped(name: str, declared: Collection[str], chosen: Collection[str]) -> str | None:
    """What to call a source that does not declare all chosen scopes."""
    if len(declared) == len(chosen):
        return None
    return f"{name} (but for {', '.join(sorted(declared))})" if declared else name


def _row_key(table: Table, quoted: sql.Composable) -> tuple[sql.Composable, ...]:
    if table.key:
        return tuple(sql.Identifier(one) for one in table.key)
    return (sql.SQL("{}.ctid" if table.stored else "({}.*)::text").format(quoted),)


def _texts(source: Source | str) -> Sequence[str]:
    """All that makes a source what it is, the name first; any of it may hold placeholders."""
    if isinstance(source, str):
        return (source,)
    scopes = [text for pair in source.scopes.items() for text in pair]
    return (source.name, source.from_clause, source.label or "", *source.keys, *scopes)


def child_values(
    table: sql.Composable, by: sql.Composable, aggregate: sql.Composable, where: sql.Composable | None
) -> sql.Composed:
    """One value for each parent that the child rows name: `tgi_value` beside `tgi_parent`."""
    return sql.SQL("(SELECT {} AS tgi_parent, {} AS tgi_value FROM {}{} GROUP BY 1) AS tgi_children").format(
        by, parenthesised(aggregate), table, raw("") if where is None else sql.SQL(" WHERE {}").format(where)
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


UNREACHED = sql.SQL("tgi_reached.tgi_id IS NULL")
