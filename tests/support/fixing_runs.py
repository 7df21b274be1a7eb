"""Runs that fix: a rule, and what is said of it."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from harness import Ran

SIZE = """
@rule.between("item", "size", 0, 20, severity="high", fix="clamp")
def test_size(violations):
    \"\"\"Sizes are at most twenty.\"\"\"
    assert not violations
"""


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def told(ran: Ran, word: str) -> str:
    """The lines of the summary on one subject."""
    found = re.search(rf"^{word} .*(?:\n {{11}}.*)*", ran.out, re.MULTILINE)
    assert found, ran.said
    return found[0]
