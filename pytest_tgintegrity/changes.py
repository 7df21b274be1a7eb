"""Changes of rows, as they are planned, shown, journalled and taken back; and the digest that names a plan. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Row = Mapping[str, str | None]
"""Columns and their values as text, None for NULL: text is what survives any type."""


Place = tuple[str, tuple[tuple[str, str | None], ...]]
"""A table and the columns that tell a row of it from others, in order of their names."""


def place(table: str, columns: Row) -> Place:
    """Where the row of these columns stands."""
    return table, tuple(sorted(columns.items()))


@dataclass(frozen=True, slots=True)
class Change:
    """One row of one table: `op` is update, delete or insert.

    An update holds the columns that change, `before` and `after`; a deletion the whole row in `before`; an insertion what
    is written in `after`. `key` is the primary key, empty for a row that is yet to get one. `rules` asked for it.
    """

    table: str
    op: str
    key: Row
    before: Row
    after: Row
    rules: tuple[str, ...]

    @classmethod
    def between(cls, table: str, op: str, key: Row, rows: tuple[Row, Row], rules: Sequence[str]) -> Change:
        """The change from one whole row to another; of an insertion only what is not NULL is written."""
        before, after = rows
        if op == "insert":
            return cls(
                table, op, {}, {}, {name: text for name, text in after.items() if text is not None}, tuple(rules)
            )
        if op == "delete":
            return cls(table, op, key, before, {}, tuple(rules))
        changed = [name for name, text in after.items() if text != before[name]]
        return cls(table, op, key, {c: before[c] for c in changed}, {c: after[c] for c in changed}, tuple(rules))

    @property
    def place(self) -> Place:
        """What tells it from the other changes of a plan: its table and key, or what it inserts."""
        return place(self.table, self.key or self.after)

    @property
    def bare(self) -> Change:
        """It, but nothing of its row."""
        return replace(self, key={}, before={}, after={})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "table": self.table,
            "op": self.op,
            "key": dict(self.key),
            "before": dict(self.before),
            "after": dict(self.after),
            "rules": list(self.rules),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Change:
        """The inverse of `to_json`."""
        return cls(**{**document, "rules": tuple(document["rules"])})

    @property
    def line(self) -> str:
        """One line of a plan's file."""
        return json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True)


class Digest:
    """The id of a plan: a digest of exactly its changes, taken while they pass.

    `moving` are columns (table and name) whose values come of the time at which they are planned: the expression stands for
    the value, so that the same plan has the same id a minute later.
    """

    def __init__(self, moving: Mapping[tuple[str, str], str] | None = None) -> None:
        self._hash = hashlib.sha256()
        self._moving = moving or {}
        self.count = 0

    def add(self, change: Change) -> None:
        """Take in one more change."""
        after = {name: self._moving.get((change.table, name), text) for name, text in change.after.items()}
        self._hash.update(replace(change, after=after).line.encode(errors="surrogateescape"))
        self._hash.update(b"\n")
        self.count += 1

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits; the same for the same changes in the same order."""
        return self._hash.hexdigest()[:16]


def plan_id(changes: Iterable[Change]) -> str:
    """The id of the plan that consists of these changes."""
    digest = Digest()
    for change in changes:
        digest.add(change)
    return digest.id
