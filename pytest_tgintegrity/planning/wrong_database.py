"""Whether a run looks at another database than its rules mean: from the tables that they name, and those that are there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.missing import did_you_mean, missing, tables_named
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.sql.compose import plain
from pytest_tgintegrity.rules.kinds import Pinned, Schema

UNDEFINED_TABLE = "42P01"
FEWEST = 3
OTHERS = 20


@dataclass(frozen=True, slots=True)
class WrongDatabase:
    """Of the tables `named` by the selected rules these are `missing`.

    `elsewhere` are those of them that are in a schema which the search path does not find. The database has `tables` in
    all, of which `others` are some.
    """

    named: int
    missing: tuple[str, ...]
    elsewhere: tuple[str, ...]
    tables: int
    others: tuple[str, ...]

    @property
    def existing(self) -> int:
        """How many of the named tables are there."""
        return self.named - len(self.missing)

    def to_json(self) -> dict[str, Any]:
        """The part `wrong_database` of the JSON report, and what a worker tells the controller."""
        return {**asdict(self), "existing": self.existing}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> WrongDatabase:
        """The inverse of `to_json`."""
        lists = {name: tuple(document[name]) for name in ("missing", "elsewhere", "others")}
        return cls(named=document["named"], tables=document["tables"], **lists)


def wrong_database(rules: Sequence[BoundRule], facts: Facts, read: Mapping[str, Sequence[str]]) -> WrongDatabase | None:
    """What is missing, if that is most of what the rules name: then the database is to blame, and no single rule.

    Most are more than half of the named tables, each counted once however many rules name it, and at least three: one
    or two names that nobody knows are misspelt, or a migration is late, and each of their rules says so itself. Tables
    of the catalog's own making (`declared`) and those in the body of a free test are not counted: the former are always
    there, the latter cannot be known.

    `read` are the known tables that each rule reads: where every rule has one, nothing is looked for more closely.
    """
    if not any(missing(tables_named(one.rule.kind, one.params), facts) for one in rules if not read.get(one.id)):
        return None
    named = frozenset().union(*(tables_named(one.rule.kind, one.params) for one in rules))
    gone = missing(named, facts)
    if len(gone) < FEWEST or 2 * len(gone) <= len(named):
        return None
    paths = {table.path for table in facts.tables.values() if not table.partition}
    elsewhere = sorted(f"{schema}.{name}" for schema, name in paths if name in gone)
    others = sorted({name for name, table in facts.tables.items() if not table.partition and _is_short(name, facts)})
    return WrongDatabase(len(named), tuple(gone), tuple(elsewhere), len(paths), tuple(others[:OTHERS]))


def _is_short(name: str, facts: Facts) -> bool:
    """Whether a table has no shorter name than this one."""
    table, visible = facts.tables[name], facts.table(facts.tables[name].name)
    return name == table.name or visible is None or visible.path != table.path


def unanswerable(bound: BoundRule, facts: Facts) -> Measurement | None:
    """In another database, nothing is known of the constraints of a table that is not there, nor of a pinned schema."""
    kind = bound.rule.kind
    if isinstance(kind, Pinned):
        return Measurement(
            error="the pinned schema is not here, as most tables that the rules name are not", sqlstate=UNDEFINED_TABLE
        )
    if not isinstance(kind, Schema) or kind.table is None or not missing([plain(kind.table, bound.params)], facts):
        return None
    return Measurement(error=f'relation "{plain(kind.table, bound.params)}" does not exist', sqlstate=UNDEFINED_TABLE)


def with_advice(bound: BoundRule, found: Measurement, facts: Facts, *, planned: bool) -> Measurement:
    """What is said of a rule that names a table which is not there: also what it is called, if that is nearly the same."""
    if found.error is None or (planned and found.sqlstate != UNDEFINED_TABLE):
        return found
    gone = missing(tables_named(bound.rule.kind, bound.params), facts)
    if not gone:
        return found
    said = found.error if planned else f'relation "{gone[0]}" does not exist'
    told = ": ".join(filter(None, [said, did_you_mean(gone, facts)]))
    return Measurement(error=told, sqlstate=UNDEFINED_TABLE, missing=tuple(gone))
