"""JSON columns: lists are lists and objects are objects; the application goes through them without a look."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_tgintegrity import Violations, rule

from .words.classes import JSON_LISTS, JSON_OBJECTS


def of_each(columns: Mapping[str, str]) -> pytest.MarkDecorator:
    """One test for each JSON column."""
    return pytest.mark.parametrize(
        ("table", "column"), [(table, column) for table, names in columns.items() for column in names.split()]
    )


@of_each(JSON_LISTS)
@rule.json_shape(
    "{table}",
    "{column}",
    list,
    fix="CASE WHEN {column} IN ('null', '{{}}', '\"\"') THEN '[]' ELSE {column} END",
    breaks={"{column}": "'null'"},
    overlaps=["test_freebies_spent_are_a_list_of_costs", "test_deeds_of_werewolf_are_a_list_of_names"],
    tags=["JSON-1"],
)
def test_json_column_is_a_list(violations: Violations, table: str, column: str) -> None:
    """What is stored as a list is a list; the fix makes an empty one of what is empty, and leaves the rest to a person."""
    assert not violations


@of_each(JSON_OBJECTS)
@rule.json_shape(
    "{table}",
    "{column}",
    dict,
    fix="CASE WHEN {column} IN ('null', '[]', '\"\"') THEN '{{}}' ELSE {column} END",
    breaks={"{column}": "'null'"},
    tags=["JSON-1"],
)
def test_json_column_is_an_object(violations: Violations, table: str, column: str) -> None:
    """What is stored by names is an object; the fix makes an empty one of what is empty, the rest a person mends."""
    assert not violations
