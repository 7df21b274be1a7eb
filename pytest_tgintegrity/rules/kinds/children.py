"""Kinds about the child rows of a row: what each declares, and how it is told to people. Pure."""

from __future__ import annotations

from typing import Any

from pytest_tgintegrity.rules.kinds import holds
from pytest_tgintegrity.rules.kinds.fields import named_kind
from pytest_tgintegrity.rules.kinds.source import ChildRows, Source
from pytest_tgintegrity.rules.kinds.words import condition, of_children, outside


@named_kind("children")
class Children:
    """A violation is a row of `source` with too few or too many child rows."""

    source: Source | str = holds.source()
    children: ChildRows = holds.part()
    at_least: Any = holds.sql(default=None)
    at_most: Any = holds.sql(default=None)


@condition.register(Children)
def _children(kind: Children) -> str:
    return outside(of_children("count(*)", kind.source, kind.children), kind.at_least, kind.at_most)


@named_kind("total")
class Total:
    """A violation is a row of `source` for which the sum of `expression` over its child rows is out of bounds."""

    source: Source | str = holds.source()
    children: ChildRows = holds.part()
    expression: str = holds.sql(of="child")
    at_least: Any = holds.sql(default=None)
    at_most: Any = holds.sql(default=None)


@condition.register(Total)
def _total(kind: Total) -> str:
    total = of_children(f"coalesce(sum({kind.expression}), 0)", kind.source, kind.children)
    return outside(total, kind.at_least, kind.at_most)


@named_kind("derived", fixes=["recompute"])
class Derived:
    """A violation is a `column` that differs from an aggregate over the row's child rows; `empty` where it has none."""

    source: Source | str = holds.source()
    column: str = holds.subject()
    aggregate: str = holds.sql(of="child")
    children: ChildRows = holds.part()
    empty: str = holds.sql(default="0")


@condition.register(Derived)
def _derived(kind: Derived) -> str:
    value = of_children(kind.aggregate, kind.source, kind.children)
    return f"{kind.column} IS DISTINCT FROM coalesce({value}, {kind.empty})"


ChildrenKind = Children | Total | Derived
