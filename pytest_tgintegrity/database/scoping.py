"""Whether the value of a scope exists: asked on the snapshot before anything is scanned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.sources import Scoped
from pytest_tgintegrity.planning.sql.compose import Params, Value, column, fill, identifier, plain, readable, resolved
from pytest_tgintegrity.planning.sql.names import lone_name, names_in
from pytest_tgintegrity.rules.kinds import OneOf, Source

NEAREST = 10
LOOKED_AT = 1_000
SHOWN = 40


@dataclass(frozen=True, slots=True)
class KnownValues:
    """Sources of legal values that no row may have: the collected rules, and the declared foreign keys."""

    rules: Sequence[BoundRule] = ()
    foreign_keys: Callable[[], Iterable[Constraint]] = tuple


def empty_scopes(
    reader: Reader,
    chosen: Mapping[str, str],
    declared: Mapping[str, Sequence[Scoped]],
    known: KnownValues,
    *,
    quote: bool,
) -> tuple[str, ...]:
    """The chosen scopes whose value no row has, though it is a known one.

    Raises `UsageError` for a value that nobody knows; it names the nearest that exist, if rows may be quoted.
    """
    empty = []
    for name, value in chosen.items():
        sources = sorted(declared[name], key=lambda source: source.pages)
        asked = [_has(reader, source.table, source.expression, value) for source in sources]
        if any(asked):
            continue
        if None not in asked and not (
            value in _choices(sources, known.rules) or _is_key(reader, sources, value, known)
        ):
            raise UsageError(_refusal(name, value, _nearest(reader, sources, value) if quote else []))
        empty.append(f"{name}={value}")
    return tuple(empty)


def _has(reader: Reader, table: sql.Composable, expression: sql.Composable, value: str) -> bool | None:
    """Whether a row has that value; None where the server refuses to answer (the rules then report why)."""
    question = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} = {})").format(table, expression, Value(value))
    (answer,) = reader.ask([question])
    return None if isinstance(answer, Failure) else bool(answer.rows[0][0])


def _choices(sources: Iterable[Scoped], rules: Iterable[BoundRule]) -> set[str]:
    """The values that rules allow in the columns of a scope."""
    about = {(table, source.column) for source in sources for table in source.tables}
    return {str(value) for rule in rules for place, values in _allowed(rule) if place in about for value in values}


def _allowed(bound: BoundRule) -> Iterator[tuple[tuple[str, str], Sequence[object]]]:
    """The values that a rule allows, for each table that its source reads and the column."""
    kind = bound.rule.kind
    if isinstance(kind, OneOf):
        path = lone_name(readable(column(kind.column, bound.params))) or (plain(kind.column, bound.params),)
        values = [*resolved(kind.values, bound.params)]
        for table in _tables(kind.source, bound.params):
            yield (table, path[-1]), values


def _tables(source: Source | str, params: Params) -> set[str]:
    """The names of the tables in a source, with and without their schemas."""
    clause = identifier(plain(source, params)) if isinstance(source, str) else fill(source.from_clause, params)
    paths = [name.path for name in names_in(f"FROM {readable(clause)}") if name.listed]
    return {path[-1] for path in paths} | {".".join(path) for path in paths}


def _is_key(reader: Reader, sources: Sequence[Scoped], value: str, known: KnownValues) -> bool:
    """Whether the value is a key of a table that the column refers to."""
    about = {(table, source.column) for source in sources for table in source.tables}
    targets = {
        (key.target, key.target_columns[0])
        for key in known.foreign_keys()
        if key.target
        and len(key.columns) == 1
        and about & {(key.table, key.columns[0]), (f"{key.schema}.{key.table}", key.columns[0])}
    }
    return any(_has(reader, sql.Identifier(*target), identifier(name), value) for target, name in sorted(targets))


def _nearest(reader: Reader, sources: Iterable[Scoped], value: str) -> list[str]:
    """Some existing values, most similar first."""
    texts = sql.SQL("SELECT DISTINCT ({})::text FROM {} LIMIT {}")
    answers = reader.ask([texts.format(source.expression, source.table, Value(LOOKED_AT)) for source in sources])
    known = {
        str(text)
        for answer in answers
        if not isinstance(answer, Failure)
        for (text,) in answer.rows
        if text is not None
    }
    alike = SequenceMatcher(b=value.lower(), autojunk=False)

    def unlike(text: str) -> tuple[float, str]:
        alike.set_seq1(text[:SHOWN].lower())
        return -alike.ratio(), text

    return [text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…" for text in sorted(known, key=unlike)[:NEAREST]]


def _refusal(name: str, value: str, nearest: Sequence[str]) -> str:
    message = f"--scope {name}={value}: no row has that value, and no rule or referenced table knows it"
    return f"{message}; nearest that exist: {', '.join(map(repr, nearest))}" if nearest else message
