"""What ``--prove`` found out, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import plural, printable


def proof_lines(proofs: Sequence[Mapping[str, Any]]) -> Iterable[Line]:
    """How many rules were shown to catch their own damage, and each that was not, with the reason and cure."""
    unproven = [proof for proof in proofs if proof["proven"] is False]
    proven = sum(1 for proof in proofs if proof["proven"])
    damages = sum(proof["damages"] for proof in proofs)
    words = f"{plural(proven, 'rule')} proven by {plural(damages, 'damage')}, {len(unproven)} unproven"
    if vacuous := len(proofs) - proven - len(unproven):
        words += f" ({vacuous} vacuous: nothing declared)"
    yield Line("proof", words, {"red" if unproven else "green": True, "bold": True})
    for proof in unproven:
        yield Line("unproven", f"{printable(proof['id'])}: {printable(str(proof['reason']))}")
