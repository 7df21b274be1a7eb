"""A bad day on two screens: rules of one test are one block, the gravest first, and what is left out is counted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_tgintegrity.rules.rule import SEVERITIES
from pytest_tgintegrity.text import plural, printable

FEW = 12
"""So many are shown one by one, as pytest shows them."""
BLOCKS = 12
MEMBERS = 4
STATEMENT = 160
HOW = "-v shows all of them, --json-report has them too"


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that does not hold, or could not be evaluated: its test's id, how grave it is, and its whole text."""

    id: str
    severity: str
    violations: int
    text: str

    @property
    def test(self) -> str:
        """The test function, without parameters."""
        return self.id.partition("[")[0]

    @property
    def rank(self) -> tuple[int, int]:
        """The gravest first, then those with the most rows."""
        return SEVERITIES.index(self.severity), -self.violations


def folded(failures: Sequence[Failure]) -> Mapping[str, str]:
    """What to show of each failure by its id, in this order; failures that are not there are left out."""
    if len(failures) <= FEW:
        return {one.id: one.text for one in sorted(failures, key=lambda one: one.rank)}
    groups: dict[str, list[Failure]] = {}
    for one in sorted(failures, key=lambda one: one.rank):
        groups.setdefault(one.test, []).append(one)
    shown = list(groups.values())[:BLOCKS]
    found = {members[0].id: "\n".join(_block(members)) for members in shown}
    if rest := list(groups.values())[BLOCKS:]:
        count = plural(sum(map(len, rest)), "more rule")
        found[shown[-1][0].id] += f"\n\n… and {count} of {plural(len(rest), 'test')}: {HOW}"
    return found


def _block(members: Sequence[Failure]) -> Iterable[str]:
    yield "\n".join(_cut(line) for line in members[0].text.splitlines())
    for one in members[1:][:MEMBERS]:
        yield f"  also {printable(one.id.removeprefix(one.test))}: {one.text.partition(chr(10))[0]}"
    if len(members) > MEMBERS + 1:
        yield f"  … and {plural(len(members) - MEMBERS - 1, 'more rule')} of this test: {HOW}"


def _cut(line: str) -> str:
    """A statement that goes on for a page is whole in the JSON report."""
    return line if len(line) <= STATEMENT else f"{line[:STATEMENT]}… (whole in the JSON report)"
