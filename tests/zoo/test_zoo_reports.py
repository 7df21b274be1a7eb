"""Coverage, pages, numbers and plans over odd names and values: they parse, hold the names, and nothing acts on a reader."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine import bound, looking_at
from harness import RunRules
from pytest_tgintegrity.planning.planner import BoundRule, plan
from pytest_tgintegrity.proving.coverage import cover
from pytest_tgintegrity.reports.terminal.coverage import coverage_lines
from pytest_tgintegrity.rules.kinds import CONSTRAINT_KINDS, Declared
from pytest_tgintegrity.text import printable
from zoo import OpenZoo, Zoo, ask, connected, literal, oracle, quoted
from zoo_outcomes import Scene, scenes
from zoo_tables import ODD_NAMES, SITUATIONS, situations

pytest_plugins = ["zoo_servers"]

OWN = """
SELECT n.nspname::text, c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\\_%'
"""


# --- coverage


def covered(url: str, rules: list[BoundRule]) -> Any:
    """The document of coverage."""
    with looking_at(url) as engine:
        declared = [
            bound(Declared(one.kind), f"declared[{one.kind} {one.label}]", {"constraint": one})
            for one in engine.constraints(*CONSTRAINT_KINDS)
        ]
        every = [*rules, *declared]
        found = cover(
            every, plan(every, engine.facts).tables, engine.facts, engine.constraints("foreign_key"), {}, len(every)
        )
    return json.loads(json.dumps(found.to_json(), allow_nan=False))


@pytest.mark.parametrize("what", ["keys", *SITUATIONS])
def test_every_odd_table_is_covered_once(zoo: Zoo, what: str) -> None:
    listed = scenes(situations(zoo, what), "update")
    url = zoo.make("".join(one.script for one in listed))
    with connected(url) as connection:
        stored = ask(connection, OWN)
    half = [one.rule for one in listed[::2]]
    some, none = covered(url, half), covered(url, [])

    assert some["tables"]["total"] == none["tables"]["total"] == len(stored)
    for document in (some, none):
        for section in (document["tables"], document["columns"], document["foreign_keys"]):
            names = [one["name"] for by in ("by_constraints_only", "by_nothing") for one in section[by]]
            assert len(names) + section["by_rules"] == section["total"]
            assert max(Counter(names).values(), default=1) == 1 or section is document["foreign_keys"]
        for verbosity in (-1, 0, 1):
            assert all(printable(line).isprintable() for line in coverage_lines(document, verbosity))
    assert none["tables"]["by_rules"] == 0
    assert some["tables"]["by_rules"] >= sum(_counts(one) for one in listed[::2])


def _counts(one: Scene) -> bool:
    """Whether what its rule looks at is a table that stores rows."""
    return "view" not in one.situation.words


# --- whole runs

RAW = {
    "UTF8": "\x1b[31mred\x1b]0;title\x07 \u202e <blink>&amp;\x7f\x85",
    "LATIN1": "\x1b[31mred \xe9 <blink>\x7f\x85",
    "SQL_ASCII": "\x1b[31mred\udce9\x7f <blink>",
}
FILES = ("--html-report=page.html", "--metrics=tg.prom", "--junitxml=junit.xml", "-rf", "-v")
ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that a terminal or a browser would act on, and those that no file in UTF-8 holds."""
RULES = """
DOTTED = Source("dot.ted", 'public."dot.ted" AS z', key="z.id", label='z."dot.ted"')

@pytest.mark.parametrize("t", {names!r})
@rule.rows(Source("{{t}}", "public.{{t}} AS z", key="z.id", label="z.{{t}}"), "z.size > 15", severity="high", fix={{"z.size": "15"}})
def test_size(violations, t):
    \"\"\"Sizes are at most fifteen.\"\"\"
    assert not violations

@rule.rows(DOTTED, "z.size > 15", severity="high", fix={{"z.size": "15"}})
def test_dotted(violations):
    \"\"\"Sizes are at most fifteen.\"\"\"
    assert not violations

@declared("not_null")
def test_filled(violations, constraint):
    \"\"\"Columns are filled.\"\"\"
    assert not violations
"""


def rules_about(names: Sequence[str]) -> str:
    """A rule about each table; a name with a dot cannot be filled in."""
    return RULES.format(names=[one for one in names if one != "dot.ted"])


class Page(HTMLParser):
    """The words of a page, and the tags in it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def odd_database(zoo: Zoo, names: Sequence[str]) -> str:
    """The URL of a database with a table of each name with a column of that name, in which one of two rows is bad."""
    value = literal(RAW[zoo.encoding])
    return zoo.make(
        "".join(
            f"CREATE TABLE public.{quoted(name)} (id int PRIMARY KEY, {quoted(name)} text, size int);"
            f"INSERT INTO public.{quoted(name)} VALUES (1, {value}, 1), (2, {value}, 99);"
            for name in names
        )
    )


def names_in(encoding: str) -> list[str]:
    """The odd names that a database can hold."""
    return [one for one in ODD_NAMES if one and (encoding == "UTF8" or one.isascii())]


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "SQL_ASCII"])
def test_reports_of_odd_names_and_values(
    zoo_of: OpenZoo, check: RunRules, pytester: pytest.Pytester, encoding: str
) -> None:
    """All files parse, all names stand in them, and nothing in them acts on whoever reads."""
    zoo, names = zoo_of(18, encoding), names_in(encoding)
    ran = check(rules_about(names), *FILES, "--integrity-coverage", url=odd_database(zoo, names))
    texts = {one: (pytester.path / one).read_text(encoding="utf-8") for one in ("page.html", "tg.prom", "junit.xml")}
    page = Page(texts["page.html"])
    failed = [one for one in ran.integrity["rules"] if one["verdict"] == "failed"]

    assert ran.status == 1, ran.said
    assert len(failed) == len(names)
    assert [one["samples"][0]["key"] for one in failed] == ["2"] * len(names)
    told_of = json.dumps([one["see_all"] for one in failed], ensure_ascii=False)
    assert [name for name in names if json.dumps(quoted(name), ensure_ascii=False)[1:-1] not in told_of] == []
    assert [name for name in names if name.partition("\n")[0] not in page.words] == []
    assert list(text_string_to_metric_families(texts["tg.prom"]))
    assert len(ET.fromstring(texts["junit.xml"]).findall(".//failure")) == len(names)
    assert {name: found for name, text in {**texts, "out": ran.out}.items() if (found := ACTING.findall(text))} == {}
    assert "blink" not in page.tags
    assert ran.integrity["coverage"]["tables"]["by_rules"] >= len(names)


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "SQL_ASCII"])
def test_plans_and_fixes_of_odd_names(zoo_of: OpenZoo, check: RunRules, encoding: str) -> None:
    """A plan names each table, and changes nothing; a fix mends all, and its undo brings all back."""
    zoo, names = zoo_of(18, encoding), names_in(encoding)
    url = odd_database(zoo, names)
    before = oracle(url)
    planned = check(rules_about(names), "--fix-plan", "-rf", url=url)
    unchanged = oracle(url)
    made = check("--fix", url=url)

    assert planned.status == 1, planned.said
    assert unchanged == before
    assert planned.integrity["fix"]["changes"] == len(names)
    assert made.status == 0, made.said
    assert set(made.verdicts.values()) == {"fixed", "passed"}
    assert ACTING.findall(planned.out + made.out) == []
    assert check("--undo=last", url=url).status == 0
    assert {name: rows for name, rows in oracle(url).items() if name in before} == before
