"""Who may only CREATE in a schema is not run by who looks and mends: functions, operators, types and catalogs of his."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pytest_tgintegrity
from engine import bound, looking_at
from fixes import (
    DAMAGE,
    RULES,
    SCRIPT,
    WILLPOWER,
    execute,
    fix,
    planned,
    run_on,
    undone,
    violated,
)
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.apply import batches
from pytest_tgintegrity.fixing.fix import past_runs
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import Between, JsonShape, NotBlank, NotNull, References, Rows, Schema, Unique
from pytest_tgintegrity.servers.postgres import PostgresServer

MakeDatabase = Callable[[str], str]

PACKAGE = Path(pytest_tgintegrity.__file__).parent
ASKED = [
    *(path for room in ("database", "planning", "fixing") for path in sorted((PACKAGE / room).rglob("*.py"))),
    PACKAGE / "deployment" / "probes" / "rehearsal.py",
]
"""The modules whose SQL is sent when somebody looks or mends."""

TYPES = ("int2", "int4", "int8", "oid", "numeric", "text", "varchar", "bpchar", "name", "bool", "jsonb", "date")
ARRAYS = tuple(f"{one}[]" for one in ("int2", "int4", "int8", "text", "name", "oid"))
OPERATORS = ("=", "<>", "<", ">", "<=", ">=", "||", "+", "-", "&", "~~", "!~~", "->>", "?")
BOOLEAN = frozenset({"=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "?"})
BODY = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught %', '{}'; END $$"
CATALOGS = "pg_class pg_namespace pg_constraint pg_index pg_attribute pg_type pg_locks pg_roles pg_trigger".split()


def _texts(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def called() -> set[str]:
    """What looks like a function of the server in our SQL."""
    words = {word for module in ASKED for text in _texts(module) for word in re.findall(r"([a-z_0-9]+)\(", text)}
    return words | {"num_nulls", "num_nonnulls", "btrim", "jsonb_path_match"}


@pytest.fixture(scope="module")
def signatures(server: PostgresServer) -> list[tuple[str, str, str]]:
    """Functions of the server that we call: kind, name and arguments; what takes any type with every type of ours."""
    found = execute(
        server.url("postgres"),
        "SELECT DISTINCT p.proname::text, p.prokind::text, p.pronargs::int, pg_get_function_identity_arguments(p.oid),"
        " p.proargtypes::oid[] && ARRAY[2276, 2283, 2277, 2776, 5077, 5078, 2249]::oid[]"
        " FROM pg_proc AS p WHERE p.pronamespace = 11 AND p.prokind IN ('f', 'a', 'w')"
        f" AND p.proname IN ({', '.join(repr(one) for one in sorted(called()))})",
    )
    told: set[tuple[str, str, str]] = set()
    for name, kind, count, arguments, polymorphic in found:
        told.update((kind, name, one) for one in _arguments(count, arguments, polymorphic=polymorphic))
    return sorted(told)


def _arguments(count: int, arguments: str, *, polymorphic: bool) -> Iterator[str]:
    if not polymorphic:
        plain = re.sub(r"\b(IN|OUT|VARIADIC) ", "", re.sub(r"(, )?OUT [^,]*", "", arguments)) if arguments else ""
        if "internal" not in plain and '"' not in plain and "ORDER BY" not in plain:
            yield plain.removeprefix(", ")
    for one in (*TYPES, *ARRAYS):
        yield one
        if count > 1 or "VARIADIC" in arguments:
            yield f"{one}, {one}"
            yield f"{one}, text"


def shadow(url: str, schema: str, role: str, signatures: list[tuple[str, str, str]]) -> int:
    """Make all of that in a schema, as a role that may only create there."""
    made = 0
    with psycopg.connect(url) as connection:
        connection.execute(f"SET SESSION AUTHORIZATION {role}".encode())
        connection.execute(b"SET check_function_bodies = off; SET search_path = pg_catalog, pg_temp")
        for statement in itertools.chain(_functions(schema, signatures), _operators(schema), _others(schema)):
            try:
                with connection.transaction():
                    connection.execute(statement.encode())
                    made += 1
            except psycopg.ProgrammingError:  # such a function cannot be: a return type would be ambiguous, say
                continue
    return made


def _functions(schema: str, signatures: list[tuple[str, str, str]]) -> Iterator[str]:
    for kind, name, arguments in signatures:
        returned = {"current_database": "name", "getdatabaseencoding": "name"}.get(name, "text")
        if kind == "a" and arguments:
            yield f"CREATE FUNCTION {schema}.caught_step(text, {arguments}) RETURNS text {BODY.format(name)}"
            yield f"CREATE AGGREGATE {schema}.{name}({arguments}) (SFUNC = {schema}.caught_step, STYPE = text, INITCOND = '')"
        else:
            yield f"CREATE FUNCTION {schema}.{name}({arguments}) RETURNS {returned} {BODY.format(name)}"


def _operators(schema: str) -> Iterator[str]:
    pairs = [(one, one) for one in (*TYPES, *ARRAYS)]
    pairs += [(one, "int4") for one in TYPES] + [("int4", one) for one in TYPES]
    pairs += [(one, "text") for one in TYPES] + [("text", one) for one in TYPES]
    for operator in OPERATORS:
        # What a rule of somebody's compares with varchar or bpchar is his: no type of ours.
        for left, right in dict.fromkeys(pairs):
            name = f"op_{OPERATORS.index(operator)}"
            returned = "bool" if operator in BOOLEAN else "text"
            yield f"CREATE FUNCTION {schema}.{name}({left}, {right}) RETURNS {returned} {BODY.format(name)}"
            yield f"CREATE OPERATOR {schema}.{operator} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = {schema}.{name})"


def _others(schema: str) -> Iterator[str]:
    yield f"CREATE FUNCTION {schema}.caught(jsonb) RETURNS bool {BODY.format('type')}"
    yield f"CREATE DOMAIN {schema}.jsonb AS pg_catalog.jsonb CHECK ({schema}.caught(VALUE))"
    for name in ("int8", "int2", "xid", "regclass", "oid", "xid8"):
        yield f"CREATE DOMAIN {schema}.{name} AS pg_catalog.text CHECK (false)"
    for name in CATALOGS:
        yield f"CREATE TABLE {schema}.{name} (mine int)"


MORE = """
CREATE TABLE thing (id int4 PRIMARY KEY, code text UNIQUE, small int2, big int8, amount numeric, name text, doc jsonb);
INSERT INTO thing SELECT i, 'c' || i, i, i, i, 'n', '[]' FROM generate_series(1, 5) AS i;
UPDATE thing SET small = NULL, name = ' ', big = 99, doc = '{}' WHERE id = 2;
CREATE DOMAIN shade AS int CHECK (VALUE > 0);
CREATE TABLE shaded (id int PRIMARY KEY, at int4range, dark shade[], EXCLUDE USING gist (at WITH &&), EXCLUDE USING btree (id WITH =));
"""
LOOKS: list[BoundRule] = [
    bound(NotNull("thing", "small"), "there"),
    bound(NotBlank("thing", "name"), "blank", fix="'named'"),
    bound(Between("thing", "big", 0, 9), "big", fix="clamp"),
    bound(JsonShape("thing", "doc", list), "shape"),
    bound(Unique("thing", ("code", "small")), "unique"),
    bound(References("diary", ("person_id",), "person"), "pointing"),
    bound(Schema(table="thing", constraint="thing_pkey"), "schema"),
    bound(Schema(), "in force"),
]
ALL = [*RULES, *LOOKS]
WRONG = {
    "willpower",
    "temporary",
    "age",
    "twice",
    "orphan",
    "size",
    "diary",
    "joined",
    "there",
    "blank",
    "big",
    "shape",
}


@pytest.fixture(params=["default", "public first", "own schema first"])
def hostile(
    request: pytest.FixtureRequest, make_database: MakeDatabase, signatures: list[tuple[str, str, str]]
) -> Iterator[tuple[str, Callable[[], None]]]:
    """A database, and what fills it with traps."""
    url = make_database(SCRIPT + DAMAGE + MORE)
    database, role = (execute(url, "SELECT current_database()")[0][0], "mallory")
    execute(url, f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role}", f"CREATE SCHEMA AUTHORIZATION {role}")
    execute(url, f"GRANT CREATE, USAGE ON SCHEMA public TO {role}")
    schema = role if request.param == "own schema first" else "public"
    paths = {"public first": "public, pg_catalog", "own schema first": f"{role}, pg_catalog, public"}

    def trap() -> None:
        assert shadow(url, schema, role, signatures) > 800
        if request.param in paths:
            execute(url, f"ALTER DATABASE {database} SET search_path = {paths[request.param]}")

    yield url, trap
    execute(url, f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


def test_nothing_of_another_role_runs_where_somebody_looks_and_mends(
    hostile: tuple[str, Callable[[], None]], tmp_path: Path
) -> None:
    url, trap = hostile
    with planned(url, tmp_path, ALL) as (fix_result, _):
        expected = fix_result.plan
    trap()

    with looking_at(url) as engine:
        found = engine.measure(ALL)
        assert {rule: one.error for rule, one in found.items() if one.error} == {}
        assert {name for name, one in found.items() if one.violations} == WRONG
        assert engine.facts.tables["thing"].key == ("id",)
    with planned(url, tmp_path, ALL) as (fix_result, _):
        assert (fix_result.failed, fix_result.plan) == (None, expected)


def test_nothing_of_another_role_runs_where_declared_constraints_are_looked_at(
    hostile: tuple[str, Callable[[], None]],
) -> None:
    url, trap = hostile
    trap()

    with looking_at(url) as engine:
        assert {one.error for one in engine.declared().values()} == {None}


def test_what_was_mended_under_a_hostile_schema_is_taken_back(
    hostile: tuple[str, Callable[[], None]], tmp_path: Path
) -> None:
    url, trap = hostile
    before = _contents(url)
    trap()

    made = fix(url, tmp_path, ALL).applied
    assert made is not None
    assert made.skipped == []
    assert made.stopped is None
    assert violated(url, ALL) == {"there", "shape"}
    with run_on(url, [WILLPOWER]) as run:
        assert len(past_runs(run)) == 1
    assert undone(url).applied.skipped == []
    assert _contents(url) == before


def _contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog, pg_temp")
        return {
            name: connection.execute(f"SELECT t::text FROM public.{name} AS t ORDER BY id".encode()).fetchall()
            for name in ("person", "team", "member", "diary")
        }


CASTS = """
CREATE TYPE {schema}.mood AS ENUM ('a', 'b');
CREATE FUNCTION {schema}.told(mood) RETURNS text {told};
CREATE CAST ({schema}.mood AS text) WITH FUNCTION {schema}.told({schema}.mood);
CREATE FUNCTION {schema}.heard(text) RETURNS {schema}.mood {heard};
CREATE CAST (text AS {schema}.mood) WITH FUNCTION {schema}.heard(text);
"""


def test_casts_that_somebody_made_are_not_used(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(CASTS.format(schema="public", told=BODY.format("told"), heard=BODY.format("heard")))
    execute(
        url,
        "CREATE DOMAIN temper AS mood; CREATE TABLE t (id int, mood mood, temper temper, moods mood[], size int, PRIMARY KEY (id, mood))",
        "INSERT INTO t VALUES (1, 'a', 'b', '{a,b}', 99), (2, 'b', NULL, NULL, 1), (3, 'b', 'a', '{}', -7)",
    )
    before = _rows(url, "t")
    rules = [
        bound(Rows("t", "size < 0"), "gone", fix="delete", fix_allows=("delete",)),
        bound(Between("t", "size", None, 5), "size", fix="clamp"),
    ]

    made = fix(url, tmp_path, rules).applied

    assert made is not None
    assert (made.rows, made.skipped) == (2, [])
    assert [row[-1] for row in execute(url, "SELECT id, size FROM t ORDER BY id")] == [5, 1]
    assert undone(url).applied.skipped == []
    assert _rows(url, "t") == before


def _rows(url: str, table: str) -> list[tuple[object, ...]]:
    return execute(url, f"SELECT id, format('%s', t) FROM {table} AS t ORDER BY id")


LATE = (
    "SET lock_timeout = '200ms'",
    f"CREATE FUNCTION late() RETURNS trigger {BODY.format('late')}",
    "CREATE TRIGGER late BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION late()",
)


@pytest.mark.parametrize("step", ["locked_rows", "mark"])
def test_a_trigger_comes_too_late_for_a_batch_that_is_being_made(
    make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    url = make_database(SCRIPT + DAMAGE)
    tried: list[str] = []
    original = getattr(batches, step)

    def late(*arguments: object) -> object:
        try:
            execute(url, *LATE)
        except psycopg.errors.LockNotAvailable as error:
            tried.append(str(error))
        return original(*arguments)

    with planned(url, tmp_path, [WILLPOWER]) as (fix_result, make):
        monkeypatch.setattr(batches, step, late)
        make()

    assert fix_result.applied is not None
    assert (fix_result.applied.rows, fix_result.applied.skipped, len(tried)) == (1, [], 1)


def test_who_keeps_others_from_mending_is_named(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(SCRIPT + DAMAGE)
    with psycopg.connect(url) as other, psycopg.connect(url) as stranger:
        stranger.execute("SELECT pg_advisory_xact_lock(1, 2)")
        other.execute("SELECT pg_advisory_xact_lock(hashtext('pytest-tgintegrity'), hashtext('fix'))")
        with pytest.raises(
            UsageError, match=rf"on this database \(process {other.info.backend_pid} of postgres\): wait"
        ):
            fix(url, tmp_path)


def test_a_journal_that_default_privileges_open_is_closed(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(SCRIPT + DAMAGE + "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;")

    made = fix(url, tmp_path).applied

    assert made is not None
    assert made.skipped == []


def test_the_server_s_own_comes_first_only_where_it_did_not(make_database: MakeDatabase) -> None:
    url = make_database(
        'CREATE SCHEMA a; CREATE SCHEMA "B, c"; CREATE TABLE a.t (id int); CREATE TABLE "B, c".u (id int)'
    )
    name = execute(url, "SELECT current_database()")[0][0]
    for path, expected in {
        '"$user", public': '"$user", public',
        "a, public": "a, public",
        "pg_catalog, a": "pg_catalog, a",
        '"B, c", pg_catalog, a': '"B, c", a',
        "public, PG_CATALOG, gone": "public",
        "": "",
    }.items():
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET search_path = {path or chr(39) * 2}".encode())
        with looking_at(url) as engine:
            found = engine.reader.connection.execute(
                "SELECT current_setting('search_path'), current_schemas(true)::text[]"
            ).fetchone()
            assert found is not None
            assert found[0].replace('""', "") == expected
            assert found[1][0] == "pg_catalog"
            assert ("t" in engine.facts.tables, "u" in engine.facts.tables) == (
                "a" in expected.split(", "),
                "B" in expected,
            )
