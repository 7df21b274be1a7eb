"""Run scans on the snapshot: probe, ask, recount doubtful numbers, fetch samples; many statements in one round trip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Answer, Failure, TimedOut
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.database.freshness import changed
from pytest_tgintegrity.database.samples import TEXT_LIMIT, known_samples, read_samples
from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.judging.verdicts import Measurement, Sample
from pytest_tgintegrity.planning.scans.access import AFTER, BEFORE, Access
from pytest_tgintegrity.planning.scans.batches import BIG_PAGES
from pytest_tgintegrity.planning.scans.query_plans import CURE, PAIRS_PER_SECOND, Guilt, worst
from pytest_tgintegrity.planning.scans.rows import RowScan
from pytest_tgintegrity.planning.scans.sampling import Sampling
from pytest_tgintegrity.planning.scans.scan import Count, Scan, Tally

PATIENCE_SECONDS = 300.0
LATE_SHARE = 0.02  # of the permitted pairs of rows: the limit for a question that took too long already


@dataclass(frozen=True, slots=True)
class Scanned:
    """A finished scan: seconds, rows of its source (None if that cannot be said), and a measurement for each rule.

    `table` is the qualified name of the table whose rows these are, all of them, if they are that.
    """

    source: str
    seconds: float
    rows: int | None
    measurements: Mapping[str, Measurement]
    table: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for another process."""
        measured = {rule: measurement.to_json() for rule, measurement in self.measurements.items()}
        facts = {"source": self.source, "seconds": self.seconds, "rows": self.rows, "table": self.table}
        return {**facts, "measurements": measured}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Scanned:
        """The inverse of `to_json`."""
        measured = {rule: Measurement.from_json(measurement) for rule, measurement in document["measurements"].items()}
        return cls(document["source"], document["seconds"], document["rows"], measured, document["table"])


@dataclass(slots=True)
class _Progress:
    """What is known of one scan so far."""

    scan: Scan
    types: dict[str, int] = field(default_factory=dict)
    errors: dict[str, Failure] = field(default_factory=dict)
    first: Sequence[Sequence[Any]] = ()
    tally: Tally | None = None
    counts: dict[str, Count] = field(default_factory=dict)
    samples: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    failed: Failure | None = None
    hidden: bool = False

    @property
    def rules(self) -> list[str]:
        """The rules that may still be answered."""
        return [rule for rule in self.scan.rules if rule not in self.errors]

    @property
    def late(self) -> bool:
        """Whether the question took too long."""
        return isinstance(self.failed, TimedOut)

    def take(self, part: _Progress) -> None:
        """Take over the results of a part."""
        self.tally = self.tally or part.tally
        self.counts.update(part.counts)
        self.errors.update(part.errors)

    def confine(self) -> None:
        """Leave out the rules that are known to fail."""
        if self.errors:
            self.scan = self.scan.only(self.rules)

    def part(self, rules: Sequence[str]) -> _Progress:
        """The same work for some of the rules, from the beginning."""
        return _Progress(self.scan.only(rules), self.types, hidden=self.hidden)


@dataclass(frozen=True, slots=True)
class _BatchReader:
    """Asks the questions of one batch: with its timeout and access to tables, until its deadline."""

    reader: Reader
    timeout: float | None
    access: Access
    deadline: float

    def ask(self, statements: Sequence[sql.Composable]) -> list[Answer | Failure]:
        """Answers in the order of the statements.

        A failure ends the transaction and with it the setting of `access`, so what was answered after a failure is asked again.
        """
        if self.access == "any" or not statements:
            return self.reader.ask(statements, self.timeout) if statements else []
        answers = self.reader.ask([BEFORE[self.access], *statements, AFTER[self.access]], self.timeout)[1:-1]
        failures = [isinstance(answer, Failure) for answer in answers]
        after = failures.index(True) if True in failures else len(answers)
        doubtful = [n for n in range(after, len(answers)) if not failures[n]]
        for n, answer in zip(doubtful, self.ask([statements[n] for n in doubtful]), strict=True):
            answers[n] = answer
        return answers


def measure(reader: Reader, scans: Sequence[Scan], samples: int) -> list[Scanned]:
    """Answer the scans of one batch; `samples` is the number of offending rows to fetch per violated rule.

    Never raises because of the data or the server: a rule that could not be evaluated has a measurement with an error.
    """
    scanned, changed_tables = _look(reader, scans, samples)
    if not changed_tables:
        return scanned
    answered = [scan.only(_answered(answer)) for scan, answer in zip(scans, scanned, strict=True)]
    tables_of_scans = [changed_tables] if len(scans) == 1 else [_changed_in_scan(reader, scan) for scan in answered]
    if not changed_tables <= frozenset().union(
        *tables_of_scans
    ):  # a function reads it, and the plans do not show of which scan
        tables_of_scans = [tables or changed_tables for tables in tables_of_scans]
    pairs = zip(scans, scanned, tables_of_scans, strict=True)
    return [_look_again(reader, scan, samples, names) if names else answer for scan, answer, names in pairs]


def _answered(scanned: Scanned) -> list[str]:
    return [rule for rule, measurement in scanned.measurements.items() if measurement.error is None]


def _look(reader: Reader, scans: Sequence[Scan], samples: int) -> tuple[list[Scanned], frozenset[str]]:
    """The answers, and those of their tables that are no longer what the snapshot knows."""
    started = time.perf_counter()
    begun = reader.begin()
    works = [_Progress(scan, hidden=not samples) for scan in scans]
    batch_reader = _BatchReader(reader, scans[0].timeout, scans[0].access, started + PATIENCE_SECONDS)
    _probe(batch_reader, works)
    _answer(batch_reader, works)
    if samples:
        _sample(batch_reader, works, samples)
    lost_locks = reader.begun > begun
    counted = [work.scan.only(work.counts) for work in works if work.counts]
    changed_tables = _changed_tables(reader, counted, lost_locks=lost_locks) if counted else frozenset()
    seconds = (time.perf_counter() - started) / len(works)
    return [_scanned(work, seconds) for work in works], changed_tables


def _changed_tables(reader: Reader, scans: Sequence[Scan], *, lost_locks: bool) -> frozenset[str]:
    """Tables that were read and are no longer what the snapshot knows; with `lost_locks` any table may have been read."""
    if lost_locks:
        for scan, answer in zip(scans, reader.ask([_locking_question(scan) for scan in scans]), strict=True):
            if isinstance(answer, Failure):
                return frozenset([scan.source])
    tables = changed(reader, everywhere=lost_locks)
    return frozenset([tables.reason]) if isinstance(tables, Failure) else tables


def _locking_question(scan: Scan) -> sql.Composed:
    """A statement that takes the locks of the scan and reads nothing."""
    return sql.SQL("EXPLAIN {}").format(scan.question({}))


def _changed_in_scan(reader: Reader, scan: Scan) -> frozenset[str]:
    """The tables that a scan names and that are no longer what the snapshot knows."""
    reader.end_transaction()
    if not scan.rules:
        return frozenset()
    (plan,) = reader.ask([_locking_question(scan)])
    return frozenset([scan.source]) if isinstance(plan, Failure) else _changed_tables(reader, [], lost_locks=False)


def _look_again(reader: Reader, scan: Scan, samples: int, names: Iterable[str]) -> Scanned:
    """Scan current data, as the snapshot does not know these tables; unknown if they change again meanwhile."""
    with reader.on_current_data():
        (scanned,), again = _look(reader, [scan], samples)
    if again:
        error = f"what it reads was rewritten or replaced while it was looked at, twice: {', '.join(sorted(again))}"
        measurements = {
            rule: Measurement(error=measurement.error or error) for rule, measurement in scanned.measurements.items()
        }
    else:
        note = (
            f"looked at later than the others: after the snapshot {', '.join(sorted(names))} was rewritten or replaced"
        )
        measurements = {
            rule: replace(measurement, note=_both(measurement.note, note))
            for rule, measurement in scanned.measurements.items()
        }
    return replace(scanned, measurements=measurements)


def _both(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)


def _probe(batch_reader: _BatchReader, works: Iterable[_Progress]) -> None:
    """Check that each source can be read; for big sources the server plans each predicate alone before they are fused.

    A small source is asked at once: if a rule of it makes the question fail, halving finds that rule.
    """
    fused = [work for work in works if len(work.scan.rules) > 1]
    answers = batch_reader.ask([work.scan.reach() for work in fused])
    for work, answer in zip(fused, answers, strict=True):
        if isinstance(answer, Failure):
            work.failed = answer
            work.errors.update(dict.fromkeys(work.scan.rules, answer))
    _probe_rules(batch_reader, [work for work in fused if work.failed is None and work.scan.pages >= BIG_PAGES])


def _probe_rules(batch_reader: _BatchReader, works: Iterable[_Progress]) -> None:
    probes = [(work, rule, probe) for work in works for rule, probe in work.scan.probes().items()]
    answers = batch_reader.ask([probe for _, _, probe in probes])
    for (work, rule, _), answer in zip(probes, answers, strict=True):
        if isinstance(answer, Failure):
            work.errors[rule] = answer
        elif answer.types:
            work.types[rule] = answer.types[0]


def _answer(batch_reader: _BatchReader, works: Sequence[_Progress]) -> None:
    """Ask, recount doubtful numbers, and divide the rules of a failed question until the rule that fails is alone."""
    for work in works:
        work.confine()
    big = [work for work in works if work.rules and work.scan.pages >= BIG_PAGES]
    _leave_out_costly(batch_reader, big, batch_reader.reader.allows(batch_reader.timeout) * PAIRS_PER_SECOND)
    _ask(batch_reader, [work for work in works if work.rules])
    _recount(batch_reader, works)
    for work in works:
        if work.failed is not None and work.rules:
            _divide(batch_reader, work)


def _leave_out_costly(batch_reader: _BatchReader, works: Sequence[_Progress], pairs: float) -> None:
    """Leave out the rules whose plans compare more than so many pairs of rows: the other rules would time out with them."""
    plans = _plans(batch_reader, [work.scan.question(work.types) for work in works])
    costly = [
        work
        for work, worst_part in zip(works, plans, strict=True)
        if worst_part is not None and worst_part.pairs > pairs
    ]
    alone = [(work, work.scan.only([rule]), rule) for work in costly for rule in work.rules]
    plans = _plans(batch_reader, [scan.question(work.types) for work, scan, _ in alone])
    for (work, scan, rule), worst_part in zip(alone, plans, strict=True):
        if worst_part is not None and worst_part.pairs > pairs:
            reason = worst_part.sentence(_cure(scan, rule))
            work.errors[rule] = Failure(f"{work.failed.reason}; {reason}" if work.failed else reason)
    for work in costly:
        work.confine()


def _cure(scan: Scan, rule: str) -> str:
    checks = scan.checks if isinstance(scan, RowScan) else ()
    return next((check.cure for check in checks if check.rule == rule and check.cure), CURE)


def _plans(batch_reader: _BatchReader, questions: Sequence[sql.Composable]) -> list[Guilt | None]:
    """The worst part of each plan; None also where the server cannot plan the question: its error comes when it is asked."""
    answers = batch_reader.ask(
        [sql.SQL("EXPLAIN (VERBOSE, FORMAT JSON) {}").format(question) for question in questions]
    )
    return [None if isinstance(answer, Failure) else worst(answer.rows[0][0][0]["Plan"]) for answer in answers]


def _ask(batch_reader: _BatchReader, works: Sequence[_Progress]) -> None:
    answers = batch_reader.ask([work.scan.question(work.types) for work in works])
    for work, answer in zip(works, answers, strict=True):
        if isinstance(answer, Failure):
            work.failed = answer
        else:
            _tally(work, answer)


def _tally(work: _Progress, answer: Answer) -> None:
    try:
        work.first = answer.rows
        work.tally = work.scan.tally(work.first)
    except (NotEvaluated, ValueError, TypeError, ArithmeticError, psycopg.Error) as error:
        hidden = work.hidden and not isinstance(error, NotEvaluated)
        work.failed = Failure("it gave something else than numbers" if hidden else str(error))
    else:
        work.counts.update(work.tally.counts or {})


def _recount(batch_reader: _BatchReader, works: Iterable[_Progress]) -> None:
    doubtful = [(work, work.scan) for work in works if work.tally is not None and work.tally.counts is None]
    rows = [(work, scan) for work, scan in doubtful if isinstance(scan, RowScan)]
    answers = batch_reader.ask([scan.recount() for _, scan in rows])
    for (work, scan), answer in zip(rows, answers, strict=True):
        if isinstance(answer, Failure):
            work.failed = answer
        else:
            work.counts.update(scan.recounted(answer.rows, work.first))


def _divide(batch_reader: _BatchReader, work: _Progress) -> None:
    """Ask again without rules whose plans are too costly, else for each half of the rules; a rule that fails alone is unknown."""
    rules = work.rules
    if work.late:
        _leave_out_costly(
            batch_reader, [work], batch_reader.reader.allows(batch_reader.timeout) * PAIRS_PER_SECOND * LATE_SHARE
        )
    if len(work.rules) < len(rules):
        parts = [work.rules] if work.rules else []
    elif len(rules) == 1 or time.perf_counter() > batch_reader.deadline:
        work.errors.update(dict.fromkeys(rules, work.failed or Failure("")))
        return
    else:
        middle = len(rules) // 2
        parts = [rules[:middle], rules[middle:]]
    divided = [work.part(part) for part in parts]
    _answer(batch_reader, divided)
    for part in divided:
        work.take(part)


def _sample(batch_reader: _BatchReader, works: Sequence[_Progress], limit: int) -> None:
    for work in works:
        work.samples |= {rule: known_samples(count, limit) for rule, count in work.counts.items() if count.samples}
    wanted = [
        (work, rule, sampling)
        for work in works
        for rule, count in work.counts.items()
        if count.violations and (sampling := work.scan.sampling(rule)) is not None
    ]
    wanted, shapes = _shaped(batch_reader, wanted)
    shaped = [(request, shape) for request, shape in zip(wanted, shapes, strict=True) if isinstance(shape, Answer)]
    answers = batch_reader.ask([sampling.cut(limit, shape.types, TEXT_LIMIT + 1) for (_, _, sampling), shape in shaped])
    for (work, rule, sampling), shape, answer in [
        (*pair, answer) for pair, answer in zip(shaped, answers, strict=True)
    ]:
        if isinstance(answer, Failure):
            work.notes[rule] = f"no samples: {answer.reason}"
        else:
            work.samples[rule] = tuple(read_samples(sampling, shape, answer))
    for (work, rule, _), failed in zip(wanted, shapes, strict=True):
        if isinstance(failed, Failure):
            work.notes[rule] = f"no samples: {failed.reason}"


_SampleRequest = tuple[_Progress, str, Sampling]


def _shaped(
    batch_reader: _BatchReader, wanted: Sequence[_SampleRequest]
) -> tuple[list[_SampleRequest], list[Answer | Failure]]:
    """Names and types of the columns of each sample, no row read; where rows cannot be ordered, the request drops the order."""
    shapes = batch_reader.ask([sampling.first(0) for _, _, sampling in wanted])
    requests = [
        (work, rule, replace(sampling, rows=sampling.unordered))
        if isinstance(shape, Failure) and sampling.unordered is not None
        else (work, rule, sampling)
        for (work, rule, sampling), shape in zip(wanted, shapes, strict=True)
    ]
    changed = [number for number, (_, _, sampling) in enumerate(requests) if sampling is not wanted[number][2]]
    again = batch_reader.ask([requests[number][2].first(0) for number in changed])
    for number, shape in zip(changed, again, strict=True):
        shapes[number] = shape
    return requests, shapes


def _scanned(work: _Progress, seconds: float) -> Scanned:
    rules = [*work.counts, *work.errors]
    share = seconds / max(1, len(rules))
    measured = {rule: replace(_measurement(work, rule), seconds=share) for rule in rules}
    rows = work.tally.rows if work.tally else None
    return Scanned(work.scan.source, seconds, rows, measured, work.scan.counts)


def _measurement(work: _Progress, rule: str) -> Measurement:
    if rule in work.errors:
        return Measurement(error=work.errors[rule].reason, sqlstate=work.errors[rule].sqlstate)
    count = work.counts[rule]
    samples, note = work.samples.get(rule, ()), work.notes.get(rule)
    return Measurement(count.examined, count.violations, samples, value=count.value, note=note, text=count.text)
