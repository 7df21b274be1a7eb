"""Exclusion constraints and constraints of domains are shown their own damage, however deep it lies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from engine import bound, looking_at

from pytest_tgintegrity.kinds import ConstraintKind, Declared, Schema
from pytest_tgintegrity.proof import Proof, Prover
from pytest_tgintegrity.scratch import PostgresServer
from pytest_tgintegrity.workbench import EMPTY

DOMAINS = """
CREATE DOMAIN amount AS int CONSTRAINT positive CHECK (VALUE > 0);
CREATE DOMAIN small AS amount NOT NULL CONSTRAINT few CHECK (VALUE < 100);
CREATE DOMAIN mail AS text CONSTRAINT at CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE DOMAIN colour AS varchar(9) CONSTRAINT known CHECK (VALUE IN ('red', 'it''s blue'));
CREATE DOMAIN taboo AS text CONSTRAINT taboo CHECK (VALUE <> 'the word');
CREATE DOMAIN ratio AS numeric(5, 2) CONSTRAINT share CHECK (VALUE BETWEEN 0.5 AND 1);
CREATE DOMAIN future AS date CONSTRAINT future CHECK (VALUE > '2020-01-01');
CREATE DOMAIN doc AS jsonb CONSTRAINT shape CHECK (jsonb_typeof(VALUE) = 'object');
CREATE TYPE pair AS (note text, "Odd field" small, other small);
CREATE TYPE pairs AS (several pair[], one pair);
CREATE DOMAIN all_of AS pair[];
CREATE TYPE span AS RANGE (subtype = amount, multirange_type_name = spans);
"""
WAYS = {
    "amount": "7", "small": "7", "amount[]": "'{1,2}'", "small[]": "'{1}'", "pair": "'(a,1,2)'", "pair[]": "'{\"(a,1,2)\"}'",
    "pairs": "ROW('{\"(b,3,4)\"}', '(a,1,2)')::pairs", "all_of": "'{\"(a,1,2)\"}'", "all_of[]": "ARRAY['{\"(a,1,2)\"}']::all_of[]", "span": "'[1,4]'",
    "spans": "'{[1,2],[3,4]}'", "span[]": "'{\"[1,4]\"}'", "mail": "'a@b'", "mail[]": "'{a@b}'", "colour": "'red'", "taboo": "'a'",
    "ratio": "0.75", "future": "'2030-01-01'", "doc": "'{}'",
}  # fmt: skip


def proven(server: PostgresServer, url: str, *kinds: ConstraintKind) -> dict[str, Proof]:
    copied = replace(server, database=url.rpartition("/")[2].partition("?")[0])
    with looking_at(url) as engine:
        facts = engine.facts
        rules = [bound(Declared(one.kind), one.label, {"constraint": one}) for one in engine.constraints(*kinds)]
    with closing(Prover(copied, rules, facts)) as prover:
        return {one.id: prover.prove(one) for one in rules}


@pytest.mark.parametrize("name", WAYS)
def test_a_domain_is_proven_however_deep_its_values_lie(
    make_database: Callable[[str], str], server: PostgresServer, name: str
) -> None:
    url = make_database(
        f"{DOMAINS} CREATE TABLE t (v {name}); INSERT INTO t SELECT {WAYS[name]} FROM generate_series(1, 3);"
        f"CREATE MATERIALIZED VIEW seen AS SELECT * FROM t; CREATE TABLE empty (v {name});"
    )
    with looking_at(url) as engine:
        used = {
            one.label: sum(use.table == "t" for use in one.uses) for one in engine.constraints("domain") if one.uses
        }

    found = proven(server, url, "domain")

    assert used
    assert {label: one.reason for label, one in found.items() if label in used} == dict.fromkeys(used)
    assert {label: found[label].damages for label in used} == used
    assert {one.reason for label, one in found.items() if label not in used} == {EMPTY}


EXCLUSIONS = {
    "ranges": "r int4range, EXCLUDE USING gist (r WITH &&)",
    "multiranges": "m int4multirange, r int4range, EXCLUDE USING gist (r WITH =, m WITH &&)",
    "a part": "r int4range, live bool, EXCLUDE USING gist (r WITH &&) WHERE (live)",
    "an expression": "a int, EXCLUDE USING gist (int4range(a, a + 1) WITH &&)",
    "equal": "a int, EXCLUDE USING btree (a WITH =)",
    "boxes": "s box, EXCLUDE USING gist (s WITH &&)",
    "deferred": "r int4range, EXCLUDE USING gist (r WITH &&) DEFERRABLE INITIALLY DEFERRED",
    "odd names": 'r int4range, "Odd ""r" int4range, EXCLUDE USING gist (r WITH =, "Odd ""r" WITH &&)',
    "no key": "r int4range, EXCLUDE USING gist (r WITH &&)",
    "the only row": "r int4range, EXCLUDE USING gist (r WITH &&)",
    "differ": "r int4range, d int4range, EXCLUDE USING gist (r WITH =, d other WITH <>)",
}
VALUES = {
    "int4range": "int4range(n, n + 1)", "int4multirange": "int4multirange(int4range(n, n + 1))", "bool": "n % 2 = 0",
    "int": "n", "box": "box(point(n, n), point(n + 0.5, n + 0.5))",
}  # fmt: skip
OTHER = """
CREATE OPERATOR CLASS other FOR TYPE anyrange USING gist AS OPERATOR 18 =(anyrange, anyrange), OPERATOR 40 <>(anyrange, anyrange),
    FUNCTION 1 range_gist_consistent(internal, anyrange, smallint, oid, internal), FUNCTION 2 range_gist_union(internal, internal),
    FUNCTION 5 range_gist_penalty(internal, internal, internal), FUNCTION 6 range_gist_picksplit(internal, internal),
    FUNCTION 7 range_gist_same(anyrange, anyrange, internal);
"""


@pytest.mark.parametrize("sort", EXCLUSIONS)
def test_an_exclusion_is_proven(make_database: Callable[[str], str], server: PostgresServer, sort: str) -> None:
    columns = EXCLUSIONS[sort]
    types = [one.split()[-1] for one in columns.partition(", EXCLUDE")[0].split(", ")]
    key = "" if sort == "no key" else " PRIMARY KEY"
    url = make_database(
        f'{OTHER} CREATE SCHEMA "far away"; CREATE TABLE "far away"."T 1" (id int{key}, {columns});'
        f"UPDATE pg_index SET indisready = {sort != 'differ'} WHERE indisexclusion;"
        f'INSERT INTO "far away"."T 1" SELECT n, {", ".join(VALUES[one] for one in types)}'
        f" FROM generate_series(1, {1 if sort == 'the only row' else 6}) AS n;"
    )

    (found,) = proven(server, url, "exclusion").values()

    assert found.reason is None
    assert found.measurement.violations == 2


def test_a_unique_key_beside_an_exclusion_is_proven(
    make_database: Callable[[str], str], server: PostgresServer
) -> None:
    """The copy enforces neither."""
    url = make_database(
        "CREATE TABLE t (id int PRIMARY KEY, r int4range UNIQUE, EXCLUDE USING gist (r WITH &&));"
        "INSERT INTO t SELECT i, int4range(i, i + 1) FROM generate_series(1, 5) AS i;"
    )

    assert {label: one.reason for label, one in proven(server, url, "unique", "exclusion").items()} == {
        "t-t_pkey": None, "t-t_r_excl": None, "t-t_r_key": None,
    }  # fmt: skip


def test_a_domain_in_the_copy_is_still_declared(make_database: Callable[[str], str], server: PostgresServer) -> None:
    """Rules about the schema see it there as it is."""
    url = make_database(
        "CREATE DOMAIN d AS int NOT NULL; CREATE TABLE t (v d); ALTER DOMAIN d ADD CHECK (VALUE > 0) NOT VALID;"
    )
    copied = replace(server, database=url.rpartition("/")[2].partition("?")[0])
    rule = bound(Schema("t"), severity="info")
    with looking_at(url) as engine:
        facts = engine.facts
    with closing(Prover(copied, [rule], facts)) as prover:
        assert prover.prove(rule).reason is None
        with prover.connection() as connection:
            assert isinstance(connection, psycopg.Connection)
            connection.execute("INSERT INTO t VALUES (NULL), (-1)")
