"""What the fixes of TG's rules write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integrity_tests.test_attributes_and_abilities import test_attribute_is_zero_to_ten as attribute_test
from integrity_tests.test_characters import test_health_levels_lost_are_in_order as wounds_test
from integrity_tests.test_objects import test_object_name_has_no_white_space_around as trimmed_test
from integrity_tests.test_polymorphism import test_type_tag_belongs_to_the_family as family_test
from integrity_tests.test_polymorphism import test_type_tag_is_given as given_test
from integrity_tests.test_polymorphism import test_type_tag_names_the_class_or_one_below as below_test
from pytest_tgintegrity.planning.sql.compose import fill, readable
from pytest_tgintegrity.rules.declare import declaration_of
from pytest_tgintegrity.rules.rule import Rule
from tg import Connection


def fix(test: Callable[..., None], **params: object) -> str:
    """The expression that a rule mends its column with, filled in."""
    declared = declaration_of(test)
    assert isinstance(declared, Rule)
    assert declared.fix is not None
    expression = declared.fix if isinstance(declared.fix, str) else next(iter(declared.fix.values()))
    return readable(fill(expression, params))


def tag_of(connection: Connection, key: int) -> str | None:
    row = connection.execute(
        "SELECT type.model FROM characters_charactermodel AS base"
        " LEFT JOIN django_content_type AS type ON type.id = base.polymorphic_ctype_id WHERE base.id = %s",
        [key],
    ).fetchone()
    assert row is not None
    model: str | None = row[0]
    return model


def mend(connection: Connection, expression: str, key: int, root: str = "characters_charactermodel") -> None:
    connection.execute(f"UPDATE {root} SET polymorphic_ctype_id = {expression} WHERE id = {key}".encode())


def test_fix_gives_a_missing_tag(connection: Connection) -> None:
    mend(connection, fix(given_test, root="characters_charactermodel"), 900041)

    assert tag_of(connection, 900041) == "human"


def test_fix_takes_back_a_foreign_tag(connection: Connection) -> None:
    expression = fix(family_test, root="characters_archetype")
    mend(connection, expression, 900042, "characters_archetype")
    row = connection.execute(
        "SELECT type.model FROM characters_archetype AS root"
        " JOIN django_content_type AS type ON type.id = root.polymorphic_ctype_id WHERE root.id = 900042"
    ).fetchone()

    assert row == ("archetype",)


@pytest.mark.parametrize(
    ("key", "wrong", "mended"),
    [
        pytest.param(900044, "mtahuman", "mage", id="an ancestor becomes the class"),
        pytest.param(900045, "mtahuman", "mtahuman", id="another branch is left to a person"),
        pytest.param(900046, "human", "human", id="two branches are left to a person"),
    ],
)
def test_fix_deepens_a_tag(connection: Connection, key: int, wrong: str, mended: str) -> None:
    mend(connection, f"(SELECT id FROM django_content_type WHERE model = '{wrong}')", key)
    assert tag_of(connection, key) == wrong

    mend(connection, fix(below_test, root="characters_charactermodel"), key)

    assert tag_of(connection, key) == mended


@pytest.mark.parametrize(("wrong", "mended"), [(-3, 1), (11, 10)])
def test_fix_of_an_attribute_never_makes_a_zero(connection: Connection, wrong: int, mended: int) -> None:
    expression = fix(attribute_test, column="strength")
    connection.execute("UPDATE characters_human SET strength = %s WHERE character_ptr_id = 900001", [wrong])
    row = connection.execute(
        f"UPDATE characters_human SET strength = {expression} WHERE character_ptr_id = 900001 RETURNING strength".encode()
    ).fetchone()

    assert row == (mended,)


@pytest.mark.parametrize(("wounds", "mended"), [("BLA", "ALB"), ("BBLAAL", "AALLBB"), ("BXA", "BXA")])
def test_fix_sorts_wounds(connection: Connection, wounds: str, mended: str) -> None:
    connection.execute(
        "UPDATE characters_human SET current_health_levels = %s WHERE character_ptr_id = 900001", [wounds]
    )
    row = connection.execute(
        f"UPDATE characters_human SET current_health_levels = {fix(wounds_test)}"
        " WHERE character_ptr_id = 900001 RETURNING current_health_levels".encode()
    ).fetchone()

    assert row == (mended,)


@pytest.mark.parametrize(
    ("name", "mended"),
    [
        pytest.param("\u2003Ada \u00a0", "Ada", id="white space goes"),
        pytest.param("\u2003", "\u2003", id="a name of nothing else stays"),
        pytest.param(" Planted 900001: x", " Planted 900001: x", id="another's name is not taken"),
    ],
)
def test_fix_trims_names(connection: Connection, name: str, mended: str) -> None:
    table = "characters_charactermodel"
    connection.execute("UPDATE characters_charactermodel SET name = 'Planted 900001: x' WHERE id = 900001")
    connection.execute("UPDATE characters_charactermodel SET name = %s WHERE id = 900002", [name])
    row = connection.execute(
        f"UPDATE {table} SET name = {fix(trimmed_test, table=table)} WHERE id = 900002 RETURNING name".encode()
    ).fetchone()

    assert row == (mended,)
