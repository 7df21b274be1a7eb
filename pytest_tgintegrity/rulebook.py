"""Write all rules of a folder as a page for people, from their declarations alone.

    python -m pytest_tgintegrity.rulebook integrity_tests > docs/rules.md

The files are imported as pytest imports them; no database is asked.
"""

from __future__ import annotations

import importlib
import inspect
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from pytest_tgintegrity.errors import DeclarationError, TgIntegrityError, UsageError
from pytest_tgintegrity.rules.declare import Mistake, declaration_of
from pytest_tgintegrity.rules.kinds import Check, Declared, Metric
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.rules.wording import name_of, question, readable
from pytest_tgintegrity.text import printable

USAGE = "usage: python -m pytest_tgintegrity.rulebook FOLDER > rules.md"
CASES_NAMED = 6
LINE = 120
SQL_SHOWN = 1500
FACT_SHOWN = 600
_TOKENS = re.compile(r" ((?:(?:LEFT|CROSS) )?JOIN|FROM|WHERE|GROUP BY)(?= )|'[^']*'|[()]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One test function: its declaration, what its docstring says, its body, and the cases it is parametrized with."""

    name: str
    rule: Rule
    doc: str
    body: str
    cases: tuple[tuple[str, ...], ...] = ()

    @property
    def count(self) -> int:
        """How many tests it makes; counted as one test where only a database could tell."""
        return math.prod(len(values) for values in self.cases)


@dataclass(frozen=True, slots=True)
class Area:
    """One file: its name, what its docstring says, and its rules in their order."""

    file: str
    doc: str
    entries: tuple[Entry, ...]


# --- reading


def read(folder: Path) -> list[Area]:
    """Import the test files of a folder and read their rules. Raises `TgIntegrityError`."""
    files = sorted(folder.rglob("test_*.py"))
    if not files:
        raise UsageError(f"{folder} holds no test_*.py: name the folder of your rules")
    areas = [_area(file, folder) for file in files]
    return [area for area in areas if area.entries]


def _area(file: Path, folder: Path) -> Area:
    module = _imported(file)
    return Area(file.relative_to(folder).as_posix(), inspect.getdoc(module) or "", tuple(_entries(module)))


def _imported(file: Path) -> ModuleType:
    """Import a file by the name that it has within the outermost package around it, as pytest does."""
    base = file.resolve().parent
    while (base / "__init__.py").exists():
        base = base.parent
    if str(base) not in sys.path:
        sys.path.insert(0, str(base))
    name = ".".join(file.resolve().relative_to(base).with_suffix("").parts)
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever a file may do when it is imported
        raise UsageError(f"{file} cannot be imported ({type(error).__name__}: {error}): mend it") from error


def _entries(module: ModuleType) -> Iterator[Entry]:
    for name, function in _functions(module, module.__name__):
        declared = declaration_of(function)
        if isinstance(declared, Mistake):
            raise DeclarationError(f"{module.__name__}: {name}: {declared.message}")
        if declared is not None:
            yield Entry(name, declared, inspect.getdoc(function) or "", _body(function), tuple(_cases(function)))


def _functions(owner: ModuleType | type, module: str) -> Iterator[tuple[str, FunctionType]]:
    """The functions of a module and of its test classes, imported ones left out."""
    for name, value in vars(owner).items():
        if getattr(value, "__module__", None) != module:
            continue
        if isinstance(value, FunctionType):
            yield name, value
        elif isinstance(value, type) and name.startswith("Test"):
            yield from ((f"{name}::{inner}", function) for inner, function in _functions(value, module))


def _body(function: FunctionType) -> str:
    """The lines below the docstring."""
    source = inspect.cleandoc("\n" + inspect.getsource(function))
    return inspect.cleandoc("\n" + source.rpartition('"""')[2])


def _cases(function: FunctionType) -> Iterator[tuple[str, ...]]:
    """The cases of each parametrize mark, in words by which a person can tell them apart."""
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "parametrize":
            given = {**dict(zip(("argnames", "argvalues"), mark.args, strict=False)), **mark.kwargs}
            yield tuple(_case(value) for value in given["argvalues"])


def _case(value: Any) -> str:
    """The id of a case; if it has none, those of its values that are texts or whole numbers."""
    if isinstance(getattr(value, "id", None), str):
        return str(value.id)
    values = getattr(value, "values", value) if isinstance(value, tuple) else (value,)
    return " ".join(str(part) for part in values if isinstance(part, str | int))


# --- writing


def page(areas: Sequence[Area], command: str) -> str:
    """All rules as one Markdown page, which names the command that made it."""
    return "\n".join([*_head(areas, command), *(line for area in areas for line in _chapter(area))])


def _head(areas: Sequence[Area], command: str) -> Iterator[str]:
    functions = sum(len(area.entries) for area in areas)
    tests = sum(entry.count for area in areas for entry in area.entries)
    yield "# The rules"
    yield ""
    yield f"{functions} rules in {len(areas)} files make {tests} tests; those over declared constraints, one for each of them."
    yield f"Made from the declarations by `{command}`; do not edit."
    yield ""
    yield "The SQL says what violates a rule, as a person reads it: `<key>` is the key of a table, `{column}` is filled with each"
    yield "case of a family. What a run sends reads each source once for all of its rules. What is very long is cut: see the file."
    yield ""
    yield "| file | rules | tests | about |"
    yield "| --- | ---: | ---: | --- |"
    for area in areas:
        tests = sum(entry.count for entry in area.entries)
        yield f"| [{area.file}](#{_anchor(area.file)}) | {len(area.entries)} | {tests} | {_cell(_first(area.doc))} |"
    yield ""


def _anchor(heading: str) -> str:
    return "".join(char for char in heading.lower().replace(" ", "-") if char.isalnum() or char in "-_")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _first(doc: str) -> str:
    return doc.partition("\n\n")[0].replace("\n", " ")


def _chapter(area: Area) -> Iterator[str]:
    yield f"## {area.file}"
    yield ""
    if area.doc:
        yield area.doc
        yield ""
    for entry in area.entries:
        yield from _paragraphs(entry)


def _paragraphs(entry: Entry) -> Iterator[str]:
    yield f"### {entry.name}"
    yield ""
    yield entry.doc
    yield ""
    yield from _violation(entry)
    for name, value in _facts(entry):
        yield f"- {name}: {value}"
    yield ""


def _violation(entry: Entry) -> Iterator[str]:
    language = "python" if isinstance(entry.rule.kind, Check) else "sql"
    text = entry.body if isinstance(entry.rule.kind, Check) else _lines(question(entry.rule.kind))
    yield f"```{language}"
    yield _shortened(text, SQL_SHOWN)
    yield "```"
    yield ""


def _lines(sql: str) -> str:
    """A long statement with its main parts on lines of their own."""
    if len(sql) <= LINE or "\n" in sql:
        return sql
    depth, parts = 0, []
    for token in _TOKENS.finditer(sql):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        parts.append(f"\n{token[1]}" if token[1] and depth == 0 else token[0])
    return "".join(parts)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()} … ({len(text) - most} more characters)"


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    rule = entry.rule
    yield "severity", ", ".join([f"**{rule.severity}**", *(f"`{tag}`" for tag in rule.tags)])
    source = getattr(rule.kind, "source", None)
    if source is not None and not isinstance(source, str):
        yield "looks at", name_of(source)
    if isinstance(rule.kind, Metric):
        yield "number", _bounds(rule.kind)
    if isinstance(rule.kind, Declared):
        yield "cases", "one for each constraint of the live catalog"
    elif entry.cases:
        yield "cases", _family(entry)
    yield from _fix_facts(rule)
    yield "proven by", _proof(rule)
    if rule.enforced_by:
        yield "enforced by", _code(rule.enforced_by)
    if rule.since:
        yield "`--period` looks at", _code(rule.since)


def _bounds(kind: Metric) -> str:
    sides = [("at least", kind.at_least), ("at most", kind.at_most)]
    bounds = " and ".join(f"{words} {bound}" for words, bound in sides if bound is not None)
    return f"`{kind.name}`, {bounds or 'only reported'}"


def _family(entry: Entry) -> str:
    named = [", ".join((*names[:CASES_NAMED], *(("…",) if len(names) > CASES_NAMED else ()))) for names in entry.cases]
    return f"{entry.count}: {'; '.join(named)}"


def _fix_facts(rule: Rule) -> Iterator[tuple[str, str]]:
    if isinstance(rule.fix, str):
        yield "fix", _code(rule.fix)
    elif rule.fix is not None:
        yield "fix", "; ".join(_code(f"{column} = {value}") for column, value in rule.fix.items())
    if rule.fix_allows:
        yield "the fix may", ", ".join(rule.fix_allows)
    if rule.fix_hint:
        yield "no fix" if rule.fix is None else "hint", rule.fix_hint


def _proof(rule: Rule) -> str:
    match rule.breaks:
        case None if isinstance(rule.kind, Metric):
            return "nothing: it only reports"
        case None:
            return "damage derived from its kind"
        case str():
            return _code(rule.breaks)
    return "; ".join(_code(f"{column} = {value}") for column, value in rule.breaks.items())


def _code(template: str) -> str:
    """SQL within a line."""
    text = _shortened(" ".join(readable(template).split()), FACT_SHOWN)
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{text}{ticks}"


def main(arguments: Sequence[str]) -> int:
    """Print the rules of a folder."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(f"{USAGE}\n")
        return 4
    try:
        areas = read(Path(arguments[0]))
    except TgIntegrityError as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return 4
    sys.stdout.write(page(areas, f"python -m pytest_tgintegrity.rulebook {arguments[0]}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
