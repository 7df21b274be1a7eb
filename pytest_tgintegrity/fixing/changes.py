"""A change of a row, which is planned, shown, journalled and taken back; and the digest that names a plan. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Row = Mapping[str, str | None]
"""Columns and their values as text, None for NULL: text is what survives any type."""


Place = tuple[str, tuple[tuple[str, str | None], ...]]
"""Where a row stands: its table and, in order of their names, the columns that tell it from other rows, with their values."""


def place(table: str, columns: Row) -> Place:
    """The place of the row that has these columns."""
    return table, tuple(sorted(columns.items()))


OPPOSITES = {"update": "update", "delete": "insert", "insert": "delete"}
"""The operation that takes each operation back."""
TRIGGER_BITS = {"insert": 4, "delete": 8, "update": 16}
"""The bits of `pg_trigger.tgtype` for the operations that fire a trigger."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one row of one table: `op` is update, delete or insert.

    `before` and `after` hold the columns that an update changes, the whole row that a deletion removes (`before`), or the
    columns that an insertion writes (`after`). `key` is the primary key; it is empty for a row that is yet to get a key.
    `rules` are those whose fixes make the change.
    """

    table: str
    op: str
    key: Row
    before: Row
    after: Row
    rules: tuple[str, ...]

    @classmethod
    def between(cls, table: str, op: str, key: Row, rows: tuple[Row, Row], rules: Sequence[str]) -> Change:
        """The change from one whole row to another; an insertion writes only values that are not NULL."""
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
        """What tells the change from others of a plan: its table and key, or its table and what it inserts."""
        return place(self.table, self.key or self.after)

    @property
    def bare(self) -> Change:
        """The same change without any value of its row."""
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
        """The change as a line of a plan's file."""
        return json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True)


class Digest:
    """The id of a plan: a digest of exactly its changes, which are added one by one.

    `moving` maps columns (table and name) whose values depend on the time of planning to their expressions. The expression
    goes into the digest in place of the value, so that the same plan has the same id a minute later.
    """

    def __init__(self, moving: Mapping[tuple[str, str], str] | None = None) -> None:
        self._hash = hashlib.sha256()
        self._moving = moving or {}
        self.count = 0

    def add(self, change: Change) -> None:
        """Add the next change."""
        after = {name: self._moving.get((change.table, name), text) for name, text in change.after.items()}
        self._hash.update(replace(change, after=after).line.encode(errors="surrogateescape"))
        self._hash.update(b"\n")
        self.count += 1

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits, which are the same for the same changes in the same order."""
        return self._hash.hexdigest()[:16]


def plan_id(changes: Iterable[Change]) -> str:
    """The id of the plan that consists of these changes."""
    digest = Digest()
    for change in changes:
        digest.add(change)
    return digest.id
