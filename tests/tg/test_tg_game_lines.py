"""Every range and choice that a source states for the sheets of the game lines is a rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pytest_tgintegrity.planning.sql.compose import plain
from pytest_tgintegrity.rules.kinds import Between, OneOf
from tg import DECLARED, needs_csvs, table

Kind = TypeVar("Kind", Between, OneOf)

# Sheets that all lines share, and what has files of its own.
ELSEWHERE: Final = ("rating", "characters_human", "characters_character", "characters_group")
COMMON: Final = ("status", "visibility", "image_status", "display")


def of_a_line(row: Mapping[str, str]) -> bool:
    name = row["table"]
    elsewhere = name in ELSEWHERE or name.endswith("rating") or name == "characters_charactermodel"
    return name.startswith("characters_") and not elsewhere and row["column"] not in COMMON


def expansions(function: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """The parameters of a test, one set after the other; a test of TG has one parametrize at most."""
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        yield {}
        return
    (mark,) = marks
    names, values = mark.args
    names = [names] if isinstance(names, str) else names
    for one in values:
        found = getattr(one, "values", [one] if len(names) == 1 else one)
        yield dict(zip(names, found, strict=True))


def declared(kind: type[Kind]) -> Iterator[tuple[str, str, Kind, dict[str, Any]]]:
    """Table and column of every rule of a kind, with the values it was given."""
    for _, function, rule in DECLARED:
        if isinstance(rule.kind, kind):
            source = rule.kind.source
            clause = source if isinstance(source, str) else source.from_clause
            for params in expansions(function):
                yield plain(clause, params), plain(rule.kind.column, params), rule.kind, params


def bound(value: Any, params: Mapping[str, Any]) -> Any:
    return params[value[2:-2]] if isinstance(value, str) and value.startswith("%(") else value


def states_a_range(row: Mapping[str, str]) -> bool:
    """Whether a source states bounds that are numbers and hold for every row.

    Those that are another column have a rule of another kind; those that hold under a condition are VAM-4 and VAM-5;
    20 is the wheel of a mage, which Quintessence and Paradox share.
    """
    return of_a_line(row) and "=" not in row["max"] and row["max"] != "20" and "only" not in row["source"]


@needs_csvs
def test_stated_ranges_are_rules() -> None:
    stated = {
        (row["table"], row["column"], side, int(row[side]))
        for row in table("ranges")
        for side in ("min", "max")
        if states_a_range(row) and row[side]
    }
    rules = {
        (name, column, side, bound(value, params))
        for name, column, kind, params in declared(Between)
        for side, value in (("min", kind.low), ("max", kind.high))
    }

    assert len(stated) > 700
    assert stated - rules == set()


@needs_csvs
def test_stated_choices_are_rules() -> None:
    stated: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in table("choices"):
        if of_a_line(row) and row["column"] != "level" and row["value"] != "NULL":
            stated[row["table"], row["column"]].add(row["value"])
    rules = {
        (name, column): set(bound(kind.values, params))
        for name, column, kind, params in declared(OneOf)
        if (name, column) in stated
    }

    assert rules == stated
