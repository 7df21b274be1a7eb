"""Tokens of SQL text, against what servers make of the same text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_tgintegrity.planning.sql.layout import closed_up, in_one_line, one_statement
from pytest_tgintegrity.planning.sql.names import Cell, Relation, reading
from pytest_tgintegrity.planning.sql.times import at_instant, moves
from pytest_tgintegrity.planning.sql.tokens import tokens_of, unusual_words, words

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, willpower int, name text);
CREATE TABLE "we""ird t.b" (id int PRIMARY KEY, "Co l" int, now int);
CREATE SCHEMA app;
CREATE TABLE app.person (id int PRIMARY KEY, willpower int, other int);
CREATE TABLE app.team (id int PRIMARY KEY, app int, size int);
"""
NOW = "SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.now()), 'YYYY-MM-DD HH24:MI:SS.US') || '+00'"


@pytest.fixture(scope="module")
def connection(make_database: Callable[[str], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(make_database(TABLES)) as connected:
        connected.execute("SET TimeZone = 'Asia/Tokyo'")
        yield connected


def asked(connection: psycopg.Connection[Any], text: str) -> tuple[Any, ...]:
    with connection.transaction(force_rollback=True):
        return connection.execute(text.encode()).fetchone() or ()


# --- names

NAMES = st.text(st.sampled_from("aBc_Ä1$ \".%{}\n'-/*é"), min_size=1, max_size=20).filter(str.strip) | st.sampled_from(
    ["x" * 70, "ä" * 40, "Select", "from"]
)
TEXTS = st.text(st.sampled_from("aB'\"\\$-/*\n %{}é"), max_size=12)


def quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literals(text: str) -> st.SearchStrategy[str]:
    doubled, escaped = text.replace("'", "''"), text.replace("\\", "\\\\")
    backslashed, in_escapes = escaped.replace("'", "\\'"), escaped.replace("'", "''")
    found = [f"'{doubled}'", f"E'{backslashed}'", f"e'{in_escapes}'"]
    if "$" not in text:
        found += [f"{tag}{text}{tag}" for tag in ("$$", "$a$", "$é_1$")]
    return st.sampled_from(found)


@settings(max_examples=300)
@given(text=TEXTS, data=st.data())
def test_a_literal_is_one_token_and_names_nothing(
    connection: psycopg.Connection[Any], text: str, data: st.DataObject
) -> None:
    literal = data.draw(literals(text))
    told = tokens_of(f"SELECT {literal} AS found")

    assert asked(connection, f"SELECT {literal} AS found") == (text,)
    assert [one.sort for one in told] == ["name", "text", "name", "name"]


@settings(max_examples=300)
@given(name=NAMES, comment=TEXTS)
def test_a_name_means_what_the_server_makes_of_it(connection: psycopg.Connection[Any], name: str, comment: str) -> None:
    nested = "/*" + comment.replace("*", "").replace("/", "") + "/* x */*/"
    (before, _, (found, *_)) = _column(connection, f"SELECT 1 AS{nested}{quoted(name)}")

    assert found == [one.name for one in tokens_of(before)][-1]


def _column(connection: psycopg.Connection[Any], text: str) -> tuple[str, None, list[str]]:
    with connection.transaction(force_rollback=True):
        described = connection.execute(text.encode()).description or []
    return text, None, [one.name for one in described]


@settings(max_examples=300)
@given(name=st.from_regex(r"[A-Za-z_Äßé€][A-Za-z0-9_$Äé€]{0,70}", fullmatch=True))
def test_a_name_without_quotes_is_folded_and_cut_off(connection: psycopg.Connection[Any], name: str) -> None:
    try:
        ((found,),) = [asked(connection, f"SELECT parse_ident('{name}')")]
    except psycopg.Error:
        return
    assert words(f"SELECT 1 AS {name}").names == {"select", "as", found[0].encode()[:63].decode(errors="ignore")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('SELECT foo$bar$baz, 1 AS "a""b"', {"select", "foo$bar$baz", "as", 'a"b'}),
        ("x -- y\nz", {"x", "z"}),
        ("x /* a /* b */ c */ z", {"x", "z"}),
        ("date'2020-01-01' + interval $i$1 day$i$", {"date", "interval"}),
        ("N'x' || B'1' || X'f' || U&'\\0041'", set()),
        ("1.5e3 + 0x1F + 1_000 - .5", set()),
        ("'a'\n'b' x", {"x"}),
        ("E'a\\''\n'b\\'now()' x", {"x"}),
        ("'never closed", set()),
        ("/* never closed", set()),
        ("$1 + $2", set()),
    ],
)  # fmt: skip
def test_names_stand_outside_texts_and_comments(text: str, found: set[str]) -> None:
    assert words(text).names == found


def test_calls_and_operators() -> None:
    text = 'SELECT f(1), app.g (2), "H"(3), x IN (1), count(*) FILTER (WHERE a AND (b)), a*-1 @> b --> c'

    assert words(text).calls == {("", "f"), ("app", "g"), ("", "H"), ("", "count")}
    assert words(text).operators == {"*", "-", "@>"}


PIECES = ["a", "A", "B", "select", "in", '"a"', '"a""b"', '"', "'", "'x'", "''", ".", " ", "(", ")", ",", "*", "-", "--", "\n", "+", "@", "::",
          "1", "1.5", "1e5", "ä", "/", "=", "[", "]", ";", ":", "\t", "N'x'", "e'", "\\'", "date'x'", "\\", "€"]  # fmt: skip


@settings(max_examples=2000)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_text_that_is_usual_is_read_in_the_same_way_as_any(text: str) -> None:
    assert words.__wrapped__(text) == unusual_words(text)


# --- line breaks


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("(a = 1\n)", "(a = 1)"),
        ("(a = '\n)'\n)", "(a = '\n)')"),
        ("(a -- b\n)", "(a -- b\n)"),
        ("(a -- b\n) AND (c\n)", "(a -- b\n) AND (c)"),
        ("(a = '--'\n)", "(a = '--')"),
        ('("\n)"\n)', '("\n)")'),
    ],
)
def test_a_parenthesis_is_closed_up_outside_of_texts_and_comments(text: str, closed: str) -> None:
    assert closed_up(text) == closed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("SELECT 1\n  FROM t", "SELECT 1 FROM t"),
        ("SELECT 'a\nb'\nFROM \"c\n\"", "SELECT 'a\nb' FROM \"c\n\""),
        ("SELECT 'a'\n'b'\nFROM t", "SELECT 'a'\n'b' FROM t"),
        ("SELECT $$\n$$,\nE'\\'\n'\nFROM t", "SELECT $$\n$$, E'\\'\n' FROM t"),
        ("SELECT '--'\nFROM t -- u\nWHERE a\nAND b", "SELECT '--' FROM t -- u\nWHERE a AND b"),
    ],
)
def test_a_statement_in_one_line_keeps_the_breaks_that_mean_something(text: str, line: str) -> None:
    assert in_one_line(text) == line


@pytest.mark.parametrize(
    ("text", "alone"),
    [(" SELECT 1 ;\n; ", "SELECT 1 \n"), ("SELECT ';'", "SELECT ';'"), ("SELECT 1; -- so", "SELECT 1 -- so")],
)
def test_a_statement_ends_before_its_semicolons(text: str, alone: str) -> None:
    assert one_statement(text) == alone


# --- times

INSTANTS = [
    "now()", "NOW ( )", "pg_catalog.now()", '"now"()', "transaction_timestamp()", "statement_timestamp()", "CURRENT_DATE",
    "current_time", "CURRENT_TIME(0)", "current_timestamp", "CURRENT_TIMESTAMP (3)", "LOCALTIME", "localtime(2)",
    "LOCALTIMESTAMP", "localtimestamp(1)", "now() - interval '1 day'", "coalesce(NULL, now/* now() */())::date",
    "extract(epoch FROM now())", "(SELECT max(x) FROM (VALUES (now()), (now())) AS v(x))", "age(now(), 'epoch')",
]  # fmt: skip


@pytest.mark.parametrize("text", INSTANTS)
def test_a_time_of_the_transaction_is_that_of_the_instant(connection: psycopg.Connection[Any], text: str) -> None:
    question = "SELECT pg_typeof({0})::text, ({0})::text"
    with connection.transaction(force_rollback=True):
        ((instant,),) = connection.execute(NOW.encode()).fetchall()
        fixed = at_instant(text, f"'{instant}'")
        now, then = (connection.execute(question.format(one).encode()).fetchone() for one in (text, fixed))

    assert moves(text)
    assert not moves(fixed)
    if "statement" not in text:
        assert now == then
    with connection.transaction(force_rollback=True):
        assert connection.execute(question.format(fixed).encode()).fetchone() == then


@pytest.mark.parametrize(
    "text",
    ["'now()'", "-- now()", "/* now() */", '"CURRENT_DATE"', '"current_date"', "t.now", "app.now()", "now", "now(1)",
     "$$ now() $$", "clock_timestamp()", "x.current_date", "E'\\'now()'", "t.localtime"],
)  # fmt: skip
def test_other_things_are_left_as_they_are(text: str) -> None:
    assert at_instant(text, "'x'") == text
    assert not moves(text)


# --- what is read

PERSON = Relation("public", "person")
APP_PERSON = Relation("app", "person", visible=False)
TEAM = Relation("app", "team", visible=False)
WEIRD = Relation("public", 'we"ird t.b')
QUERIES = [
    "SELECT willpower FROM PERSON", 'SELECT "willpower" FROM "person"', "SELECT p.willpower FROM public.person p",
    "SELECT x.w FROM person AS x(i, w)", "SELECT p FROM person p", "SELECT to_jsonb(p) FROM ONLY person AS p",
    "SELECT person FROM person", "SELECT * FROM person", "SELECT count(*) FROM person", "TABLE person",
    "SELECT id FROM person NATURAL JOIN app.team", "SELECT j::text FROM (person CROSS JOIN app.team) AS j(a, b, c, d, e, f)",
    "SELECT to_jsonb(j) FROM (person CROSS JOIN app.team AS t(a, b, c)) AS j", "SELECT person.* FROM person, app.team",
    "SELECT 1 FROM app.team, person WHERE person IS NOT NULL", "SELECT id FROM person WHERE name = 'willpower'",
    "SELECT other FROM app.person", "SELECT app.person.willpower FROM app.person", "SELECT person.willpower FROM app.person",
    "SELECT app.app FROM app.team AS app", 'SELECT "Co l" FROM "we""ird t.b"', 'SELECT w::text FROM "we""ird t.b" w',
    "SELECT id FROM/**/person/*, app.team*/-- app.person", "SELECT sum(size * 2) FROM app.team",
    "WITH person AS (SELECT 1 AS willpower) SELECT willpower FROM person",
    "WITH q AS (SELECT * FROM public.person) SELECT q.willpower FROM q", "SELECT id FROM person ORDER BY 1 FETCH FIRST ROW ONLY",
    "SELECT id FROM person JOIN app.team USING (id)", "SELECT (SELECT max(willpower) FROM person) FROM app.team",
    "SELECT id FROM app.team WHERE EXISTS (SELECT FROM person WHERE willpower = size)",
]  # fmt: skip
DEPENDS = """
SELECT n.nspname::text, c.relname::text, a.attname::text FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid
JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  AND w.ev_class = 'seen'::regclass AND d.refobjid <> 'seen'::regclass
"""


@pytest.mark.parametrize("text", QUERIES)
def test_what_the_server_reads_is_known_to_be_read(connection: psycopg.Connection[Any], text: str) -> None:
    with connection.transaction(force_rollback=True):
        columns = connection.execute(text.encode()).description or []
        heads = ", ".join(f"c{n}" for n in range(len(columns)))
        connection.execute(f"CREATE TEMP VIEW seen ({heads}) AS {text}".encode())
        read = connection.execute(DEPENDS.encode()).fetchall()
    found = reading(text)

    for schema, name, column in read:
        relation = next(one for one in (PERSON, APP_PERSON, TEAM, WEIRD) if one.path == (schema, name))
        assert found.mentions(relation)
        assert column is None or found.reads(Cell(relation, column))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("SELECT id FROM person WHERE name = 'willpower'", Cell(PERSON, "willpower")),
        ("SELECT count(*) AS n FROM person AS p WHERE p.id * 2 > 1 ORDER BY n", Cell(PERSON, "willpower")),
        ("SELECT willpower FROM app.person", Cell(PERSON, "willpower")),
        ("SELECT willpower FROM person", Cell(APP_PERSON, "willpower")),
        ("SELECT p.person, willpower FROM app.team AS p", Cell(PERSON, "willpower")),
        ("SELECT willpower FROM team -- person", Cell(PERSON, "willpower")),
        ("SELECT 'person', $$person$$, willpower FROM team", Cell(PERSON, "*")),
        ('SELECT willpower FROM "Person"', Cell(PERSON, "willpower")),
        ("SELECT a FROM (SELECT a, b FROM person) AS q WHERE q.a > 1", Cell(PERSON, "willpower")),
    ],
)
def test_what_is_not_read_is_not_said_to_be(text: str, cell: Cell) -> None:
    assert not reading(text).reads(cell)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT p FROM person p", "SELECT to_jsonb(p) FROM ONLY person AS p", "SELECT person FROM person",
        "SELECT p::text FROM public.person p", "SELECT person::text FROM public.person", "SELECT id FROM person AS x(i, w) WHERE w = 1",
        "SELECT id FROM person NATURAL JOIN app.team", "SELECT to_jsonb(j) FROM (person CROSS JOIN app.team AS t(a, b, c)) AS j",
        "SELECT 1 FROM app.team, person WHERE person IS NOT NULL", "SELECT count(*) FROM (SELECT * FROM person) AS q",
        "SELECT (p).* FROM person AS p", "SELECT 1 FROM person p WHERE p IS NOT NULL", "SELECT DISTINCT ON (id) * FROM person",
        "TABLE person", "SELECT count(p) FROM person AS p", "SELECT 1 FROM (TABLE person) AS p",
    ],
)  # fmt: skip
def test_a_row_that_is_taken_whole_counts_for_all_its_columns(text: str) -> None:
    assert reading(text).reads(Cell(PERSON, "willpower"))


def test_a_name_with_escapes_may_be_any() -> None:
    assert reading('SELECT 1 FROM U&"\\0070erson"').reads(Cell(PERSON, "willpower"))
    assert not reading("SELECT U&'\\0070erson'").reads(Cell(PERSON, "willpower"))
