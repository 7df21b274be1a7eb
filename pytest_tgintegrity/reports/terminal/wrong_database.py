"""A run that looks at another database than its rules mean, on one screen: which it is, what is missing, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pytest_tgintegrity.judging.summary import RuleResult
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.text import grouped, shown

WORD = "database?"
QUESTION = "is this the right database?"
FEW = 4
KEPT = frozenset({"rules", "score", "run", "report", "next"})
RED = {"red": True, "bold": True}
GRANT = "the role may not use the schema: an owner has to grant it"
CURE = "give another --db-url, the schema of the tables (search_path), or run the migrations first"


def wrong_database_lines(missing: Mapping[str, Any] | None, where: str, *, refused: bool = False) -> Iterable[Line]:
    """The lines above everything else; none where the tables are there. No password is in `where`."""
    if missing is None:
        return
    yield Line(WORD, f"{QUESTION} {where}", RED)
    for text in wrong_database_sentences(missing, refused=refused):
        yield Line("", text)
    yield Line("", "-v shows every rule")


def wrong_database_sentences(missing: Mapping[str, Any], *, refused: bool = False) -> Iterable[str]:
    """Which tables are there, which are missing, and what to do; for a terminal or a page. `refused`: missing grants may be the reason."""
    existing = grouped(missing["existing"]) if missing["existing"] else "none"
    yield f"it has {existing} of the {grouped(missing['named'])} tables that the selected rules name"
    yield f"missing: {_few(missing['missing'], len(missing['missing']))}"
    yield f"there are: {_few(missing['others'], missing['tables']) or 'no tables at all'}"
    yield from _elsewhere(missing["elsewhere"], refused=refused)
    yield GRANT if refused else CURE


def _few(names: Sequence[str], count: int) -> str:
    listed = ", ".join(map(shown, names[:FEW]))
    return f"{listed} and {grouped(count - FEW)} more" if count > FEW else listed


def _elsewhere(names: Sequence[str], *, refused: bool) -> Iterable[str]:
    """The schema in which most of the missing tables are."""
    for schema, count in Counter(name.partition(".")[0] for name in names).most_common(1):
        is_in = "is" if count == 1 else "are"
        option = f": add options=-csearch_path%3D{quote(schema, safe='')} to the URL"
        yield f"{grouped(count)} of the missing {is_in} in the schema {shown(schema)}{'' if refused else option}"


def one_screen(lines: Iterable[Line], rules: Sequence[RuleResult], asked_for: Collection[str]) -> Iterable[Line]:
    """The summary without the lines of rules that ask for missing tables: one line stands for all of them.

    Rules that are violated on tables that are there keep their lines.
    """
    violated = any(rule.verdict == "failed" for rule in rules)
    subject = ""
    for line in lines:
        subject = line.word or subject
        if subject in asked_for or line.word in KEPT or (violated and subject != "unknown"):
            yield line
