"""Numbers are exact: metrics to the last digit, constants compared in the type of the column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from engine import Engine, looking_at
from harness import RunRules, rules, run_rules
from pytest_tgintegrity.planning.constants import changes_as_real
from pytest_tgintegrity.rules.kinds import Between, Children, ChildRows, Formula, Kind, Metric, OneOf, Source, Total

SCRIPT = """
CREATE DOMAIN share AS real;
CREATE TABLE n (id int PRIMARY KEY, r real, d float8, x numeric, b bigint, i int, s share, up int);
INSERT INTO n VALUES (1, 0.3, 0.3, 0.3, 9007199254740992, 1, 0.3, 1);
"""
JOINED = Source("joined", "n m JOIN n o ON o.id = m.id", key="m.id")
BIG = 2**53


@pytest.fixture(scope="module")
def engine(make_database: Callable[[str], str]) -> Iterator[Engine]:
    with looking_at(make_database(SCRIPT)) as engine:
        yield engine


@pytest.mark.parametrize("constant", [0.3, Decimal("0.3")])
@pytest.mark.parametrize("column", ["r", "d", "x", "s", "r + 0::real", "coalesce(r, 0)"])
def test_a_third_of_any_type_is_not_beyond_itself(engine: Engine, column: str, constant: Any) -> None:
    """Real, double, numeric, a domain, an expression: on either side, and as one of some."""
    for kind in (
        Between("n", column, 0, constant),
        Between("n", column, constant, 1),
        OneOf("n", column, [constant, 2]),
    ):
        found = engine.ask(kind)
        assert (found.error, found.violations) == (None, 0), kind


@pytest.mark.parametrize("column", ["m.r", "m.d", "m.x", "m.s"])
def test_nor_is_that_of_a_join(engine: Engine, column: str) -> None:
    assert engine.ask(Between(JOINED, column, 0.3, 0.3)).violations == 0


@pytest.mark.parametrize(
    "kind",
    [
        Between("n", "r", 0, 0.29999),
        Between("n", "r", 0.30001, None),
        Between("n", "s", None, 0.29999),
        Between("n", "d", 0, 0.29999999999999998 - 2**-52),
        Between("n", "x", 0, Decimal("0.29999999999999999999999999")),
        Between("n", "b", 0, float(BIG) - 1),
        Between("n", "b", float(BIG) + 2, None),
        Between("n", "i", 1.1, None),
        Between("n", "i", None, 0.9),
        OneOf("n", "r", [0.1, 0.2]),
        OneOf("n", "x", [0.1, 0.30000000000000004]),
        Formula("n", "r", {"i": {1: 0.2}}),
        Total("n", ChildRows("n", "up"), "r", at_most=0.2),
        Children("n", ChildRows("n", "up"), at_least=1.1),
    ],
)
def test_what_is_beyond_is_found(engine: Engine, kind: Kind) -> None:
    found = engine.ask(kind)

    assert (found.error, found.violations) == (None, 1)


@pytest.mark.parametrize(
    "kind",
    [
        Formula("n", "r", {"i": {1: 0.3}}),
        Formula("n", "x", {"i": {1: 0.3}}),
        Formula("n", "d", {"i": {1: 0.3}}),
        Formula("n", "i", {"x": {0.3: 1}}),
        Total("n", ChildRows("n", "up"), "r", at_least=0.3, at_most=0.3),
        Total("n", ChildRows("n", "up"), "x", at_least=0.3, at_most=0.3),
        Between("n", "r", -1e300, 1e300),
        Between("n", "r", 1e-300, None),
    ],
)
def test_what_is_right_is_not(engine: Engine, kind: Kind) -> None:
    found = engine.ask(kind)

    assert (found.error, found.violations) == (None, 0)


@pytest.mark.parametrize(
    ("sql", "most", "text", "violations"),
    [
        (f"SELECT {BIG + 1}::bigint", BIG, str(BIG + 1), 1),
        (f"SELECT {BIG + 1}::numeric", BIG, str(BIG + 1), 1),
        (f"SELECT {BIG}::bigint", BIG, str(BIG), 0),
        ("SELECT 10::numeric ^ 40 + 1", 10**40, str(10**40 + 1), 1),
        ("SELECT 0.3::numeric", 0.3, "0.3", 0),
        ("SELECT 0.3::real", 0.3, "0.3", 0),
        ("SELECT 0.3::float8", 0.3, "0.3", 0),
        ("SELECT 0.30000000000000000001", 0.3, "0.30000000000000000001", 1),
        ("SELECT 5.00", 5, "5", 0),
        ("SELECT NULL::numeric", 5, None, 0),
    ],
)
def test_metrics_are_exact(engine: Engine, sql: str, most: Any, text: str | None, violations: int) -> None:
    found = engine.ask(Metric("m", sql, at_most=most))

    assert (found.error, found.violations, found.text) == (None, violations, text)


def test_numbers_that_nobody_can_read_are_unknown(engine: Engine) -> None:
    assert engine.ask(Metric("m", "SELECT 10::numeric ^ 500")).error == "it gave a number of more than 400 digits"
    assert engine.ask(Metric("m", "SELECT 'Infinity'::numeric")).error == "it gave Infinity, which is not a number"


def test_reports_have_all_digits(check: RunRules) -> None:
    """JSON, terminal and page."""
    rule = f"""
@rule.metric("big", "SELECT {BIG + 1}::bigint", at_most={BIG})
def test_big(violations):
    \"\"\"It is not too big.\"\"\"
    assert not violations

@rule.metric("long", "SELECT 0.12345678901234567890123")
def test_long(violations):
    \"\"\"It is long.\"\"\"
    assert not violations
"""
    ran = check(rule, "--html-report=page.html")

    assert ran.status == 1
    assert ran.integrity["activity"] == {"big": BIG + 1, "long": 0.12345678901234568}
    assert ran.integrity["activity_text"] == {"long": "0.12345678901234567890123"}
    assert f"big is {BIG + 1}, not at most {BIG}" in ran.out
    assert str(BIG + 1) in (ran.path.parent / "page.html").read_text()


def test_clamp_agrees(make_database: Callable[[str], str], pytester: pytest.Pytester) -> None:
    """What a clamp writes is not beyond the bound; what is at the bound is left alone."""
    url = make_database(
        "CREATE TABLE f (id int PRIMARY KEY, r real, x numeric, d float8);"
        "INSERT INTO f VALUES (1, 0.3, 0.3, 0.3), (2, 0.5, 0.30000000000000000001, 0.5), (3, -1, -1, -1);"
    )
    rules(
        pytester,
        '@pytest.mark.parametrize("column", ["r", "x", "d"])\n@rule.between("f", "{column}", 0.1, 0.3, fix="clamp")\n'
        'def test_share(violations, column):\n    """It is a share."""\n    assert not violations\n',
    )
    ran = run_rules(pytester, "--fix", url=url)

    assert ran.status == 0
    assert set(ran.verdicts.values()) == {"fixed"}
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT r::text, x::text, d::text FROM f ORDER BY id").fetchall()
    assert found == [("0.3",) * 3, ("0.3",) * 3, ("0.1",) * 3]


@pytest.mark.parametrize(
    ("value", "changes"),
    [(0.3, True), (0.5, False), (1, False), (2**24 + 1, True), (2**24, False), (True, False), ("0.3", False), (None, False),
     (float("inf"), False), (float("nan"), False), (1e300, False), (Decimal("0.1"), True), (1e-300, False)],
)  # fmt: skip
def test_numbers_that_a_real_rounds_are_known(value: Any, changes: bool) -> None:
    assert changes_as_real(value) is changes
