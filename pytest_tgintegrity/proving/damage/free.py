"""Damages of kinds whose author writes the SQL, or the Python: nothing can be derived from it. Pure."""

from __future__ import annotations

from pytest_tgintegrity.proving.damage.derive import ProofSubject, derived
from pytest_tgintegrity.rules.kinds import Check, Implies, Metric, Query, Rows


@derived.register(Rows)
@derived.register(Implies)
@derived.register(Query)
@derived.register(Metric)
@derived.register(Check)
def _by_hand(_: Rows | Implies | Query | Metric | Check, __: ProofSubject, /) -> None:
    """Only the author knows what the words of a rule are about."""
