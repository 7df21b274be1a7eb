"""What `fix=` and `breaks=` write: new values for columns of the rows behind a source's aliases. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.predicates import Params, bound_of, column, fill, identifier, parenthesised, plain, raw
from pytest_tgintegrity.rules import AtMost, Between, Kind, NotBlank, NotNull, OneOf, Rule


@dataclass(frozen=True, slots=True)
class Target:
    """A column of the row behind an alias; `alias` is empty where the source has one table only."""

    alias: str
    column: str

    @property
    def words(self) -> str:
        """As its author wrote it."""
        return f"{self.alias}.{self.column}" if self.alias else self.column

    @property
    def prefix(self) -> sql.Composable:
        """What stands before a column of the alias."""
        return sql.SQL("{}.").format(identifier(self.alias)) if self.alias else raw("")

    @property
    def value(self) -> sql.Composable:
        """The column in SQL."""
        return sql.SQL("{}{}").format(self.prefix, sql.Identifier(self.column))


@dataclass(frozen=True, slots=True)
class Write:
    """A value, as an expression over the source's row, for a column."""

    target: Target
    value: sql.Composable


def target(text: str, params: Params, names: Collection[str] = ()) -> Target | None:
    """The column that a text names: ``alias.column``, or ``column`` for a plain table; None for any other expression."""
    name = plain(text, params)
    if name in names:
        return Target("", name)
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    return Target(".".join(parts[:-1]), parts[-1])


def mapped(writes: Mapping[str, str], params: Params, names: Collection[str] = ()) -> tuple[Write, ...]:
    """The writes of a mapping of columns to expressions. Raises `DeclarationError` for what is no column."""
    return tuple(
        Write(_column(text, params, names), fill(value, params, names)) for text, value in writes.items()
    )


def _column(text: str, params: Params, names: Collection[str]) -> Target:
    found = target(text, params, names)
    if found is None:
        raise DeclarationError(f"{plain(text, params)!r} cannot be written to: name a column, as alias.column")
    return found


def subject(kind: Kind) -> str | None:
    """The column that a rule of this kind is about, as its author wrote it."""
    return kind.column if isinstance(kind, Between | OneOf | NotNull | NotBlank | AtMost) else None


def fix_writes(rule: Rule, params: Params, names: Collection[str] = ()) -> tuple[Write, ...]:
    """What the fix of a rule writes to a row that violates it; nothing where a person decides.

    Raises `DeclarationError` for a fix that does not say which column it writes to.
    """
    fix = rule.fix
    if fix is None:
        return ()
    if not isinstance(fix, str):
        return mapped(fix, params, names)
    about = subject(rule.kind)
    if about is None:
        raise DeclarationError(f"fix={fix!r} does not say which column it writes to: give a mapping")
    value = _clamped(rule.kind, params, names) if fix == "clamp" else fill(fix, params, names)
    return (Write(_column(about, params, names), value),)


def _clamped(kind: Kind, params: Params, names: Collection[str]) -> sql.Composable:
    if isinstance(kind, AtMost):
        return column(kind.other, params, names)
    if not isinstance(kind, Between):
        raise DeclarationError('fix="clamp" needs bounds')
    value = column(kind.column, params, names)
    for function, bound in (("GREATEST", kind.low), ("LEAST", kind.high)):
        limit = bound_of(bound, params, names)
        if limit is not None:
            value = sql.SQL("{}({}, {})").format(raw(function), value, limit)
    return value


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows of a source: those that match `where` (all, if None), the first `limit` of them in key order."""

    where: sql.Composable | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A source as rows are written to: its FROM clause, and the expressions of its key."""

    table: sql.Composable
    keys: tuple[sql.Composable, ...]

    def having(self, key: Sequence[str | None]) -> sql.Composable:
        """TRUE for the row of that key, written as text."""
        pairs = zip(self.keys, key, strict=True)
        return sql.SQL(" AND ").join(
            sql.SQL("({})::text IS NOT DISTINCT FROM {}::text").format(part, sql.Literal(text)) for part, text in pairs
        )

    def chosen(self, targets: Iterable[sql.Composable], choice: Choice) -> sql.Composed:
        """A query for something of the chosen rows."""
        query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(targets), self.table)
        if choice.where is not None:
            query += sql.SQL(" WHERE {}").format(parenthesised(choice.where))
        if choice.limit is not None:
            order = sql.SQL(", ").join(self.keys)
            query += sql.SQL(" ORDER BY {} LIMIT {}").format(order, sql.Literal(choice.limit))
        return query


@dataclass(frozen=True, slots=True)
class Stored:
    """The table and type behind a column; `table` and `type` are as SQL writes them, `name` is the type's own."""

    table: str
    type: str
    name: str


def update(place: Place, writes: Sequence[tuple[Write, Stored]], choice: Choice) -> sql.Composed:
    """Write to the chosen rows; all values are computed from the rows as they were.

    Returns for each row written the alias, where it was and where it is now (`ctid`), and the source's key as text.
    """
    aliases = list(dict.fromkeys(write.target.alias for write, _ in writes))
    first = {write.target.alias: (write.target, stored) for write, stored in reversed(writes)}
    keys = [raw(f"key{n}") for n in range(len(place.keys))]
    targets = [sql.SQL("({})::text AS {}").format(key, name) for key, name in zip(place.keys, keys, strict=True)]
    targets += [sql.SQL("{}ctid AS place{}").format(first[one][0].prefix, raw(str(n))) for n, one in enumerate(aliases)]
    targets += [
        sql.SQL("({}\n)::{} AS value{}").format(write.value, raw(stored.type), raw(str(n)))
        for n, (write, stored) in enumerate(writes)
    ]
    parts = [sql.SQL("tgi_new AS MATERIALIZED ({})").format(place.chosen(targets, choice))]
    for n, alias in enumerate(aliases):
        columns = sql.SQL(", ").join(
            sql.SQL("{} = tgi_new.value{}").format(sql.Identifier(write.target.column), raw(str(i)))
            for i, (write, _) in enumerate(writes)
            if write.target.alias == alias
        )
        parts.append(
            sql.SQL(
                "tgi_done{n} AS (UPDATE ONLY {table} AS tgi_row SET {columns} FROM tgi_new"
                " WHERE tgi_row.ctid = tgi_new.place{n}"
                " RETURNING {n} AS alias, tgi_new.place{n} AS was, tgi_row.ctid AS is_now, {keys})"
            ).format(
                n=raw(str(n)),
                table=raw(first[alias][1].table),
                columns=columns,
                keys=sql.SQL(", ").join(sql.SQL("tgi_new.{}").format(key) for key in keys),
            )
        )
    done = sql.SQL(" UNION ALL ").join(sql.SQL("SELECT * FROM tgi_done{}").format(raw(str(n))) for n in range(len(aliases)))
    return sql.SQL("WITH {} {}").format(sql.SQL(", ").join(parts), done)
