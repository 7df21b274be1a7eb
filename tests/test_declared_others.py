"""Exclusion constraints and constraints of domains are asked of the data, one item each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine import looking_at

SCRIPT = """
CREATE TABLE booking (id int PRIMARY KEY, room int4range, at tsrange, active bool NOT NULL,
    CONSTRAINT apart EXCLUDE USING gist (room WITH &&, at WITH &&) WHERE (active));
INSERT INTO booking SELECT i, int4range(i, i + 1), tsrange('2030-01-01', '2030-01-02'), true FROM generate_series(1, 20) AS i;
INSERT INTO booking VALUES (30, '[1,3)', '[2030-01-01,2030-02-01)', false);
"""
DAMAGE = """
UPDATE pg_index SET indisready = false WHERE indexrelid = 'apart'::regclass;
INSERT INTO booking VALUES (40, '[2,4)', '[2030-01-01 12:00,2030-01-03)', true), (41, '[50,60)', '[2030-01-01,2030-01-03)', true);
UPDATE pg_index SET indisready = true WHERE indexrelid = 'apart'::regclass;
"""
DOMAINS = """
CREATE DOMAIN amount AS int;
CREATE DOMAIN small AS amount CHECK (VALUE < 100);
CREATE DOMAIN told AS text NOT NULL;
CREATE DOMAIN unused AS int CHECK (VALUE > 0);
CREATE TABLE a (id int PRIMARY KEY, value small, "odd name" amount);
CREATE TABLE b (x int, y int, n amount, PRIMARY KEY (x, y));
INSERT INTO a VALUES (1, -5, 5), (2, 5, -6), (3, NULL, NULL);
INSERT INTO b VALUES (1, 2, -7), (3, 4, 7);
ALTER DOMAIN amount ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;
"""


@pytest.mark.parametrize(("damage", "keys"), [("", []), (DAMAGE, ["2", "3", "40"])])
def test_overlaps_behind_a_damaged_index_are_found(
    make_database: Callable[[str], str], damage: str, keys: list[str]
) -> None:
    with looking_at(make_database(SCRIPT + damage)) as engine:
        found = engine.declared("exclusion")

    assert {name: (one.error, one.violations) for name, one in found.items()} == {"booking-apart": (None, len(keys))}
    assert [one.key for one in found["booking-apart"].samples] == keys
    assert found["booking-apart"].examined == 21 + len(damage and keys) - bool(damage)


def test_domains_are_asked_of_all_their_columns(make_database: Callable[[str], str]) -> None:
    """Also of those of a domain upon it; NOT VALID or not."""
    with looking_at(make_database(DOMAINS)) as engine:
        found = engine.declared("domain")

    assert {name: (one.error, one.violations) for name, one in found.items()} == {
        "amount-positive": (None, 3), "small-small_check": (None, 0), "told-not-null": (None, 0),
        "unused-unused_check": (None, 0),
    }  # fmt: skip
    samples = [(one.key, one.values["value"]) for one in found["amount-positive"].samples]
    assert samples == [("a.odd name 2", -6), ("a.value 1", -5), ("b.n 1 2", -7)]
