"""What violates a rule, as SQL for people to read: templates, placeholders and all. Pure.

Each kind registers a whole `statement`, or the `condition` that is TRUE of a row of its source. What is sent to a server is
composed elsewhere, where keys and columns are known; here `<key>` stands for a table's key.
"""

from __future__ import annotations

import functools
import textwrap
from decimal import Decimal
from typing import Any

from pytest_tgintegrity.rules.kinds.fields import source_of, unregistered
from pytest_tgintegrity.rules.kinds.source import ChildRows, Source


@functools.singledispatch
def statement(kind: object) -> str:
    """What a rule asks, as one statement, or a sentence where no statement could say it."""
    source = source_of(kind)
    if source is None:
        raise unregistered(kind, "words", "rules/kinds")
    return f"SELECT * FROM {from_clause(source)} WHERE {condition(kind)}"


@functools.singledispatch
def condition(kind: object) -> str:
    """What is TRUE of a row that violates a rule about rows."""
    raise unregistered(kind, "words", "rules/kinds")


def dedented(sql: str) -> str:
    """SQL of several lines, without the indentation of the declaration that it stands in."""
    return textwrap.dedent(sql.strip("\n")).strip()


def from_clause(source: Source | str) -> str:
    """What is read."""
    return source if isinstance(source, str) else dedented(source.from_clause)


def where_clause(where: str | None) -> str:
    """The clause with the condition, if there is one."""
    return f" WHERE {dedented(where)}" if where else ""


def outside(subject: str, low: Any, high: Any) -> str:
    """Below one bound or above the other; a bound that is text is SQL."""
    least, most = (bound if isinstance(bound, str) else constant(bound) for bound in (low, high))
    if low is None:
        return f"{subject} > {most}"
    if high is None:
        return f"{subject} < {least}"
    return f"{subject} <> {least}" if least == most else f"{subject} NOT BETWEEN {least} AND {most}"


def constant(value: Any) -> str:
    """A value in a template: its own braces are doubled."""
    if value is None or isinstance(value, bool | int | float | Decimal):
        return "NULL" if value is None else str(value)
    return "'{}'".format(str(value).replace("'", "''").replace("{", "{{").replace("}", "}}"))


def of_children(aggregate: str, parent: Source | str, children: ChildRows) -> str:
    """An aggregate over the child rows of one row of the parent."""
    where = f" AND ({dedented(children.where)})" if children.where else ""
    by = f"{children.by} = {children.of or _key(parent)}"
    return f"(SELECT {aggregate} FROM {from_clause(children.child)} WHERE {by}{where})"


def _key(source: Source | str) -> str:
    if isinstance(source, str):
        return f"{source}.<key>"
    return source.keys[0] if len(source.keys) == 1 else f"({', '.join(source.keys)})"
