"""In: a rule and the columns that it names. Out: the damages that it has to catch, and the values that it has to let pass. Pure."""

from __future__ import annotations

from pytest_tgintegrity.errors import NotProven
from pytest_tgintegrity.fixing.plan.writes import mapped
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.predicates import UNICODE_BLANKS, Binding
from pytest_tgintegrity.planning.scans import Scan
from pytest_tgintegrity.planning.sql.compose import fill
from pytest_tgintegrity.proving.damage import catalog, children, columns, free, keys, pinned, volumes
from pytest_tgintegrity.proving.damage.derive import (
    Attempts,
    Damage,
    ProofSubject,
    StoredColumns,
    damaged_columns,
    derived,
)

FAMILIES = (catalog, children, columns, free, keys, pinned, volumes)
"""Importing them registers the damages of each kind."""

BY_HAND = "say how to break it with breaks="
NO_PROOF = f"no proof: {BY_HAND}"

__all__ = ["BY_HAND", "NO_PROOF", "Attempts", "Damage", "StoredColumns", "attempts", "columns_of"]


def columns_of(bound: BoundRule, scan: Scan) -> tuple[str, ...]:
    """The names in a rule that may be columns to damage."""
    return damaged_columns(bound.rule.kind, bound, scan)


def attempts(bound: BoundRule, scan: Scan, columns: StoredColumns, blanks: str = UNICODE_BLANKS) -> Attempts:
    """What to try on a rule, where `blanks` are what counts as white space.

    Raises `NotProven` where nothing can be derived and the rule has no `breaks=`.
    """
    breaks = bound.rule.breaks
    if isinstance(breaks, str):
        return Attempts(statements=(fill(breaks, bound.params),))
    tried = derived(bound.rule.kind, ProofSubject(bound, scan, columns, blanks))
    if breaks is not None:
        given = Damage("its breaks=", mapped(breaks, Binding(bound.params)))
        return Attempts((given,), tried.legal if tried else ())
    if tried is None or not (tried.illegal or tried.statements):
        raise NotProven(NO_PROOF)
    return tried
