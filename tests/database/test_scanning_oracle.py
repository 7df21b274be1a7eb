"""The oracle of scans: every rule, planned with all others, says what its own plain query says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import bound, looking_at, named
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import (
    AtMost,
    Between,
    Kind,
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

MakeDatabase = Callable[[str], str]
Connection = psycopg.Connection[tuple[Any, ...]]


VALUES: dict[str, list[str | None]] = {
    "integer": ["-5", "0", "1", "3", "7", "12", "2147483647"],
    "bigint": ["-1099511627776", "0", "1", "3", "10"],
    "numeric": ["-0.5", "0", "1", "1.00", "3.7", "10", "NaN"],
    "float8": ["-Infinity", "-0.0", "0", "1", "2.5", "11", "Infinity", "NaN"],
    "text": ["", " ", "\t\n", "\u00a0", "\u3000\u2003", "a", "A", "é", "it's", '"', "%s", "{x}", "--", "; DROP", "\\"],
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
BLANKS = "".join(chr(code) for code in range(1, 0x3001) if chr(code).isspace())
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
    names = draw(
        st.lists(st.sampled_from(ODD_NAMES), min_size=3, max_size=6, unique=True).filter(lambda n: "." not in n[0])
    )
    columns = {name: draw(st.sampled_from(sorted(VALUES))) for name in names[1:]}
    row = st.tuples(*(st.none() | st.sampled_from(VALUES[of]) for of in columns.values())).map(list)
    key = draw(st.sampled_from([(), ("the key",), ("k 1", "k.2")]))
    rows = draw(st.lists(row, max_size=9))
    return Shape(names[0], columns, key, rows, draw(st.lists(row, max_size=4)))


def _number(value: Any) -> str:
    of = {date: "date", float: "float8", Decimal: "numeric", str: "text"}.get(type(value), "bigint")
    return f"'{value}'::{of}"


@dataclass(frozen=True)
class Maker:
    """Draws one case about one column of a shape."""

    draw: st.DrawFn
    shape: Shape
    name: str
    column: str

    @property
    def of(self) -> str:
        return self.shape.types[self.column]

    @property
    def mine(self) -> str:
        return f"mine.{quoted(self.column)}"

    def case(self, kind: Kind, truth: str, **more: Any) -> Case:
        params = {"c": self.column, "other": self.shape.name, "t": self.shape.name}
        return Case(bound(kind, self.name, params), truth, **more)

    def between(self) -> Case:
        bounds = st.tuples(*(st.none() | st.sampled_from(BOUNDS.get(self.of, [1])) for _ in range(2)))
        low, high = self.draw(bounds.filter(any_given))
        sides = [
            f"({self.mine} {sign} {_number(bound)}) IS FALSE"
            for sign, bound in ((">=", low), ("<=", high))
            if bound is not None
        ]
        return self.case(Between("{t}", "{c}", low, high), " OR ".join(sides))

    def one_of(self) -> Case:
        allowed = self.draw(st.lists(st.sampled_from(VALUES[self.of]), min_size=1, max_size=3))
        listed = ", ".join(literal(one, self.of) for one in allowed)
        return self.case(OneOf("{t}", self.column, allowed), f"({self.mine} IN ({listed})) IS FALSE")

    def not_null(self) -> Case:
        return self.case(NotNull("{t}", "{c}"), f"{self.mine} IS NULL")

    def not_blank(self) -> Case:
        blanks = "E'" + "".join(f"\\u{ord(one):04x}" for one in BLANKS) + "'"
        blank = f"translate(btrim({self.mine}), {blanks}, '') = ''"
        return self.case(NotBlank("{t}", "{c}"), f"{self.mine} IS NULL OR {blank}")

    def at_most(self) -> Case:
        other = self.draw(st.sampled_from(sorted(self.shape.types)))
        return self.case(AtMost("{t}", "{c}", other), f"({self.mine} <= mine.{quoted(other)}) IS FALSE")

    def unique(self) -> Case:
        second = self.draw(st.none() | st.sampled_from(sorted(self.shape.types)))
        columns = tuple(dict.fromkeys([self.column, second or self.column]))
        distinct = self.draw(st.booleans())
        same = "=" if distinct else "IS NOT DISTINCT FROM"
        where, inside, among = None, "true", "true"
        if self.draw(st.booleans()):
            where = f"{escaped(self.column)} IS NOT NULL"
            inside, among = f"{self.mine} IS NOT NULL", f"other.{quoted(self.column)} IS NOT NULL"
        equal = " AND ".join(f"other.{quoted(one)} {same} mine.{quoted(one)}" for one in columns)
        others = f"FROM {self.shape.table} other WHERE other.ctid <> mine.ctid AND {among} AND {equal}"
        return self.case(
            Unique("{t}", columns, where, distinct), f"{inside} AND EXISTS (SELECT {others})", among=inside
        )

    def references(self) -> Case:
        columns = self.draw(st.lists(st.sampled_from(sorted(self.shape.types)), min_size=1, max_size=2, unique=True))
        equal = " AND ".join(f"there.{quoted(one)} = mine.{quoted(one)}" for one in columns)
        whole = " AND ".join(f"mine.{quoted(one)} IS NOT NULL" for one in columns)
        truth = f"{whole} AND NOT EXISTS (SELECT FROM target there WHERE {equal})"
        return self.case(References("{t}", tuple(columns), "target", tuple(columns)), truth)

    def template(self) -> tuple[str, str]:
        """A predicate as the author of a rule writes it, and as plain SQL."""
        found = self.draw(st.sampled_from(PREDICATES))
        spelled = escaped(self.column) if "." in self.column else "{c}"  # a dot separates names
        told = found.replace("{{c}}", spelled).replace("{{other}}", "{other}").replace("{{{{}}}}", "{{}}")
        plain = found.replace("{{c}}", quoted(self.column)).replace("{{other}}", self.shape.table)
        return told, plain.replace("{{{{}}}}", "{}")

    def rows(self) -> Case:
        told, truth = self.template()
        return self.case(
            Rows(Source("mine", "{t} AS mine", key=[f"mine.{one}" for one in self.shape.keys]), told), truth
        )

    def query(self) -> Case:
        told, truth = self.template()
        listed = ", ".join(self.shape.keys)
        return self.case(Query(f"SELECT {listed} FROM {{t}} AS mine WHERE {told}\n;"), truth, plain=False)

    def metric(self) -> Case:
        told, truth = self.template()
        sql = f"SELECT count(*) FROM {{t}} AS mine WHERE {told}"
        return self.case(Metric(self.name, sql, at_most=2), truth, plain=False)


KINDS = ("rows", "between", "one_of", "not_null", "not_blank", "at_most", "unique", "references", "query", "metric")


def any_given(bounds: tuple[Any, Any]) -> bool:
    return bounds != (None, None)


def escaped(name: str) -> str:
    return quoted(name).replace("{", "{{").replace("}", "}}")


@st.composite
def cases(draw: st.DrawFn, shape: Shape, name: str) -> Case:
    maker = Maker(draw, shape, name, draw(st.sampled_from(sorted(shape.types))))
    found: Case = getattr(maker, draw(st.sampled_from(KINDS)))()
    return found


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


def _agree(shape: Shape, case: Case, found: Measurement, expected: tuple[int, int, list[list[str]]] | None) -> bool:
    """Whether a rule says what its own query says."""
    if expected is None or found.error is not None:
        return expected is None and found.error is not None
    _, violations, _ = expected
    if isinstance(case.rule.rule.kind, Metric):
        return (found.value, found.violations) == (violations, int(violations > 2))
    if not case.plain:
        return found.violations == violations
    keys = [one.key if len(shape.key) > 1 else [one.key] for one in found.samples]
    return (found.examined, found.violations, keys) == expected


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(situations())
def test_every_rule_says_what_its_own_query_says(arena: Connection, situation: tuple[Shape, list[Case]]) -> None:
    shape, listed = situation
    arena.execute(b"DROP SCHEMA public CASCADE; CREATE SCHEMA public;" + shape.script().encode())
    expected = {case.rule.id: _expected(arena, shape, case) for case in listed}

    with looking_at(arena.info.dsn) as engine:
        found = engine.measure([case.rule for case in listed], samples=3)

    for case in listed:
        said, right = found[case.rule.id], expected[case.rule.id]
        assert _agree(shape, case, said, right), (case, said, right)


MERGED = {"float8": ["NaN", "-Infinity", "Infinity", "0", "5", "11"], "integer": ["-1", "0", "5", "10", "11"]}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_ranges_of_several_columns_keep_what_each_says_of_null_and_nan(arena: Connection, data: st.DataObject) -> None:
    of = data.draw(st.sampled_from(sorted(MERGED)))
    values = st.none() | st.sampled_from(MERGED[of])
    rows = data.draw(st.lists(st.tuples(values, values, values), min_size=1, max_size=4))
    low, high = data.draw(st.sampled_from([(0, 10), (None, 10), (0, None)]))
    listed = ", ".join(f"({', '.join(literal(value, of) for value in row)})" for row in rows)
    arena.execute(
        f"DROP TABLE IF EXISTS merged; CREATE TABLE merged (a {of}, b {of}, c {of}); INSERT INTO merged VALUES {listed}".encode()
    )
    sides = [f"({{c}} {sign} {bound}) IS FALSE" for sign, bound in ((">=", low), ("<=", high)) if bound is not None]
    expected = [
        _one_value(arena, f"SELECT count(*) FROM merged WHERE {' OR '.join(sides).replace('{c}', column)}")
        for column in "abc"
    ]

    with looking_at(arena.info.dsn) as engine:
        found = engine.measure(named([Between("merged", column, low, high) for column in "abc"]), samples=0)

    assert [one.violations for one in found.values()] == expected


def _one_value(connection: Connection, statement: str) -> Any:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]
