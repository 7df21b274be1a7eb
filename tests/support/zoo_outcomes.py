"""What a fix and its undo come to in each situation: all as it was, or a refusal in one sentence; never anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine import bound
from fixes import fix, undone
from pytest_tgintegrity.fixing.results import FixResult
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import Rows, Source
from zoo import Zoo, differences, oracle, quoted
from zoo_tables import Situation

TOGETHER: Final = 24
DYING: Final = re.compile(r"Traceback|\bError:|Exception\b|psycopg|\n|INTERNALERROR")


@dataclass(frozen=True)
class Scene:
    """A situation in a database: number, the one way of fixing, and the rule that asks for it."""

    situation: Situation
    number: int
    way: str

    @property
    def id(self) -> str:
        """What people call it."""
        return f"{self.way}: {self.situation.words}"

    @property
    def name(self) -> str:
        """The name of its table."""
        return self.situation.name or f"t_{self.number}"

    @property
    def table(self) -> str:
        """Its table as SQL writes it."""
        return f"{quoted(self.situation.schema)}.{quoted(self.name)}"

    @property
    def script(self) -> str:
        """What makes it."""
        text = self.situation.script.replace("$T", self.table).replace("$N", str(self.number))
        return text.replace("$Q", quoted(self.name)) + ";"

    @property
    def rule(self) -> BoundRule:
        """Its bad rows, and their fix: by the table's name where a name can be filled in, else by a FROM clause."""
        here, path = self.situation, f"{self.situation.schema}.{self.name}"
        delete = self.way == "delete"
        more: dict[str, Any] = {"fix_allows": (*(("delete",) if delete else ()), *here.allows)}
        if path.count(".") == 1:
            sets = {_escaped(column): value for column, value in here.sets.items()}
            more["fix"] = "delete where bad" if delete else sets
            known = self.name if here.schema == "public" and self.name != "pg_class" else path
            return bound(Rows("{t}", "bad"), self.id, {"t": known}, **more)
        sets = {f"z.{column}": value for column, value in here.sets.items()}
        more["fix"] = "delete z where z.bad" if delete else sets
        keys = [_escaped(f"z.{quoted(one)}") for one in here.key]
        return bound(
            Rows(Source(_escaped(self.name), f"{_escaped(self.table)} AS z", key=keys), "z.bad"), self.id, **more
        )

    def owns(self, table: str) -> bool:
        """Whether a table, as SQL or a change names it, is one of its own."""
        plain = f"{self.situation.schema}.{self.name}"
        return (
            table in (self.table, plain)
            or _unquoted(table) == plain
            or bool(re.search(rf"\.\"?[a-z]+_{self.number}(_|\"?$)", table))
        )


def _escaped(name: str) -> str:
    return name.replace("{", "{{").replace("}", "}}")


def _unquoted(table: str) -> str:
    parts = re.findall(r'"(?:[^"]|"")*"|[^."]+', table)
    return ".".join(one[1:-1].replace('""', '"') if one.startswith('"') else one for one in parts)


def scenes(listed: Sequence[Situation], way: str) -> list[Scene]:
    """Each situation with one way of fixing."""
    return [Scene(one, number, way) for number, one in enumerate(listed) if way in one.fixes]


Outcomes = dict[str, str]
"""By scene: ``fixed``, ``refused: …``, ``told: …`` (left, with a reason), or ``FAULT …``."""


def outcomes(zoo: Zoo, folder: Path, listed: Sequence[Scene]) -> Outcomes:
    """What becomes of scenes, some dozens in a database; a run that dies is divided until one stands alone."""
    found: Outcomes = {}
    for start in range(0, len(listed), TOGETHER):
        found |= _halved(zoo, folder, listed[start : start + TOGETHER])
    return found


def _halved(zoo: Zoo, folder: Path, listed: Sequence[Scene]) -> Outcomes:
    url = zoo.make("".join(one.script for one in listed))
    try:
        return _once(url, folder, listed)
    except Exception as error:  # noqa: BLE001 - whatever it is, the fix may not die
        if len(listed) == 1:
            return {listed[0].id: f"FAULT {type(error).__name__}: {error}"}
    middle = len(listed) // 2
    return _halved(zoo, folder, listed[:middle]) | _halved(zoo, folder, listed[middle:])


def _once(url: str, folder: Path, listed: Sequence[Scene]) -> Outcomes:
    rules = [one.rule for one in listed]
    before = oracle(url)
    fix_result = fix(url, folder, rules)
    _may_go_on(fix_result.applied.stopped if fix_result.applied else None)
    fixed = oracle(url)
    again = fix(url, folder, rules)
    rewritten = differences(fixed, oracle(url))
    kept: dict[str, str] = {}
    if fix_result.applied and fix_result.applied.rows:
        back = undone(url, fix_result.applied.run or "")
        _may_go_on(back.applied.stopped)
        kept = {one.change.table: one.reason for one in back.applied.skipped}
    lost = differences(before, oracle(url))
    return {one.id: _outcome(one, fix_result, kept, rewritten, lost, again) for one in listed}


def _may_go_on(stopped: str | None) -> None:
    if stopped is not None:
        raise RuntimeError(stopped)


def _outcome(
    scene: Scene,
    fix_result: FixResult,
    kept: Mapping[str, str],
    rewritten: Mapping[str, object],
    lost: Mapping[str, object],
    again: FixResult,
) -> str:
    refusal = next((one.reason for one in fix_result.needs_person if one.rule == scene.id), None)
    left = (
        [one.reason for one in fix_result.applied.skipped if scene.owns(one.change.table)] if fix_result.applied else []
    )
    told = [*left, *(reason for table, reason in kept.items() if scene.owns(table))]
    for reason in (*([] if refusal is None else [refusal]), *told):
        if DYING.search(reason) or len(reason) > 400:
            return f"FAULT no sentence: {reason[:500]!r}"
    # an undo may leave rows of the table, but never change those of another
    for words, tables in (("a second fix wrote", rewritten), ("lost", lost)):
        strange = {name: rows for name, rows in tables.items() if scene.owns(name)}
        if strange and not (told and scene.situation.told and [*strange] == [f"public.{scene.name}"]):
            return f"FAULT {words}: {str(strange)[:400]}{_told(told)}"
    return _named(scene, fix_result, refusal, told, again)


def _named(scene: Scene, fix_result: FixResult, refusal: str | None, told: Sequence[str], again: FixResult) -> str:
    if refusal is not None:
        return f"FAULT it could be fixed: {refusal}" if scene.situation.fixed else f"refused: {refusal}"
    if told:
        return f"told: {told[0]}" if scene.situation.told else f"FAULT left{_told(told)}"
    if not (fix_result.applied and fix_result.applied.by_rule.get(scene.id)):
        return "FAULT neither fixed nor refused"
    if any(rule == scene.id for rule, _ in again.counts):
        return "FAULT a second plan has changes"
    return "fixed"


def _told(told: Sequence[str]) -> str:
    return f" (told: {told[0][:200]})" if told else ""


def faults(found: Mapping[str, str]) -> dict[str, str]:
    """Those that may not be."""
    return {name: outcome for name, outcome in found.items() if outcome.startswith("FAULT")}


def told_of(found: Mapping[str, str]) -> Iterator[str]:
    """The refusals, for a person to read."""
    for name, outcome in sorted(found.items()):
        if not outcome.startswith(("fixed", "FAULT")):
            yield f"{name} - {outcome}"
