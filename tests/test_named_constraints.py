"""A constraint that a rule names is in force only if all that it stands on is."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from engine import looking_at

from pytest_tgintegrity.rules.kinds import Schema

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
    make_database: Callable[[str], str], damage: str, problem: str | None
) -> None:
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
def test_what_is_not_enforced_is_a_violation(make_database: Callable[[str], str], kind: Schema) -> None:
    """Named, among those of its table, and among all."""
    url = make_database(
        f"{SCRIPT} ALTER TABLE child DROP CONSTRAINT child_n, ADD CONSTRAINT child_n CHECK (n > 0) NOT ENFORCED"
    )
    with looking_at(url) as engine:
        found = engine.ask(kind)

    assert [one.values["problem"] for one in found.samples] == ["NOT ENFORCED"]
