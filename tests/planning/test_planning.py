"""From rules to scans: what is asked together, what apart, and what cannot be asked; no database."""

from __future__ import annotations

from typing import Any

import pytest

from engine import bound
from pytest_tgintegrity.planning.facts import Constraint, Facts, Table
from pytest_tgintegrity.planning.planner import BoundRule, Plan, plan
from pytest_tgintegrity.planning.scans import ReferenceScan, RowScan
from pytest_tgintegrity.planning.sql.compose import parametrised, readable
from pytest_tgintegrity.planning.windows import Window
from pytest_tgintegrity.rules.kinds import (
    Acyclic,
    Between,
    Check,
    Declared,
    Formula,
    Metric,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Schema,
    Source,
    Unique,
)
from pytest_tgintegrity.rules.rule import Rule


def _table(name: str, schema: str = "public", **more: Any) -> Table:
    values = {"columns": frozenset({"id", "a", "b", "name"}), "key": ("id",), "uniques": frozenset({frozenset({"id"})})}
    return Table(schema, name, **{**values, **more})


TABLES = {
    "t": _table("t", pages=10),
    "u": _table("u", pages=80),
    "v": _table("v", key=(), uniques=frozenset(), stored=False),
    "up": _table("up", inherited=True),
    "named": _table("named", columns=frozenset({"id", "u"})),
    "other.t": _table("t", "other"),
}
FACTS = Facts({**{f"public.{name}": one for name, one in TABLES.items() if "." not in name}, **TABLES})
JOIN = Source("both", "t x JOIN u y ON y.id = x.id", key="x.id", label="y.name", scopes={"s": "x.a"})


def _plan(*kinds: Any, window: Window | None = None, **more: Any) -> Plan:
    return plan([bound(kind, f"r{number}", **more) for number, kind in enumerate(kinds)], FACTS, window)


def test_rules_about_the_rows_of_one_source_are_one_scan() -> None:
    found = _plan(
        Between("t", "a", 0, 1), NotNull("public.t", "a"), Rows("t", "a > b"), Rows(JOIN, "x.a > 1"), Rows(JOIN, "y.a > 1")
    )  # fmt: skip

    assert {scan.source: scan.rules for scan in found.scans} == {"both": ("r3", "r4"), "t": ("r0", "r1", "r2")}
    assert {scan.rules: readable(scan.reach()) for scan in found.scans}["r0", "r1", "r2"] == 'SELECT FROM "t" LIMIT 0'


def test_rules_with_a_timeout_of_their_own_are_scans_of_their_own() -> None:
    rules = [bound(Rows("t", "a > 1"), "patient", timeout=9), bound(Rows("t", "a > 2"), "plain")]

    assert {scan.rules: scan.timeout for scan in plan(rules, FACTS).scans} == {("patient",): 9, ("plain",): None}


def test_a_source_with_placeholders_is_another_source_for_each_value() -> None:
    source = Source("things", "{table} x", key="x.id", label="{label}")
    rules = [bound(Rows(source, "x.a > 1"), name, {"table": name, "label": "name"}) for name in ("t", "u", "t")]

    scans = {readable(scan.table): scan.rules for scan in plan(rules, FACTS).scans if isinstance(scan, RowScan)}

    assert scans == {'"t" x': ("t", "t"), '"u" x': ("u",)}


def test_a_constraint_is_named_with_what_parametrize_gives() -> None:
    family = Between("t", "{column}", 0, 5)

    assert bound(family, params={"column": "a"}, enforced_by="t_{column}_range").enforced_by == "t_a_range"
    assert bound(family, params={"column": "a"}).enforced_by is None


def test_big_scans_come_first_and_targets_count() -> None:
    found = _plan(Rows("t", "true"), Unique("u", ("a",)), References("t", ("a",), "u"))

    assert [scan.pages for scan in found.scans] == [90, 80, 10]


def test_no_more_than_six_references_are_joined_at_once() -> None:
    found = _plan(*[References("t", ("a",), "u") for _ in range(14)])

    assert [len(scan.rules) for scan in found.scans] == [6, 6, 2]


@pytest.mark.parametrize(
    ("kind", "access"),
    [
        (Unique("t", ("a",)), "heap"),
        (Unique("v", ("a",)), "any"),
        (Unique(JOIN, ("x.a",)), "any"),
        (References("t", ("a",), "u"), "heap"),
        (References("t", ("a",), "v", ("a",)), "any"),
        (References(JOIN, ("x.a",), "u"), "any"),
        (Rows("t", "a > 1"), "any"),
        (Query("SELECT 1"), "any"),
        (Metric("m", "SELECT 1"), "any"),
    ],
)
def test_keys_of_tables_are_read_from_the_heap(kind: Any, access: str) -> None:
    assert [scan.access for scan in _plan(kind).scans] == [access]


@pytest.mark.parametrize(
    ("pages", "target_pages", "access"),
    [(0, 64, "heap"), (0, 65, "lookup"), (1_000, 9_000, "lookup"), (1_000, 8_000, "heap")],
)
def test_few_keys_are_looked_up_in_a_large_target(pages: int, target_pages: int, access: str) -> None:
    tables = {
        name: Table("public", name, frozenset("a"), ("a",), pages=n)
        for name, n in (("few", pages), ("many", target_pages))
    }

    (scan,) = plan([BoundRule("r", Rule(References("few", ("a",), "many")), "doc")], Facts(tables)).scans

    assert scan.access == access
    assert scan.pages == (pages if access == "lookup" else pages + target_pages)


@pytest.mark.parametrize(
    ("target", "columns", "distinct"),
    [("u", (), False), ("u", ("id",), False), ("u", ("a",), True), ("up", (), True), ("v", ("id",), True)],
)
def test_a_target_that_may_hold_a_key_twice_is_made_distinct(target: str, columns: Any, distinct: bool) -> None:
    (scan,) = _plan(References("t", ("a",), target, columns)).scans

    assert isinstance(scan, ReferenceScan)
    assert scan.references[0].target.distinct is distinct


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (bound(Rows("t", "{x} > 1")), "unknown placeholder {x}: parametrize gives nothing"),
        (bound(Rows("{x}", "a > 1")), "unknown placeholder {x}: parametrize gives nothing"),
        (bound(Rows("t", "a > 1"), show=["{x}"]), "unknown placeholder {x}: parametrize gives nothing"),
        (bound(Query("SELECT {x}")), "unknown placeholder {x}: parametrize gives nothing"),
        (bound(Unique("t", ("a",), "{x}")), "unknown placeholder {x}: parametrize gives nothing"),
        (bound(References("t", ("a", "b"), "u")), "u has no primary key of 2 columns: name target_column="),
        (bound(References("t", ("a",), "v")), "v has no primary key of 1 columns: name target_column="),
        (bound(Declared("check")), "the database declares no constraint of the kind check"),
        (
            bound(Declared("check"), params={"constraint": Constraint("check", "public", "gone", "c", "CHECK", ("a",), ("a > 0",))}),
            "the table public.gone is gone",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_says_why_and_spoils_nothing(rule: BoundRule, reason: str) -> None:
    found = plan([rule, bound(Rows("t", "a > 1"), "good")], FACTS)

    assert found.unplannable == {"it": reason}
    assert [scan.rules for scan in found.scans] == [("good",)]


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        (Rows("t", "EXISTS (SELECT FROM public.u WHERE u.a = t.a)"), ("t", "public.u")),
        (Rows("t", 'a IN (SELECT a FROM "u")'), ("t", "u")),
        (Rows(JOIN, "x.a > 1"), ("t", "u")),
        (Unique("t", ("a",)), ("t",)),
        (References("t", ("a",), "u"), ("t", "u")),
        (References("t", ("a",), "unknown", ("a",)), ("t", "unknown")),
        (Query("SELECT t.a FROM t, other.t o"), ("other.t", "t")),
        (Metric("m", "SELECT count(*) FROM u"), ("u",)),
        (Between("unknown", "a", 0, 1), ()),
        (Formula("t", "a", {"(SELECT max(b) FROM u)": {1: 2}}), ("t", "u")),
        (Acyclic("t", "(SELECT a FROM u WHERE u.b = t.a)"), ("t", "u")),
        (NotNull("named", "u"), ("named",)),
        (References("named", ("u",), "t"), ("named", "t")),
        (OneOf("t", "a", "%(values)s"), ("t",)),
        (Check(), ()),
    ],
)
def test_the_tables_that_a_rule_reads_are_named(kind: Any, tables: tuple[str, ...]) -> None:
    assert _plan(kind, params={"values": ["u"]}).tables["r0"] == tables


def test_a_scope_that_a_source_does_not_declare_leaves_it_whole() -> None:
    found = _plan(
        Rows(JOIN, "x.a > 1"), Rows("t", "true"), References("u", ("a",), "t"), window=Window(scopes={"s": "1"})
    )

    assert found.unscoped == ("t", "u")
    assert found.scopes == {"s"}
    assert {scan.source: readable(scan.scope) for scan in found.scans if isinstance(scan, RowScan) and scan.scope} == {
        "both": '("x"."a" = \'1\')'
    }


def test_what_is_shown_beside_a_row() -> None:
    kinds = [Between("t", "a", 0, 1), Unique("t", ("a",)), References("t", ("a",), "u")]
    asked = _plan(*kinds, show=["b", "a"])
    derived = _plan(*kinds, breaks={"b": "1"}, fix={"name": "NULL"})

    for found, names in ((asked, ("a", "b")), (derived, ("a", "b", "name"))):
        samplings = [scan.sampling(scan.rules[0]) for scan in found.scans]
        assert [sampling.names for sampling in samplings if sampling] == [names] * 3


def test_statements_keep_values_apart() -> None:
    (scan,) = _plan(Rows("t", "name = %(v)s"), Between("t", "a", 3, 4), params={"v": "'; DROP"}).scans

    found = parametrised(scan.question({}))

    assert found.values == ("'; DROP", 3, 4)
    assert b"DROP" not in found.query


def test_ranges_are_merged_by_type_and_bounds() -> None:
    (scan,) = _plan(
        *[Between("t", column, 0, high) for column, high in (("a", 1), ("b", 1), ("id", 1), ("name", 2))]
    ).scans

    same = readable(scan.question({"r0": 23, "r1": 23, "r2": 20, "r3": 23}))
    texts = readable(scan.question(dict.fromkeys(["r0", "r1"], 25)))

    assert 'LEAST("a", "b") < 0 OR GREATEST("a", "b") > 1' in same
    assert 'LEAST("id") < 0' in same
    assert "LEAST" not in texts


def test_schema_rules_are_queries() -> None:
    found = _plan(Schema(), Schema("t", column="a"), Schema("t"))

    asked = {scan.rules[0]: readable(scan.question({})) for scan in found.scans}
    assert {rule: "missing" in question for rule, question in asked.items()} == {"r0": False, "r1": True, "r2": True}
    assert found.unplannable == {}
