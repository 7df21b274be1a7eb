"""What is pinned beside what is there: missing, changed or new objects of the catalog. Pure.

A key, constraint or index counts for what it says: its name may be another, as Django's end in hashes. Everything else is
known by its name. An enum may gain labels; that is new, nothing of what was pinned is changed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pytest_tgintegrity.rules.kinds import CatalogObject, ObjectKind

BY_CONTENT: Final[frozenset[ObjectKind]] = frozenset(
    {"primary_key", "foreign_key", "unique", "check", "exclusion", "index"}
)


@dataclass(frozen=True, slots=True)
class Difference:
    """An object that is not as it was pinned; `pinned` and `now` are its definitions, None where it is in one of both alone."""

    object: CatalogObject
    problem: Literal["missing", "changed", "new"]
    pinned: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`lost` is what is missing or changed, `new` what is not pinned; both in order of the objects."""

    lost: Sequence[Difference]
    new: Sequence[Difference]


def compared(pinned: Sequence[CatalogObject], live: Sequence[CatalogObject]) -> Comparison:
    """Compare the pinned objects with those that are there."""
    wanted, there = _only_in(pinned, live)
    named = {_name(one): one for one in there}
    lost, grown = [], []
    for one in wanted:
        other = named.pop(_name(one), None)
        if other is not None and _grew(one, other):
            grown.append(Difference(one, "new", one.definition, other.definition))
        else:
            now = None if other is None else other.definition
            lost.append(Difference(one, "missing" if other is None else "changed", one.definition, now))
    new = [Difference(one, "new", None, one.definition) for one in named.values()]
    return Comparison(lost, sorted([*grown, *new], key=lambda difference: difference.object))


def _only_in(
    pinned: Sequence[CatalogObject], live: Sequence[CatalogObject]
) -> tuple[list[CatalogObject], list[CatalogObject]]:
    """The objects of each side that have no equal on the other.

    Of equal ones as many as are too many: first those whose name the other side does not have.
    """
    wanted, there = Counter(map(_identity, pinned)), Counter(map(_identity, live))
    missing, extra = wanted - there, there - wanted
    left = [one for one in pinned if _identity(one) in missing]
    right = [one for one in live if _identity(one) in extra]
    return _taken(left, missing, set(map(_name, live))), _taken(right, extra, set(map(_name, pinned)))


def _taken(side: Iterable[CatalogObject], surplus: Counter[Any], names: Collection[Any]) -> list[CatalogObject]:
    chosen = []
    for one in sorted(side, key=lambda each: (_name(each) in names, each)):
        if surplus[_identity(one)] > 0:
            surplus[_identity(one)] -= 1
            chosen.append(one)
    return sorted(chosen)


def _identity(one: CatalogObject) -> tuple[str, ...]:
    """What equal objects have in common."""
    return (one.kind, one.table, "" if one.kind in BY_CONTENT else one.name, one.definition)


def _name(one: CatalogObject) -> tuple[str, str, str]:
    return (one.kind, one.table, one.name)


def _grew(pinned: CatalogObject, live: CatalogObject) -> bool:
    """Whether an enum has all its labels in their order, and others beside."""
    if pinned.kind != "enum":
        return False
    labels: list[str] = json.loads(pinned.definition)
    return [label for label in json.loads(live.definition) if label in set(labels)] == labels
