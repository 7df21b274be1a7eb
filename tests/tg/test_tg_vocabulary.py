"""The words that TG's rules are written in are those of TG's schema."""

from __future__ import annotations

from collections import defaultdict

from integrity_tests.words import classes as vocabulary
from integrity_tests.words.classes import CLASSES, NUMBERED, OBJECTS, RATINGS, REPEATABLE, ROOTS
from tg import needs_csvs, table


@needs_csvs
def test_classes_are_those_of_the_content_types() -> None:
    described = {
        (row["app_label"], row["model"], row["table"], row["parent_table"], row["root_table"], row["pk_column"])
        for row in table("content_types")
        if row["polymorphic"] == "yes"
    }
    known = {
        (one.app, one.model, one.table, one.parent.table if one.parent else "", one.root.table, one.key)
        for one in CLASSES.values()
    }

    assert known == described
    assert len(CLASSES) == 169
    assert len(ROOTS) == 54


@needs_csvs
def test_content_types_are_all_known() -> None:
    described = sorted((row["app_label"], row["model"]) for row in table("content_types"))

    assert list(vocabulary.CONTENT_TYPES) == described


@needs_csvs
def test_columns_in_families_exist() -> None:
    columns: dict[str, set[str]] = defaultdict(set)
    for row in table("columns"):
        columns[row["table"]].add(row["column"])

    assert {name for name, found in columns.items() if {"status", "visibility", "image_status"} <= found} == set(
        OBJECTS
    )
    assert all("name" in columns[name] for name in OBJECTS)
    assert len(vocabulary.ATTRIBUTES) == 9
    assert len(vocabulary.ABILITIES) == 19
    assert columns["characters_human"] >= {*vocabulary.ATTRIBUTES, *vocabulary.ABILITIES}


@needs_csvs
def test_checks_are_those_of_the_schema() -> None:
    described = {(row["table"], row["name"]) for row in table("constraints") if row["kind"] == "c"}

    assert set(vocabulary.CHECKS) == described


@needs_csvs
def test_numbered_tables_are_those_with_an_identity() -> None:
    assert list(NUMBERED) == sorted(row["table"] for row in table("columns") if row["default"].startswith("identity"))


@needs_csvs
def test_sides_of_ratings_may_be_empty() -> None:
    nullable = {(row["table"], row["column"]) for row in table("columns") if row["not_null"] == "False"}

    assert {(name, column) for name, sides in RATINGS.items() for column in sides} <= nullable
    assert len(RATINGS) == 17
    assert len(RATINGS) - len(REPEATABLE) == 14


@needs_csvs
def test_lineages_are_the_self_references_that_no_other_rule_is_about() -> None:
    others = {"characters_vampire", "locations_locationmodel", "characters_magefaction"}
    found = {(row["table"], row["columns"]) for row in table("foreign_keys") if row["table"] == row["ref_table"]}

    assert set(vocabulary.LINEAGES.items()) == {(name, column) for name, column in found if name not in others}


def test_kin_is_the_class_and_all_below() -> None:
    fera = CLASSES["characters_fera"]

    assert [one.model for one in fera.kin][:3] == ["fera", "ajaba", "ananasi"]
    assert len(fera.kin) == 13
    assert sum(len(one.kin) for one in ROOTS) == len(CLASSES)
