"""The clean demo meets what is known of TG's data: no table is empty, no invariant violated, every number is in range."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest
from tg import CSVS, Connection, needs_csvs, table

from integrity_tests.demo import DATASETS
from integrity_tests.vocabulary import ATTRIBUTES
from pytest_tgintegrity.scratch import open_dataset

NO_QUESTION: Final = {
    "CHAR-10": "no column says when a character was submitted",
    "SYS-1": "needs a server with XML; test_sequences_are_behind_no_table asks the same",
    "XP-9": "depends on today, and the demo ends on a day of 2024",
    "XP-24": "depends on today, and the demo ends on a day of 2024",
}
"""Invariants whose plain SQL says nothing about the demo."""


@pytest.fixture(scope="module")
def clean() -> Iterator[Connection]:
    with open_dataset("demo", DATASETS["demo"]) as server, psycopg.connect(server.url(), autocommit=True) as connection:
        yield connection


def column(connection: Connection, query: str, *parameters: object) -> list[Any]:
    """The first column of an answer."""
    return [row[0] for row in connection.execute(query.encode(), parameters or None)]


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
    [statement] = [fact["violating_rows_sql"] for fact in table("invariants") if fact["id"] == invariant]

    assert [] == clean.execute(statement.encode()).fetchall()[:5]


def depends(fact: dict[str, str]) -> bool:
    """Whether a range is no promise about every row.

    Some hold only under a condition, which an invariant states in full. On attributes and age the sources disagree:
    the commands and methods know neither spirits and Nosferatu with an attribute of 0 nor mummies of 5000 years.
    """
    narrow = fact["source"].startswith(("command", "method"))
    return "only " in fact["source"] or (
        narrow and fact["table"] == "characters_human" and fact["column"] in (*ATTRIBUTES, "age")
    )


def outside(fact: dict[str, str]) -> str:
    """The condition of rows that a range excludes; a bound may be an expression over the row."""
    low, high = (fact[side].removeprefix("=").replace("/2)", "/2.0)") for side in ("min", "max"))
    bounds = [f"{fact['column']} < {low}"] if low else []
    return " OR ".join([*bounds, f"{fact['column']} > {high}"] if high else bounds)


@needs_csvs
def test_every_number_is_in_its_ranges(clean: Connection) -> None:
    ranges = [fact for fact in table("ranges") if not depends(fact)]

    assert len(ranges) > 800
    assert [] == [
        f"{fact['table']}.{fact['column']}: {fact['source']}"
        for fact in ranges
        if column(clean, f"SELECT 1 FROM {fact['table']} WHERE {outside(fact)} LIMIT 1")
    ]


@needs_csvs
def test_every_word_is_one_of_its_choices(clean: Connection) -> None:
    choices: dict[tuple[str, str], list[str]] = {}
    for fact in table("choices"):
        if fact["source"] != "django null=True" and "not enforced" not in fact["source"]:
            choices.setdefault((fact["table"], fact["column"]), []).append(fact["value"])
    query = "SELECT 1 FROM {table} WHERE {column} IS NOT NULL AND NOT {column}::text = ANY (%s) LIMIT 1"

    assert len(choices) > 200
    assert [] == [
        pair for pair, words in choices.items() if column(clean, query.format(table=pair[0], column=pair[1]), words)
    ]
