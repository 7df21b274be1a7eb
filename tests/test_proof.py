"""Rules are shown their own damage; what is said of those that miss it, and of those that fire on that of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from engine import bound, looking_at

from pytest_tgintegrity.kinds import Between, Metric, NotNull, OneOf, Query, Rows, Source, Unique
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.proof import Proof, Prover
from pytest_tgintegrity.schema import Facts
from pytest_tgintegrity.scratch import PostgresServer, start_postgres

SCRIPT = """
CREATE TABLE owner (id int PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE thing (
    id int PRIMARY KEY, size int NOT NULL CHECK (size BETWEEN 1 AND 10), colour text, note jsonb,
    owner_id int REFERENCES owner
);
INSERT INTO owner SELECT i, 'o' || i FROM generate_series(1, 5) AS i;
INSERT INTO thing SELECT i, i, 'red', '[]', 1 + i % 5 FROM generate_series(1, 10) AS i;
CREATE TABLE nothing (id int PRIMARY KEY, size int);
"""

Prove = Callable[..., list[Proof]]


@pytest.fixture(scope="module")
def clean() -> Iterator[tuple[PostgresServer, Facts]]:
    with start_postgres() as started:
        with psycopg.connect(started.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE clean")
        server = replace(started, database="clean")
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(SCRIPT)
        with looking_at(server.url()) as engine:
            facts = engine.facts
        yield server, facts


@pytest.fixture
def prove(clean: tuple[PostgresServer, Facts]) -> Iterator[Prove]:
    provers = []

    def prove(*rules: BoundRule) -> list[Proof]:
        prover = Prover(clean[0], rules, clean[1])
        provers.append(prover)
        return [prover.prove(one) for one in rules]

    yield prove
    for prover in provers:
        prover.close()


def rule(kind: Any, name: str = "test_it", **more: Any) -> BoundRule:
    return bound(kind, f"rules/test_rules.py::{name}", **more)


def test_range_is_broken_on_both_sides_and_what_is_legal_passes(prove: Prove) -> None:
    [proof] = prove(rule(Between("thing", "size", 1, 10), fix="clamp"))

    assert proof.proven, proof.reason
    assert proof.damages >= 6
    assert proof.legal >= 3
    assert proof.measurement.violations == 1
    assert proof.measurement.samples[0].key == "1"


def test_break_that_the_rule_does_not_see_is_missed(prove: Prove) -> None:
    [proof] = prove(rule(Rows("thing", "size > 10"), breaks={"size": "5"}))

    assert proof.reason == "missed its break: its breaks=, in whatever row"


def test_break_is_done_where_it_violates(prove: Prove) -> None:
    [proof] = prove(rule(Rows("thing", "size > 10 AND owner_id = 4"), breaks={"size": "11"}))

    assert proof.proven, proof.reason
    assert proof.measurement.samples[0].key == "3"


def test_rule_without_a_break_is_unproven(prove: Prove) -> None:
    [proof] = prove(rule(Rows("thing", "size > 10")))

    assert proof.reason == "no proof: say how to break it with breaks="


def test_rule_over_an_empty_table_is_unproven(prove: Prove) -> None:
    [proof] = prove(rule(Between("nothing", "size", 1, 10)))

    assert proof.reason == "no row to break: what it looks at is empty in the clean data"


def test_other_rule_that_fires_has_to_be_named(prove: Prove) -> None:
    one = rule(Between("thing", "size", 1, 10), "test_one")
    other = rule(Rows("thing", "size > 8 AND id < 8"), "test_other", breaks={"size": "9"})

    unsaid, _ = prove(one, other)
    said, _ = prove(one, replace(other, rule=replace(other.rule, overlaps=("test_one",))))

    assert unsaid.reason == "fires others on its break without overlaps=: test_other"
    assert said.proven, said.reason


def test_rule_that_fires_on_clean_data_is_unproven(prove: Prove) -> None:
    [proof] = prove(rule(Between("thing", "size", 1, 9)))

    assert proof.reason == "it fires on clean data: 10"


def test_fix_that_does_not_mend_is_told(prove: Prove) -> None:
    [proof] = prove(rule(Between("thing", "size", 1, 10), fix="size"))

    assert proof.reason == "its fix does not mend its break"


def test_statement_says_which_rows_it_damages(prove: Prove) -> None:
    query = Query("SELECT id FROM thing WHERE colour = 'grey'")
    deed = "UPDATE thing SET colour = 'grey' WHERE id IN (2, {}) RETURNING id"

    right, wrong = prove(
        rule(query, breaks=deed.format(3)),
        rule(query, breaks="UPDATE thing SET colour = 'grey' WHERE id < 3 RETURNING 2"),
    )

    assert right.proven, right.reason
    assert wrong.reason == "its break says that it damages 2, it reports 1; 2"


def test_declared_values_are_proven(prove: Prove) -> None:
    proofs = prove(
        rule(OneOf("thing", "colour", ["red", "blue"])),
        rule(NotNull("thing", "owner_id"), "test_owned"),
        rule(Unique("owner", ("name",)), "test_unique"),
        rule(Metric("things", "SELECT count(*) FROM thing"), "test_count"),
    )

    assert [one.reason for one in proofs] == [None] * 4


def test_row_of_a_join_is_broken_in_the_table_behind_its_alias(prove: Prove) -> None:
    owned = Source("owned", "thing t JOIN owner o ON o.id = t.owner_id", key="t.id")
    [proof] = prove(rule(Rows(owned, "o.name = 'nobody'"), breaks={"o.name": "'nobody'"}))

    assert proof.proven, proof.reason
    assert proof.measurement.violations == 2
