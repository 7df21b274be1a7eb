"""A bad day on two screens: rules of one test, or of one cause, are one block, the gravest first; what is left out is counted.

The cause of a violated rule comes from `failures.causes`: the same rows of the same table, or pointers at the same missing
row. The cause of an unknown rule is its reason, word for word. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_tgintegrity.reports.failures.text import see_all_line
from pytest_tgintegrity.rules.severity import SEVERITIES
from pytest_tgintegrity.text import grouped, plural, printable, printable_lines

FEW = 12
"""So many are shown one by one, as pytest shows them."""
BLOCKS = 10
LINES = 30
"""So many blocks are shown, and so many where a failure has a line."""
MEMBERS = 4
STATEMENT = 160
LONG = 480
"""How much of a line is shown where there are many failures, and where there are few."""
HOW = "-v shows all of them, --json-report has them too"
WHOLE = "(whole with -v, and in the JSON report)"
Style = Literal["whole", "short", "line"]


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """A rule that does not hold, or could not be evaluated: its test's id, how grave it is, its cause, and its whole text."""

    id: str
    severity: str
    violations: int
    text: str = ""
    cause: str | None = None
    see_all: str | None = None
    rule: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, rule: Mapping[str, Any], text: str = "", node: str | None = None) -> RuleFailure:
        """The failure that a rule of the JSON report stands for."""
        cause = rule["reason"] if rule["verdict"] == "unknown" else rule.get("cause")
        return cls(node or rule["id"], rule["severity"], rule["violations"], text, cause, rule.get("see_all"), rule)

    @property
    def test(self) -> str:
        """The test function, without parameters."""
        return self.id.partition("[")[0]

    @property
    def rank(self) -> tuple[int, int]:
        """The gravest first, then those with the most rows."""
        return SEVERITIES.index(self.severity), -self.violations


@dataclass(frozen=True, slots=True)
class Block:
    """Failures of one test, or of one cause, the gravest first."""

    members: Sequence[RuleFailure]
    cause: str | None = None

    @property
    def head(self) -> RuleFailure:
        """The gravest."""
        return self.members[0]


def blocks(failures: Iterable[RuleFailure]) -> list[Block]:
    """Failures in blocks, the gravest first. A cause that several tests share is a block; the others are a block for each test."""
    ordered = sorted(failures, key=lambda failure: failure.rank)
    tests: dict[str, set[str]] = {}
    for failure in ordered:
        if failure.cause is not None:
            tests.setdefault(failure.cause, set()).add(failure.test)
    shared = {cause for cause, members in tests.items() if len(members) > 1}
    groups: dict[tuple[str | None, str], list[RuleFailure]] = {}
    for failure in ordered:
        groups.setdefault((failure.cause, "") if failure.cause in shared else (None, failure.test), []).append(failure)
    return [Block(members, cause) for (cause, _), members in groups.items()]


def shown_texts(failures: Sequence[RuleFailure], style: Style = "whole", *, shorten: bool = True) -> Mapping[str, str]:
    """What to show of each failure by its id, in this order; failures that are not there are left out.

    Few of them, or all if nothing is to be shortened, are shown one by one.
    """
    if not shorten or len(failures) <= FEW:
        return {
            failure.id: _alone(failure, style, shorten=shorten)
            for failure in sorted(failures, key=lambda failure: failure.rank)
        }
    all_blocks, most = blocks(failures), LINES if style == "line" else BLOCKS
    shown = {block.head.id: "\n".join(_block(block, style)) for block in all_blocks[:most]}
    if rest := all_blocks[most:]:
        count = plural(sum(len(block.members) for block in rest), "more rule")
        tests = plural(len({failure.test for block in rest for failure in block.members}), "test")
        gap = "\n" if style == "line" else "\n\n"
        shown[all_blocks[most - 1].head.id] += f"{gap}… and {count} of {tests}: {HOW}"
    return shown


def _alone(failure: RuleFailure, style: Style, *, shorten: bool) -> str:
    if style == "line":
        return _line(failure)
    text = _short(failure) if style == "short" else failure.text
    return "\n".join(_cut(line, LONG) for line in text.split("\n")) if shorten else text


def _line(failure: RuleFailure) -> str:
    """A failure in one line."""
    return _brief(f"{printable(failure.id)}: {_headline(failure)}")


def _headline(failure: RuleFailure) -> str:
    return failure.text.partition("\n")[0]


def _unlike(failure: RuleFailure, head: RuleFailure) -> str:
    """The headline of a failure, without the docstring if the head of its block has the same."""
    doc = str(failure.rule.get("doc") or "").strip().partition("\n")[0]
    same = doc and failure.rule.get("doc") == head.rule.get("doc")
    return _headline(failure).removesuffix(f": {printable(doc)}") if same else _headline(failure)


def _short(failure: RuleFailure) -> str:
    """Without the statement, and without the empty line before the rows."""
    text = (
        failure.text
        if failure.see_all is None
        else failure.text.replace(f"{printable_lines(see_all_line(failure.see_all))}\n", "")
    )
    return text.replace("\n\n", "\n", 1)


def _block(block: Block, style: Style) -> Iterable[str]:
    head, others = block.head, block.members[1:]
    if style == "line":
        yield _line(head)
        if others:
            yield (
                f"  and {plural(len(others), 'more rule')} of this test"
                if block.cause is None
                else f"  {_shared(block)}"
            )
        return
    text = _short(head) if style == "short" else head.text
    yield "\n".join(_cut(line, STATEMENT) for line in text.splitlines())
    if block.cause is not None:
        yield f"  one cause: {_shared(block)}"
    most = MEMBERS if style == "whole" else 0
    for failure in others[:most]:
        name = failure.id.rpartition("::")[2] if block.cause is not None else failure.id.removeprefix(failure.test)
        yield _brief(f"  also {printable(name)}: {_unlike(failure, head)}")
    if len(others) > most:
        of = "this cause" if block.cause is not None else "this test"
        yield f"  … and {plural(len(others) - most, 'more rule')} of {of}: {HOW}"


def _shared(block: Block) -> str:
    """What a block's rules have in common; a reason is not said twice."""
    count = grouped(len(block.members))
    if block.head.cause == block.head.rule.get("reason"):
        return f"{count} rules are unknown for this reason"
    return f"{count} rules have in common: {printable(str(block.cause))}"


def _brief(line: str) -> str:
    return line if len(line) <= STATEMENT else f"{line[: STATEMENT - 1]}…"


def _cut(line: str, most: int) -> str:
    """A statement that goes on for a page is whole in the JSON report."""
    return line if len(line) <= most else f"{line[:most]}… {WHOLE}"
