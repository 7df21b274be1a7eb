"""The writes that `fix=` and `breaks=` declare: new values for columns of the rows behind a source's aliases. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.planning.predicates import FIXES, Binding, Fixed
from pytest_tgintegrity.planning.sources import PreparedSource
from pytest_tgintegrity.planning.sql.compose import (
    Params,
    exact_text,
    fill,
    listed,
    parenthesised,
    plain,
    qualifier,
    raw,
    readable,
    where_clause,
)
from pytest_tgintegrity.planning.sql.names import only_table
from pytest_tgintegrity.rules.kinds import Source
from pytest_tgintegrity.rules.kinds.fields import sources_of, subject_of
from pytest_tgintegrity.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class Target:
    """A column of the row behind an alias; `alias` is empty where the source has one table only.

    `home` is the alias as SQL writes it, if it cannot be written as a dotted name.
    """

    alias: str
    column: str
    home: str = ""

    @property
    def words(self) -> str:
        """The target as its author wrote it."""
        return f"{self.alias}.{self.column}" if self.alias else self.column

    @property
    def prefix(self) -> sql.Composable:
        """The alias and a dot, as they stand before a column in SQL; empty without an alias."""
        if self.home:
            return raw(f"{self.home}.")
        return qualifier(self.alias)

    @property
    def value(self) -> sql.Composable:
        """The column in SQL."""
        return sql.SQL("{}{}").format(self.prefix, sql.Identifier(self.column))


@dataclass(frozen=True, slots=True)
class Write:
    """A new value for a column, an expression over the row of the source; `words` is the value as its author wrote it."""

    target: Target
    value: sql.Composable
    words: str = ""


def target(text: str, binding: Binding) -> Target | None:
    """The column that a text names, as ``alias.column`` or, for a plain table, ``column``; None for other expressions."""
    name = binding.title(text)
    if name in binding.columns:
        return Target("", name)
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    return Target(".".join(parts[:-1]), parts[-1])


def at_home(column: Target, table: sql.Composable) -> Target:
    """The same column with the name of the only table of a FROM clause, since beside a join `ctid` alone is not found."""
    only = None if column.alias else only_table(readable(table))
    if only is None:
        return column
    path, written = only
    return Target(".".join(path), column.column, written)


def mapped(writes: Mapping[str, str], binding: Binding) -> tuple[Write, ...]:
    """The writes that a mapping of columns to expressions declares. Raises `DeclarationError` for a key that is no column."""
    return tuple(
        Write(_column(text, binding), binding.fill(value), binding.words(value)) for text, value in writes.items()
    )


def _column(text: str, binding: Binding) -> Target:
    column = target(text, binding)
    if column is None:
        raise DeclarationError(f"{binding.words(text)!r} cannot be written to: name a column, as alias.column")
    return column


def check_templates(rule: Rule, params: Params) -> None:
    """Raise `DeclarationError` unless the templates of a rule that a scan does not need can be filled in."""
    names = {name: str(value) for name, value in params.items()}
    for declaration in (rule.fix, rule.breaks):
        for target_text in declaration if isinstance(declaration, Mapping) else ():
            fill(target_text, names)
    for text in _expressions(rule):
        fill(text, params)
    if rule.enforced_by is not None:
        plain(rule.enforced_by, params)


def _expressions(rule: Rule) -> Iterable[str]:
    """The SQL of a rule that is read only with ``--fix``, ``--prove``, ``--period`` or ``--scope``."""
    for declaration in (rule.fix, rule.breaks, rule.since):
        if declaration is not None:
            yield from [declaration] if isinstance(declaration, str) else declaration.values()
    for source in sources_of(rule.kind):
        if isinstance(source, Source):
            yield from source.scopes.values()


def fix_writes(rule: Rule, binding: Binding) -> tuple[Write, ...]:
    """What the fix of a rule writes to a row that violates it; nothing for a rule without a fix.

    Raises `DeclarationError` for a fix that does not say which column it writes to.
    """
    fix = rule.fix
    if fix is None:
        return ()
    if not isinstance(fix, str):
        return mapped(fix, binding)
    about = subject_of(rule.kind)
    if about is None:
        raise DeclarationError(f"fix={fix!r} does not say which column it writes to: give a mapping")
    fixed = FIXES[fix](rule.kind, binding) if fix in FIXES else Fixed(binding.fill(fix), fix)
    return (Write(_column(about, binding), fixed.value, binding.words(fixed.words)),)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows of a source to choose: those that match `where`, or all if it is None.

    With `limit`, they are chosen in key order: the first `after` rows are left out, and at most `limit` rows are chosen.
    """

    where: sql.Composable | None = None
    limit: int | None = None
    after: int = 0


def having(source: PreparedSource, key: Sequence[str | None]) -> sql.Composable:
    """TRUE for the row of a source that has a key, whose parts are given as texts."""
    pairs = zip(source.keys, key, strict=True)
    return sql.SQL(" AND ").join(
        sql.SQL("{} IS NOT DISTINCT FROM {}::text").format(exact_text(part), sql.Literal(text)) for part, text in pairs
    )


def key_texts(source: PreparedSource) -> list[sql.Composable]:
    """The parts of a source's key as texts."""
    return [exact_text(key) for key in source.keys]


def table_behind(prefix: sql.Composable, table: sql.Composable) -> sql.Composed:
    """A query for the OID of the table behind a prefix in a FROM clause; it has no row if the table has no row there."""
    return sql.SQL("SELECT {own}::pg_catalog.oid FROM {table} WHERE {own} IS NOT NULL LIMIT 1").format(
        own=sql.SQL("{}tableoid").format(prefix), table=table
    )


def select(source: PreparedSource, targets: Iterable[sql.Composable], choice: Choice) -> sql.Composed:
    """A query for some expressions over the chosen rows of a source."""
    where = None if choice.where is None else parenthesised(choice.where)
    query = sql.SQL("SELECT {} FROM {}{}").format(listed(targets), source.table, where_clause(where))
    if choice.limit is not None:
        order = sql.SQL(", ").join(source.keys)
        query += sql.SQL(" ORDER BY {} LIMIT {} OFFSET {}").format(order, choice.limit, choice.after)
    return query


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The table and type behind a column; `table` and `type` are as SQL writes them, `name` is the type's own."""

    table: str
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A write and the column that it goes to."""

    write: Write
    stored: ColumnType

    @property
    def touched(self) -> tuple[str, str]:
        """Table and column."""
        return self.stored.table, self.write.target.column


def update(source: PreparedSource, writes: Sequence[Placed], choice: Choice) -> sql.Composed:
    """A statement that writes to the chosen rows; all values are computed from the rows as they were.

    It returns for each row the number of its alias, where the row was and where it is now (`ctid`), and the source's key as
    texts.
    """
    by_alias: dict[str, list[tuple[int, Placed]]] = {}
    for number, placed in enumerate(writes):
        by_alias.setdefault(placed.write.target.alias, []).append((number, placed))
    parts = [
        sql.SQL("tgi_new AS MATERIALIZED ({})").format(_new_values(source, writes, list(by_alias.values()), choice))
    ]
    parts += [_written(n, members, len(source.keys)) for n, members in enumerate(by_alias.values())]
    done = sql.SQL(" UNION ALL ").join(sql.SQL("SELECT * FROM tgi_done{}").format(n) for n in range(len(by_alias)))
    return sql.SQL("WITH {} {}").format(sql.SQL(", ").join(parts), done)


def _new_values(
    source: PreparedSource, writes: Sequence[Placed], groups: Sequence[list[tuple[int, Placed]]], choice: Choice
) -> sql.Composed:
    targets = [sql.SQL("{} AS key{}").format(key, n) for n, key in enumerate(key_texts(source))]
    targets += [
        sql.SQL("{}ctid AS place{}").format(members[0][1].write.target.prefix, n) for n, members in enumerate(groups)
    ]
    targets += [
        sql.SQL("({}\n)::{} AS value{}").format(placed.write.value, raw(placed.stored.type), n)
        for n, placed in enumerate(writes)
    ]
    return select(source, targets, choice)


def _written(number: int, members: Sequence[tuple[int, Placed]], keys: int) -> sql.Composed:
    columns = sql.SQL(", ").join(
        sql.SQL("{} = tgi_new.value{}").format(sql.Identifier(placed.write.target.column), n) for n, placed in members
    )
    return sql.SQL(
        "tgi_done{n} AS (UPDATE ONLY {table} AS tgi_row SET {columns} FROM tgi_new WHERE tgi_row.ctid = tgi_new.place{n}"
        " RETURNING {n} AS alias, tgi_new.place{n} AS was, tgi_row.ctid AS is_now, {keys})"
    ).format(
        n=number,
        table=raw(members[0][1].stored.table),
        columns=columns,
        keys=sql.SQL(", ").join(raw(f"tgi_new.key{n}") for n in range(keys)),
    )
