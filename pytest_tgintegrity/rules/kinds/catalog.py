"""Kinds about what the live catalog declares: what each declares, and how it is told to people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from pytest_tgintegrity.rules.kinds import holds
from pytest_tgintegrity.rules.kinds.fields import named_kind
from pytest_tgintegrity.rules.kinds.words import statement

ConstraintKind = Literal["foreign_key", "check", "unique", "not_null", "exclusion", "domain"]
CONSTRAINT_KINDS: tuple[ConstraintKind, ...] = get_args(ConstraintKind)

ObjectKind = Literal[
    "table",
    "column",
    "primary_key",
    "foreign_key",
    "unique",
    "check",
    "exclusion",
    "index",
    "sequence",
    "trigger",
    "rule",
    "policy",
    "partition",
    "domain",
    "enum",
]
OBJECT_KINDS: tuple[ObjectKind, ...] = get_args(ObjectKind)
UNPINNED: Final = "unpinned"
_PLURALS: Final = {"index": "indexes", "policy": "policies"}

_OBJECTS = ("table", "column", "constraint", "index", "trigger")


@named_kind("schema")
class Schema:
    """A violation is an object that the catalog lacks, or holds NOT VALID, INVALID or disabled.

    With no object named, every constraint, index and trigger of `table` (or of all tables) has to be in force.
    """

    table: str | None = holds.catalog_name(default=None)
    column: str | None = holds.catalog_name(default=None)
    constraint: str | None = holds.catalog_name(default=None)
    index: str | None = holds.catalog_name(default=None)
    trigger: str | None = holds.catalog_name(default=None)


@statement.register(Schema)
def _schema(kind: Schema) -> str:
    named = [f"{what} {getattr(kind, what)}" for what in _OBJECTS if getattr(kind, what) is not None]
    if not named:
        return "any constraint, index or trigger that is NOT VALID, INVALID or disabled"
    return f"{', '.join(named)}: missing, NOT VALID, INVALID or disabled"


@named_kind("declared")
class Declared:
    """One test for each constraint of this kind that the live catalog declares."""

    what: ConstraintKind = holds.plain()


@statement.register(Declared)
def _declared(kind: Declared) -> str:
    return f"rows that break a declared constraint of the kind {kind.what.replace('_', ' ')}"


@dataclass(frozen=True, slots=True, order=True)
class CatalogObject:
    """An object of the catalog: its table (or itself), its name within that (or nothing), and what it is, as SQL prints it."""

    kind: ObjectKind
    table: str
    name: str
    definition: str

    @property
    def label(self) -> str:
        """What names it for people."""
        return f"{self.table} {self.name}".rstrip()


def words_of(kind: ObjectKind) -> str:
    """What people call an object of a kind."""
    return "unique constraint" if kind == "unique" else kind.replace("_", " ")


def several(kind: ObjectKind) -> str:
    """What people call several objects of a kind."""
    return _PLURALS.get(kind) or f"{words_of(kind)}s"


@named_kind("pinned")
class Pinned:
    """A violation is an object of the kind `what` that is pinned and missing, or another than was pinned; or, if that is ``unpinned``, one that is not pinned.

    `objects` are those that a lock file pins, of all kinds. The rule stays the same rule when they change.
    """

    what: ObjectKind | Literal["unpinned"] = holds.plain()
    objects: tuple[CatalogObject, ...] = holds.outside(default=())


@statement.register(Pinned)
def _pinned(kind: Pinned) -> str:
    if kind.what == UNPINNED:
        return "objects of the schema that are not pinned"
    return f"pinned {several(kind.what)} that are missing or changed"


CatalogKind = Schema | Declared | Pinned
