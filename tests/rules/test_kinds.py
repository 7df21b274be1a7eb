"""Kinds that know a relation: what each calls a violation, against what plain Python says of the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine import Engine, bound, looking_at
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.planning.windows import Window
from pytest_tgintegrity.proving.json_shapes import fits
from pytest_tgintegrity.rules.kinds import (
    Acyclic,
    Agree,
    Children,
    ChildRows,
    Derived,
    Formula,
    Implies,
    JsonShape,
    Kind,
    Metric,
    Query,
    References,
    Source,
    Total,
)

MakeDatabase = Callable[[str], str]

SCRIPT = """
CREATE TABLE team (id int PRIMARY KEY, name text, size int, lead int, best text);
INSERT INTO team VALUES (1, 'a', 2, NULL, 'x'), (2, 'b', 0, 1, 'y'), (3, 'c', 1, 3, NULL), (4, 'd', NULL, 3, 'x'),
    (5, 'e', 0, 99, 'y');
CREATE TABLE player (id int PRIMARY KEY, team_id int, cost int, position text, at timestamptz);
INSERT INTO player VALUES (1, 1, 5, 'x', '2024-01-01'), (2, 1, 7, 'z', '2024-06-01'), (3, 2, NULL, 'y', '2024-06-01'),
    (4, NULL, 3, 'x', '2023-01-01'), (5, 77, 9, 'x', '2022-01-01');
CREATE TABLE both_keys (a int, b int, PRIMARY KEY (a, b));
INSERT INTO both_keys VALUES (1, 1);
"""
PLAYERS = ChildRows("player", "team_id")
PAIRS = Source("players of teams", "player AS p JOIN team AS t ON t.id = p.team_id", key="p.id")


@pytest.fixture(scope="module")
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    with looking_at(make_database(SCRIPT)) as engine:
        yield engine


def keys(engine: Engine, kind: Kind, **more: Any) -> list[Any]:
    """The keys of what violates, all looked at."""
    found = engine.ask(kind, **more)
    assert found.error is None
    assert found.violations == len(found.samples)
    return [sample.key for sample in found.samples]


@pytest.mark.parametrize(
    ("kind", "violating"),
    [
        (Implies("team", "lead IS NOT NULL", "size < 1"), ["3"]),
        (Implies("team", "size >= 0", "lead > 2"), ["2"]),
        (Implies(PAIRS, "p.cost > 4 -- dear", "t.best = p.position"), ["2"]),
        (Formula("team", "size", "3 - id"), ["2", "3", "4", "5"]),
        (Formula("team", "size", "lead - 1"), ["3", "4", "5"]),
        (Formula("team", "size", {"id": {1: 2, 2: 9, 4: 0}}), ["2", "4"]),
        (Formula("team", "size", {"best || name": {"xa": 3}}), ["1"]),
        (Agree("team", "size", "lead"), ["2", "3", "5"]),
        (Agree(PAIRS, "p.position", "t.best"), ["2"]),
        (Children("team", PLAYERS, 1, None), ["3", "4", "5"]),
        (Children("team", PLAYERS, None, 1), ["1"]),
        (Children("team", PLAYERS, "size", None), ["3"]),
        (Children("team", ChildRows("player", "team_id", where="cost > 5"), 1, 1), ["2", "3", "4", "5"]),
        (Children("team", ChildRows("player", "position", of="best"), None, 2), ["1", "4"]),
        (Children("team", ChildRows(PAIRS, "t.lead"), None, 0), ["1"]),
        (Total("team", PLAYERS, "cost", None, 11), ["1"]),
        (Total("team", PLAYERS, "cost", "size", None), ["3"]),
        (Total("team", PLAYERS, "2147483647 + cost::bigint", None, 4294967305), ["1"]),
        (Derived("team", "size", "count(*)", PLAYERS), ["2", "3", "4"]),
        (Derived("team", "best", "max(position)", PLAYERS, empty="'x'"), ["1", "3", "5"]),
        (Acyclic("team", "lead"), ["3", "4"]),
        (Acyclic(Source("teams", "team AS t", key="t.id"), "t.lead"), ["3", "4"]),
        (References("player", ("team_id",), "team", where="size > 0"), ["3", "5"]),
        (References("player", ("team_id", "position"), "team", ("id", "best")), ["2", "5"]),
        (References("player", ("position", "team_id"), PAIRS, ("t.best", "t.id")), ["2", "5"]),
        (Query("SELECT id FROM player WHERE at < %(since)s"), []),
    ],
)
def test_what_violates(engine: Engine, kind: Kind, violating: list[str]) -> None:
    assert keys(engine, kind) == violating
    assert engine.ask(kind).examined in (None, 3, 5)


def test_a_window_begins_where_the_period_does(engine: Engine) -> None:
    metric, query = (
        Metric("young", "SELECT count(*) FROM player WHERE at >= %(since)s"),
        "SELECT 1 WHERE %(since)s > %(at)s",
    )
    window = Window(datetime(2024, 1, 1, tzinfo=UTC))
    old = bound(Query(query), "query", {"at": datetime(2023, 12, 31, tzinfo=UTC)})

    found = engine.measure([bound(metric, "metric"), old], window=window)

    assert (found["metric"].value, engine.ask(metric).value) == (3, 5)
    assert found["query"].violations == 1


def test_a_period_narrows_children_to_young_parents(engine: Engine) -> None:
    rules = [bound(Children("player", ChildRows("team", "id", of="team_id"), 1, None), "it", since="at")]

    found = engine.measure(rules, window=Window(datetime(2023, 1, 1, tzinfo=UTC)))

    assert (found["it"].examined, found["it"].violations) == (4, 1)


def test_a_source_with_a_key_of_several_columns_has_to_say_what_children_name(engine: Engine) -> None:
    source = Source("pairs", "both_keys", key=["a", "b"])

    assert engine.ask(Children(source, PLAYERS, 1)).error == (
        "pairs has a key of 2 columns: name one expression with of="
    )
    assert engine.ask(Children(source, ChildRows("player", "team_id", of="a"), 3)).violations == 1


def test_what_a_rule_about_children_reads_and_shows(engine: Engine) -> None:
    kind = Total("team", ChildRows("player", "team_id", where="id IN (SELECT a FROM both_keys)"), "cost", None, 3)

    assert engine.plan([bound(kind)]).tables["it"] == ("team", "player", "both_keys")
    assert engine.ask(kind).samples[0].values == {"sum(cost) in player": 5}


def test_going_down_a_long_chain_takes_no_time(make_database: MakeDatabase) -> None:
    script = (
        "CREATE TABLE one (id int PRIMARY KEY, up int);"
        " INSERT INTO one SELECT i, i - 1 FROM generate_series(1, 20000) AS i; CREATE INDEX ON one (up); ANALYZE one"
    )

    with looking_at(make_database(script), Limits(statement=5)) as engine:
        assert engine.ask(Acyclic("one", "up")).violations == 0


# --- the shapes of JSON, against Python's own idea of them

LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "trait"])
KEYS = st.sampled_from(["trait", "cost", 'odd "key', "x.y", "$"])
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
SHAPES = st.recursive(
    st.sampled_from([list, dict, str, int, float, bool, None]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=1)
        | st.dictionaries(st.builds(lambda key, tail: key + tail, KEYS, st.sampled_from(["", "?"])), inner, min_size=1)
        | st.tuples(inner, inner)
        | st.builds(lambda one: {str: one}, inner)
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def documents(make_database: MakeDatabase) -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    url = make_database("CREATE TABLE document (id int PRIMARY KEY, body jsonb)")
    with psycopg.connect(url, autocommit=True) as connection:
        yield url, connection


@settings(max_examples=60, deadline=None)
@example(shape=[{"trait": str}], values=[[{}], [{"trait": "a"}, {"cost": 1}], [[{"trait": "a"}]], {"trait": "a"}])
@example(shape={str: [int]}, values=[{"a": [1]}, {"a": 1}, {"a": [[1]]}, [{"a": [1]}]])
@example(shape=(None, {"a?": {"b": None}}), values=[None, {}, {"a": {}}, {"a": {"b": None}}, {"a": [{"b": None}]}])
@given(shape=SHAPES, values=st.lists(DOCUMENTS, min_size=1, max_size=8))
def test_shapes_are_told_apart_as_in_python(
    documents: tuple[str, psycopg.Connection[Any]], shape: Any, values: Sequence[Any]
) -> None:
    url, connection = documents
    rows = [(number, json.dumps(value)) for number, value in enumerate(values)]
    connection.execute("TRUNCATE document")
    connection.cursor().executemany("INSERT INTO document VALUES (%s, %s)", [*rows, (-1, None)])

    with looking_at(url) as engine:
        found = engine.measure([bound(JsonShape("document", "body", shape))], samples=20)["it"]

    assert found.error is None
    assert {int(str(sample.key)) for sample in found.samples} == {
        number for number, value in enumerate(values) if not fits(value, shape)
    }
