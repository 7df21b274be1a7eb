"""Proofs: under ``--prove`` rules are broken on a scratch copy instead of being checked against the data."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.judging.summary import RunSummary
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.reports.section import Section
from pytest_tgintegrity.reports.terminal.verdicts import proof_lines
from pytest_tgintegrity.session.feature import Feature

if TYPE_CHECKING:
    from pytest_tgintegrity.database.run import Run
    from pytest_tgintegrity.proving.proof import Prover


class Proving(Feature):
    """`prover` breaks the rules; it exists under ``--prove``, after `prepare`. `quote`: its messages may show rows."""

    name = "proof"

    def __init__(self, *, quote: bool) -> None:
        self.prover: Prover | None = None
        self._quote = quote

    def prepare(self, run: Run, rules: Sequence[BoundRule]) -> None:
        """Start a scratch copy. Raises `UsageError` without hypothesis, and `ScratchError`."""
        if importlib.util.find_spec("hypothesis") is None:
            raise UsageError("--prove draws values with hypothesis: pip install 'pytest-tgintegrity[prove]'")
        from pytest_tgintegrity.proving.proof import Prover  # noqa: PLC0415 - only under --prove

        run.wait()
        self.prover = Prover(run.scratch(), rules, run.facts, quote=self._quote)

    def section(self, summary: RunSummary) -> Section:
        """How many rules were proven; nothing else is shown, since no data was looked at."""
        if self.prover is None:
            return Section()
        proofs = [record.proof for record in summary.records if record.proof is not None]
        proven = [proof["proven"] for proof in proofs]
        section = {"proven": proven.count(True), "unproven": proven.count(False), "rules": proofs}
        return Section({"proof": section}, list(proof_lines(proofs)), alone=True)

    def close(self) -> None:
        """End the scratch copy."""
        if self.prover is not None:
            self.prover.close()
