"""Declared constraints that an earlier run looked at and that the live catalog does not declare any more. Pure.

Without a pinned schema the history is all that knows of them. A constraint counts for what it says: one that was given
another name is still there. Columns are counted one by one where NOT NULL is declared, as their tables share one test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pytest_tgintegrity.planning.bound import BoundRule
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.rules.kinds import Declared

SINCE: Final = "@"


@dataclass(frozen=True, slots=True)
class EarlierDeclarations:
    """What a run knew to be declared, at `started_at`: by the id of its test what each constraint says, as a digest.

    Behind the digest of what was gone then stands when it was last declared.
    """

    started_at: datetime
    items: Mapping[str, str]

    def last_seen(self, rule: str) -> str:
        """The start of the last run in which it was declared, in ISO format."""
        return self.items[rule].partition(SINCE)[2] or self.started_at.isoformat()

    def of_others(self, functions: Iterable[str]) -> list[str]:
        """The ids of the tests of other functions than these: rules that this run did not have."""
        known = set(functions)
        return [rule for rule in self.items if function_of(rule) not in known]

    def kept(self, rules: Iterable[str]) -> dict[str, str]:
        """What the next run has to know of these, which are gone or not asked for."""
        return {rule: f"{_digest(self.items[rule])}{SINCE}{self.last_seen(rule)}" for rule in rules}


def _digest(content: str) -> str:
    return content.partition(SINCE)[0]


def function_of(rule: str) -> str:
    """The id of a test function, from that of one of its tests."""
    return rule.partition("[")[0]


def declared_items(rules: Iterable[BoundRule]) -> dict[str, str]:
    """What is declared, as far as the rules look at it: an entry for each constraint, and for each column that is NOT NULL."""
    return {
        rule: content
        for bound in rules
        if isinstance(bound.rule.kind, Declared) and (constraint := bound.params.get("constraint")) is not None
        for rule, content in _items(bound.id, constraint)
    }


def _items(rule: str, constraint: Constraint) -> Iterator[tuple[str, str]]:
    if constraint.kind != "not_null":
        yield rule, _content(constraint)
        return
    for column in constraint.columns:
        yield f"{rule.removesuffix(']')}-{column}]", _hashed((constraint.schema, constraint.table, column))


def _content(constraint: Constraint) -> str:
    says = (
        *(constraint.schema, constraint.table, constraint.columns, constraint.expressions, constraint.where),
        *(constraint.nulls_distinct, constraint.target, constraint.target_columns, constraint.match_full),
        *(constraint.excluded, constraint.base),
    )
    return _hashed(says)


def _hashed(says: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(says).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def gone(earlier: Mapping[str, str], live: Mapping[str, str], functions: Iterable[str]) -> list[str]:
    """The ids of what was declared and is not any more, of test functions that are still there.

    What is there counts once: as the same, or as what says the same under another id (names were changed, or another search
    path is asked), or else as what was changed under its id. Where one was dropped and another has its id now, that one's is told.
    """
    known = set(functions)
    asked = {rule: _digest(content) for rule, content in sorted(earlier.items()) if function_of(rule) in known}
    moved = _moved(asked, live)
    missing = [rule for rule in asked if live.get(rule) != asked[rule] and rule not in moved.values()]
    return sorted(rule for rule in (_last_id(one, moved) for one in missing) if rule not in live)


def _moved(asked: Mapping[str, str], live: Mapping[str, str]) -> dict[str, str]:
    """By id of what is there the id that the same had, where that is another one."""
    other: dict[tuple[str, str], list[str]] = {}
    for rule, content in sorted(live.items(), reverse=True):
        if asked.get(rule) != content:
            other.setdefault((function_of(rule), content), []).append(rule)
    moved = {}
    for rule, content in asked.items():
        there = other.get((function_of(rule), content))
        if live.get(rule) != content and there:
            moved[there.pop()] = rule
    return moved


def _last_id(rule: str, moved: Mapping[str, str]) -> str:
    """The id that is free now, as others took over the one and that of each other."""
    while rule in moved:
        rule = moved[rule]
    return rule
