"""What rules look at, and the kinds of violation that they can be about, by family: plain values, which say of each field whether it is SQL."""

from pytest_tgintegrity.rules.kinds.catalog import CONSTRAINT_KINDS, CatalogKind, ConstraintKind, Declared, Schema
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

Kind = ColumnKind | KeyKind | ChildrenKind | FreeKind | CatalogKind

__all__ = [
    "CONSTRAINT_KINDS",
    "KINDS",
    "Acyclic",
    "Agree",
    "AtMost",
    "Between",
    "Check",
    "ChildRows",
    "Children",
    "ConstraintKind",
    "Declared",
    "Derived",
    "Formula",
    "Implies",
    "JsonShape",
    "Kind",
    "Metric",
    "NotBlank",
    "NotNull",
    "OneOf",
    "Query",
    "References",
    "Rows",
    "Schema",
    "Source",
    "Total",
    "Unique",
]
