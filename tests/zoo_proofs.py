"""Proofs over the zoo: a table for each type whose rows obey a rule of every kind, and what becomes of their proofs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final

from engine import bound, looking_at
from zoo import MAJORS, Zoo, literal, oracle
from zoo_fixes import ALIKE, ALL, FEW, ITS_OWN, OWN_NAMES, UNAGGREGATED, Subject, subjects
from zoo_outcomes import DYING, Scene, scenes
from zoo_tables import situations
from zoo_types import Sort

from pytest_tgintegrity.kinds import (
    Acyclic,
    Agree,
    AtMost,
    Between,
    Children,
    ChildRows,
    Declared,
    Derived,
    Formula,
    JsonShape,
    Kind,
    NotBlank,
    NotNull,
    OneOf,
    References,
    Rows,
    Unique,
)
from pytest_tgintegrity.planning import BoundRule
from pytest_tgintegrity.proof import Proof, Prover
from pytest_tgintegrity.workbench import EMPTY, LOOSE

JSON: Final = ("json", "jsonb")
TEXTS: Final = (
    "text", "varchar", "bpchar", "char", "character", "name", "code", "country", "required", "citext",
    "information_schema.sql_identifier", "information_schema.character_data",
)  # fmt: skip
SURROGATES: Final = re.compile("[\ud800-\udfff]")
BLANK: Final = ("", "true", "false")
BARE: Final = ("not_null", "formula")
"""Kinds that are tried on what is made of a type, and on spellings that differ in a number only."""
TOGETHER: Final = 80
LONGEST: Final = 300
_NUMBERED: Final = re.compile(r"\b(?:[a-z]+_)?[a-z]*_?\d+(?:_\w+)?\b")
AT: Final = "test_proofs.py::test_"


@dataclass(frozen=True)
class Clean:
    """A type, a table of distinct values of it, and rules of every kind that these obey.

    Beside each value `v0` stands the same as `w0`, and the least and the greatest of all as `lo` and `hi`; the table
    whose name ends in `_of` holds the values once more.
    """

    subject: Subject

    @property
    def sort(self) -> Sort:
        """The type."""
        return self.subject.sorts[0]

    @property
    def values(self) -> Sequence[str]:
        """Some of its values, from the first to the last; no blanks, and no truth values in JSON."""
        values = [one for one in self.sort.values if not (self.writes and one.strip() in BLANK)]
        return values[:: max(1, len(values) // FEW)]

    @property
    def writes(self) -> bool:
        """Whether it holds text, or JSON."""
        return self.sort.form in ("plain", "domain") and self.sort.of.partition("(")[0] in (*TEXTS, *JSON)

    @property
    def spelled(self) -> str:
        """The type where `public` may not be on the path."""
        return f"public.{self.sort.spelled}" if self.sort.spelled in OWN_NAMES else self.sort.spelled

    @property
    def script(self) -> str:
        """What makes the tables."""
        t, of = self.subject.name, self.sort.spelled
        values = ", ".join(f"({n}, {', '.join([literal(one)] * 4)})" for n, one in enumerate(self.values))
        parts = [
            f"CREATE TABLE {t} (id int PRIMARY KEY, v0 {of}, w0 {of}, lo {of}, hi {of}, bad bool DEFAULT false, up int)",
            f"INSERT INTO {t} VALUES {values}",
            f"DELETE FROM {t} AS a USING {t} AS b WHERE a.id > b.id AND NOT (a.v0 IS DISTINCT FROM b.v0)"
            if self.sort.equal
            else "",
            f"CREATE TABLE {t}_of (id int PRIMARY KEY, parent int, w0 {of})",
            f"INSERT INTO {t}_of SELECT id, id, v0 FROM {t}",
        ]
        return "".join(f"{part};" for part in parts if part)

    def kinds(self) -> Iterator[tuple[str, Kind, dict[str, Any]]]:
        """A rule of each kind that the type allows."""
        t, sort = self.subject.name, self.sort
        yield "not_null", NotNull(t, "v0"), {}
        if self.writes and sort.of not in JSON:
            yield "not_blank", NotBlank(t, "v0"), {}
        yield "children", Children(t, ChildRows(f"{t}_of", "parent"), 1), {}
        yield (
            "children, broken",
            Children(t, ChildRows(f"{t}_of", "parent"), 1),
            {"breaks": f"DELETE FROM {t}_of WHERE id = 0 RETURNING parent"},
        )
        yield "rows, broken", Rows(t, "bad"), {"breaks": {"bad": "true", "v0": "w0"}}
        yield "acyclic", Acyclic(t, "up"), {}
        if sort.of in JSON and self.writes:
            yield "json_shape", JsonShape(t, "v0", (dict, list, str, float, None)), {}
        if sort.equal:
            yield "formula", Formula(t, "v0", "w0"), {"fix": "recompute"}
            yield "agree", Agree(t, "v0", "w0"), {}
            yield "unique", Unique(t, ("v0",)), {}
            yield "references", References(t, ("v0",), f"{t}_of", ("w0",)), {}
        if (
            sort.equal and "(" not in sort.of and not any(map(SURROGATES.search, self.values))
        ):  # stored as they are written
            yield "one_of", OneOf(t, "v0", list(self.values)), {}
        if sort.equal and sort.form != "array" and sort.of not in UNAGGREGATED:
            empty = f"CAST({literal(None)} AS {self.spelled})"
            aggregate = "(array_agg(w0 ORDER BY id))[1]"
            yield "derived", Derived(t, "v0", aggregate, ChildRows(f"{t}_of", "parent"), empty), {"fix": "recompute"}
        if sort.ordered:
            yield "at_most", AtMost(t, "v0", "w0"), {"fix": "clamp"}
            yield "between", Between(t, "v0", "lo", "hi"), {"fix": "clamp"}

    def takes(self, turn: int) -> bool:
        """Whether a rule is tried on it: each kind on every third type, unless all are wanted."""
        return ALL or (int(self.subject.name.strip("tf").partition("_")[0]) + turn) % 3 == 0

    def rules(self) -> list[BoundRule]:
        """All of them; they are about one fact, so that none is blamed for another."""
        return [
            bound(kind, f"{AT}{self.subject.name}[{words}: {self.subject.title}]", **more)
            for turn, (words, kind, more) in enumerate(self.kinds())
            if words in BARE or (self.sort.form == "plain" and self.sort.of not in ALIKE and self.takes(turn))
        ]


def cleans(zoo: Zoo) -> list[Clean]:
    """Every type, and what is made of it; on the older server what the newer lacks."""
    found = []
    for one in subjects(zoo):
        for number, sort in enumerate(one.sorts):
            if ALL or zoo.major == MAJORS[0] or sort.of in ITS_OWN:
                found.append(Clean(Subject(f"{one.name}_{number}", sort.name, (sort,))))
    return [one for one in found if one.values]


def all_proofs(zoo: Zoo, *, letters: bool = False) -> dict[str, Proof]:
    """What becomes of the proofs about every type (or those of which a value is more than ASCII), some dozens in a database."""
    found: dict[str, Proof] = {}
    listed = [one for one in cleans(zoo) if not (letters and all(value.isascii() for value in one.values))]
    for start in range(0, len(listed), TOGETHER):
        part = listed[start : start + TOGETHER]
        url = zoo.make("".join(one.script for one in part))
        found |= proofs(zoo, url, [rule for one in part for rule in one.rules()])
    return found


def proofs(zoo: Zoo, url: str, rules: Sequence[BoundRule]) -> dict[str, Proof]:
    """What becomes of the proofs of rules, and nothing of the copy: it is compared before and after."""
    server = replace(zoo.server, database=url.rpartition("/")[2].partition("?")[0])
    with looking_at(url) as engine:
        facts = engine.facts
    with closing(Prover(server, rules, facts)) as prover:
        before = oracle(zoo.server.url(LOOSE))
        found = {one.id: prover.prove(one) for one in rules}
        assert oracle(zoo.server.url(LOOSE)) == before
    return found


def scene_proofs(zoo: Zoo, what: str) -> dict[str, Proof]:
    """What becomes of the proofs about tables of one sort: of their bad rows, of a column, and of what is declared."""
    listed = scenes(situations(zoo, what), "update") or scenes(situations(zoo, what), "delete")
    found: dict[str, Proof] = {}
    for start in range(0, len(listed), TOGETHER):
        part = listed[start : start + TOGETHER]
        url = zoo.make("".join(one.script for one in part))
        with looking_at(url) as engine:
            declared = [
                bound(Declared(one.kind), f"{AT}declared[{one.kind}: {one.label}]", {"constraint": one})
                for one in engine.constraints()
            ]
        found |= proofs(zoo, url, [*(rule for one in part for rule in _scene_rules(one)), *declared])
    return found


def _scene_rules(scene: Scene) -> Iterator[BoundRule]:
    """Bad rows there may be in the clean data of a rule that only informs."""
    rule, kind = scene.rule, scene.rule.rule.kind
    assert isinstance(kind, Rows)
    alias = "" if isinstance(kind.source, str) else "z."
    more: dict[str, Any] = {"severity": "info", "overlaps": ["same"], "tags": ["same"]}
    bad = bound(kind, f"{AT}{scene.number}[bad: {scene.id}]", rule.params, breaks={f"{alias}bad": "true"}, **more)
    yield bad
    yield replace(bad, id=f"{AT}{scene.number}[fix: {scene.id}]", rule=replace(bad.rule, fix={f"{alias}bad": "false"}))
    key = scene.situation.key[0]
    names = {**rule.params, "c": key}
    named = "{c}" if alias == "" else f"z.{key}"
    for words, other in (("not_null", NotNull(kind.source, named)), ("unique", Unique(kind.source, (named,)))):
        yield bound(other, f"{AT}{scene.number}[{words}: {scene.id}]", names, **more)


def told(found: Mapping[str, Proof]) -> dict[str, list[str]]:
    """The reasons of the unproven, by the kind of rule that they are about, and what they are said of."""
    listed: dict[str, list[str]] = {}
    for rule, one in sorted(found.items()):
        if one.reason is not None and one.reason != EMPTY:
            kind, _, about = rule.partition("[")[2].removesuffix("]").partition(": ")
            listed.setdefault(f"{kind}: {_NUMBERED.sub('…', one.reason)}", []).append(about)
    return listed


def unspoken(found: Mapping[str, Proof]) -> dict[str, str]:
    """Reasons that nobody would take for a sentence, and those that blame a rule which is right."""
    return {
        rule: one.reason
        for rule, one in found.items()
        if one.reason is not None and (DYING.search(one.reason) or len(one.reason) > LONGEST)
    }
