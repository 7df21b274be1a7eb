"""Words and signs that all parts of the page have in common: no verdict is shown by a colour alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_tgintegrity.reports.html.markup import Child, Markup, tag
from pytest_tgintegrity.text import grouped

SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    "passed": ("✓", "good"),
    "failed": ("✗", "bad"),
    "tolerated": ("≈", "warn"),
    "noted": ("!", "warn"),
    "waived": ("~", "calm"),
    "fixed": ("+", "good"),
    "unknown": ("?", "warn"),
}
STATUS: Final[Mapping[str, tuple[str, str]]] = {
    "healthy": ("✓", "good"),
    "degraded": ("✗", "bad"),
    "undetermined": ("?", "warn"),
}


MET: Final[Mapping[bool, tuple[str, str]]] = {True: STATUS["healthy"], False: STATUS["degraded"]}


def sign(mark: str) -> Markup | None:
    """A mark that a screen reader passes over: the word beside it says the same."""
    return tag("span", f"{mark} ", aria_hidden="true") if mark else None


def badge(verdict: str, count: int | None = None) -> Markup:
    """A verdict in a frame, with a count if there is one."""
    mark, colour = SIGNS.get(verdict, ("", "calm"))
    return framed(verdict if count is None else f"{grouped(count)} {verdict}", mark, colour)


def met(passed: bool, yes: str = "met", no: str = "not met") -> Markup:  # noqa: FBT001 - as it stands in the document
    """Whether a condition is met."""
    return framed(yes if passed else no, *MET[passed])


def framed(word: str, mark: str, colour: str) -> Markup:
    """A word in a frame, with its mark."""
    return tag("span", sign(mark), word, class_=f"badge {colour}")


def value(stored: Any) -> Child:
    """A value of the database; NULL looks unlike the text NULL."""
    return tag("i", "NULL", class_="soft") if stored is None else str(stored)


def minute(moment: str) -> str:
    """An ISO timestamp in UTC, for people."""
    return f"{moment[:16].replace('T', ' ')} UTC"


def test_of(rule: str) -> str:
    """The test of a rule, without its file."""
    return rule.partition("::")[2] or rule
