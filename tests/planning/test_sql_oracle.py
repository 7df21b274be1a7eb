"""What the reader of SQL says that generated statements read, against what the server does with them.

The server says it in two ways: by what a view over the statement depends on, and by an answer that changes when a column does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from pytest_tgintegrity.planning.facts import Table
from pytest_tgintegrity.planning.sql.layout import in_one_line, one_statement
from pytest_tgintegrity.planning.sql.names import Cell, KnownTables, Relation, columns_named, only_table, reading

SCRIPT = """
CREATE SCHEMA app;
CREATE TABLE person (id int, willpower int, name text);
CREATE TABLE app.person (id int, willpower int, other int);
CREATE TABLE app.team (id int, app int, size int);
CREATE TABLE "Per son" (id int, "Co l" int, person int);
INSERT INTO person VALUES (1, 2, 'a'), (2, 3, 'b');
INSERT INTO app.person VALUES (1, 2, 3), (2, 5, 7);
INSERT INTO app.team VALUES (1, 2, 3), (3, 4, 5);
INSERT INTO "Per son" VALUES (1, 2, 3), (2, 9, 9);
"""
TABLES = {
    "person": Table("public", "person", frozenset({"id", "willpower", "name"})),
    "app.person": Table("app", "person", frozenset({"id", "willpower", "other"})),
    "app.team": Table("app", "team", frozenset({"id", "app", "size"})),
    "Per son": Table("public", "Per son", frozenset({"id", "Co l", "person"})),
}
KNOWN = {**TABLES, **{".".join(table.path): table for table in TABLES.values()}}
RELATIONS = {name: Relation(*table.path, visible=table.schema == "public") for name, table in TABLES.items()}
DEPENDS = """
SELECT n.nspname::text, c.relname::text, a.attname::text FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid
JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  AND w.ev_class = 'seen'::regclass AND d.refobjid <> 'seen'::regclass
"""


@pytest.fixture(scope="module")
def connection(make_database: Callable[[str], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(make_database(SCRIPT)) as connected:
        yield connected


# --- statements


@dataclass
class Writer:
    """Writes a statement; `exact` gives aliases that are nothing else, and qualifies every column."""

    draw: st.DrawFn
    exact: bool
    numbers: list[int] = field(default_factory=list)

    def one(self, *texts: str) -> str:
        return self.draw(st.sampled_from(texts))

    def gap(self) -> str:
        return self.one(*" " * 6, "\n", "/* person */", " -- app.team, person\n", "\t/* a /* person */ app.team */ ")

    def literal(self) -> str:
        return self.one(
            "'person'", "E'it\\'s FROM app.person'", "$$app.team$$", "$q$ FROM person $$ $q$", "U&'\\0070erson'",
            "'a''b, person p'", "'app.person'\n '.willpower'", "e'\\\\'", "'--'", "'/*'", "name'person'",
        )  # fmt: skip

    def spelled(self, name: str) -> str:
        quoted = f'"{name}"'
        return self.one(name, name.upper(), name.capitalize(), quoted) if name.islower() else quoted

    def fresh(self) -> str:
        self.numbers.append(0)
        return f"a{len(self.numbers)}"

    def alias(self) -> str:
        return self.fresh() if self.exact else self.one(self.fresh(), "person", "team", "willpower", '"P q"', "X")

    def relation(self) -> tuple[str, str, list[str]]:
        """A table to read, what its columns are called by, and its columns."""
        known = self.one(*TABLES)
        table = TABLES[known]
        path = [self.spelled(table.name)]
        if table.schema == "app" or self.one("", "", "schema"):
            path.insert(0, self.spelled(table.schema))
        written = f"{self.one('', '', '', f'ONLY{self.gap()}')}{self.one('.', '.', ' . ').join(path)}"
        columns = sorted(table.columns)
        if (table.name == "person" and self.exact) or self.one("", "alias"):
            called = self.alias()
            return f"{written}{self.one(self.gap(), f'{self.gap()}AS{self.gap()}')}{called}", called, columns
        return written, path[-1], columns

    def source(self, depth: int) -> tuple[str, str, list[str]]:
        if depth and not self.one("", "", "", "select"):
            return self.relation()
        if not depth:
            return self.relation()
        text, called = self.select(depth - 1, ["c"]), self.fresh()
        return f"({text}){self.one(' ', ' AS ')}{called}", called, ["c"]

    def joined(self, depth: int) -> tuple[str, list[tuple[str, list[str]]]]:
        text, called, columns = self.source(depth)
        sources = [(called, columns)]
        for _ in range(self.draw(st.integers(0, 2))):
            more, called, columns = self.source(depth)
            sources.append((called, columns))
            hows = ["{}, {}", "{} CROSS JOIN {}", f"{{}} LEFT JOIN {{}} ON {self.condition(sources, 0)}"]
            hows += [] if self.exact else ["{} NATURAL JOIN {}", "{} JOIN {} USING (id)"]
            text = self.one(*hows).format(text, more)
        return text, sources

    def column(self, sources: Sequence[tuple[str, list[str]]]) -> str:
        called, columns = self.draw(st.sampled_from(sources))
        column = self.spelled(self.one(*columns))
        bare = self.one("", "bare") and (not self.exact or column == "person")
        return column if bare else f"{called}{self.one('.', '.', ' . ')}{column}"

    def condition(self, sources: Sequence[tuple[str, list[str]]], depth: int) -> str:
        parts = [
            f"{self.column(sources)}::text{self.gap()}<>{self.gap()}{self.literal()}",
            f"{self.column(sources)} IS NOT NULL",
        ]
        if depth:
            parts.append(f"EXISTS{self.gap()}(SELECT{self.gap()}FROM {self.relation()[0]})")
            parts.append(f"{self.column(sources)}::text IN ({self.select(depth - 1, ['c'])})")
        if not self.exact:
            parts.append(f"{sources[0][0]} IS NOT NULL")
        return self.one(*parts)

    def target(self, sources: Sequence[tuple[str, list[str]]]) -> str:
        called = self.draw(st.sampled_from(sources))[0]
        texts = [
            f"({self.column(sources)})::text",
            f"{self.literal()}::text",
            f"count({self.column(sources)}) OVER ()::text",
        ]
        if not self.exact:
            texts += [
                f"to_jsonb({called})::text",
                f"{called}::text",
                f"({called}).{'id'}::text",
                "count(*) OVER ()::text",
            ]
            texts += [f"(to_jsonb({called}.*) ->> 'willpower')"]
        return self.one(*texts)

    def select(self, depth: int, heads: Sequence[str]) -> str:
        clause, sources = self.joined(depth)
        targets = ", ".join(f"{self.target(sources)} AS {head}" for head in heads)
        where = self.one("", f"{self.gap()}WHERE {self.condition(sources, depth)}")
        return f"{self.one('SELECT', 'select', 'SELECT DISTINCT')}{self.gap()}{targets}{self.gap()}FROM {clause}{where}"

    def statement(self) -> str:
        if self.one("", "", "with"):
            called = self.fresh() if self.exact else self.one(self.fresh(), "person", "q")
            return f"WITH {called} AS ({self.select(1, ['c'])}) SELECT {called}.c FROM {called}"
        return self.select(1, ["x", "y"])


@st.composite
def statements(draw: st.DrawFn, *, exact: bool) -> str:
    return Writer(draw, exact).statement()


def depends(connection: psycopg.Connection[Any], text: str) -> dict[str, set[str]]:
    """The tables that a statement reads, and which of their columns it names; what is no statement is passed over."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"CREATE TEMP VIEW seen AS {text}".encode())
            rows = connection.execute(DEPENDS.encode()).fetchall()
    except psycopg.Error:
        reject()
    names = {table.path: name for name, table in TABLES.items()}
    found: dict[str, set[str]] = {names[schema, table]: set() for schema, table, _ in rows}
    for schema, table, column in rows:
        found[names[schema, table]] |= {column} - {None}
    return found


# --- what is read


@settings(max_examples=150)
@given(text=statements(exact=True))
def test_the_tables_that_are_named_are_those_that_the_server_reads(
    connection: psycopg.Connection[Any], text: str
) -> None:
    read = depends(connection, text)

    assert {KNOWN[name].path for name in KnownTables(KNOWN).named_in(text)} == {TABLES[name].path for name in read}
    mentioned = {name for name, relation in RELATIONS.items() if reading(text).mentions(relation)}
    assert mentioned >= read.keys()
    assert mentioned - read.keys() <= {"person"}  # as a column of that name may be a row of the table


@settings(max_examples=150)
@given(text=statements(exact=True))
def test_the_columns_that_are_named_are_those_that_the_server_reads(
    connection: psycopg.Connection[Any], text: str
) -> None:
    read = depends(connection, text)
    named = columns_named([text], {name: KNOWN[name] for name in KnownTables(KNOWN).named_in(text)})

    assert named == {TABLES[name].path: columns for name, columns in read.items()}


@settings(max_examples=250)
@given(text=statements(exact=False))
def test_nothing_that_the_server_reads_is_left_out(connection: psycopg.Connection[Any], text: str) -> None:
    found = reading(text)

    for name, columns in depends(connection, text).items():
        assert found.mentions(RELATIONS[name])
        assert all(found.reads(Cell(RELATIONS[name], column)) for column in columns)


@settings(max_examples=80)
@given(text=statements(exact=False))
def test_an_answer_does_not_change_with_what_is_not_read(connection: psycopg.Connection[Any], text: str) -> None:
    depends(connection, text)
    found = reading(text)
    unread = [
        (name, column)
        for name, table in TABLES.items()
        for column in table.columns
        if not found.reads(Cell(RELATIONS[name], column))
    ]
    with connection.transaction(force_rollback=True):
        before = sorted(map(str, connection.execute(text.encode()).fetchall()))
        for name, column in unread:
            schema, table = TABLES[name].path
            value = "'9'" if column == "name" else "9"
            connection.execute(f'UPDATE "{schema}"."{table}" SET "{column}" = {value}'.encode())
        assert sorted(map(str, connection.execute(text.encode()).fetchall())) == before


# --- how it is laid out


@settings(max_examples=100)
@given(text=statements(exact=False), end=st.sampled_from(["", ";", " ; ", ";\n;", "; -- done", " -- a;b", "/* ; */"]))
def test_a_statement_in_one_line_and_without_its_end_says_the_same(
    connection: psycopg.Connection[Any], text: str, end: str
) -> None:
    read = depends(connection, text)
    alone = one_statement(f"\n{text}{end}\n")

    assert depends(connection, f"SELECT * FROM ({alone}\n) AS one") == read
    assert depends(connection, in_one_line(alone)) == read
    with connection.transaction(force_rollback=True):
        told = [sorted(map(str, connection.execute(one.encode()).fetchall())) for one in (text, in_one_line(alone))]
    assert told[0] == told[1]
    assert "--" in text + end or "'\n '" in text or "\n" not in in_one_line(alone)


@settings(max_examples=100)
@given(data=st.data())
def test_a_column_of_the_only_table_is_called_by_its_name(
    connection: psycopg.Connection[Any], data: st.DataObject
) -> None:
    clause, sources = data.draw(clauses())
    found = only_table(clause)

    assert (found is not None) == (sources == 1)
    if found is not None:
        depends(connection, f"SELECT {found[1]}.id FROM {clause} LEFT JOIN (SELECT 1 AS tgi_a) AS tgi_b ON TRUE")
        assert only_table(f"{clause} LEFT JOIN (SELECT 1 AS tgi_a) AS tgi_b ON TRUE") == found
        assert only_table(f"{clause} LEFT JOIN (SELECT 1 AS tgi_a) AS b ON TRUE") is None


@st.composite
def clauses(draw: st.DrawFn) -> tuple[str, int]:
    text, sources = Writer(draw, exact=True).joined(0)
    return text, len(sources)


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT 'person'::regclass", {"person"}),
        ("SELECT to_regclass('app.person')", {"app.person"}),
        ("SELECT $$app.team$$::pg_catalog.regclass", {"app.team"}),
        ("SELECT E'app.\\x74eam'::RegClass", {"app.team"}),
        ("SELECT CAST('\"Per son\"' AS regclass)", {"Per son"}),
        ("SELECT regclass 'PERSON'", {"person"}),
        ("SELECT 'person'::text, 'app.team'", set()),
        ("SELECT 'person' -- ::regclass", set()),
    ],
)
def test_a_literal_that_is_made_a_table_names_it(text: str, tables: set[str]) -> None:
    assert KnownTables(TABLES).named_in(text) == tables
