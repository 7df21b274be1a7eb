"""A violated rule in words: how many rows, which, how to see all of them, and what can fix them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pytest_tgintegrity.judging.verdicts import Measurement, Sample
from pytest_tgintegrity.planning.sql.layout import in_one_line
from pytest_tgintegrity.rules.kinds import UNPINNED, Metric, Pinned, Schema, VolumeKind
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.text import grouped, plural, printable, printable_lines, shown

FIX = 100


def failure(rule: Rule, doc: str, measurement: Measurement, see_all: str | None, fix: str | None) -> str:
    """A violated rule: how many rows, what it says, which rows, how to see all of them, what can fix them.

    `see_all` is the statement that lists them, `fix` what would be written, both with all placeholders filled in.
    """
    parts = [_headline(rule, doc, measurement), ""]
    of_catalog = isinstance(rule.kind, Pinned | Schema)
    parts += [f"  {line}" for line in _table(measurement.samples, name=printable if of_catalog else shown)]
    hidden = measurement.violations - len(measurement.samples)
    if measurement.samples and hidden > 0:
        parts.append(f"  … and {grouped(hidden)} more")
    if measurement.note:
        parts.append(f"  {printable(measurement.note)}")
    if see_all:
        parts.append(see_all_line(in_one_line(see_all)))
    parts.append(f"  mend:     {mend(rule, fix)}")
    return printable_lines("\n".join(parts))


def _headline(rule: Rule, doc: str, measurement: Measurement) -> str:
    first = printable(doc.strip().splitlines()[0])
    if isinstance(rule.kind, Metric):
        name, value = printable(rule.kind.name), printable(str(_exactly(measurement)))
        return f"{name} is {value}, not {_bounds(rule.kind)} [{rule.severity}]: {first}"
    if isinstance(rule.kind, VolumeKind):
        return f"{printable(str(measurement.text))} [{rule.severity}]: {first}"
    if isinstance(rule.kind, Pinned):
        return f"{_differing(rule.kind, measurement)} [{rule.severity}]: {first}"
    of = "" if measurement.examined is None else f" of {grouped(measurement.examined)}"
    rows = "row" if (measurement.examined or measurement.violations) == 1 else "rows"
    verb = "violates" if measurement.violations == 1 else "violate"
    return f"{grouped(measurement.violations)}{of} {rows} {verb} [{rule.severity}]: {first}"


def _differing(kind: Pinned, measurement: Measurement) -> str:
    """How many objects are not as they were pinned."""
    count, be = grouped(measurement.violations), "is" if measurement.violations == 1 else "are"
    if kind.what == UNPINNED:
        return f"{plural(measurement.violations, 'object')} {be} not pinned"
    return f"{count} of {plural(measurement.examined or 0, 'pinned object')} {be} missing or changed"


def _exactly(measurement: Measurement) -> Any:
    """The number of a metric with all its digits."""
    return measurement.value if measurement.text is None or isinstance(measurement.text, dict) else measurement.text


def _bounds(metric: Metric) -> str:
    sides = [("at least", metric.at_least), ("at most", metric.at_most)]
    return " and ".join(f"{word} {bound}" for word, bound in sides if bound is not None)


def mend(rule: Rule, fix: str | None) -> str:
    """What can fix it: the safe fix that is declared, or else the hint, or that a person has to decide."""
    if fix is not None:
        line = in_one_line(fix)
        return f"a safe fix is declared: {line if len(line) <= FIX else f'{line[:FIX]}…'}"
    return printable(rule.fix_hint or "") or "no safe fix is declared: a person decides"


def _table(samples: Sequence[Sample], name: Callable[[str], str]) -> Iterable[str]:
    """Names of the catalog are shown whole, as two of them may begin alike."""
    if not samples:
        return
    labelled = any(sample.label is not None for sample in samples)
    heads = ["key", *(["label"] if labelled else []), *(shown(name) for name in samples[0].values)]
    rows = [_cells(sample, name, labelled=labelled) for sample in samples]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for cells in [heads, *rows]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cells(sample: Sample, name: Callable[[str], str], *, labelled: bool) -> list[str]:
    keys = sample.key if isinstance(sample.key, list) else [sample.key]
    key = ", ".join("NULL" if part is None else name(part) for part in keys)
    return [key, *([shown(sample.label)] if labelled else []), *map(shown, sample.values.values())]


def see_all_line(statement: str) -> str:
    """How a failure says how to see all of its rows."""
    return f"  see all:  {statement}"
