"""Run scans on the snapshot: probe, ask, recount the suspects, fetch samples; many statements in one round trip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql

from pytest_tgintegrity.database import Answer, Failure, Reader, TimedOut
from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.freshness import changed
from pytest_tgintegrity.query_plans import CURE, PAIRS_PER_SECOND, Guilt, worst
from pytest_tgintegrity.sampling import Sampling
from pytest_tgintegrity.scans import Access, Count, RowScan, Scan, Tally
from pytest_tgintegrity.verdicts import Measurement, Sample

BIG_PAGES = 2_000
SCANS_PER_BATCH = 48
PATIENCE_SECONDS = 300.0
SUSPICION = 0.02  # of what is forbidden beforehand, if it has taken too long already
INTEGERS = frozenset({20, 21, 23, 26})
BOOLEAN = 16
TEXT_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Scanned:
    """A finished scan: seconds, rows of its source (None if that cannot be said), and a measurement for each rule."""

    source: str
    seconds: float
    rows: int | None
    measurements: Mapping[str, Measurement]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for another process."""
        measured = {rule: one.to_json() for rule, one in self.measurements.items()}
        return {"source": self.source, "seconds": self.seconds, "rows": self.rows, "measurements": measured}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Scanned:
        """The inverse of `to_json`."""
        measured = {rule: Measurement.from_json(one) for rule, one in document["measurements"].items()}
        return cls(document["source"], document["seconds"], document["rows"], measured)


def batches(scans: Sequence[Scan]) -> list[tuple[Scan, ...]]:
    """Which scans travel together: big ones alone and first, small ones that are asked in the same way in one pipeline."""
    found: list[tuple[Scan, ...]] = [(scan,) for scan in scans if scan.pages >= BIG_PAGES]
    small: dict[tuple[float | None, Access], list[Scan]] = {}
    for scan in scans:
        if scan.pages < BIG_PAGES:
            small.setdefault((scan.timeout, scan.access), []).append(scan)
    for members in small.values():
        found += [tuple(members[i : i + SCANS_PER_BATCH]) for i in range(0, len(members), SCANS_PER_BATCH)]
    return found


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
        """Take over what a part has found."""
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


def _access(*settings: str) -> sql.Composed:
    return sql.SQL(
        "SELECT pg_catalog.set_config('enable_indexscan', {}, true),"
        " pg_catalog.set_config('enable_indexonlyscan', {}, true), pg_catalog.set_config('enable_bitmapscan', {}, true)"
    ).format(*settings)


_ACCESS: dict[Access, sql.Composed] = {
    "any": _access("on", "on", "on"),
    "heap": _access("off", "off", "off"),
    "lookup": _access("on", "off", "off"),
}


@dataclass(frozen=True, slots=True)
class _Inquiry:
    """How the scans of one batch ask: with which timeout and access to tables, and until when."""

    reader: Reader
    timeout: float | None
    access: Access
    deadline: float

    def ask(self, statements: Sequence[sql.Composable]) -> list[Answer | Failure]:
        """Answers in the order of the statements.

        A failure sets all access free again: what was answered after one is asked once more.
        """
        if self.access == "any" or not statements:
            return self.reader.ask(statements, self.timeout) if statements else []
        answers = self.reader.ask([_ACCESS[self.access], *statements, _ACCESS["any"]], self.timeout)[1:-1]
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
    found, stale = _look(reader, scans, samples)
    if not stale:
        return found
    answered = [scan.only(_answered(one)) for scan, one in zip(scans, found, strict=True)]
    touched = [stale] if len(scans) == 1 else [_touched(reader, scan) for scan in answered]
    if not stale <= frozenset().union(*touched):  # read by a function: by whose, the plans do not tell
        touched = [one or stale for one in touched]
    pairs = zip(scans, found, touched, strict=True)
    return [_look_again(reader, scan, samples, names) if names else one for scan, one, names in pairs]


def _answered(scanned: Scanned) -> list[str]:
    return [rule for rule, one in scanned.measurements.items() if one.error is None]


def _look(reader: Reader, scans: Sequence[Scan], samples: int) -> tuple[list[Scanned], frozenset[str]]:
    """The answers, and which tables that they are from are not what the snapshot knows."""
    started, begun = time.perf_counter(), reader.begun
    works = [_Progress(scan, hidden=not samples) for scan in scans]
    inquiry = _Inquiry(reader, scans[0].timeout, scans[0].access, started + PATIENCE_SECONDS)
    _probe(inquiry, works)
    _answer(inquiry, works)
    if samples:
        _sample(inquiry, works, samples)
    lost_locks = reader.begun > max(begun, 1)
    counted = [work.scan.only(work.counts) for work in works if work.counts]
    stale = _stale(reader, counted, lost_locks=lost_locks) if counted else frozenset()
    seconds = (time.perf_counter() - started) / len(works)
    return [_scanned(work, seconds) for work in works], stale


def _stale(reader: Reader, scans: Sequence[Scan], *, lost_locks: bool) -> frozenset[str]:
    """Tables that were read in this transaction, or in one whose locks are lost, and are not what the snapshot knows."""
    if lost_locks:
        for scan, answer in zip(scans, reader.ask([_planned(scan) for scan in scans]), strict=True):
            if isinstance(answer, Failure):
                return frozenset([scan.source])
    found = changed(reader, everywhere=lost_locks)
    return frozenset([found.reason]) if isinstance(found, Failure) else found


def _planned(scan: Scan) -> sql.Composed:
    """Take the locks that the scan takes, and read nothing."""
    return sql.SQL("EXPLAIN {}").format(scan.question({}))


def _touched(reader: Reader, scan: Scan) -> frozenset[str]:
    """Of the tables that a scan names, those that are not what the snapshot knows."""
    reader.let_go()
    if not scan.rules:
        return frozenset()
    (planned,) = reader.ask([_planned(scan)])
    return frozenset([scan.source]) if isinstance(planned, Failure) else _stale(reader, [], lost_locks=False)


def _look_again(reader: Reader, scan: Scan, samples: int, names: Iterable[str]) -> Scanned:
    """The answer of now: what the scan reads is not what the snapshot knows; unknown if that changes all the time."""
    with reader.anew():
        (found,), again = _look(reader, [scan], samples)
    if again:
        error = f"what it reads was rewritten or replaced while it was looked at, twice: {', '.join(sorted(again))}"
        told = {rule: Measurement(error=one.error or error) for rule, one in found.measurements.items()}
    else:
        note = (
            f"looked at later than the others: after the snapshot {', '.join(sorted(names))} was rewritten or replaced"
        )
        told = {rule: replace(one, note=_both(one.note, note)) for rule, one in found.measurements.items()}
    return replace(found, measurements=told)


def _both(*notes: str | None) -> str:
    return "; ".join(one for one in notes if one)


def _probe(inquiry: _Inquiry, works: Iterable[_Progress]) -> None:
    """See whether each source can be read at all; of big ones let the server plan each predicate before they are fused.

    A small source is asked at once: if one of its rules is to blame for a failure, halving finds out which.
    """
    fused = [work for work in works if len(work.scan.rules) > 1]
    answers = inquiry.ask([work.scan.reach() for work in fused])
    for work, answer in zip(fused, answers, strict=True):
        if isinstance(answer, Failure):
            work.failed = answer
            work.errors.update(dict.fromkeys(work.scan.rules, answer))
    _probe_rules(inquiry, [work for work in fused if work.failed is None and work.scan.pages >= BIG_PAGES])


def _probe_rules(inquiry: _Inquiry, works: Iterable[_Progress]) -> None:
    probes = [(work, rule, probe) for work in works for rule, probe in work.scan.probes().items()]
    answers = inquiry.ask([probe for _, _, probe in probes])
    for (work, rule, _), answer in zip(probes, answers, strict=True):
        if isinstance(answer, Failure):
            work.errors[rule] = answer
        elif answer.types:
            work.types[rule] = answer.types[0]


def _answer(inquiry: _Inquiry, works: Sequence[_Progress]) -> None:
    """Ask, recount the suspects, and divide the rules of a question that failed until the guilty one stands alone."""
    for work in works:
        work.confine()
    big = [work for work in works if work.rules and work.scan.pages >= BIG_PAGES]
    _accuse(inquiry, big, inquiry.reader.allows(inquiry.timeout) * PAIRS_PER_SECOND)
    _ask(inquiry, [work for work in works if work.rules])
    _recount(inquiry, works)
    for work in works:
        if work.failed is not None and work.rules:
            _divide(inquiry, work)


def _accuse(inquiry: _Inquiry, works: Sequence[_Progress], pairs: float) -> None:
    """Leave out the rules whose plans compare more than so many pairs of rows: they would take the others with them."""
    plans = _plans(inquiry, [work.scan.question(work.types) for work in works])
    suspects = [work for work, guilt in zip(works, plans, strict=True) if guilt is not None and guilt.pairs > pairs]
    alone = [(work, work.scan.only([rule]), rule) for work in suspects for rule in work.rules]
    plans = _plans(inquiry, [scan.question(work.types) for work, scan, _ in alone])
    for (work, scan, rule), guilt in zip(alone, plans, strict=True):
        if guilt is not None and guilt.pairs > pairs:
            told = guilt.told(_cure(scan, rule))
            work.errors[rule] = Failure(f"{work.failed.reason}; {told}" if work.failed else told)
    for work in suspects:
        work.confine()


def _cure(scan: Scan, rule: str) -> str:
    checks = scan.checks if isinstance(scan, RowScan) else ()
    return next((one.cure for one in checks if one.rule == rule and one.cure), CURE)


def _plans(inquiry: _Inquiry, questions: Sequence[sql.Composable]) -> list[Guilt | None]:
    """The worst part of each plan; None also where the server does not plan the question: asked, it says why."""
    answers = inquiry.ask([sql.SQL("EXPLAIN (VERBOSE, FORMAT JSON) {}").format(one) for one in questions])
    return [None if isinstance(answer, Failure) else worst(answer.rows[0][0][0]["Plan"]) for answer in answers]


def _ask(inquiry: _Inquiry, works: Sequence[_Progress]) -> None:
    answers = inquiry.ask([work.scan.question(work.types) for work in works])
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


def _recount(inquiry: _Inquiry, works: Iterable[_Progress]) -> None:
    suspected = [(work, work.scan) for work in works if work.tally is not None and work.tally.counts is None]
    rows = [(work, scan) for work, scan in suspected if isinstance(scan, RowScan)]
    answers = inquiry.ask([scan.recount() for _, scan in rows])
    for (work, scan), answer in zip(rows, answers, strict=True):
        if isinstance(answer, Failure):
            work.failed = answer
        else:
            work.counts.update(scan.recounted(answer.rows, work.first))


def _divide(inquiry: _Inquiry, work: _Progress) -> None:
    """Ask without the rules whose plans are to blame, else for each half of them: one that is left alone is unknown."""
    rules = work.rules
    if work.late:
        _accuse(inquiry, [work], inquiry.reader.allows(inquiry.timeout) * PAIRS_PER_SECOND * SUSPICION)
    if len(work.rules) < len(rules):
        parts = [work.rules] if work.rules else []
    elif len(rules) == 1 or time.perf_counter() > inquiry.deadline:
        work.errors.update(dict.fromkeys(rules, work.failed or Failure("")))
        return
    else:
        middle = len(rules) // 2
        parts = [rules[:middle], rules[middle:]]
    found = [work.part(part) for part in parts]
    _answer(inquiry, found)
    for part in found:
        work.take(part)


def _sample(inquiry: _Inquiry, works: Iterable[_Progress], limit: int) -> None:
    wanted = [
        (work, rule, sampling)
        for work in works
        for rule, count in work.counts.items()
        if count.violations and (sampling := work.scan.sampling(rule)) is not None
    ]
    wanted, shapes = _shaped(inquiry, wanted)
    shaped = [(one, shape) for one, shape in zip(wanted, shapes, strict=True) if isinstance(shape, Answer)]
    answers = inquiry.ask([one[2].cut(limit, shape.types, TEXT_LIMIT + 1) for one, shape in shaped])
    for (work, rule, sampling), shape, answer in [
        (*pair, answer) for pair, answer in zip(shaped, answers, strict=True)
    ]:
        if isinstance(answer, Failure):
            work.notes[rule] = f"no samples: {answer.reason}"
        else:
            work.samples[rule] = tuple(_read_samples(sampling, shape, answer))
    for (work, rule, _), failed in zip(wanted, shapes, strict=True):
        if isinstance(failed, Failure):
            work.notes[rule] = f"no samples: {failed.reason}"


_Wanted = tuple[_Progress, str, Sampling]


def _shaped(inquiry: _Inquiry, wanted: Sequence[_Wanted]) -> tuple[list[_Wanted], list[Answer | Failure]]:
    """The names and types of what is wanted, no row read; where rows cannot be ordered, they are wanted as they come."""
    shapes = inquiry.ask([sampling.first(0) for _, _, sampling in wanted])
    found = [
        (work, rule, replace(sampling, rows=sampling.unordered))
        if isinstance(shape, Failure) and sampling.unordered is not None
        else (work, rule, sampling)
        for (work, rule, sampling), shape in zip(wanted, shapes, strict=True)
    ]
    changed = [number for number, one in enumerate(found) if one[2] is not wanted[number][2]]
    again = inquiry.ask([found[number][2].first(0) for number in changed])
    for number, shape in zip(changed, again, strict=True):
        shapes[number] = shape
    return found, shapes


def _read_samples(sampling: Sampling, shape: Answer, answer: Answer) -> Iterable[Sample]:
    """What was fetched; names and types of the columns stand in its shape, as long texts were cut in the server."""
    start = sampling.keys + sampling.labelled
    names = shape.names[start:] if sampling.names is None else sampling.names
    for texts in answer.texts:
        keys = [_cut(text) for text in texts[: sampling.keys]]
        values = [_safe(text, oid) for text, oid in zip(texts[start:], shape.types[start:], strict=True)]
        yield Sample(
            key=keys[0] if len(keys) == 1 else keys,
            label=_cut(texts[sampling.keys]) if sampling.labelled else None,
            values=dict(zip(names, values, strict=True)),
        )


def _safe(text: str | None, oid: int) -> int | bool | str | None:
    if text is None or oid == BOOLEAN:
        return None if text is None else text == "t"
    return int(text) if oid in INTEGERS else _cut(text)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}…"


def _scanned(work: _Progress, seconds: float) -> Scanned:
    rules = [*work.counts, *work.errors]
    share = seconds / max(1, len(rules))
    measured = {rule: replace(_measurement(work, rule), seconds=share) for rule in rules}
    return Scanned(work.scan.source, seconds, work.tally.rows if work.tally else None, measured)


def _measurement(work: _Progress, rule: str) -> Measurement:
    if rule in work.errors:
        return Measurement(error=work.errors[rule].reason, sqlstate=work.errors[rule].sqlstate)
    count = work.counts[rule]
    samples, note = work.samples.get(rule, ()), work.notes.get(rule)
    return Measurement(count.examined, count.violations, samples, value=count.value, note=note, text=count.text)
