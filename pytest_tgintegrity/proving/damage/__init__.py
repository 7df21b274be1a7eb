"""In: a rule and the columns that it names. Out: which damages it has to catch, and which values it has to let pass. Pure."""

from __future__ import annotations

from pytest_tgintegrity.errors import NotProven
from pytest_tgintegrity.fixing.plan.writes import mapped
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.predicates import UNICODE_BLANKS, Binding
from pytest_tgintegrity.planning.scans import Scan
from pytest_tgintegrity.planning.sql.compose import fill
from pytest_tgintegrity.proving.damage import catalog, children, columns, free, keys
from pytest_tgintegrity.proving.damage.derive import Attempts, Columns, Damage, Subject, damaged_columns, derived

FAMILIES = (catalog, children, columns, free, keys)
"""Importing them registers the damages of each kind."""

BY_HAND = "say how to break it with breaks="
NO_PROOF = f"no proof: {BY_HAND}"

__all__ = ["BY_HAND", "NO_PROOF", "Attempts", "Columns", "Damage", "attempts", "columns_of"]


def columns_of(bound: BoundRule, scan: Scan) -> tuple[str, ...]:
    """What could be a column that damage is derived for, as the rule names it."""
    return damaged_columns(bound.rule.kind, bound, scan)


def attempts(bound: BoundRule, scan: Scan, columns: Columns, blanks: str = UNICODE_BLANKS) -> Attempts:
    """What to try on a rule, where `blanks` are what counts as white space.

    Raises `NotProven` where nothing can be derived and the author gave nothing.
    """
    breaks = bound.rule.breaks
    if isinstance(breaks, str):
        return Attempts(deeds=(fill(breaks, bound.params),))
    tried = derived(bound.rule.kind, Subject(bound, scan, columns, blanks))
    if breaks is not None:
        given = Damage("its breaks=", mapped(breaks, Binding(bound.params)))
        return Attempts((given,), tried.legal if tried else ())
    if tried is None or not (tried.illegal or tried.deeds):
        raise NotProven(NO_PROOF)
    return tried
