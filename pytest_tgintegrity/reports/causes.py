"""What several violated rules have in common, said so that it is the same text for all of them and true of each. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pytest_tgintegrity.planning import Subject
from pytest_tgintegrity.reports.lines import CELL, plural
from pytest_tgintegrity.verdicts import Measurement, Sample

MOST = 8
"""So many keys are told; rules that agree in them, and in the number of rows, are taken for violated by the same ones."""


def cause(subject: Subject | None, measurement: Measurement) -> str | None:
    """The rows that violate a rule, or what their samples point at in vain; None where they cannot be told from others."""
    if subject is None or not measurement.samples:
        return None
    if subject.missing_in is not None:
        found = _told(_pointers(one, subject.pointers) for one in measurement.samples)
        return f"samples point at {', '.join(found[:MOST])}, missing in {subject.missing_in}" if found else None
    found = _told(one.key for one in measurement.samples)[:MOST]
    hidden = measurement.violations > len(found)
    first = f", the first {len(found)}" if hidden else ""
    rows = plural(measurement.violations, "row")
    return f"{rows} of {subject.rows}{first}: {', '.join(found)}" if found else None


def _pointers(sample: Sample, count: int) -> object:
    values = list(sample.values.values())[:count]
    return values[0] if len(values) == 1 else values


def _told(keys: Iterable[object]) -> list[str]:
    """Each key once, as JSON but for simple ones; none at all if one of them is missing or may have been cut."""
    found = list(keys)
    told = [one if isinstance(one, str) and one.isalnum() else json.dumps(one, ensure_ascii=False) for one in found]
    nameless = any(one is None or one == [] or (isinstance(one, list) and None in one) for one in found)
    return [] if nameless or any(len(one) > CELL for one in told) else list(dict.fromkeys(told))
