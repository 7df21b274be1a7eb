"""Which damages a rule has to catch, and which values it has to let pass, derived from its kind. Pure.

Ranges are drawn from by hypothesis, which is imported when the first value is wanted: only proofs need it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import sql

from pytest_tgintegrity.arguments import LONE_VALUE
from pytest_tgintegrity.errors import NotProven
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.predicates import UNICODE_BLANKS, Value, bound_of, column, fill, parenthesised, raw
from pytest_tgintegrity.rules import AtMost, Between, Declared, NotBlank, NotNull, OneOf, References, Rows, Rule, Unique
from pytest_tgintegrity.scans import Reference, ReferenceScan, Scan, UniqueScan
from pytest_tgintegrity.schema import Constraint
from pytest_tgintegrity.writes import Stored, Target, Write, mapped, subject

DRAWS = 6
MANY = 40
INTEGERS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
TEXTS = frozenset({"text", "varchar", "bpchar", "citext", "name"})
NULL = raw("NULL")


@dataclass(frozen=True, slots=True)
class Damage:
    """One change to a row; `violations` is how many rows of the source then violate the rule."""

    words: str
    writes: tuple[Write, ...]
    violations: int = 1


@dataclass(frozen=True, slots=True)
class Deed:
    """One statement that does damage and returns the keys of the rows that the rule has to report."""

    statement: sql.Composable
    words: str = "its breaks="


@dataclass(frozen=True, slots=True)
class Attempts:
    """What a rule has to catch (each, or `any_of` it), and what it has to let pass.

    The first two damages stand for all where others look.
    """

    illegal: tuple[Damage, ...] | Deed
    legal: tuple[Damage, ...] = ()
    any_of: bool = False


Columns = Mapping[str, tuple[Target, Stored]]
"""The columns that a rule names, as it names them, where they are columns of stored tables."""


def columns_of(bound: BoundRule, scan: Scan) -> tuple[str, ...]:
    """The columns that damage can be derived for, as the rule names them."""
    kind = bound.rule.kind
    match kind:
        case AtMost():
            return (kind.column, kind.other)
        case Unique() | References():
            return kind.columns
        case Declared():
            return _constrained(bound, scan)
    about = subject(kind)
    return () if about is None else (about,)


def _constrained(bound: BoundRule, scan: Scan) -> tuple[str, ...]:
    constraint: Constraint = bound.params["constraint"]
    return constraint.columns


def attempts(bound: BoundRule, scan: Scan, columns: Columns) -> Attempts:
    """What to try on a rule. Raises `NotProven` where nothing can be derived and the author gave nothing."""
    breaks = bound.rule.breaks
    if isinstance(breaks, str):
        return Attempts(Deed(_filled(breaks, bound)))
    derived = _derived(bound, scan, columns)
    if breaks is not None:
        given = Damage("its breaks=", mapped(breaks, bound.params))
        return Attempts((given,), derived.legal if derived else ())
    if derived is None or not derived.illegal:
        raise NotProven("no proof: say how to break it with breaks=")
    return derived


def _filled(text: str, bound: BoundRule) -> sql.Composable:
    return fill(text, bound.params)


def _derived(bound: BoundRule, scan: Scan, columns: Columns) -> Attempts | None:
    kind = bound.rule.kind
    match kind:
        case Between():
            return _between(kind, bound, columns)
        case OneOf():
            return _one_of(kind, bound, columns)
        case NotNull() | NotBlank():
            return _filled_in(kind, columns)
        case AtMost():
            return _at_most(kind, bound, columns)
        case Unique() if isinstance(scan, UniqueScan):
            return _unique(scan, columns)
        case References() if isinstance(scan, ReferenceScan):
            return _reference(scan.references[0], columns)
        case Declared():
            return _declared(bound, scan, columns)
    return None


def _write(column: tuple[Target, Stored], value: sql.Composable, words: str) -> Damage:
    target = column[0]
    return Damage(f"{target.words} = {words}", (Write(target, value),))


def _values(column: tuple[Target, Stored], values: Iterable[Any]) -> Iterator[Damage]:
    for value in values:
        yield _write(column, NULL if value is None else Value(value), "NULL" if value is None else repr(value))


# --- ranges


def _between(kind: Between, bound: BoundRule, columns: Columns) -> Attempts | None:
    found = columns.get(kind.column)
    if found is None:
        return None
    low, high = _python(kind.low, bound), _python(kind.high, bound)
    if isinstance(low, str) or isinstance(high, str):
        return _between_expressions(kind, bound, found)
    below, above, inside = drawn(found[1].name, low, high)
    illegal = [pair for pair in (*zip(below[:1], "<"), *zip(above[:1], ">"))]
    values = [*(value for value, _ in illegal), *below[1:], *above[1:]]
    return Attempts(tuple(_values(found, values)), tuple(_values(found, [*inside, None])))


def _python(value: Any, bound: BoundRule) -> Any:
    lone = LONE_VALUE.fullmatch(value) if isinstance(value, str) else None
    return bound.params[lone[1]] if lone else value


def _between_expressions(kind: Between, bound: BoundRule, found: tuple[Target, Stored]) -> Attempts:
    limits = [(sign, bound_of(limit, bound.params, ())) for sign, limit in (("-", kind.low), ("+", kind.high))]
    given = [(sign, parenthesised(limit)) for sign, limit in limits if limit is not None]
    illegal = [
        _write(found, sql.SQL("{} {} {}").format(limit, raw(sign), _step(found[1])), f"just {word} its bound")
        for sign, limit in given
        for word in ["below" if sign == "-" else "above"]
    ]
    legal = [_write(found, limit, "its bound") for _, limit in given]
    return Attempts(tuple(illegal), (*legal, _write(found, NULL, "NULL")))


def _step(stored: Stored) -> sql.Composable:
    """The smallest step of a type that can be told from none."""
    if stored.name in {"timestamp", "timestamptz", "interval", "time"}:
        return raw("interval '1 second'")
    return raw("1")


@functools.lru_cache(maxsize=None)
def drawn(name: str, low: Any, high: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    """Values of a type below `low`, above `high` and between them; first those next to the bounds, then the extremes."""
    from hypothesis import strategies

    if name in INTEGERS:
        least, most = -INTEGERS[name], INTEGERS[name] - 1
        low, high = (None if one is None else int(one) for one in (low, high))
        integers = strategies.integers
        below = () if low is None or low <= least else (low - 1, least, *sample(integers(least, low - 1)))
        above = () if high is None or high >= most else (high + 1, most, *sample(integers(high + 1, most)))
        ends = [one for one in (low, high) if one is not None]
        return below, above, (*ends, *sample(integers(least if low is None else low, most if high is None else high)))
    if name in {"numeric", "float4", "float8"}:
        return _fractions(name, low, high)
    if name in {"date", "timestamp", "timestamptz"}:
        return _days(low, high)
    return (), (), ()


def _fractions(name: str, low: Any, high: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    from hypothesis import strategies

    make = Decimal if name == "numeric" else float
    whole = strategies.integers
    below = () if low is None else tuple(make(one) for one in (low - 1, *sample(whole(-10_000, int(low) - 1)))) + (make("-Infinity"),)
    above = () if high is None else tuple(make(one) for one in (high + 1, *sample(whole(int(high) + 1, 10_000)))) + (make("Infinity"), make("NaN"))
    ends = [make(one) for one in (low, high) if one is not None]
    return below, above, tuple(ends)


def _days(low: Any, high: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    from datetime import timedelta

    step = timedelta(days=1)
    below = () if low is None else (low - step,)
    above = () if high is None else (high + step,)
    return below, above, tuple(one for one in (low, high) if one is not None)


def sample(strategy: Any) -> tuple[Any, ...]:
    """A few different values of a hypothesis strategy, the same ones every time."""
    from hypothesis import HealthCheck, Phase, given, settings

    found: dict[Any, None] = {}

    @settings(
        max_examples=DRAWS, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def draw(value: Any) -> None:
        found[value] = None

    draw()
    return tuple(found)


# --- lists, blanks


def _one_of(kind: OneOf, bound: BoundRule, columns: Columns) -> Attempts | None:
    found = columns.get(kind.column)
    if found is None:
        return None
    allowed = [one for one in _python(kind.values, bound) if one is not None]
    strange = _strange(found[1], allowed)
    return Attempts(tuple(_values(found, strange)), tuple(_values(found, [*allowed[:MANY], None])))


def _strange(stored: Stored, allowed: Sequence[Any]) -> list[Any]:
    """Values near an allowed one, and others, that are not allowed."""
    if stored.name in TEXTS:
        known = str(allowed[0])
        tried: list[Any] = ["?", known.swapcase(), f"{known}\xa0", f" {known}", "", *_words()]
        return [one for one in dict.fromkeys(tried) if one not in allowed and one.rstrip(" ") not in allowed]
    if stored.name in INTEGERS:
        numbers = [int(one) for one in allowed]
        return [one for one in (max(numbers) + 1, min(numbers) - 1, 0, -1) if one not in numbers]
    return []


@functools.lru_cache(maxsize=None)
def _words() -> tuple[str, ...]:
    from hypothesis import strategies

    return sample(strategies.text(strategies.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8))


def _filled_in(kind: NotNull | NotBlank, columns: Columns) -> Attempts | None:
    found = columns.get(kind.column)
    if found is None:
        return None
    if isinstance(kind, NotNull):
        return Attempts(tuple(_values(found, [None])))
    blanks = ["", " ", "\t \n", UNICODE_BLANKS[-1], "\xa0"]
    return Attempts(tuple(_values(found, [None, *blanks])), tuple(_values(found, ["x", " x ", "\u200b"])))


def _at_most(kind: AtMost, bound: BoundRule, columns: Columns) -> Attempts | None:
    one, other = columns.get(kind.column), columns.get(kind.other)
    if one is not None:
        limit = parenthesised(column(kind.other, bound.params))
        above = sql.SQL("{} + {}").format(limit, _step(one[1]))
        legal = (_write(one, limit, kind.other), _write(one, NULL, "NULL"))
        return Attempts((_write(one, above, f"{kind.other} + 1"),), legal)
    if other is not None:
        value = parenthesised(column(kind.column, bound.params))
        below = sql.SQL("{} - {}").format(value, _step(other[1]))
        return Attempts((_write(other, below, f"{kind.column} - 1"),), (_write(other, NULL, "NULL"),))
    return None


# --- keys


def _unique(scan: UniqueScan, columns: Columns) -> Attempts | None:
    """The key of one row, copied to another."""
    if not columns:
        return None
    writes = tuple(Write(target, _of_the_first(scan, target)) for target, _ in columns.values())
    names = ", ".join(target.words for target, _ in columns.values())
    copied = Damage(f"{names} as in another row", writes, violations=2)
    nulls = [_write(one, NULL, "NULL") for one in columns.values()]
    plain = len(columns) == len(scan.parts) and scan.nulls_distinct
    return Attempts((copied,), tuple(nulls) if plain else ())


def _of_the_first(scan: UniqueScan, target: Target) -> sql.Composable:
    whole = [sql.SQL("num_nulls({}) = 0").format(part) for _, part in scan.parts]
    conditions = sql.SQL(" AND ").join([*whole, *([parenthesised(scan.where)] if scan.where is not None else [])])
    order = sql.SQL(", ").join(scan.keys)
    return sql.SQL("(SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT 1)").format(
        target.value, scan.table, conditions, order
    )


def _reference(one: Reference, columns: Columns) -> Attempts | None:
    """A key that names nothing; with `match_full` also one that is NULL in part."""
    if not columns:
        return None
    (_, found), wanted = next(iter(columns.items())), one.target_columns[0]
    illegal = [_write(found, value, "what names nothing") for value in _nowhere(found[1], wanted, one.target)]
    legal = () if one.match_full and len(columns) > 1 else (_write(found, NULL, "NULL"),)
    return Attempts(tuple(illegal), legal)


def _nowhere(stored: Stored, wanted: sql.Composable, target: sql.Composable) -> list[sql.Composable]:
    if stored.name in INTEGERS or stored.name == "numeric":
        parts = [("coalesce(max({}), 0) + 1", "max"), ("coalesce(min({}), 0) - 1", "min")]
        return [
            sql.SQL("(SELECT " + how + " FROM {})").format(wanted, target)  # noqa: S608 - constants
            for how, _ in parts
        ]
    if stored.name == "uuid":
        return [raw("'ffffffff-ffff-4fff-bfff-fffffffffffe'")]
    return [raw("'?'"), raw("'tgintegrity names nothing'")]


# --- declared constraints


def _declared(bound: BoundRule, scan: Scan, columns: Columns) -> Attempts | None:
    constraint: Constraint = bound.params["constraint"]
    match constraint.kind:
        case "not_null":
            return Attempts(tuple(_write(one, NULL, "NULL") for one in columns.values()))
        case "unique" if isinstance(scan, UniqueScan):
            return _unique(scan, columns)
        case "foreign_key" if isinstance(scan, ReferenceScan):
            return _reference(scan.references[0], columns)
        case "check":
            return Attempts(tuple(one for found in columns.values() for one in _values(found, _extremes(found[1]))), any_of=True)
    return None


def _extremes(stored: Stored) -> list[Any]:
    if stored.name in INTEGERS:
        return [-1, INTEGERS[stored.name] - 1, -INTEGERS[stored.name], 0, None]
    if stored.name in TEXTS:
        return ["", "?", " ", "x" * 100, None]
    if stored.name == "bool":
        return [True, False, None]
    if stored.name in {"numeric", "float4", "float8"}:
        return [-1, 99_999, -99_999, 0, None]
    return [None]
