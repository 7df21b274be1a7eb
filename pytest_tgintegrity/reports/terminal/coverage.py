"""What no rule looks at, for people: numbers first, then tables, foreign keys and columns; it fits a few screens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_tgintegrity.text import grouped, plural

LISTED = 20
WIDTH = 120

_SECTIONS = {"tables": "tables", "foreign_keys": "foreign keys", "columns": "columns"}

Entry = Mapping[str, str | None]


def coverage_lines(coverage: Mapping[str, Any], verbosity: int) -> Iterator[str]:
    """The lines of the section: numbers; what nothing looks at, unless ``-q``; with ``-v`` all that no rule looks at."""
    yield f"of the {grouped(coverage['selected'])} selected rules ({grouped(coverage['collected'])} collected)"
    yield f"{'':<14}{'by rules':>10}{'by declared constraints only':>30}{'by nothing':>12}{'of all':>10}"
    yield from (_numbers(title, coverage[name]) for name, title in _SECTIONS.items())
    if verbosity >= 0:
        yield from _block(coverage, "by_nothing", "nothing looks at these {}:", None if verbosity else LISTED)
        unused = coverage["unused_reasons"]
        yield from ["", *(f"out of date: the reason for {name}" for name in unused)] if unused else []
    if verbosity > 0:
        yield from _block(coverage, "by_constraints_only", "only declared constraints look at these {}:", None)


def _block(coverage: Mapping[str, Any], by: str, title: str, limit: int | None) -> Iterator[str]:
    for name, what in _SECTIONS.items():
        lines = list(_lines(coverage, name, by))
        if lines:
            yield ""
            yield title.format(what)
            yield from _cut(lines, limit)


def _numbers(title: str, section: Mapping[str, Any]) -> str:
    counts = [section["by_rules"], len(section["by_constraints_only"]), len(section["by_nothing"]), section["total"]]
    return f"{title:<14}" + "".join(f"{grouped(n):>{width}}" for n, width in zip(counts, (10, 30, 12, 10), strict=True))


def _lines(coverage: Mapping[str, Any], name: str, by: str) -> Iterable[str]:
    """One line each, or one for the columns of a table; what has no reason, and needs one, comes first."""
    entries = sorted(coverage[name][by], key=lambda part: part["reason"] is not None)
    silent = "no reason given" if by == "by_nothing" else ""
    if name == "columns":
        apart = {table["name"] for table in coverage["tables"][by]}
        return _by_table((column for column in entries if _table(column) not in apart), silent)
    return (_with_reason(str(part["name"]), part["reason"] or silent) for part in entries)


def _with_reason(name: str, reason: str) -> str:
    return f"  {name}: {reason}" if reason else f"  {name}"


def _table(column: Entry) -> str:
    return str(column["name"]).rpartition(".")[0]


def _by_table(columns: Iterable[Entry], silent: str) -> Iterator[str]:
    """Columns of one table with one reason stand in one line."""
    by_table: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        by_table.setdefault((_table(column), column["reason"] or silent), []).append(
            str(column["name"]).rpartition(".")[2]
        )
    return (_with_reason(f"{table}.{', '.join(names)}", reason) for (table, reason), names in by_table.items())


def _cut(lines: list[str], limit: int | None) -> Iterator[str]:
    if limit is None:
        yield from lines
        return
    for line in lines[:limit]:
        yield line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
    if len(lines) > limit:
        yield f"  … and {plural(len(lines) - limit, 'more line')}: -v or the JSON report has all"
