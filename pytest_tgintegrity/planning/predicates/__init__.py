"""In: a kind of rule, and how its texts are read. Out: the SQL that is TRUE of a row that violates it, by family of kinds."""

from pytest_tgintegrity.planning.predicates import children, columns, free, keys
from pytest_tgintegrity.planning.predicates.binding import ASCII_BLANKS, UNICODE_BLANKS, Binding, Named
from pytest_tgintegrity.planning.predicates.predicate import (
    FIXES,
    Asked,
    Fixed,
    Predicate,
    Span,
    asked,
    predicate,
    truth,
)

FAMILIES = (children, columns, free, keys)
"""Importing them registers what each kind says of a row."""

__all__ = [
    "ASCII_BLANKS",
    "FIXES",
    "UNICODE_BLANKS",
    "Asked",
    "Binding",
    "Fixed",
    "Named",
    "Predicate",
    "Span",
    "asked",
    "predicate",
    "truth",
]
