"""What a field of a declaration holds, written where the field is declared: ``column: str = holds.subject()``. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Holds = Literal["source", "sql", "catalog name", "part", "plain"]
Whose = Literal["source", "child", "target", "statement"]
"""Whose columns SQL names: those of the rule's source, of its child rows, of what it refers to, or a whole statement's own."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a field holds. `of` says whose columns its SQL names, or as what a source is read.

    `subject` marks the column that the rule is about, which a fix writes to; `damaged` what a proof may damage; `asked`
    is False for SQL that only names or narrows rows, on which no violation depends.
    """

    holds: Holds
    of: Whose = "source"
    subject: bool = False
    damaged: bool = False
    asked: bool = True


def source(*, of: Whose = "source", **more: Any) -> Any:
    """A `Source`, or the name of a table."""
    return _field(Role("source", of), **more)


def subject(**more: Any) -> Any:
    """The column that the rule is about, or an expression instead."""
    return _field(Role("sql", subject=True, damaged=True), **more)


def sql(*, of: Whose = "source", damaged: bool = False, asked: bool = True, **more: Any) -> Any:
    """SQL: text, several texts, or a mapping whose keys are SQL. What is no text is a value, and so is a lone ``%(name)s``."""
    return _field(Role("sql", of, damaged=damaged, asked=asked), **more)


def catalog_name(**more: Any) -> Any:
    """The name of an object of the catalog; it is quoted as a whole."""
    return _field(Role("catalog name"), **more)


def part(**more: Any) -> Any:
    """A declaration of its own, such as `ChildRows`."""
    return _field(Role("part"), **more)


def plain(**more: Any) -> Any:
    """No SQL: a value, a name for people, a yes or no."""
    return _field(Role("plain"), **more)


def outside(**more: Any) -> Any:
    """What a file beside the rules says; no part of canonical lines, as the rule stays the same rule when it changes."""
    return field(metadata={"role": Role("plain"), "canonical": None}, repr=False, **more)


def _field(role: Role, *, canonical: str | None = None, **more: Any) -> Any:
    """A field of a dataclass; `canonical` is its word in canonical lines, where that is not its name."""
    named = {} if canonical is None else {"canonical": canonical}
    return field(metadata={"role": role, **named}, **more)
