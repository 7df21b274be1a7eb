"""Scans against real servers: what they say, what they cost, and that one broken rule spoils no other."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from engine import Engine, bound, looking_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from pytest_tgintegrity.database import Limits
from pytest_tgintegrity.planning import BoundRule, Window
from pytest_tgintegrity.predicates import UNICODE_BLANKS
from pytest_tgintegrity.rules import (
    AtMost,
    Between,
    Declared,
    Metric,
    NotBlank,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Source,
    Unique,
)
from pytest_tgintegrity.scanning import Scanned, batches
from pytest_tgintegrity.verdicts import Measurement

MakeDatabase = Callable[[str], str]
Connection = psycopg.Connection[tuple[Any, ...]]

# --- the oracle: every rule, planned with all others, says what its own plain query says ------------------------------

VALUES: dict[str, list[str | None]] = {
    "integer": ["-5", "0", "1", "3", "7", "12", "2147483647"],
    "bigint": ["-1099511627776", "0", "1", "3", "10"],
    "numeric": ["-0.5", "0", "1", "1.00", "3.7", "10", "NaN"],
    "float8": ["-Infinity", "-0.0", "0", "1", "2.5", "11", "Infinity", "NaN"],
    "text": ["", " ", "\t\n", "\u00a0", "a", "A", "é", "it's", '"', "%s", "{x}", "--", "; DROP", "\\"],
    "varchar(20)": ["", "  ", "a", "b", "zz"],
    "boolean": ["true", "false"],
    "date": ["2020-01-01", "2024-02-29", "infinity", "-infinity", "10000-01-01"],
    "timestamptz": ["2020-01-01 00:00:00+00", "2024-02-29 12:00:00+00", "infinity"],
}
BOUNDS: dict[str, list[Any]] = {
    "integer": [-5, 0, 1, 5, 10, 3_000_000_000, Decimal("2.5"), 3.5],
    "bigint": [-1, 0, 1, 5, 10],
    "numeric": [0, 1, 5, 1.0, Decimal("3.7"), Decimal("NaN")],
    "float8": [0, 1, 0.5, 5, float("inf"), Decimal(1)],
    "date": [date(2020, 1, 1), date(2024, 1, 1)],
    "timestamptz": [date(2020, 1, 1), date(2024, 1, 1)],
}
ODD_NAMES = ["a", "B", "with space", 'quo"te', "dot.ted", "select", "part0", "key0", "per%cent", "brace{d}", "n" * 63]
PREDICATES = [
    "{{c}} IS NULL",
    "length({{c}}::text) > 1 -- because",
    "{{c}}::text = '%' OR {{c}}::text = '{{{{}}}}'",
    "EXISTS (SELECT FROM {{other}} AS o WHERE o.{{c}} IS NOT DISTINCT FROM mine.{{c}})",
    "1 / length({{c}}::text) > 1",
    "no_such_column > 1",
    "{{c}}::text::integer > 3",
    "false",
    "true",
]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | None, of: str) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + f"'::{of}"


@dataclass(frozen=True)
class Shape:
    """A random table: `types` of its columns, its key, and its rows as text; `target` is what it may refer to."""

    name: str
    types: dict[str, str]
    key: tuple[str, ...]
    rows: list[list[str | None]]
    target: list[list[str | None]]

    @property
    def table(self) -> str:
        return quoted(self.name)

    @property
    def keys(self) -> list[str]:
        return [quoted(one) for one in self.key] or ["ctid"]

    def script(self) -> str:
        columns = [f"{quoted(name)} {of}" for name, of in self.types.items()]
        numbers = [f"{quoted(name)} integer NOT NULL" for name in self.key]
        primary = [f"PRIMARY KEY ({', '.join(self.keys)})"] if self.key else []
        lines = [f"CREATE TABLE {self.table} ({', '.join([*numbers, *columns, *primary])})"]
        lines.append(f"CREATE TABLE target ({', '.join(columns)})")
        for number, row in enumerate(self.rows):
            key = [str(number)] if len(self.key) == 1 else [str(number // 3), str(number % 3)][: len(self.key)]
            lines.append(f"INSERT INTO {self.table} VALUES ({', '.join([*key, *self.literals(row)])})")
        lines += [f"INSERT INTO target VALUES ({', '.join(self.literals(row))})" for row in self.target]
        return ";\n".join(lines)

    def literals(self, row: list[str | None]) -> list[str]:
        return [literal(value, of) for value, of in zip(row, self.types.values(), strict=True)]


@dataclass(frozen=True)
class Case:
    """A rule, and the plain query for the rows that violate it: a condition on `mine`, or a number."""

    rule: BoundRule
    truth: str
    among: str = "true"
    plain: bool = True


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    names = draw(st.lists(st.sampled_from(ODD_NAMES), min_size=3, max_size=6, unique=True).filter(lambda n: "." not in n[0]))
    columns = {name: draw(st.sampled_from(sorted(VALUES))) for name in names[1:]}
    row = st.tuples(*(st.none() | st.sampled_from(VALUES[of]) for of in columns.values())).map(list)
    key = draw(st.sampled_from([(), ("the key",), ("k 1", "k.2")]))
    rows = draw(st.lists(row, max_size=9))
    return Shape(names[0], columns, key, rows, draw(st.lists(row, max_size=4)))


def _number(value: Any) -> str:
    of = {date: "date", float: "float8", Decimal: "numeric"}.get(type(value), "bigint")
    return f"'{value}'::{of}"


@st.composite
def cases(draw: st.DrawFn, shape: Shape, name: str) -> Case:
    column = draw(st.sampled_from(sorted(shape.types)))
    of = shape.types[column]
    mine = f"mine.{quoted(column)}"
    params = {"c": column, "other": shape.name, "t": shape.name}
    kind = draw(st.sampled_from(["rows", "between", "one_of", "not_null", "not_blank", "at_most", "unique", "references", "query", "metric"]))
    table = "{t}"

    def case(rule: Any, truth: str, **more: Any) -> Case:
        return Case(bound(rule, name, params), truth, **more)

    if kind == "between" and of in BOUNDS:
        low, high = (draw(st.none() | st.sampled_from(BOUNDS[of])) for _ in range(2))
        if low is not None or high is not None:
            sides = [f"({mine} {sign} {_number(b)}) IS FALSE" for sign, b in ((">=", low), ("<=", high)) if b is not None]
            return case(Between(table, "{c}", low, high), " OR ".join(sides))
    if kind == "one_of":
        allowed = draw(st.lists(st.sampled_from(VALUES[of]), min_size=1, max_size=3))
        listed = ", ".join(literal(one, of) for one in allowed)
        return case(OneOf(table, column, allowed), f"({mine} IN ({listed})) IS FALSE")
    if kind == "not_null":
        return case(NotNull(table, "{c}"), f"{mine} IS NULL")
    if kind == "not_blank":
        blanks = "E'" + "".join(f"\\u{ord(one):04x}" for one in UNICODE_BLANKS) + "'"
        return case(NotBlank(table, "{c}"), f"{mine} IS NULL OR translate(btrim({mine}), {blanks}, '') = ''")
    if kind == "at_most":
        other = draw(st.sampled_from(sorted(shape.types)))
        return case(AtMost(table, "{c}", other), f"({mine} <= mine.{quoted(other)}) IS FALSE")
    if kind == "unique":
        return _unique_case(draw, shape, case, column)
    if kind == "references":
        columns = draw(st.lists(st.sampled_from(sorted(shape.types)), min_size=1, max_size=2, unique=True))
        equal = " AND ".join(f"there.{quoted(one)} = mine.{quoted(one)}" for one in columns)
        whole = " AND ".join(f"mine.{quoted(one)} IS NOT NULL" for one in columns)
        truth = f"{whole} AND NOT EXISTS (SELECT FROM target there WHERE {equal})"
        return case(References(table, tuple(columns), "target", tuple(columns)), truth)
    template = draw(st.sampled_from(PREDICATES))
    where = template.replace("{{c}}", quoted(column)).replace("{{other}}", shape.table).replace("{{{{}}}}", "{}")
    spelled = quoted(column).replace("{", "{{").replace("}", "}}") if "." in column else "{c}"  # a dot separates names
    told = template.replace("{{c}}", spelled).replace("{{other}}", "{other}").replace("{{{{}}}}", "{{}}")
    if kind == "query":
        listed = ", ".join(shape.keys)
        return case(Query(f"SELECT {listed} FROM {{t}} AS mine WHERE {told}\n;"), where, plain=False)
    if kind == "metric":
        return case(Metric(name, f"SELECT count(*) FROM {{t}} AS mine WHERE {told}", at_most=2), where, plain=False)
    source = Source("mine", "{t} AS mine", key=["mine." + one for one in shape.keys])
    return case(Rows(source, told), where)


def _unique_case(draw: st.DrawFn, shape: Shape, case: Callable[..., Case], column: str) -> Case:
    columns = [column, *draw(st.lists(st.sampled_from(sorted({*shape.types} - {column}) or [column]), max_size=1))]
    columns = list(dict.fromkeys(columns))
    distinct = draw(st.booleans())
    where = draw(st.none() | st.just(f"{quoted(column)} IS NOT NULL"))
    same = "=" if distinct else "IS NOT DISTINCT FROM"
    equal = " AND ".join(f"other.{quoted(one)} {same} mine.{quoted(one)}" for one in columns)
    inside = f"mine.{quoted(column)} IS NOT NULL" if where else "true"
    among = f"other.{quoted(column)} IS NOT NULL" if where else "true"
    exists = f"EXISTS (SELECT FROM {shape.table} other WHERE other.ctid <> mine.ctid AND {among} AND {equal})"
    kind = Unique("{t}", tuple(columns), where and where.replace("{", "{{").replace("}", "}}"), distinct)
    return case(kind, f"{inside} AND {exists}", among=inside)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Shape, list[Case]]:
    shape = draw(shapes())
    count = draw(st.integers(1, 10))
    return shape, [draw(cases(shape, f"rule{number}")) for number in range(count)]


@pytest.fixture(scope="module")
def arena(make_database: MakeDatabase) -> Iterator[Connection]:
    with psycopg.connect(make_database(""), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


def _expected(connection: Connection, shape: Shape, case: Case) -> tuple[int, int, list[list[str]]] | None:
    """Rows looked at, rows that violate, and the first keys; None where the server refuses."""
    keys = ", ".join(f"mine.{one}::text" for one in shape.keys)
    order = ", ".join(f"mine.{one}" for one in shape.keys)
    try:
        rows = connection.execute(
            f"SELECT {keys} FROM {shape.table} AS mine WHERE ({case.truth}\n) ORDER BY {order}".encode()
        ).fetchall()
        among = connection.execute(f"SELECT count(*) FROM {shape.table} AS mine WHERE {case.among}".encode()).fetchone()
    except psycopg.Error:
        return None
    assert among is not None
    return among[0], len(rows), [list(row) for row in rows[:3]]


def _compare(shape: Shape, case: Case, found: Measurement, expected: tuple[int, int, list[list[str]]] | None) -> None:
    if expected is None:
        assert found.error is not None, case
        return
    assert found.error is None, (case, found)
    examined, violations, keys = expected
    if isinstance(case.rule.rule.kind, Metric):
        assert found.value == violations
        assert found.violations == int(violations > 2)
        return
    assert found.violations == violations, case
    if case.plain:
        assert found.examined == examined, case
        assert [one.key if len(shape.key) > 1 else [one.key] for one in found.samples] == keys, case


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(situations())
def test_every_rule_says_what_its_own_query_says(arena: Connection, situation: tuple[Shape, list[Case]]) -> None:
    shape, listed = situation
    arena.execute(b"DROP SCHEMA public CASCADE; CREATE SCHEMA public;" + shape.script().encode())
    expected = {case.rule.id: _expected(arena, shape, case) for case in listed}

    with looking_at(arena.info.dsn) as engine:
        found = engine.measure([case.rule for case in listed], samples=3)

    for case in listed:
        _compare(shape, case, found[case.rule.id], expected[case.rule.id])
