"""Read a plan of ``EXPLAIN (VERBOSE, FORMAT JSON)``: which part is run once for each of many rows, and reads many rows each time.

Such a plan takes a second at 100 000 rows and hours at 1 000 000. Guilty is a SubPlan that is not hashed, over a Seq Scan
or a Materialize, an array that is searched through, and a nested loop without an index. What looks up one key in an index
for each row is innocent. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_tgintegrity.planning.sql.layout import without_literals

Node = Mapping[str, Any]

CURE = "write the condition as a join, or as EXISTS on an indexed column"

PAIRS_PER_SECOND = 20_000_000
"""How many pairs of rows may be compared for each second of a statement's timeout: an optimist's measure."""

_COST_OF_ROW = 0.02
_COST_OF_PAIR = 0.0078
_INSIDE = ("SubPlan", "InitPlan")


@dataclass(frozen=True, slots=True)
class Guilt:
    """A part of a plan that reads about `inner` rows for each of about `outer` rows."""

    part: str
    outer: float
    inner: float

    @property
    def pairs(self) -> float:
        """How many pairs of rows it looks at."""
        return self.outer * self.inner

    def __str__(self) -> str:
        """One sentence with its cure."""
        return self.sentence(CURE)

    def sentence(self, cure: str) -> str:
        """The same with another cure."""
        return f"its plan reads about {self.inner:,.0f} rows for each of about {self.outer:,.0f} ({self.part}): {cure}"


def worst(plan: Node) -> Guilt | None:
    """The part of a plan that compares most pairs of rows; None if no part is run again and again over many."""
    return max(_guilts(plan, 1.0, _hashed(plan)), key=lambda guilt: guilt.pairs, default=None)


def _guilts(node: Node, times: float, hashed: frozenset[str]) -> Iterator[Guilt]:
    rows = _rows_in(node)
    for child in _children(node):
        name, role = str(child.get("Subplan Name", "")), child.get("Parent Relationship")
        again = times
        if role == "SubPlan" and name not in hashed and not name.startswith("CTE"):
            again = times * rows
            yield from _guilt(f"{name} over {_leaf(child)}", again, _read(child))
        elif role == "InitPlan" and _is_searched(node, name):
            yield from _guilt(f"an array of {name}", times * rows, _rows_in(child))
        elif role == "Inner" and node["Node Type"] == "Nested Loop":
            again = times * rows
            yield from _guilt(f"Nested Loop over {_leaf(child)}", again, _read(child))
        yield from _guilts(child, again, hashed)


def _guilt(part: str, outer: float, inner: float) -> Iterator[Guilt]:
    if outer > 1 and inner > 1:
        yield Guilt(part, outer, inner)


def _children(node: Node) -> Iterable[Node]:
    children: Iterable[Node] = node.get("Plans", ())
    return children


def _rows_in(node: Node) -> float:
    """How many rows a node works on: those of its (first) input, or what a scan reads before it filters."""
    inputs = [child for child in _children(node) if child.get("Parent Relationship") not in _INSIDE]
    if inputs:
        return float(inputs[0]["Plan Rows"])
    return max(float(node["Plan Rows"]), _scanned(node))


def _scanned(node: Node) -> float:
    """The rows that a scan without index reads, from its cost; what its own subplans cost is not the table's."""
    if "Index Cond" in node or node["Node Type"] not in {"Seq Scan", "Bitmap Heap Scan"}:
        return 0.0
    inside = [child for child in _children(node) if child.get("Parent Relationship") == "SubPlan"]
    cost = float(node["Total Cost"]) - float(node["Startup Cost"])
    if inside:
        return cost / (_COST_OF_PAIR * max(1.0, *(_read(child) for child in inside)))
    return cost / _COST_OF_ROW


def _read(node: Node) -> float:
    """The rows that are read each time a part is run."""
    inputs = [child for child in _children(node) if child.get("Parent Relationship") not in _INSIDE]
    if node["Node Type"] == "Materialize" or not inputs:
        return max(float(node["Plan Rows"]), _scanned(node))
    if node["Node Type"] in {"Memoize", "Hash"}:
        return float(node["Plan Rows"])
    return sum(_read(child) for child in inputs)


def _leaf(node: Node) -> str:
    """What a part reads, by the name of its first table."""
    while "Relation Name" not in node and (inputs := [*_children(node)]):
        node = inputs[0]
    return str(node.get("Relation Name", node["Node Type"]))


def _hashed(plan: Node) -> frozenset[str]:
    """The subplans of which a hash is made once."""
    return frozenset(
        f"SubPlan {number}"
        for text in _texts(plan)
        for number in re.findall(r"hashed SubPlan (\d+)", without_literals(text))
    )


def _texts(node: Node) -> Iterator[str]:
    yield from _own_texts(node)
    for child in _children(node):
        yield from _texts(child)


def _own_texts(node: Node) -> Iterator[str]:
    for value in node.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (text for text in value if isinstance(text, str))


def _is_searched(node: Node, name: str) -> bool:
    """Whether an expression looks for a value in the array that an InitPlan gives: ``ANY ($0)`` until PostgreSQL 16."""
    shown = re.search(r"returns (\$\d+)", name)
    value = f"({shown[1]})" if shown else f"(({name}).col1)"
    return any(f"{word} {value}" in without_literals(text) for text in _own_texts(node) for word in ("ANY", "ALL"))
