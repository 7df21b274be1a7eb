"""Every constraint that the database declares also holds in its data.

The catalog is no proof: rows written while triggers were off, or restored around a constraint that failed, stay as they
are, and the constraint goes on calling itself valid.
"""

from __future__ import annotations

from pytest_tgintegrity import Constraint, Violations, declared


@declared(
    "foreign_key",
    severity="critical",
    fix_hint="either the missing row comes back or the one that names it goes: a person decides",
    overlaps=["test_class_row_has_its_parent_row", "test_type_tag_has_its_row"],
    tags=["POLY-6"],
)
def test_foreign_key_has_no_orphans(violations: Violations, constraint: Constraint) -> None:
    """What a declared foreign key points at exists; an object that points at nothing cannot be read or restored."""
    assert not violations


@declared("check", severity="high", fix_hint="a person decides, unless a rule with a fix names it in enforced_by=")
def test_check_holds(violations: Violations, constraint: Constraint) -> None:
    """What a declared CHECK constraint forbids does not stand in the table."""
    assert not violations


@declared("unique", severity="high", fix_hint="which of the rows is the right one only a person knows")
def test_unique_has_no_duplicates(violations: Violations, constraint: Constraint) -> None:
    """What a unique index or constraint declares to be unique is unique in the table, not only in the index."""
    assert not violations


@declared("not_null", severity="high", fix_hint="only a person knows the missing value")
def test_not_null_columns_are_filled(violations: Violations, constraint: Constraint) -> None:
    """Columns that are declared NOT NULL hold a value in every row."""
    assert not violations


@declared("exclusion", severity="high", fix_hint="which of the two rows gives way only a person knows")
def test_exclusion_holds(violations: Violations, constraint: Constraint) -> None:
    """No two rows of a table clash in a way that a declared EXCLUDE constraint forbids."""
    assert not violations


@declared("domain", severity="high", fix_hint="only a person knows what the value ought to be")
def test_domain_holds(violations: Violations, constraint: Constraint) -> None:
    """What a domain forbids stands in no column of it, nor within an array, row or range."""
    assert not violations
