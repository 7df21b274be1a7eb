"""Single rules of TG with the values that the planted faults do not show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from engine import looking_at
from integrity_tests.test_characters import test_freebies_spent_are_a_list_of_costs as ledger_test
from integrity_tests.test_locations import test_location_is_no_part_of_its_parts as parts_test
from integrity_tests.test_locations import test_location_is_not_contained_in_itself as contained_test
from integrity_tests.test_vampires import test_blood_pool_follows_generation as blood_test
from integrity_tests.test_vampires import test_sire_is_no_descendant as sire_test
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.planner import BoundRule, plan
from pytest_tgintegrity.planning.sql.compose import readable
from pytest_tgintegrity.rules.declare import declaration_of
from pytest_tgintegrity.rules.rule import Rule
from tg import Connection

Violating: TypeAlias = Callable[[Callable[..., None]], set[int]]


@pytest.fixture(scope="module")
def facts(damaged_demo: str) -> Facts:
    with looking_at(damaged_demo) as engine:
        return engine.facts


@pytest.fixture
def violating(connection: Connection, facts: Facts) -> Violating:
    """Tell the keys that a rule finds, also in what this transaction has changed."""

    def found(test: Callable[..., None]) -> set[int]:
        declared = declaration_of(test)
        assert isinstance(declared, Rule)
        (scan,) = plan([BoundRule("it", declared, "", {})], facts).scans
        sampling = scan.sampling("it")
        assert sampling is not None
        return {int(row[0]) for row in connection.execute(readable(sampling.rows).encode()).fetchall()}

    return found


def first(connection: Connection, query: str) -> list[int]:
    return [int(row[0]) for row in connection.execute(query.encode()).fetchall()]


@pytest.mark.parametrize("generation", [-(2**31), 2, 16, 2**31 - 1])
def test_an_impossible_generation_gives_no_blood(connection: Connection, violating: Violating, generation: int) -> None:
    connection.execute(
        "UPDATE characters_vampire SET generation_rating = %s WHERE vtmhuman_ptr_id = 900014", [generation]
    )

    assert 900014 in violating(blood_test)


@pytest.mark.parametrize(
    ("generation", "pool", "per_turn"),
    [
        (3, 50, 10),
        (4, 50, 10),
        (5, 40, 8),
        (6, 30, 6),
        (7, 20, 4),
        (8, 15, 3),
        (9, 14, 2),
        (10, 13, 1),
        (11, 12, 1),
        (12, 11, 1),
        (13, 10, 1),
        (14, 10, 1),
        (15, 10, 1),
    ],
)
def test_a_generation_gives_its_blood(
    connection: Connection, violating: Violating, generation: int, pool: int, per_turn: int
) -> None:
    change = "UPDATE characters_vampire SET (generation_rating, max_blood_pool, blood_per_turn) = (%s, %s, %s)"
    connection.execute(change.encode(), [generation, pool, per_turn])
    assert violating(blood_test) == set()

    connection.execute(change.encode(), [generation, pool, per_turn + 1])
    assert 900014 in violating(blood_test)


def test_vampires_in_a_circle_and_below_it_are_named(connection: Connection, violating: Violating) -> None:
    known = violating(sire_test)
    one, two, below = first(
        connection,
        "SELECT vtmhuman_ptr_id FROM characters_vampire WHERE vtmhuman_ptr_id < 900000"
        " AND vtmhuman_ptr_id NOT IN (SELECT sire_id FROM characters_vampire WHERE sire_id IS NOT NULL) LIMIT 3",
    )
    for vampire, sire in ((one, two), (two, one), (below, one)):
        connection.execute("UPDATE characters_vampire SET sire_id = %s WHERE vtmhuman_ptr_id = %s", [sire, vampire])

    assert violating(sire_test) - known == {one, two, below}


def test_places_in_a_circle_are_named(connection: Connection, violating: Violating) -> None:
    known = violating(parts_test)
    one, two, apart = first(
        connection,
        "SELECT id FROM locations_locationmodel WHERE id < 900000"
        " AND id NOT IN (SELECT parent_id FROM locations_locationmodel WHERE parent_id IS NOT NULL) LIMIT 3",
    )
    connection.execute("DELETE FROM locations_locationmodel_contained_within")
    for inside, container in ((one, two), (two, one), (apart, one), (apart, two)):
        connection.execute("UPDATE locations_locationmodel SET parent_id = %s WHERE id = %s", [container, inside])
        connection.execute(
            "INSERT INTO locations_locationmodel_contained_within (from_locationmodel_id, to_locationmodel_id)"
            " VALUES (%s, %s)",
            [inside, container],
        )

    assert violating(parts_test) - known == {one, two, apart}
    assert violating(contained_test) == {one, two}


@pytest.mark.parametrize(
    ("ledger", "wrong"),
    [
        ("[]", False),
        ('[{"cost": 3}, {"cost": 0}]', False),
        ("null", True),
        ("7", True),
        ("[7]", True),
        ("[[]]", True),
        ("[{}]", True),
        ('[{"cost": 3}, {"cost": null}]', True),
        ('[{"cost": "3"}]', True),
    ],
)
def test_a_ledger_is_a_list_of_costs(connection: Connection, violating: Violating, ledger: str, wrong: bool) -> None:
    connection.execute("UPDATE characters_human SET spent_freebies = %s WHERE character_ptr_id = 900001", [ledger])

    assert (900001 in violating(ledger_test)) is wrong
