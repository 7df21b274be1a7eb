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
from pytest_tgintegrity.rules.toml import document, shortened

By = Literal["rules", "constraints", "nothing"]
TablePath = tuple[str, str]
Reasons = Mapping[str, str]
NAME = 130
"""How much of a name is shown: enough for schema and table in full."""


def parse_reasons(text: str, file: str) -> dict[str, str]:
    """Names, or patterns of them, with the reason why no rule looks there. Raises `UsageError` in one sentence."""
    reasons = dict(_flattened(document(text, file)))
    for name, reason in reasons.items():
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(
                f'{file}: the reason for {name[:NAME]} is {shortened(reason)}: write "{name[:NAME]}" = "why no rule looks there"'
            )
    return {name: " ".join(reason.split()) for name, reason in reasons.items()}


def _flattened(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """A dotted key of TOML is a table in a table; here it is a column of a table."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


@dataclass(frozen=True, slots=True)
class Part:
    """A table, foreign key or column: who looks at it, and the reason given if no rule does."""

    name: str
    by: By
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the selected rules, of all collected ones, look at. `unused` are reasons for parts that do not exist or are looked at."""

    selected: int
    collected: int
    tables: tuple[Part, ...]
    foreign_keys: tuple[Part, ...]
    columns: tuple[Part, ...]
    unused: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Numbers, and all that no rule looks at; what declared constraints alone look at is listed separately."""
        parts = {"tables": self.tables, "foreign_keys": self.foreign_keys, "columns": self.columns}
        return {
            "selected": self.selected,
            "collected": self.collected,
            **{name: _section(listed) for name, listed in parts.items()},
            "unused_reasons": list(self.unused),
        }


def _section(parts: Sequence[Part]) -> dict[str, Any]:
    def listed(by: By) -> list[dict[str, str | None]]:
        return [{"name": part.name, "reason": part.reason} for part in parts if part.by == by]

    return {
        "total": len(parts),
        "by_rules": sum(part.by == "rules" for part in parts),
        "by_constraints_only": listed("constraints"),
        "by_nothing": listed("nothing"),
    }


@dataclass(slots=True)
class _LookedAt:
    """What rules of one sort look at: columns by table, and for each table all that the rules that read it look at together."""

    columns: dict[TablePath, set[str]] = field(default_factory=lambda: defaultdict(set))
    together: dict[TablePath, list[Columns]] = field(default_factory=lambda: defaultdict(list))

    def add(self, columns: Columns) -> None:
        for path, names in columns.items():
            self.columns[path] |= names
            self.together[path].append(columns)

    def at_key(self, key: Constraint) -> bool:
        """Whether one rule names the columns of a foreign key and reads its target."""
        besides = self.together.get(key.target, ()) if key.target else ()
        return any(looked.get(_path(key), set()).issuperset(key.columns) for looked in besides)


def cover(
    rules: Iterable[BoundRule],
    tables: Mapping[str, tuple[str, ...]],
    facts: Facts,
    foreign_keys: Sequence[Constraint],
    reasons: Reasons,
    collected: int,
) -> Coverage:
    """What `rules` look at. `tables` are the tables that a rule reads, by its id; a rule that could not be planned is left out."""
    by_rule, by_constraint, selected = _LookedAt(), _LookedAt(), 0
    for bound in rules:
        selected += 1
        if bound.id not in tables:
            continue
        read = {name: table for name in tables.get(bound.id, ()) if (table := facts.table(name)) is not None}
        sort = by_constraint if isinstance(bound.rule.kind, CatalogKind) else by_rule
        sort.add(_looks(bound, read))
    judge = _Judge(facts, by_rule, by_constraint, reasons, set())
    parts = judge.tables(), judge.foreign_keys(foreign_keys), judge.columns()
    return Coverage(selected, collected, *parts, tuple(name for name in reasons if name not in judge.used))


def _looks(bound: BoundRule, read: Mapping[str, Table]) -> Columns:
    rule, constraint = bound.rule, bound.params.get("constraint")
    if not isinstance(constraint, Constraint):
        written = rule.fix if isinstance(rule.fix, Mapping) else ()
        params = {"since": "", **bound.params}
        texts = [*texts_of(rule.kind, params), *(plain(column, params) for column in written)]
        return columns_named(texts, read)
    columns = columns_named([*constraint.expressions, constraint.where or ""], read)
    columns.setdefault(_path(constraint), set()).update(constraint.columns)
    if constraint.target is not None:
        columns.setdefault(constraint.target, set()).update(constraint.target_columns)
    return columns


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says who looks at each part of the catalog, and collects the reasons that apply in `used`."""

    facts: Facts
    rules: _LookedAt
    constraints: _LookedAt
    reasons: Reasons
    used: set[str]

    def tables(self) -> tuple[Part, ...]:
        return tuple(
            self._part(name, [name], table.path in self.rules.columns, table.path in self.constraints.columns)
            for name, table in self._tables()
        )

    def columns(self) -> tuple[Part, ...]:
        return tuple(
            self._part(f"{name}.{column}", [f"{name}.{column}", name], column in by_rules, column in by_constraints)
            for name, table in self._tables()
            for by_rules in [self.rules.columns.get(table.path, set())]
            for by_constraints in [self.constraints.columns.get(table.path, set())]
            for column in sorted(table.columns)
        )

    def foreign_keys(self, keys: Iterable[Constraint]) -> tuple[Part, ...]:
        return tuple(self._foreign_key(key, self._name(_path(key)), key.target) for key in keys if key.target)

    def _foreign_key(self, key: Constraint, table: str, target: TablePath) -> Part:
        name = f"{table}.{'+'.join(key.columns)} -> {self._name(target)}"
        called = [*(f"{table}.{column}" for column in key.columns), table]
        return self._part(name, called, self.rules.at_key(key), self.constraints.at_key(key))

    def _part(self, name: str, called: Sequence[str], *looked: bool) -> Part:
        by_rules, by_constraints = looked
        if by_rules:
            return Part(name, "rules")
        by: By = "constraints" if by_constraints else "nothing"
        for pattern, reason in self.reasons.items():
            if any(fnmatchcase(known, pattern) for known in called):
                self.used.add(pattern)
                return Part(name, by, reason)
        return Part(name, by)

    def _tables(self) -> list[tuple[str, Table]]:
        """Every table that holds rows of its own, once, by the shortest name that finds it."""
        paths = {table.path: table for table in self.facts.tables.values() if table.stored and not table.partition}
        return sorted((self._name(path), table) for path, table in paths.items())

    def _name(self, path: TablePath) -> str:
        visible = self.facts.table(path[1])
        return path[1] if visible is not None and visible.path == path else ".".join(path)


def _path(constraint: Constraint) -> TablePath:
    return (constraint.schema, constraint.table)
