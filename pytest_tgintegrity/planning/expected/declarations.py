"""Declared constraints that an earlier run looked at and that the live catalog does not declare any more. Pure.

Without a pinned schema the history is all that knows of them. A constraint counts for what it says: one that was given
another name is still there. Columns are counted one by one where NOT NULL is declared, as their tables share one test.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pytest_tgintegrity.planning.bound import BoundRule
from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.rules.kinds import Declared

NOT_NULL: Final = "not-null"
"""What is said of a column that may not be NULL."""
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

    def kept(self, rules: Iterable[str]) -> dict[str, str]:
        """What the next run has to know of these, which are gone."""
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
        yield f"{rule.removesuffix(']')}-{column}]", NOT_NULL


def _content(constraint: Constraint) -> str:
    says = (
        *(constraint.schema, constraint.table, constraint.columns, constraint.expressions, constraint.where),
        *(constraint.nulls_distinct, constraint.target, constraint.target_columns, constraint.match_full),
        *(constraint.excluded, constraint.base),
    )
    return hashlib.sha256(repr(says).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def gone(earlier: Mapping[str, str], live: Mapping[str, str], functions: Iterable[str]) -> list[str]:
    """The ids of what was declared and is not any more, of test functions that are still there."""
    renamed = Counter((function_of(rule), content) for rule, content in live.items() if rule not in earlier)
    known = set(functions)
    missing = []
    for rule, content in sorted(earlier.items()):
        if rule in live or function_of(rule) not in known:
            continue
        key = (function_of(rule), _digest(content))
        if key[1] != NOT_NULL and renamed[key] > 0:
            renamed[key] -= 1
        else:
            missing.append(rule)
    return missing
