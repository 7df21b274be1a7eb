"""What is declared no longer, in the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pytest_tgintegrity.judging.summary import RuleResult
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import grouped, plural, printable

LISTED = 5
RED = {"red": True}
CURE = "put them back; or let them go: pytest --pin-schema, or a waiver"


def gone_lines(missing: Sequence[RuleResult]) -> Iterable[Line]:
    """How many constraints are gone, of what severities, since when, and which."""
    if not missing:
        return
    severities = ", ".join(
        f"{grouped(count)} {word}" for word, count in Counter(rule.severity for rule in missing).items()
    )
    seen = min(str(rule.samples[0]["values"]["last_declared"]) for rule in missing)
    words = (
        f"{plural(len(missing), 'constraint')} not declared any more, last in the run of {seen[:16]}Z ({severities})"
    )
    yield Line("gone", printable(words), RED)
    for rule in missing[:LISTED]:
        yield Line("", printable(f"{rule.id} [{rule.severity}]"), RED)
    if len(missing) > LISTED:
        yield Line("", f"and {grouped(len(missing) - LISTED)} more (JSON: rules whose reason is gone)", RED)
    yield Line("", CURE)
