"""What ``--prove`` found out, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_tgintegrity.reports.terminal.lines import Line
from pytest_tgintegrity.text import plural, printable


def proof_lines(proofs: Sequence[Mapping[str, Any]]) -> Iterable[Line]:
    """How many rules were shown to catch their own damage, and each that was not, with the reason and cure."""
    unproven = [one for one in proofs if not one["proven"]]
    damages = sum(one["damages"] for one in proofs)
    told = (
        f"{plural(len(proofs) - len(unproven), 'rule')} proven by {plural(damages, 'damage')}, {len(unproven)} unproven"
    )
    yield Line("proof", told, {"red" if unproven else "green": True, "bold": True})
    for one in unproven:
        yield Line("unproven", f"{printable(one['id'])}: {printable(str(one['reason']))}")
