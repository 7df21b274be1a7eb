"""A constraint that a rule names is in force only if all that it stands on is."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from engine import bound, looking_at

from pytest_tgintegrity.kinds import Schema
from pytest_tgintegrity.scratch import PostgresServer

SCRIPT = """
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, p int CONSTRAINT child_p_fkey REFERENCES parent, n int CONSTRAINT child_n CHECK (n > 0));
"""
FOREIGN_KEY = Schema("child", constraint="child_p_fkey")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("SELECT 1", None),
        ("ALTER TABLE child DISABLE TRIGGER ALL", "its triggers are disabled"),
        ("ALTER TABLE parent DISABLE TRIGGER ALL", "its triggers are disabled"),
        (
            "ALTER TABLE child DROP CONSTRAINT child_p_fkey, ADD CONSTRAINT child_p_fkey FOREIGN KEY (p) REFERENCES parent NOT VALID",
            "NOT VALID",
        ),
        ("ALTER TABLE child DROP CONSTRAINT child_p_fkey", "missing"),
        ("ALTER TABLE child ALTER CONSTRAINT child_p_fkey NOT ENFORCED", "NOT ENFORCED"),
    ],
)
def test_a_foreign_key_is_in_force_with_its_triggers(
    make_database: Callable[[str], str], server: PostgresServer, damage: str, problem: str | None
) -> None:
    if problem == "NOT ENFORCED" and server.binaries.major < 18:
        pytest.skip("constraints that are not enforced came with PostgreSQL 18")
    url = make_database(SCRIPT)
    with psycopg.connect(url) as connection:
        connection.execute(damage.encode())
    with looking_at(url) as engine:
        found, other = engine.ask(FOREIGN_KEY), engine.ask(Schema("child", constraint="child_n"))

    assert (found.error, [one.values["problem"] for one in found.samples]) == (
        None,
        [] if problem is None else [problem],
    )
    assert (other.error, other.violations) == (None, 0)


@pytest.mark.parametrize("kind", [Schema("child", constraint="child_n"), Schema("child"), Schema()])
def test_what_is_not_enforced_is_a_violation(
    make_database: Callable[[str], str], server: PostgresServer, kind: Schema
) -> None:
    """Named, among those of its table, and among all."""
    if server.binaries.major < 18:
        pytest.skip("constraints that are not enforced came with PostgreSQL 18")
    url = make_database(
        f"{SCRIPT} ALTER TABLE child DROP CONSTRAINT child_n, ADD CONSTRAINT child_n CHECK (n > 0) NOT ENFORCED"
    )
    with looking_at(url) as engine:
        found = engine.ask(kind)

    assert [one.values["problem"] for one in found.samples] == ["NOT ENFORCED"]


DOMAINS = """
CREATE DOMAIN amount AS int CONSTRAINT valid CHECK (VALUE < 9); CREATE DOMAIN "odd one" AS amount; CREATE TYPE pair AS (a amount[]); CREATE DOMAIN unused AS int;
CREATE TABLE plain (v amount); CREATE TABLE deep (v "odd one"[], w pair); CREATE TABLE other (v int); CREATE VIEW seen AS SELECT * FROM plain;
ALTER DOMAIN amount ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;
ALTER DOMAIN unused ADD CHECK (VALUE > 0) NOT VALID;
"""


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        (Schema("plain"), ["plain"]),
        (Schema("deep"), ["deep"]),
        (Schema("other"), []),
        (Schema(), ["deep", "plain"]),
    ],
)
def test_what_domains_of_a_table_do_not_hold_is_a_violation(
    make_database: Callable[[str], str], kind: Schema, tables: list[str]
) -> None:
    """However deep their values lie in its columns; once for each table."""
    url = make_database(DOMAINS)
    with looking_at(url) as engine:
        found = engine.ask(kind)

    assert (found.error, [(one.key, one.values["problem"]) for one in found.samples]) == (
        None,
        [(f"{table}: constraint positive of the domain amount", "NOT VALID") for table in tables],
    )
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE deep; ALTER DOMAIN amount VALIDATE CONSTRAINT positive")
    with looking_at(url) as engine:
        assert engine.ask(Schema()).violations == 0


def test_words_of_the_catalogs_are_no_tables_that_a_rule_reads(make_database: Callable[[str], str]) -> None:
    url = make_database(
        'CREATE TABLE name (t int); CREATE TABLE "odd \'one" (t int); CREATE SCHEMA far; CREATE TABLE far.domain (t int)'
    )
    with looking_at(url) as engine:
        found = [engine.plan([bound(one)]).tables["it"] for one in (Schema(), Schema("odd 'one"), Schema("far.domain"))]

    assert found == [(), ("odd 'one",), ("far.domain",)]
