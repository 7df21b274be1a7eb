"""The clean demo meets what is known of TG's data: no table is empty, no invariant violated, every number is in range."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from tg import CSVS, Connection, needs_csvs, plain_sql, table, values

NO_QUESTION: Final = {
    "CHAR-10": "no column says when a character was submitted",
    "SYS-1": "needs a server with XML; test_sequences_are_behind_no_table asks the same",
    "XP-9": "depends on today, and the demo ends on a day of 2024",
    "XP-24": "depends on today, and the demo ends on a day of 2024",
}
"""Invariants whose plain SQL says nothing about the demo."""


@pytest.fixture(scope="module")
def clean(clean_demo: str) -> Iterator[Connection]:
    with psycopg.connect(clean_demo, autocommit=True) as connection:
        yield connection


def plain_invariants() -> list[str]:
    """The invariants that are one statement, not a template for many tables."""
    template = re.compile(r"(?<!')\{")
    return [
        fact["id"]
        for fact in (table("invariants") if CSVS.is_dir() else ())
        if fact["id"] not in NO_QUESTION and not template.search(fact["violating_rows_sql"])
    ]


@needs_csvs
@pytest.mark.parametrize("invariant", plain_invariants())
def test_clean_data_violates_no_invariant(clean: Connection, invariant: str) -> None:
    statement = plain_sql(invariant)

    assert [] == clean.execute(statement.encode()).fetchall()[:5]


def depends(fact: dict[str, str]) -> bool:
    """Whether a range is no promise about every row.

    Some hold only under a condition, which an invariant states in full. Of the sheet that all humans share, commands and
    methods think less than the application stores: they know no spirit and no Nosferatu with an attribute of 0, no
    mummy of 5000 years, and no elder with an ability of 10.
    """
    narrow = fact["source"].startswith(("command", "method"))
    return "only " in fact["source"] or (narrow and fact["table"] == "characters_human")


def outside(fact: dict[str, str]) -> str:
    """The condition of rows that a range excludes; a bound may be an expression over the row."""
    low, high = (fact[side].removeprefix("=").replace("/2)", "/2.0)") for side in ("min", "max"))
    bounds = [f"{fact['column']} < {low}"] if low else []
    return " OR ".join([*bounds, f"{fact['column']} > {high}"] if high else bounds)


@needs_csvs
def test_every_number_is_in_its_ranges(clean: Connection) -> None:
    ranges = [fact for fact in table("ranges") if not depends(fact)]

    assert len(ranges) > 750
    assert [] == [
        f"{fact['table']}.{fact['column']}: {fact['source']}"
        for fact in ranges
        if values(clean, f"SELECT 1 FROM {fact['table']} WHERE {outside(fact)} LIMIT 1")
    ]


NEVER_AT_THE_END: Final = {
    "characters_backgroundrating.rating",  # methods and BG-3 stop at 5
    "characters_ghoul.potence",  # VAM-10: every ghoul has a dot
    "characters_meritflawrating.rating",  # CHAR-20: flaws of one character stop at -7
    "characters_thrall.daily_faith_offered",  # DEM-2: half the potential, rounded up
    "characters_resrating.rating",  # methods stop at 5, RATE-3 deletes 0
    *(f"characters_werewolf.temporary_{word}" for word in ("glory", "honor", "wisdom")),  # WOLF-2: ten become a dot
}
"""Where another fact keeps every row from an end of the range. Of the columns that keep a
background a second time most stay at 0, as in the application."""


def ends() -> dict[tuple[str, str, str], int]:
    """The least and the greatest that any source allows a column of a character or of what belongs to one."""
    widest: dict[tuple[str, str, str], int] = {}
    for fact in table("ranges"):
        kept = (
            fact["source"].startswith("inferred: background") or f"{fact['table']}.{fact['column']}" in NEVER_AT_THE_END
        )
        for side, wider in (("min", min), ("max", max)):
            if fact["table"].startswith("characters_") and fact[side].isdigit() and not kept and not depends(fact):
                key = (fact["table"], fact["column"], side)
                widest[key] = wider(widest.get(key, int(fact[side])), int(fact[side]))
    return widest


@needs_csvs
def test_the_ends_of_every_range_occur(clean: Connection) -> None:
    """A rule that is stricter than the application finds a row there."""
    found = ends()

    assert len(found) > 800
    assert [] == [
        key for key, end in found.items() if not values(clean, f"SELECT 1 FROM {key[0]} WHERE {key[1]} = {end} LIMIT 1")
    ]


def choices() -> dict[tuple[str, str], list[str]]:
    """The words that the application offers for a column."""
    words: dict[tuple[str, str], list[str]] = {}
    for fact in table("choices"):
        if fact["source"] != "django null=True" and "not enforced" not in fact["source"]:
            words.setdefault((fact["table"], fact["column"]), []).append(fact["value"])
    return words


@needs_csvs
def test_every_word_is_one_of_its_choices(clean: Connection) -> None:
    query = "SELECT 1 FROM {0} WHERE {1} IS NOT NULL AND NOT {1}::text = ANY (%s) LIMIT 1"
    found = choices()

    assert len(found) > 200
    assert [] == [pair for pair, words in found.items() if values(clean, query.format(*pair), words)]


@needs_csvs
def test_every_choice_of_characters_occurs(clean: Connection) -> None:
    shared = ("status", "visibility", "image_status")
    found = {pair: words for pair, words in choices().items() if pair[0].startswith("characters_")}

    assert len(found) > 180
    for (name, word), words in found.items():
        if word not in shared:
            assert set(words) == set(values(clean, f"SELECT DISTINCT coalesce({word}::text, '') FROM {name}")), name
