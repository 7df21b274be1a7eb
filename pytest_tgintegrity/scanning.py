"""Run scans on the snapshot: probe, ask, recount the suspects, fetch samples; many statements in one round trip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import sql

from pytest_tgintegrity.database import Answer, Failure, Reader
from pytest_tgintegrity.errors import NotEvaluated
from pytest_tgintegrity.scans import Count, ReferenceScan, RowScan, Sampling, Scan, Tally
from pytest_tgintegrity.verdicts import Measurement, Sample

BIG_PAGES = 2_000
SCANS_PER_BATCH = 48
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
    """Which scans travel together: big ones alone and first, small ones with the same timeout in one pipeline."""
    found: list[tuple[Scan, ...]] = [(scan,) for scan in scans if scan.pages >= BIG_PAGES]
    small: dict[float | None, list[Scan]] = {}
    for scan in scans:
        if scan.pages < BIG_PAGES:
            small.setdefault(scan.timeout, []).append(scan)
    for members in small.values():
        found += [tuple(members[i : i + SCANS_PER_BATCH]) for i in range(0, len(members), SCANS_PER_BATCH)]
    return found


@dataclass(slots=True)
class _Progress:
    """What is known of one scan so far."""

    scan: Scan
    types: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    first: Sequence[Sequence[Any]] = ()
    tally: Tally | None = None
    counts: dict[str, Count] = field(default_factory=dict)
    samples: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    failed: str | None = None

    @property
    def alive(self) -> tuple[str, ...]:
        return tuple(rule for rule in self.scan.rules if rule not in self.errors)


def measure(reader: Reader, scans: Sequence[Scan], samples: int) -> list[Scanned]:
    """Answer the scans of one batch; `samples` is the number of offending rows to fetch per violated rule.

    Never raises because of the data or the server: a rule that could not be evaluated has a measurement with an error.
    """
    started = time.perf_counter()
    works = [_Progress(scan) for scan in scans]
    timeout = scans[0].timeout
    _probe(reader, works, timeout)
    _ask(reader, works, timeout)
    _recount(reader, works, timeout)
    for work in works:
        if work.failed is not None:
            _singly(reader, work, timeout)
    if samples:
        _sample(reader, works, timeout, samples)
    seconds = (time.perf_counter() - started) / len(works)
    return [_scanned(work, seconds) for work in works]


def _probe(reader: Reader, works: Iterable[_Progress], timeout: float | None) -> None:
    """Let the server plan each predicate on its own before several are fused."""
    probes = [(work, rule, probe) for work in works for rule, probe in work.scan.probes().items()]
    answers = reader.ask([probe for _, _, probe in probes], timeout) if probes else []
    for (work, rule, _), answer in zip(probes, answers, strict=True):
        if isinstance(answer, Failure):
            work.errors[rule] = answer.reason
        elif answer.types:
            work.types[rule] = answer.types[0]
    for work in works:
        if work.errors and isinstance(work.scan, RowScan | ReferenceScan):
            work.scan = work.scan.only(work.alive)


def _ask(reader: Reader, works: Iterable[_Progress], timeout: float | None) -> None:
    asked = [work for work in works if work.scan.rules]
    answers = reader.ask([work.scan.question(work.types) for work in asked], timeout)
    for work, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Failure):
            work.failed = answer.reason
        else:
            _tally(work, answer)


def _tally(work: _Progress, answer: Answer) -> None:
    try:
        work.first = answer.rows
        work.tally = work.scan.tally(work.first)
    except (NotEvaluated, ValueError, TypeError, ArithmeticError) as error:
        work.failed = str(error)
    else:
        work.counts.update(work.tally.counts or {})


def _recount(reader: Reader, works: Iterable[_Progress], timeout: float | None) -> None:
    suspected = [work for work in works if work.tally is not None and work.tally.counts is None]
    statements = [work.scan.recount() for work in suspected if isinstance(work.scan, RowScan)]
    answers = reader.ask(statements, timeout) if statements else []
    for work, answer in zip(suspected, answers, strict=True):
        if isinstance(answer, Failure):
            work.failed = answer.reason
        elif isinstance(work.scan, RowScan):
            work.counts.update(work.scan.recounted(answer.rows, work.first))


def _singly(reader: Reader, work: _Progress, timeout: float | None) -> None:
    """A fused question failed on some row: ask for each of its rules alone, so that only the guilty one is unknown."""
    if len(work.scan.rules) == 1 or not isinstance(work.scan, RowScan | ReferenceScan):
        work.errors.update(dict.fromkeys(work.scan.rules, work.failed or ""))
        return
    alone = [_Progress(work.scan.only([rule])) for rule in work.scan.rules]
    _ask(reader, alone, timeout)
    for one in alone:
        (rule,) = one.scan.rules
        if one.failed is not None:
            work.errors[rule] = one.failed
        else:
            work.tally = work.tally or one.tally
            work.counts.update(one.counts)


def _sample(reader: Reader, works: Iterable[_Progress], timeout: float | None, limit: int) -> None:
    wanted = [
        (work, rule, sampling)
        for work in works
        for rule, count in work.counts.items()
        if count.violations and (sampling := work.scan.sampling(rule)) is not None
    ]
    statements: list[sql.Composable] = [sampling.first(limit) for _, _, sampling in wanted]
    answers = reader.ask(statements, timeout) if statements else []
    for (work, rule, sampling), answer in zip(wanted, answers, strict=True):
        if isinstance(answer, Failure):
            work.notes[rule] = f"no samples: {answer.reason}"
        else:
            work.samples[rule] = tuple(_read_samples(sampling, answer))


def _read_samples(sampling: Sampling, answer: Answer) -> Iterable[Sample]:
    names = sampling.names or answer.names[sampling.keys :]
    start = sampling.keys + sampling.labelled
    for texts in answer.texts:
        keys = list(texts[: sampling.keys])
        values = [_safe(text, oid) for text, oid in zip(texts[start:], answer.types[start:], strict=True)]
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
        return Measurement(error=work.errors[rule])
    count = work.counts[rule]
    samples, note = work.samples.get(rule, ()), work.notes.get(rule)
    return Measurement(count.examined, count.violations, samples, value=count.value, note=note)
