"""What several violated rules have in common, worded so that the text is the same for all of them, and true of each. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pytest_tgintegrity.judging.verdicts import Measurement, Sample
from pytest_tgintegrity.planning.planner import Subject
from pytest_tgintegrity.text import CELL, plural

MOST = 8
"""So many keys are named; rules with the same keys and the same number of rows count as violated by the same rows."""


def cause(subject: Subject | None, measurement: Measurement) -> str | None:
    """The rows that violate a rule, or what their samples point at in vain; None where keys are missing or cut."""
    if subject is None or not measurement.samples:
        return None
    if subject.missing_in is not None:
        pointers = _key_texts(_pointers(sample, subject.pointers) for sample in measurement.samples)
        return f"samples point at {', '.join(pointers[:MOST])}, missing in {subject.missing_in}" if pointers else None
    keys = _key_texts(sample.key for sample in measurement.samples)[:MOST]
    hidden = measurement.violations > len(keys)
    first = f", the first {len(keys)}" if hidden else ""
    rows = plural(measurement.violations, "row")
    return f"{rows} of {subject.rows}{first}: {', '.join(keys)}" if keys else None


def _pointers(sample: Sample, count: int) -> object:
    values = list(sample.values.values())[:count]
    return values[0] if len(values) == 1 else values


def _key_texts(keys: Iterable[object]) -> list[str]:
    """Each key once, as JSON unless it is one plain word; no key at all if one is missing or may have been cut."""
    listed = list(keys)
    texts = [key if isinstance(key, str) and key.isalnum() else json.dumps(key, ensure_ascii=False) for key in listed]
    nameless = any(key is None or key == [] or (isinstance(key, list) and None in key) for key in listed)
    return [] if nameless or any(len(key) > CELL for key in texts) else list(dict.fromkeys(texts))
