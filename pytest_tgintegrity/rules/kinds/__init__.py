"""In: what authors declare. Out: the kinds of violation, by family, as plain values that say of each field whether it is SQL.

A new kind is written into its family here (the class, and its words for people), from which it is imported; a decorator in
`rules.declare`; what it asks of a row in its family of `planning.predicates`, or a scan of its own in the planner; and what
breaks it in its family of `proving.damage`. A test names what it lacks.
"""

from pytest_tgintegrity.rules.kinds.catalog import (
    CONSTRAINT_KINDS,
    OBJECT_KINDS,
    UNPINNED,
    CatalogKind,
    CatalogObject,
    ConstraintKind,
    Declared,
    ObjectKind,
    Pinned,
    Schema,
)
from pytest_tgintegrity.rules.kinds.children import Children, ChildrenKind, Derived, Total
from pytest_tgintegrity.rules.kinds.columns import (
    Agree,
    AtMost,
    Between,
    ColumnKind,
    Formula,
    JsonShape,
    NotBlank,
    NotNull,
    OneOf,
)
from pytest_tgintegrity.rules.kinds.fields import KINDS
from pytest_tgintegrity.rules.kinds.free import Check, FreeKind, Implies, Metric, Query, Rows
from pytest_tgintegrity.rules.kinds.keys import Acyclic, KeyKind, References, Unique
from pytest_tgintegrity.rules.kinds.source import ChildRows, Source
from pytest_tgintegrity.rules.kinds.volumes import Freshness, Share, Volume, VolumeKind

Kind = ColumnKind | KeyKind | ChildrenKind | FreeKind | CatalogKind | VolumeKind

__all__ = [
    "CONSTRAINT_KINDS",
    "KINDS",
    "OBJECT_KINDS",
    "UNPINNED",
    "Acyclic",
    "Agree",
    "AtMost",
    "Between",
    "CatalogKind",
    "CatalogObject",
    "Check",
    "ChildRows",
    "Children",
    "ConstraintKind",
    "Declared",
    "Derived",
    "Formula",
    "Freshness",
    "Implies",
    "JsonShape",
    "Kind",
    "Metric",
    "NotBlank",
    "NotNull",
    "ObjectKind",
    "OneOf",
    "Pinned",
    "Query",
    "References",
    "Rows",
    "Schema",
    "Share",
    "Source",
    "Total",
    "Unique",
    "Volume",
    "VolumeKind",
]
