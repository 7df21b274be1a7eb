"""Damages of kinds about child rows. Pure."""

from __future__ import annotations

from pytest_tgintegrity.proving.damage.derive import Attempts, ProofSubject, derived, write_another
from pytest_tgintegrity.rules.kinds import Children, Derived, Total


@derived.register(Derived)
def _derived(_: Derived, subject: ProofSubject, /) -> Attempts | None:
    return write_another(subject)


@derived.register(Children)
@derived.register(Total)
def _by_hand(_: Children | Total, __: ProofSubject, /) -> None:
    """Only the author knows which child rows a parent can do without."""
