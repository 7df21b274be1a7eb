"""What rules report of the scratch copy: of the clean data, of their own damage, and of the damage of other rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_tgintegrity.database.connections.answers import Answer, Failure
from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.judging.verdicts import Measurement, Sample
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.planner import BoundRule, Plan
from pytest_tgintegrity.planning.scans import Count, RowScan, Scan
from pytest_tgintegrity.planning.sources import PreparedSource
from pytest_tgintegrity.planning.sql.compose import Statement, parametrised, readable
from pytest_tgintegrity.planning.sql.names import EVERY, Cell, Relation, lone_name, reading
from pytest_tgintegrity.proving.scratch_copy import ScratchCopy
from pytest_tgintegrity.rules.kinds import Declared

Key = tuple[str | None, ...]
Touched = tuple[str, str | None]
"""A table, as SQL writes it, and the column that was written to; None where rows came or went."""

KEYS = 5_000
SHOWN = 3


@dataclass(frozen=True, slots=True)
class View:
    """What a rule reports of the data as they are now: how many rows violate it, and their keys."""

    count: Count
    keys: tuple[Key, ...] = ()

    def news(self, before: View) -> list[Key]:
        """The keys that were not reported before."""
        return list((Counter(self.keys) - Counter(before.keys)).elements())

    def measurement(self, before: View) -> Measurement:
        """What a test body is given: the violations that the damage brought."""
        samples = tuple(Sample(key[0] if len(key) == 1 else list(key)) for key in self.news(before)[:SHOWN])
        return Measurement(self.count.examined, self.count.violations, samples, value=self.count.value)


NOTHING = View(Count(None, 0))


@dataclass(frozen=True, slots=True)
class Case:
    """A rule made ready to be proven.

    `questions` are its statements: how many rows violate it, and which; `key_columns` is how many columns name a row. `source` is
    what can be written to, `base` what the rule reports of clean data.
    """

    bound: BoundRule
    scan: Scan
    source: PreparedSource | None
    questions: tuple[Statement, ...]
    key_columns: int
    base: View = NOTHING

    def view(self, answers: Sequence[Answer]) -> View:
        """Read the answers to the questions. Raises `NotEvaluated`."""
        counts = self.scan.tally(answers[0].rows).counts
        if counts is None:
            raise NotEvaluated("its scan cannot be asked alone")
        keys = (tuple(texts[: self.key_columns]) for texts in answers[1].texts) if self.key_columns else ()
        return View(counts[self.bound.id], tuple(keys))


def case_of(bound: BoundRule, scan: Scan, types: Mapping[str, int], source: PreparedSource | None) -> Case:
    """Make a rule ready."""
    sampling = scan.sampling(bound.id)
    questions = [scan.question(types), *([] if sampling is None else [sampling.first(KEYS)])]
    return Case(bound, scan, source, tuple(map(parametrised, questions)), 0 if sampling is None else sampling.keys)


class Witnesses:
    """All rules of a plan as witnesses of damage: what each rule counts in the clean data, and what it reads."""

    def __init__(self, scratch: ScratchCopy, plan: Plan, rules: Iterable[BoundRule], facts: Facts) -> None:
        self._scratch = scratch
        self._facts = facts
        self._rules = {bound.id: bound for bound in rules}
        self._all = plan.scans
        self.scans = {rule: scan.only([rule]) for scan in plan.scans for rule in scan.rules}
        self._number = {rule: number for number, scan in enumerate(plan.scans) for rule in scan.rules}
        self.types = self._probed()
        self._base = self._counts(self._all)
        self._readings = {rule: reading(readable(scan.question({}))) for rule, scan in self.scans.items()}
        self._naming: dict[str, list[str]] = defaultdict(list)
        for rule, read in self._readings.items():
            for name in read.words.names | ({""} if read.anything else set()):
                self._naming[name].append(rule)
        self._narrowed: dict[frozenset[str], list[Scan]] = {}

    def _probed(self) -> dict[str, int]:
        """The types of ranges, as the engine asks for them before it fuses several."""
        probes = [(rule, probe) for scan in self._all for rule, probe in scan.probes().items()]
        answers = self._scratch.ask([probe for _, probe in probes])
        answered = zip(probes, answers, strict=True)
        return {rule: answer.types[0] for (rule, _), answer in answered if isinstance(answer, Answer) and answer.types}

    def base(self, rule: str) -> int:
        """How many violations a rule sees in the clean data. Raises `NotEvaluated` if it cannot look."""
        counted = self._base[rule]
        if isinstance(counted, Failure):
            raise NotEvaluated(counted.reason)
        return counted.violations

    # --- counting

    def _counts(self, scans: Sequence[Scan]) -> dict[str, Count | Failure]:
        """What every rule of some scans counts, asked as in a run: fused, then rule by rule where a fused scan fails."""
        counted: dict[str, Count | Failure] = {}
        suspects: list[tuple[RowScan, Answer]] = []
        for scan, answer in zip(scans, self._scratch.ask([scan.question(self.types) for scan in scans]), strict=True):
            if isinstance(answer, Failure):
                counted |= self._one_by_one(scan, answer)
            elif (counts := scan.tally(answer.rows).counts) is not None:
                counted |= counts
            elif isinstance(scan, RowScan):
                suspects.append((scan, answer))
        recounts = self._scratch.ask([scan.recount() for scan, _ in suspects])
        for (scan, first), answer in zip(suspects, recounts, strict=True):
            counted |= (
                self._one_by_one(scan, answer)
                if isinstance(answer, Failure)
                else scan.recounted(answer.rows, first.rows)
            )
        return counted

    def _one_by_one(self, scan: Scan, failure: Failure) -> dict[str, Count | Failure]:
        if len(scan.rules) == 1:
            return dict.fromkeys(scan.rules, failure)
        return self._counts([self.scans[rule] for rule in scan.rules])

    def fired_and_failed(self, scans: Sequence[Scan]) -> tuple[list[str], dict[str, str]]:
        """The rules that see more violations now than in the clean data, and those that fail now, with the reason."""
        fired, failed = [], {}
        for rule, now in self._counts(scans).items():
            before = self._base[rule]
            if isinstance(before, Failure):
                continue
            if isinstance(now, Failure):
                failed[rule] = now.reason
            elif now.violations > before.violations:
                fired.append(rule)
        return fired, failed

    # --- who reads what

    def readers(self, bound: BoundRule, touched: Iterable[Touched]) -> list[Scan]:
        """The scans of other rules whose SQL may read a touched column of a touched table.

        Rules about declared constraints are left out: a constraint may well be about the same column as a rule.
        """
        cells = [self._cell(table, column) for table, column in touched]
        chosen = frozenset(
            rule
            for cell in cells
            for rule in (*self._naming[cell.relation.name], *self._naming[""])
            if rule != bound.id and self._readings[rule].reads(cell)
            if not isinstance(self._rules[rule].rule.kind, Declared)
        )
        if chosen not in self._narrowed:
            by_scan: dict[int, list[str]] = defaultdict(list)
            for rule in sorted(chosen):
                by_scan[self._number[rule]].append(rule)
            self._narrowed[chosen] = [self._all[number].only(rules) for number, rules in by_scan.items()]
        return self._narrowed[chosen]

    def _cell(self, table: str, column: str | None) -> Cell:
        path = lone_name(table) or (table,)
        known = self._facts.table(".".join(path))
        return Cell(Relation(known.schema if known else path[0], path[-1], visible=len(path) == 1), column or EVERY)

    def unexpected(self, bound: BoundRule, fired: Iterable[str]) -> list[str]:
        """The fired rules that are not about the same fact as `bound`, by what both declare."""
        return [rule for rule in fired if not same_fact(bound, self._rules[rule])]


def same_fact(bound: BoundRule, other: BoundRule) -> bool:
    """Whether two rules are about the same fact: by one test function, one constraint that would enforce both, or `overlaps=`."""
    if _function(bound) == _function(other):
        return True
    if bound.enforced_by is not None and bound.enforced_by == other.enforced_by:
        return True
    return _names(bound, other) or _names(other, bound)


def _function(bound: BoundRule) -> str:
    return bound.id.partition("[")[0]


def _names(bound: BoundRule, other: BoundRule) -> bool:
    names = {other.id, _function(other), _function(other).rpartition("::")[2], *other.rule.tags}
    return not names.isdisjoint(bound.rule.overlaps)


def key_text(*keys: Key) -> str:
    """Some keys in one line, for messages."""
    shown = [", ".join("NULL" if part is None else part for part in key) for key in keys[:SHOWN]]
    return "; ".join(shown) + (" …" if len(keys) > SHOWN else "")
