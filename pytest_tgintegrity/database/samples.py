"""Samples of the rows that violate a rule: asked for, cut in the server, and read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_tgintegrity.database.connections.answers import Answer
from pytest_tgintegrity.judging.verdicts import Sample
from pytest_tgintegrity.planning.scans.sampling import Sampling
from pytest_tgintegrity.planning.scans.scan import Count

INTEGERS = frozenset({20, 21, 23, 26})
BOOLEAN = 16
TEXT_LIMIT = 300


def read_samples(sampling: Sampling, shape: Answer, answer: Answer) -> Iterable[Sample]:
    """The samples in an answer; names and types of the columns come from `shape`, as the server cut long texts in `answer`."""
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


def known_samples(count: Count, limit: int) -> tuple[Sample, ...]:
    """The first samples that an answer itself holds, with long texts cut."""
    return tuple(
        replace(sample, values={name: _cut(text) for name, text in sample.values.items()})
        for sample in count.samples[:limit]
    )
