"""Which damages a rule has to catch, and which values it has to let pass, derived from its kind. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.arguments import LONE_VALUE
from pytest_tgintegrity.errors import NotProven
from pytest_tgintegrity.kinds import (
    Acyclic,
    Agree,
    AtMost,
    Between,
    Declared,
    Derived,
    Formula,
    JsonShape,
    NotBlank,
    NotNull,
    OneOf,
    References,
    Schema,
    Unique,
)
from pytest_tgintegrity.places import Place
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.predicates import (
    UNICODE_BLANKS,
    Value,
    both,
    bound_of,
    column,
    fill,
    raw,
    readable,
)
from pytest_tgintegrity.scans import Reference, ReferenceScan, RowScan, Scan, UniqueScan
from pytest_tgintegrity.schema import Constraint
from pytest_tgintegrity.schema_damage import schema_breaks
from pytest_tgintegrity.shapes import examples, misfits
from pytest_tgintegrity.values import INTEGERS, TEXTS, extremes, family, spread, strangers
from pytest_tgintegrity.writes import Choice, Stored, Target, Write, mapped, select, subject

ALLOWED_TRIED = 40
NULL = raw("NULL")
BY_HAND = "say how to break it with breaks="
NO_PROOF = f"no proof: {BY_HAND}"
_PART = r"""(?:"(?:[^"]|"")+"|[^\W\d]\w*)"""
_NAMES = re.compile(rf"{_PART}(?:\.{_PART})*")


@dataclass(frozen=True, slots=True)
class Damage:
    """One change to a row; `violations` is how many rows of the source then violate the rule.

    `where` says to which row it is done; None leaves that to whoever does it.
    """

    words: str
    writes: tuple[Write, ...]
    violations: int = 1
    where: Choice | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """What a rule has to catch (each, or `any_of` it), and what it has to let pass.

    `deeds` are whole statements, which return the keys that the rule has to report; `last_resort` is one for where there
    are too few rows to damage one. The first two damages stand for all where others look.
    """

    illegal: tuple[Damage, ...] = ()
    legal: tuple[Damage, ...] = ()
    deeds: tuple[sql.Composable, ...] = ()
    any_of: bool = False
    last_resort: sql.Composable | None = None


Column = tuple[Target, Stored]
Columns = Mapping[str, Column]
"""The columns that a rule names, as it names them, where they are columns of stored tables."""


def columns_of(bound: BoundRule, scan: Scan) -> tuple[str, ...]:
    """What could be a column that damage is derived for, as the rule names it."""
    kind = bound.rule.kind
    match kind:
        case AtMost():
            return (kind.column, kind.other)
        case Agree():
            return (kind.path_a, kind.path_b)
        case Acyclic():
            return (kind.parent,)
        case References():
            return kind.columns
        case Declared() | Unique() if isinstance(scan, UniqueScan):
            return _names_in([*(part for _, part in scan.parts), *([] if scan.where is None else [scan.where])])
        case Declared() if (excluded := bound.params["constraint"]).kind == "exclusion":
            return _names_in(map(raw, [*excluded.expressions, *([excluded.where] if excluded.where else [])]))
        case Declared():
            return tuple(bound.params["constraint"].columns)
    about = subject(kind)
    return () if about is None else (about,)


def _names_in(parts: Iterable[sql.Composable]) -> tuple[str, ...]:
    text = " ".join(readable(part) for part in parts)
    return tuple(dict.fromkeys(_unquoted(name) for name in _NAMES.findall(text)))


def _unquoted(path: str) -> str:
    return ".".join(part[1:-1].replace('""', '"') if part.startswith('"') else part for part in re.findall(_PART, path))


def attempts(bound: BoundRule, scan: Scan, columns: Columns, blanks: str = UNICODE_BLANKS) -> Attempts:
    """What to try on a rule, where `blanks` are what counts as white space.

    Raises `NotProven` where nothing can be derived and the author gave nothing.
    """
    breaks = bound.rule.breaks
    if isinstance(breaks, str):
        return Attempts(deeds=(fill(breaks, bound.params),))
    derived = _derived(bound, scan, columns, blanks)
    if breaks is not None:
        given = Damage("its breaks=", mapped(breaks, bound.params))
        return Attempts((given,), derived.legal if derived else ())
    if derived is None or not (derived.illegal or derived.deeds):
        raise NotProven(NO_PROOF)
    return derived


def _derived(bound: BoundRule, scan: Scan, columns: Columns, blanks: str) -> Attempts | None:
    kind = bound.rule.kind
    match kind:
        case Schema():
            return Attempts(deeds=tuple(schema_breaks(kind, bound.params)))
        case Declared():
            return _declared(bound.params["constraint"], scan, columns)
        case Unique() if isinstance(scan, UniqueScan):
            return _unique(scan, columns)
        case References() if isinstance(scan, ReferenceScan):
            return _reference(scan, columns)
        case AtMost():
            return _at_most(kind, bound, columns)
        case Agree():
            return _disagreeing(columns.get(kind.path_a) or columns.get(kind.path_b))
        case Acyclic() if isinstance(scan, RowScan):
            return _loop(columns.get(kind.parent), scan)
    about = subject(kind)
    found = None if about is None else columns.get(about)
    return None if found is None else _of_one_column(bound, found, blanks)


def _of_one_column(bound: BoundRule, found: Column, blanks: str) -> Attempts | None:
    kind = bound.rule.kind
    match kind:
        case Between():
            return _between(kind, bound, found)
        case OneOf():
            return _one_of(kind, bound, found)
        case NotNull():
            return Attempts(tuple(_values(found, [None])))
        case NotBlank():
            blank = [None, "", " ", "\t \n", blanks[-1], *({"\xa0"} & {*blanks})]
            return Attempts(tuple(_values(found, blank)), tuple(_values(found, ["x", " x ", "\u200b"])))
        case Formula() | Derived():
            return Attempts(_another(found))
        case JsonShape():
            legal = (*_json(found, examples(kind.shape)), _write(found, NULL, "NULL"))
            return Attempts(_json(found, misfits(kind.shape)), legal)
    return None


def _write(column: Column, value: sql.Composable, words: str) -> Damage:
    target = column[0]
    return Damage(f"{target.words} = {words}", (Write(target, value),))


def _values(column: Column, values: Iterable[Any]) -> Iterator[Damage]:
    for value in values:
        yield _write(column, NULL if value is None else Value(value), "NULL" if value is None else repr(value))


# --- values


def _between(kind: Between, bound: BoundRule, found: Column) -> Attempts:
    low, high = _python(kind.low, bound), _python(kind.high, bound)
    if isinstance(low, str) or isinstance(high, str):
        return _between_expressions(kind, bound, found)
    values = spread(found[1].name, low, high)
    return Attempts(tuple(_values(found, values.outside)), tuple(_values(found, [*values.inside, None])))


def _python(value: Any, bound: BoundRule) -> Any:
    lone = LONE_VALUE.fullmatch(value) if isinstance(value, str) else None
    return bound.params[lone[1]] if lone else value


def _between_expressions(kind: Between, bound: BoundRule, found: Column) -> Attempts:
    limits = [(sign, bound_of(limit, bound.params, ())) for sign, limit in (("-", kind.low), ("+", kind.high))]
    given = [(sign, limit) for sign, limit in limits if limit is not None]
    illegal = [_beyond(found, sign, limit, "its bound") for sign, limit in given]
    legal = [_write(found, limit, "its bound") for _, limit in given]
    return Attempts(tuple(illegal), (*legal, _write(found, NULL, "NULL")))


def _beyond(found: Column, sign: str, limit: sql.Composable, words: str) -> Damage:
    """A value just above or below a limit; of a type that knows no steps one that stands in another row."""
    name = found[1].name
    if step := _STEPS.get(name, "1" if family(name) == "number" else None):
        return _write(found, sql.SQL("{} {} {}").format(limit, raw(sign), raw(step)), f"{words} {sign} a bit")
    if sign == "+":
        return _elsewhere(found, ">", limit, f"what another row has above {words}")
    return _elsewhere(found, "<", limit, f"what another row has below {words}")


def _elsewhere(found: Column, sign: str, than: sql.Composable, words: str) -> Damage:
    """The value of another row that compares like that, in a row for which there is one."""
    home, stored = found
    value = sql.SQL(
        "(SELECT tgi_value FROM (SELECT {} AS tgi_value FROM {}) AS tgi_other WHERE tgi_value {} {} LIMIT 1)"
    ).format(sql.Identifier(home.column), raw(stored.table), raw(sign), than)
    there = Choice(sql.SQL("pg_catalog.num_nulls({}) = 0").format(value), limit=1)
    return replace(_write(found, value, words), where=there)


def _one_of(kind: OneOf, bound: BoundRule, found: Column) -> Attempts:
    allowed = [one for one in _python(kind.values, bound) if one is not None]
    legal = tuple(_values(found, [*allowed[:ALLOWED_TRIED], None]))
    return Attempts(tuple(_values(found, strangers(found[1].name, allowed))), legal)


def _at_most(kind: AtMost, bound: BoundRule, columns: Columns) -> Attempts | None:
    one, other = columns.get(kind.column), columns.get(kind.other)
    if one is not None:
        limit = column(kind.other, bound.params)
        above = _beyond(one, "+", limit, kind.other)
        return Attempts((above,), (_write(one, limit, kind.other), _write(one, NULL, "NULL")))
    if other is not None:
        value = column(kind.column, bound.params)
        below = _beyond(other, "-", value, kind.column)
        return Attempts((below,), (_write(other, NULL, "NULL"),))
    return None


_STEPS = {
    "date": "1",
    "interval": "interval '1 year'",  # an interval may be declared to hold nothing smaller
    **dict.fromkeys(("timestamp", "timestamptz", "time"), "interval '1 second'"),
}
_CHANGES = {
    "number": ("coalesce({}, 0) + 1", "coalesce({}, 0) - 1"),
    "text": ("CASE {} WHEN '?' THEN '!' ELSE '?' END",),
    "bool": ("NOT coalesce({}, FALSE)",),
    "time": ("{} + interval '1 day'",),
    "other": (),
}


def _changed(found: Column) -> Iterator[Damage]:
    """Values that differ from the one that stands there."""
    for text in _CHANGES[family(found[1].name)]:
        yield _write(found, sql.SQL(text).format(found[0].value), "another value")


def _another(found: Column) -> tuple[Damage, ...]:
    return (*_changed(found), _write(found, NULL, "NULL"))


def _disagreeing(found: Column | None) -> Attempts | None:
    if found is None:
        return None
    changed = tuple(_changed(found)) or (_elsewhere(found, "<>", found[0].value, "what another row has"),)
    return Attempts(changed, (_write(found, NULL, "NULL"),))


def _loop(found: Column | None, scan: RowScan) -> Attempts | None:
    """A row above itself."""
    if found is None:
        return None
    return Attempts((_write(found, scan.checks[0].keys[0], "the row itself"),), (_write(found, NULL, "NULL"),))


def _json(found: Column, values: Iterable[Any]) -> tuple[Damage, ...]:
    texts = dict.fromkeys(json.dumps(one) for one in values)
    return tuple(_write(found, Value(text), text) for text in texts)


# --- keys


def _unique(scan: UniqueScan, columns: Columns) -> Attempts | None:
    """The key of one row, copied to another; and whatever else makes a row one of those that have to differ."""
    named = _names_in(part for _, part in scan.parts)
    keys = {text: one for text, one in columns.items() if text in named}
    if not keys:
        return None
    copied = [_copied(scan, keys, Choice(_comparable(scan), limit=1, after=1))]
    if scan.where is not None:
        other = sql.SQL("({}) IS NOT TRUE").format(_comparable(scan))
        copied.append(_copied(scan, columns, Choice(other, limit=1)))
    plain = len(keys) == len(scan.parts) and scan.nulls_distinct
    legal = tuple(_write(one, NULL, "NULL") for one in keys.values()) if plain else ()
    return Attempts(
        tuple(copied),
        legal,
        any_of=True,
        last_resort=_again(Place(scan.source, scan.table, scan.keys, None), _comparable(scan)),
    )


def _copied(scan: UniqueScan, columns: Columns, where: Choice) -> Damage:
    first = Choice(_comparable(scan), limit=1)
    place = Place(scan.source, scan.table, scan.keys, None)
    targets = [target for target, _ in columns.values()]
    writes = [Write(one, sql.SQL("({})").format(select(place, [one.value], first))) for one in targets]
    return Damage(f"{', '.join(one.words for one in targets)} as in another row", tuple(writes), 2, where)


def _comparable(scan: UniqueScan) -> sql.Composable:
    """TRUE for a row that the rule compares with others."""
    whole = [sql.SQL("pg_catalog.num_nulls({}) = 0").format(part) for _, part in scan.parts]
    return both([*whole, *([] if scan.where is None else [scan.where])])


def _reference(scan: ReferenceScan, columns: Columns) -> Attempts | None:
    """A key that names nothing; where it is what names the row itself, what it names is taken away instead."""
    one = scan.references[0]
    keys = {readable(key) for key in one.keys}
    if not columns or keys.intersection(readable(found) for _, found in one.columns):
        return Attempts(deeds=(_removed(scan, one),))
    return _orphaned(scan, one, columns)


def _orphaned(scan: ReferenceScan, one: Reference, columns: Columns) -> Attempts | None:
    """A key that names nothing; where none can be thought of, what it names is taken away."""
    if not columns:
        return None
    found = next(iter(columns.values()))
    if found[1].name not in _THOUGHT_OF:
        return Attempts(deeds=(_removed(scan, one),))
    illegal = tuple(_write(found, value, "what names nothing") for value in _nowhere(found[1], one))
    legal = () if one.target.match_full and len(one.columns) > 1 else (_write(found, NULL, "NULL"),)
    return Attempts(illegal, legal, last_resort=_removed(scan, one))


_THOUGHT_OF = {*INTEGERS, "numeric", *TEXTS, "uuid"}  # no float: one more than a large one is the same


def _nowhere(stored: Stored, one: Reference) -> list[sql.Composable]:
    if family(stored.name) == "number":
        key = one.target.columns[0]
        # NaN stands above infinity
        ends = ("", "") if stored.name in INTEGERS else (" WHERE {} < 'Infinity'", " WHERE {} > '-Infinity'")
        numbers = (
            "(SELECT coalesce(pg_catalog.max({}), 0) + 1 FROM {}{})",
            "(SELECT coalesce(pg_catalog.min({}), 0) - 1 FROM {}{})",
        )
        return [
            sql.SQL(text).format(key, one.target.table, sql.SQL(end).format(key) if end else raw(""))
            for text, end in zip(numbers, ends, strict=True)
        ]
    if stored.name == "uuid":
        return [raw("'ffffffff-ffff-4fff-bfff-fffffffffffe'")]
    return [raw("'?'"), raw("'tgintegrity'")]


def _removed(scan: ReferenceScan, one: Reference) -> sql.Composable:
    """Delete what the first row names; all rows that name the same are orphans then."""
    own = sql.SQL(", ").join(found for _, found in one.columns)
    named = sql.SQL(", ").join(one.target.columns)
    keys = sql.SQL(", ").join(one.keys)
    order = sql.SQL(", ").join(one.keys)
    return sql.SQL(
        "WITH tgi_gone AS (DELETE FROM {target} WHERE ({named}) IN ("
        "SELECT {own} FROM {table}{join} WHERE pg_catalog.num_nulls({own}) = 0 AND {met} ORDER BY {order} LIMIT 1) RETURNING {named})"
        " SELECT {keys} FROM {table} WHERE ({own}) IN (SELECT * FROM tgi_gone) ORDER BY {order}"
    ).format(
        target=one.target.table,
        named=named,
        own=own,
        table=scan.table,
        join=one.join(0),
        met=raw("tgi_met0"),
        order=order,
        keys=keys,
    )


# --- declared constraints


def _declared(constraint: Constraint, scan: Scan, columns: Columns) -> Attempts | None:
    match constraint.kind:
        case "not_null":
            return Attempts(tuple(_write(one, NULL, "NULL") for one in columns.values()))
        case "unique" if isinstance(scan, UniqueScan):
            return _unique(scan, columns)
        case "foreign_key" if isinstance(scan, ReferenceScan):
            return _orphaned(scan, scan.references[0], columns)
        case "check":
            tried = (one for found in columns.values() for one in _values(found, extremes(found[1].name)))
            return Attempts(tuple(tried), any_of=True)
        case "exclusion" if isinstance(scan, RowScan):
            return _excluded(constraint, scan.checks[0].keys, columns)
    return None


def _excluded(constraint: Constraint, keys: tuple[sql.Composable, ...], columns: Columns) -> Attempts | None:
    """What one row has in the way of any like it, copied to another; where values must differ, to one that differs."""
    place = Place(constraint.table, sql.Identifier(constraint.schema, constraint.table), keys, None)
    pairs = [*zip(constraint.expressions, constraint.excluded, strict=True)]
    differing = [(raw(text), raw(one.operator)) for text, one in pairs if one.sort == "differ"]
    stay = _names_in(text for text, _ in differing)
    copied = [target for name, (target, _) in columns.items() if name not in stay]
    if not copied and not differing:
        return None
    meets = [
        sql.SQL("({0}) OPERATOR({1}) ({0})").format(raw(t), raw(o.operator)) for t, o in pairs if o.sort != "differ"
    ]
    whole = sql.SQL("pg_catalog.num_nulls({}) = 0").format(sql.SQL(", ").join(raw(text) for text, _ in pairs))
    comparable = both([whole, *meets, *([] if constraint.where is None else [raw(constraint.where)])])
    first = Choice(comparable, limit=1)

    def of_first(value: sql.Composable) -> sql.Composed:
        return sql.SQL("({})").format(select(place, [value], first))

    another = [sql.SQL("({}) OPERATOR({}) {}").format(text, sign, of_first(text)) for text, sign in differing]
    another.append(sql.SQL("tableoid = {} AND ctid <> {}").format(of_first(raw("tableoid")), of_first(raw("ctid"))))
    where = Choice(both([comparable, *another]), limit=1)
    words = f"{', '.join(one.words for one in copied) or 'nothing'} as in another row"
    writes = tuple(Write(one, of_first(one.value)) for one in copied)
    again = None if differing else _again(place, comparable)
    return Attempts((Damage(words, writes, 2, where),), last_resort=again)


def _again(place: Place, comparable: sql.Composable) -> sql.Composed:
    """The only row, once more."""
    return sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM {} WHERE {} LIMIT 1 RETURNING {}").format(
        place.table, place.table, comparable, sql.SQL(", ").join(place.keys)
    )
