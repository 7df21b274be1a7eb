"""What selected rules would say of planned writes, against real servers: refused, or known not to be foreseen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine import bound
from fixes import MakeDatabase, execute, ordered, planned, run_on, written
from pytest_tgintegrity.fixing.fix import plan_fixes
from pytest_tgintegrity.fixing.plan.fix_plan import FixPlan
from pytest_tgintegrity.fixing.results import FixResult
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import Between, ChildRows, Derived, Formula, Metric, Query, Rows

SCRIPT = """
CREATE TABLE person (id int PRIMARY KEY, name text, willpower int, seen timestamptz, born date, age int);
INSERT INTO person SELECT i, 'p' || i, 5, '2020-01-01', '2000-01-01', 30 FROM generate_series(1, 5) AS i;
UPDATE person SET willpower = 14 WHERE id = 3;
CREATE TABLE other (id int PRIMARY KEY, willpower int);
INSERT INTO other VALUES (1, 1);
CREATE VIEW strong AS SELECT id FROM person WHERE willpower = 10;
CREATE VIEW stronger AS SELECT s.id FROM strong AS s;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM person WHERE willpower = 10;
CREATE SCHEMA app;
CREATE TABLE app.person (id int PRIMARY KEY, willpower int);
INSERT INTO app.person VALUES (1, 12);
CREATE TABLE app.hidden (id int PRIMARY KEY, willpower int);
INSERT INTO app.hidden VALUES (1, 12);
CREATE FUNCTION strongest() RETURNS SETOF int STABLE LANGUAGE sql AS 'SELECT id FROM person WHERE willpower = 10';
CREATE FUNCTION app.count_strong() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM person WHERE willpower = 10); END';
CREATE FUNCTION strength(other) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM person WHERE willpower = 10';
CREATE VIEW told AS SELECT app.count_strong() AS n;
CREATE FUNCTION beats(int, int) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT $1 > $2 + (SELECT count(*) FROM person WHERE willpower = 10)';
CREATE OPERATOR >~> (LEFTARG = int, RIGHTARG = int, FUNCTION = beats);
"""
WILLPOWER = bound(Between("person", "willpower", 1, 10), "willpower", fix="clamp")


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    return make_database(SCRIPT)


def drawn(url: str, folder: Path, rules: Sequence[BoundRule]) -> tuple[FixResult, FixPlan]:
    with run_on(url, rules) as run:
        return plan_fixes(run, rules, ordered(folder))


# --- what is foreseen

FORESEEN = [
    "SELECT id FROM person WHERE willpower = 10",
    "SELECT id FROM PERSON WHERE WILLPOWER = 10",
    'SELECT "id" FROM "person" WHERE "willpower" = 10',
    "select id from ONLY person where willpower = 10",
    "SELECT id FROM/* team */person-- strong\nWHERE willpower = 10",
    "SELECT id FROM public.person WHERE public.person.willpower = 10",
    'SELECT p.id FROM "public" . person AS p WHERE p.willpower = 10',
    "SELECT id FROM person AS p(id, name, w) WHERE w = 10",
    "SELECT 1 FROM person AS p WHERE to_jsonb(p) ->> 'willpower' = '10'",
    "SELECT p.id FROM person AS p NATURAL JOIN (SELECT 10 AS willpower) AS ten",
    "WITH person AS (SELECT * FROM public.person) SELECT id FROM person WHERE willpower = 10",
    "WITH RECURSIVE person AS (SELECT * FROM public.person) SELECT id FROM person WHERE willpower = 10",
    "TABLE person EXCEPT SELECT * FROM person WHERE willpower <> 10 OR willpower IS NULL",
    "SELECT id FROM (SELECT * FROM person) AS q WHERE q::text LIKE '%,10,%'",
]


@pytest.mark.parametrize("query", FORESEEN)
def test_a_fix_that_makes_a_query_fail_is_refused_when_it_is_planned(url: str, tmp_path: Path, query: str) -> None:
    fix_result, found = drawn(url, tmp_path, [WILLPOWER, bound(Query(query), "ten")])

    assert [(one.rule, one.reason) for one in fix_result.needs_person] == [
        ("willpower", "its fix would make more rows violate ten")
    ]
    assert fix_result.count == 0
    assert found.unforeseen == frozenset()


HIDDEN = [
    "SELECT id FROM strong",
    'SELECT id FROM public."stronger"',
    "SELECT strongest()",
    "SELECT 1 WHERE app.count_strong() > 0",
    "SELECT o.id FROM other AS o WHERE o.strength > 0",
    "SELECT 1 FROM told WHERE n > 0",
    "SELECT 1 FROM other WHERE 1 >~> id",
    'SELECT id FROM U&"\\0070erson" WHERE willpower = 10',
    "SELECT id FROM person TABLESAMPLE SYSTEM (100) WHERE willpower = 10",
    "SELECT ctid FROM person WHERE willpower = 10",
    "SELECT 1 FROM ts_stat('SELECT to_tsvector(name) FROM person WHERE willpower = 10')",
    "SELECT relid FROM pg_stat_user_tables WHERE n_tup_upd < 0",
]


@pytest.mark.parametrize("query", HIDDEN)
def test_a_query_that_reads_the_tables_themselves_is_not_foreseen(url: str, tmp_path: Path, query: str) -> None:
    fix_result, found = drawn(url, tmp_path, [WILLPOWER, bound(Query(query), "ten")])

    assert fix_result.count == 1
    assert found.unforeseen == {"ten"}


APART = [
    "SELECT id FROM other WHERE willpower = 10",
    "SELECT id FROM app.person WHERE willpower = 10",
    "SELECT id FROM other WHERE 'person' = 'x' AND willpower = 10 -- person",
    "SELECT id FROM kept",
    "SELECT id FROM person WHERE name = 'willpower'",
    "SELECT count(*) FROM person HAVING count(*) = 0",
]


@pytest.mark.parametrize("query", APART)
def test_a_query_that_cannot_see_what_is_written_is_left_alone(url: str, tmp_path: Path, query: str) -> None:
    fix_result, found = drawn(url, tmp_path, [WILLPOWER, bound(Query(query), "ten")])

    assert fix_result.count == 1
    assert found.unforeseen == frozenset()


def test_a_partition_is_seen_through_the_table_that_it_is_part_of_and_the_other_way_round(
    url: str, tmp_path: Path
) -> None:
    execute(
        url,
        "CREATE TABLE log (id int PRIMARY KEY, n int) PARTITION BY RANGE (id)",
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (9)",
        "INSERT INTO log VALUES (1, 1)",
    )
    whole = bound(Rows("log", "n = 1"), "whole", fix={"n": "2"})
    part = bound(Rows("log_1", "n = 1"), "part", fix={"n": "2"})
    read_part, read_whole = (
        bound(Rows("log_1", "n = 2"), "read part"),
        bound(Query("SELECT id FROM log WHERE n = 2"), "read whole"),
    )

    assert drawn(url, tmp_path, [whole, read_part])[1].unforeseen == {"read part"}
    assert drawn(url, tmp_path, [part, read_whole])[1].unforeseen == {"read whole"}


def test_a_number_that_a_fix_may_take_out_of_its_bounds_is_not_foreseen(url: str, tmp_path: Path) -> None:
    text = "SELECT count(*) FROM person WHERE willpower = 10"
    bounded, free = bound(Metric("strong", text, at_most=0), "few"), bound(Metric("strong", text), "any")
    apart = bound(Metric("others", "SELECT count(*) FROM other", at_most=9), "others")

    _, found = drawn(url, tmp_path, [WILLPOWER, bounded, free, apart])

    assert found.unforeseen == {"few"}


def test_tables_out_of_sight_and_of_equal_names_are_kept_apart(url: str, tmp_path: Path) -> None:
    clamps = [
        bound(Between(name, "willpower", 1, 10), name, fix="clamp") for name in ("person", "app.person", "app.hidden")
    ]
    with planned(url, tmp_path, clamps) as (fix_result, _):
        assert [(one.table, dict(one.key)) for one in written(fix_result)] == [
            ("app.hidden", {"id": "1"}),
            ("app.person", {"id": "1"}),
            ("public.person", {"id": "3"}),
        ]
    for name, query in (("app.hidden", "h WHERE h.willpower = 10"), ("app.person", "WHERE person.willpower = 10")):
        ten = bound(Query(f"SELECT id FROM {name} {query}"), "ten")
        fix_result, found = drawn(url, tmp_path, [*clamps, ten])
        assert [(one.rule, one.reason) for one in fix_result.needs_person] == [
            (name, "its fix would make more rows violate ten")
        ]
        assert found.unforeseen == frozenset()


def test_groups_that_are_harmless_alone_are_looked_at_together(url: str, tmp_path: Path) -> None:
    execute(url, "UPDATE other SET willpower = 20")
    other = bound(Between("other", "willpower", 1, 10), "other", fix="clamp")
    both = bound(
        Query("SELECT p.id FROM person p CROSS JOIN other o WHERE p.id = 3 AND p.willpower + o.willpower = 20"), "both"
    )

    fix_result, found = drawn(url, tmp_path, [WILLPOWER, other, both])

    assert len(found.groups) == 1
    assert [one.reason for one in fix_result.needs_person] == ["its fix would make more rows violate both"]


def test_a_fix_may_not_make_more_rows_violate_a_rule_whose_own_fix_leaves_them(url: str, tmp_path: Path) -> None:
    old = bound(Rows("person", "age = 30 AND id = 1"), "old", fix={"age": "-5"})
    some = bound(Between("person", "age", 0, 29), "some", fix="CASE WHEN age > 29 AND id > 1 THEN 29 ELSE age END")

    fix_result, _ = drawn(url, tmp_path, [old, some])

    assert fix_result.count
    assert {one.rule: one.reason for one in fix_result.needs_person}.get("some") is None


# --- times


def closing(value: str, where: str = "willpower = 14", name: str = "closing") -> BoundRule:
    return bound(Rows("person", f"{where} AND seen < '2021-01-01'"), name, fix={"seen": value})


def test_a_time_is_that_of_the_plan(url: str, tmp_path: Path) -> None:
    with planned(url, tmp_path, [closing("now()")]) as (fix_result, make):
        (change,) = written(fix_result)
        done = make()
        assert done.applied is not None
        assert done.applied.skipped == []
    assert execute(url, f"SELECT seen = '{change.after['seen']}' FROM person WHERE id = 3") == [(True,)]


def test_the_columns_whose_values_move_are_known(url: str, tmp_path: Path) -> None:
    _, found = drawn(url, tmp_path, [closing("now() - interval '1 day'"), WILLPOWER])
    assert found.moving == {("public.person", "seen"): "now() - interval '1 day'"}
    assert found.instant.endswith("+00")

    later = bound(Rows("person", "seen > '2021-01-01' AND age = 30 OR id = 1 AND age <> 1"), "later", fix={"age": "1"})
    _, found = drawn(url, tmp_path, [closing("now()"), later])
    assert found.moving == {("public.person", "seen"): "now()", ("public.person", "age"): "1"}

    clamp = bound(Between("person", "seen", "current_date", None), "clamp", fix="clamp")
    assert drawn(url, tmp_path, [clamp])[1].moving == {("public.person", "seen"): "current_date"}
    formula = bound(Formula("person", "age", "extract(year FROM age(now(), born))::int"), "formula", fix="recompute")
    assert drawn(url, tmp_path, [formula])[1].moving == {
        ("public.person", "age"): "extract(year FROM age(now(), born))::int"
    }
    derived = bound(
        Derived("other", "willpower", "max(extract(day FROM now() - seen))::int", ChildRows("person", "id")),
        "d",
        fix="recompute",
    )
    assert drawn(url, tmp_path, [derived])[1].moving == {
        ("public.other", "willpower"): "max(extract(day FROM now() - seen))::int"
    }


VOLATILE = [
    ("random()::int", "its fix calls random(), which gives another value each time"),
    ("nextval('counter')", "its fix calls nextval(), which gives another value each time"),
    ("pg_catalog.length(gen_random_uuid()::text)", "its fix calls gen_random_uuid(), which gives another value each time"),
    ("extract(epoch FROM CLOCK_TIMESTAMP())::int % 100", "its fix calls clock_timestamp(), which gives another value"),
    ("app.dice()", "its fix calls app.dice(), which is declared VOLATILE"),
    ("(SELECT max(x) FROM generate_series(1, 6) AS x WHERE x > random())", "its fix calls random()"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "reason"), VOLATILE)
def test_a_fix_that_gives_another_value_each_time_is_refused_alone(
    url: str, tmp_path: Path, value: str, reason: str
) -> None:
    execute(url, "CREATE SEQUENCE counter", "CREATE FUNCTION app.dice() RETURNS int LANGUAGE sql AS 'SELECT 4'")
    rule = bound(Rows("person", "id = 1 AND age > 20"), "it", fix={"age": value})

    fix_result, _ = drawn(url, tmp_path, [rule, WILLPOWER])

    assert [one.rule for one in fix_result.needs_person] == ["it"]
    assert fix_result.needs_person[0].reason.startswith(reason)
    assert fix_result.count == 1
    assert execute(url, "SELECT is_called FROM counter") == [(False,)]


def test_so_is_one_whose_rule_does(url: str, tmp_path: Path) -> None:
    clamp = bound(Between("person", "age", 0, "random() * 10"), "clamp", fix="clamp")
    formula = bound(Formula("person", "age", "(random() * 10)::int"), "formula", fix="recompute")
    picked = bound(Rows("person", "age > 20 AND random() < 2"), "picked", fix={"age": "20"})

    for rule in (clamp, formula, picked):
        fix_result, _ = drawn(url, tmp_path, [rule, WILLPOWER])
        assert fix_result.needs_person[0].reason.startswith(
            "its fix calls random(), which gives another value each time"
        )


@pytest.mark.parametrize("value", ["length(name || 'random()')", "abs(-3)", "app.fixed()", "greatest(age - 100, 3)"])
def test_what_stays_the_same_is_planned(url: str, tmp_path: Path, value: str) -> None:
    execute(url, "CREATE FUNCTION app.fixed() RETURNS int STABLE LANGUAGE sql AS 'SELECT 4'")
    execute(url, "CREATE FUNCTION app.abs(int) RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 4'")
    rule = bound(Rows("person", "id = 1 AND age > 20"), "it", fix={"age": value})

    assert drawn(url, tmp_path, [rule])[0].needs_person == []
