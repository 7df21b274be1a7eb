"""Sequences in parts."""

from __future__ import annotations

import pytest

from pytest_tgintegrity.parts import chunks, halves


@pytest.mark.parametrize(
    ("items", "size", "parts"), [("abcde", 2, ["ab", "cd", "e"]), ("abcd", 4, ["abcd"]), ("", 3, [])]
)
def test_so_many_at_a_time(items: str, size: int, parts: list[str]) -> None:
    assert list(chunks(items, size)) == parts


@pytest.mark.parametrize(("items", "parts"), [("abcde", ("abc", "de")), ("ab", ("a", "b")), ("a", ("a",)), ("", ())])
def test_halves_have_something_in_them(items: str, parts: tuple[str, ...]) -> None:
    assert halves(items) == parts
