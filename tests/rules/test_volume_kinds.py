"""Kinds about a source as a whole: what each calls a violation, what it says, and what it does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Engine, bound, looking_at
from pytest_tgintegrity.database.connections.answers import Answer
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.facts import Before, EarlierRows
from pytest_tgintegrity.planning.scans import NumberScan, VolumeScan
from pytest_tgintegrity.planning.sql.compose import raw
from pytest_tgintegrity.planning.windows import Window
from pytest_tgintegrity.rules.declare import Mistake, declaration_of, rule
from pytest_tgintegrity.rules.kinds import Freshness, Kind, Share, Source, Volume

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEFORE = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
SCRIPT = """
CREATE TABLE visit (id int PRIMARY KEY, owner int, kind text, weight real, at timestamptz, day date, local timestamp, doc json);
INSERT INTO visit SELECT i, CASE WHEN i <= 6 THEN 1 WHEN i <= 8 THEN 2 END, CASE i WHEN 1 THEN 'a' ELSE 'b' END, 0.3,
    timestamptz '2026-03-02 12:00+00' - make_interval(hours => i), date '2026-03-01', timestamp '2026-03-01 12:00', '{}'
    FROM generate_series(1, 10) i;
CREATE TABLE nothing (id int, at timestamptz);
CREATE SCHEMA "Other.One";
CREATE TABLE "Other.One"."Vis.it" (id int);
INSERT INTO "Other.One"."Vis.it" VALUES (1), (2);
"""


@pytest.fixture(scope="module", name="engine")
def a_database(make_database: Callable[[str], str]) -> Iterator[Engine]:
    with looking_at(make_database(SCRIPT)) as engine:
        yield engine


def ask(engine: Engine, kind: Kind, *, rows: dict[str, int] | None = None, **params: Any) -> Measurement:
    """What is said of a rule, where earlier runs counted these rows; None where there is no history.

    A plan of fixes asks the same in one query, which has to agree.
    """
    known = {} if rows is None else {table: Before(count, BEFORE) for table, count in rows.items()}
    earlier = EarlierRows() if rows is None else EarlierRows(known, None)
    looked = replace(engine, facts=replace(engine.facts, earlier=earlier))
    rules = [bound(kind, "it", params)]
    found = looked.measure(rules, window=Window(now=NOW))["it"]
    if found.error is None:
        (scan,) = looked.plan(rules, Window(now=NOW)).scans
        assert isinstance(scan, NumberScan)
        (answer,) = engine.reader.ask([scan.violated()])
        assert isinstance(answer, Answer)
        assert len(answer.rows) == found.violations
    return found


# --- volume


@pytest.mark.parametrize(
    ("kind", "before", "text"),
    [
        (Volume("visit", at_least=10), 99, None),
        (Volume("visit", at_least=11), 99, "visit has 10 rows, not at least 11"),
        (Volume("visit", max_drop=0.5), 20, None),
        (Volume("visit", max_drop=0.5), 21, "visit has 10 rows, more than 50 % fewer than the 21 in the run of 2026-03-01 06:30 UTC"),
        (Volume("visit", max_drop=0), 10, None),
        (Volume("visit", max_drop=0), 11, "visit has 10 rows, more than 0 % fewer than the 11 in the run of 2026-03-01 06:30 UTC"),
        (Volume("visit", max_growth=1), 5, None),
        (Volume("visit", max_growth=1), 4, "visit has 10 rows, more than 100 % more than the 4 in the run of 2026-03-01 06:30 UTC"),
        (Volume("visit", max_growth=0.5, max_drop=0.5), 10, None),
    ],
)  # fmt: skip
def test_rows_beside_their_bounds(engine: Engine, kind: Volume, before: int, text: str | None) -> None:
    found = ask(engine, kind, rows={"public.visit": before})
    assert (found.error, found.text, found.violations) == (None, text, int(text is not None))
    assert (found.value, found.examined) == (10, 10)


def test_a_table_is_found_by_any_spelling_of_its_name(engine: Engine) -> None:
    rows = {"public.visit": 100, '"Other.One"."Vis.it"': 5}
    assert ask(engine, Volume("public.visit", max_drop=0.5), rows=rows).violations == 1
    assert ask(engine, Volume("{table}", max_drop=0.5), rows=rows, table="visit").violations == 1
    assert ask(engine, Volume("Other.One.Vis.it", max_drop=0.5), rows=rows).violations == 1


def test_without_a_history_only_what_needs_none_is_known(engine: Engine) -> None:
    assert ask(engine, Volume("visit", max_drop=0.5)).error == "no comparable run: give --redis-url"
    assert ask(engine, Volume("visit", at_least=1, max_growth=3)).error == "no comparable run: give --redis-url"
    assert ask(engine, Volume("visit", at_least=11, max_growth=3)).violations == 1
    assert ask(engine, Volume("visit", at_least=10)).error is None


def test_the_first_run_has_nothing_to_compare_with(engine: Engine) -> None:
    first = ask(engine, Volume("visit", max_drop=0.5), rows={})
    assert (first.error, first.violations, first.vacuous, first.value) == (None, 0, True, 10)


def test_a_table_that_is_not_there_is_unknown(engine: Engine) -> None:
    assert 'relation "absent" does not exist' in (ask(engine, Volume("absent", at_least=1)).error or "")


@given(
    before=st.integers(0, 10**6),
    now=st.integers(0, 10**6),
    drop=st.decimals(0, "0.99", places=2),
    growth=st.decimals(0, 9, places=2),
)
def test_bounds_are_those_of_arithmetic(before: int, now: int, drop: Any, growth: Any) -> None:
    kind = Volume("t", float(drop), float(growth))
    earlier = EarlierRows({"public.t": Before(before, BEFORE)}, None)
    scan = VolumeScan("t", "it", kind, raw("t"), "public.t", earlier, 1)
    counts = scan.tally([(now,)]).counts
    assert counts is not None
    beyond = now < before * (1 - drop) or (before > 0 and now > before * (1 + growth))
    assert counts["it"].violations == int(beyond)


# --- freshness


@pytest.mark.parametrize(
    ("column", "within", "violated"),
    [
        ("at", 1, False),
        ("at", 0.9, True),
        ("day", 24, False),
        ("local", 12, False),  # it may be of a zone that is 14 hours behind
        ("local", 5, True),
    ],
)
def test_the_newest_row_is_young_enough(engine: Engine, column: str, within: float, violated: bool) -> None:
    found = ask(engine, Freshness("visit", column, within))
    assert (found.error, found.violations, found.examined) == (None, int(violated), 10)
    if violated:
        assert found.text == f"visit has no row of the last {within:g} hours"
        assert [sample.key is None for sample in found.samples] == [False]


def test_an_empty_table_is_not_fresh(engine: Engine) -> None:
    found = ask(engine, Freshness("nothing", "at", 24))
    assert (found.violations, found.text) == (1, "nothing has no rows at all")


def test_a_column_without_time_is_unknown(engine: Engine) -> None:
    assert ask(engine, Freshness("visit", "kind", 24)).error is not None


def test_the_time_of_the_run_decides(engine: Engine) -> None:
    rules = [bound(Freshness("visit", "at", 24))]
    assert engine.measure(rules, window=Window(now=NOW + timedelta(hours=30)))["it"].violations == 1


# --- share


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Share("visit", "owner", at_most=0.75), None),
        (Share("visit", "owner", at_most=0.74), "the commonest value of owner has 6 of 8 (75 %), not at most 74 %"),
        (Share("visit", "owner", 2, at_most=0.25), None),
        (Share("visit", "owner", 2, at_most=0.2), "the value of owner has 2 of 8 (25 %), not at most 20 %"),
        (Share("visit", "kind", "a", at_least=0.1), None),
        (Share("visit", "kind", "a", at_least=0.2), "the value of kind has 1 of 10 (10 %), not at least 20 %"),
        (Share("visit", "kind", "%(asked)s", at_least=0.2), "the value of kind has 1 of 10 (10 %), not at least 20 %"),
        (Share("visit", "weight", 0.3, at_least=1), None),
        (Share("visit", "owner IS NULL", True, at_most=0.2), None),
        (Share(Source("owned", "visit v", "v.id"), "v.owner", at_least=0.8), "the commonest value of v.owner has 6 of 8 (75 %), not at least 80 %"),
    ],
)  # fmt: skip
def test_shares_beside_their_bounds(engine: Engine, kind: Share, text: str | None) -> None:
    found = ask(engine, kind, asked="a")
    assert (found.error, found.text, found.violations) == (None, text, int(text is not None))


def test_the_commonest_values_are_shown_with_their_counts(engine: Engine) -> None:
    found = ask(engine, Share("visit", "owner", at_most=0.1))
    assert [(sample.key, dict(sample.values)) for sample in found.samples] == [
        ("1", {"rows": 6}),
        ("2", {"rows": 2}),
        (None, {"rows": 0}),
    ]


def test_without_values_there_is_no_share(engine: Engine) -> None:
    found = ask(engine, Share("nothing", "id", at_least=0.5))
    assert (found.violations, found.vacuous) == (0, True)


def test_values_that_cannot_be_compared_are_unknown(engine: Engine) -> None:
    assert "json" in (ask(engine, Share("visit", "doc", at_most=0.5)).error or "")


# --- declarations


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (rule.volume("t"), "volume needs max_drop=, max_growth= or at_least="),
        (rule.volume("t", at_least=0), "at_least is 0: give a number of rows, 1 or more"),
        (rule.volume("t", at_least=1.5), "at_least is 1.5: give a number of rows, 1 or more"),  # type: ignore[arg-type] # wrong
        (rule.volume("t", max_drop=1), "max_drop is 1, which nothing violates: give less"),
        (rule.volume("t", max_drop=50), "max_drop is 50: give a share, such as 0.5"),
        (rule.volume("t", max_growth=-1), "max_growth is -1: give a share, such as 0.5"),
        (rule.volume("t", max_growth=float("inf")), "max_growth is inf: give a share, such as 0.5"),
        (rule.freshness("t", "at", 0), "within is 0: give hours, such as 24"),
        (rule.freshness("t", "at", "24"), "within is '24': give hours, such as 24"),  # type: ignore[arg-type] # wrong
        (rule.freshness("t", "at", 10**9), "within is 1000000000: give hours, such as 24"),
        (rule.share("t", "c"), "share needs at_least= or at_most="),
        (rule.share("t", "c", at_most=50), "at_most is 50: give a share, such as 0.5"),
        (rule.share("t", "c", at_least=0.6, at_most=0.5), "no number is at least 0.6 and at most 0.5"),
        (rule.share("t", "c", at_most=0.5, since="at"), "since= would be ignored: share has no rows to choose from"),
    ],
)  # fmt: skip
def test_wrong_declarations_are_told(declare: Callable[..., Any], words: str) -> None:
    def test_it(violations: object) -> None:
        """A rule."""

    declared = declaration_of(declare(test_it))
    assert isinstance(declared, Mistake)
    assert declared.message == words
