"""Coverage: which tables, foreign keys and columns no rule looks at, and why that may be on purpose. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.planning.bound import BoundRule, texts_of
from pytest_tgintegrity.planning.facts import Constraint, Facts, Table
from pytest_tgintegrity.planning.sql.compose import plain
from pytest_tgintegrity.planning.sql.names import Columns, columns_named
from pytest_tgintegrity.rules.kinds import CatalogKind
from pytest_tgintegrity.rules.toml import document, told

By = Literal["rules", "constraints", "nothing"]
Path = tuple[str, str]
Reasons = Mapping[str, str]
NAME = 130
"""What a name of ours has room for: schema and table, in full."""


def parse_reasons(text: str, file: str) -> dict[str, str]:
    """Names, or patterns of them, with the reason why no rule looks there. Raises `UsageError` in one sentence."""
    found = dict(_flattened(document(text, file)))
    for name, reason in found.items():
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(
                f'{file}: the reason for {name[:NAME]} is {told(reason)}: write "{name[:NAME]}" = "why no rule looks there"'
            )
    return {name: " ".join(reason.split()) for name, reason in found.items()}


def _flattened(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """A dotted key of TOML is a table in a table; here it is a column of a table."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


@dataclass(frozen=True, slots=True)
class Part:
    """A table, foreign key or column: who looks at it, and the reason that is given if no rule does."""

    name: str
    by: By
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the selected of all collected rules look at. `unused` are reasons for what is not there, or is looked at."""

    selected: int
    collected: int
    tables: tuple[Part, ...]
    foreign_keys: tuple[Part, ...]
    columns: tuple[Part, ...]
    unused: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Numbers, and all that no rule looks at; what declared constraints alone look at is told apart."""
        parts = {"tables": self.tables, "foreign_keys": self.foreign_keys, "columns": self.columns}
        return {
            "selected": self.selected,
            "collected": self.collected,
            **{name: _section(found) for name, found in parts.items()},
            "unused_reasons": list(self.unused),
        }


def _section(parts: Sequence[Part]) -> dict[str, Any]:
    def listed(by: By) -> list[dict[str, str | None]]:
        return [{"name": one.name, "reason": one.reason} for one in parts if one.by == by]

    return {
        "total": len(parts),
        "by_rules": sum(one.by == "rules" for one in parts),
        "by_constraints_only": listed("constraints"),
        "by_nothing": listed("nothing"),
    }


@dataclass(slots=True)
class _Looked:
    """What rules of one sort look at: columns by table, and by each table what its rules look at besides."""

    columns: dict[Path, set[str]] = field(default_factory=lambda: defaultdict(set))
    together: dict[Path, list[Columns]] = field(default_factory=lambda: defaultdict(list))

    def add(self, found: Columns) -> None:
        for path, columns in found.items():
            self.columns[path] |= columns
            self.together[path].append(found)

    def at_key(self, key: Constraint) -> bool:
        """Whether one rule names the columns of a foreign key and reads its target."""
        besides = self.together.get(key.target, ()) if key.target else ()
        return any(found.get(_path(key), set()).issuperset(key.columns) for found in besides)


def cover(
    rules: Iterable[BoundRule],
    tables: Mapping[str, tuple[str, ...]],
    facts: Facts,
    foreign_keys: Sequence[Constraint],
    reasons: Reasons,
    collected: int,
) -> Coverage:
    """What `rules` look at, where `tables` are those that each reads, by its id; one that could not be planned reads none."""
    by_rule, by_constraint, selected = _Looked(), _Looked(), 0
    for one in rules:
        selected += 1
        if one.id not in tables:
            continue
        read = {name: table for name in tables.get(one.id, ()) if (table := facts.table(name)) is not None}
        sort = by_constraint if isinstance(one.rule.kind, CatalogKind) else by_rule
        sort.add(_looks(one, read))
    judge = _Judge(facts, by_rule, by_constraint, reasons, set())
    found = judge.tables(), judge.foreign_keys(foreign_keys), judge.columns()
    return Coverage(selected, collected, *found, tuple(one for one in reasons if one not in judge.used))


def _looks(bound: BoundRule, read: Mapping[str, Table]) -> Columns:
    rule, constraint = bound.rule, bound.params.get("constraint")
    if not isinstance(constraint, Constraint):
        written = rule.fix if isinstance(rule.fix, Mapping) else ()
        params = {"since": "", **bound.params}
        texts = [*texts_of(rule.kind, params), *(plain(column, params) for column in written)]
        return columns_named(texts, read)
    found = columns_named([*constraint.expressions, constraint.where or ""], read)
    found.setdefault(_path(constraint), set()).update(constraint.columns)
    if constraint.target is not None:
        found.setdefault(constraint.target, set()).update(constraint.target_columns)
    return found


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says of each part of the catalog who looks at it, and remembers which reasons were of `used`."""

    facts: Facts
    rules: _Looked
    constraints: _Looked
    reasons: Reasons
    used: set[str]

    def tables(self) -> tuple[Part, ...]:
        return tuple(
            self._part(name, [name], table.path in self.rules.columns, table.path in self.constraints.columns)
            for name, table in self._tables()
        )

    def columns(self) -> tuple[Part, ...]:
        return tuple(
            self._part(f"{name}.{one}", [f"{name}.{one}", name], one in by_rules, one in by_constraints)
            for name, table in self._tables()
            for by_rules in [self.rules.columns.get(table.path, set())]
            for by_constraints in [self.constraints.columns.get(table.path, set())]
            for one in sorted(table.columns)
        )

    def foreign_keys(self, keys: Iterable[Constraint]) -> tuple[Part, ...]:
        return tuple(self._foreign_key(key, self._name(_path(key)), key.target) for key in keys if key.target)

    def _foreign_key(self, key: Constraint, table: str, target: Path) -> Part:
        name = f"{table}.{'+'.join(key.columns)} -> {self._name(target)}"
        called = [*(f"{table}.{one}" for one in key.columns), table]
        return self._part(name, called, self.rules.at_key(key), self.constraints.at_key(key))

    def _part(self, name: str, called: Sequence[str], *looked: bool) -> Part:
        by_rules, by_constraints = looked
        if by_rules:
            return Part(name, "rules")
        by: By = "constraints" if by_constraints else "nothing"
        for pattern, reason in self.reasons.items():
            if any(fnmatchcase(one, pattern) for one in called):
                self.used.add(pattern)
                return Part(name, by, reason)
        return Part(name, by)

    def _tables(self) -> list[tuple[str, Table]]:
        """Every table that holds rows of its own, once, by the shortest name that finds it."""
        found = {table.path: table for table in self.facts.tables.values() if table.stored and not table.partition}
        return sorted((self._name(path), table) for path, table in found.items())

    def _name(self, path: Path) -> str:
        visible = self.facts.table(path[1])
        return path[1] if visible is not None and visible.path == path else ".".join(path)


def _path(constraint: Constraint) -> Path:
    return (constraint.schema, constraint.table)
