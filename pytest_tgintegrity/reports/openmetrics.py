"""Numbers as OpenMetrics text, for Prometheus and others. Pure, made from the JSON document and the previous file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from pytest_tgintegrity.text import printable_lines

Json = Mapping[str, Any]
Labels = Mapping[str, str]
Sample = tuple[Labels, float]

STATUSES = ("healthy", "degraded", "undetermined")
SUCCESS: Final = "last_success_timestamp_seconds"
_SUCCEEDED = re.compile(rf'^tgintegrity_{SUCCESS}\{{database="((?:[^"\\]|\\.)*)"\}} (\d+(?:\.\d+)?)$', re.MULTILINE)
_NAMED = re.compile(r'^tgintegrity_\w+\{database="((?:[^"\\]|\\.)+)"', re.MULTILINE)
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(document: Json, before: str = "", name: str = "") -> str:
    """The whole file. `before` is the file of the run before: the time of the last success outlives runs without one.

    `name` is that of a database that could not be asked for it: files without a name of their own collide.
    """
    here = _database(document, before, name)
    return "".join(f"{line}\n" for line in [*_families(document, before, here), "# EOF"])


def _families(document: Json, before: str, here: Labels) -> Iterator[str]:
    run, health = document["run"], document["health"]
    finished = datetime.fromisoformat(run["finished_at"]).timestamp()
    score = [] if health["score"] is None else [(here, health["score"])]
    yield from _family("score", "Health score, 0 to 100.", score)
    least = [] if health["minimum"] is None else [(here, health["minimum"])]
    yield from _family("score_minimum", "The score that counts as healthy.", least)
    states: list[Sample] = [({**here, "status": status}, float(health["status"] == status)) for status in STATUSES]
    yield from _family("status", "1 for what the data is found to be.", states)
    yield from _family("run_complete", "1 if every selected rule was judged.", [(here, float(run["complete"]))])
    yield from _family("run_seconds", "How long the run took.", [(here, run["seconds"])], unit="seconds")
    yield from _family("last_run_timestamp_seconds", "When the run ended.", [(here, finished)], unit="seconds")
    succeeded = _succeeded(document, before, here, finished)
    yield from _family(SUCCESS, "When a complete run last found healthy data.", succeeded, unit="seconds")
    yield from _family("rules", "Rules by severity and verdict.", _counted(document["rules"], here))
    yield from _family("rule_violations", "Rows that violate a rule.", _violations(document["rules"], here))
    yield from _scans(document["scans"], here)
    yield from _family(
        "activity", "Numbers of metrics; none where there is nothing to measure.", _activity(document, here)
    )
    if document.get("gate") is not None:
        gate = document["gate"]
        yield from _family(
            "gate_open", "1 if all conditions are met.", [({**here, "gate": gate["name"]}, float(gate["passed"]))]
        )


def _database(document: Json, before: str, name: str) -> Labels:
    if document["database"] is not None:
        return {"database": str(document["database"]["name"])}
    known = _NAMED.search(before)
    return {"database": name or (_plain(known[1]) if known else "")}


def _succeeded(document: Json, before: str, here: Labels, finished: float) -> list[Sample]:
    """The time of this run if it was a success, else the time in the file before, if that is about the same database."""
    if document["run"]["complete"] and document["health"]["status"] == "healthy":
        return [(here, finished)]
    known = _SUCCEEDED.search(before)
    if known is None or (here["database"] and _escaped(here["database"]) != known[1]):
        return []
    return [({"database": _plain(known[1])}, float(known[2]))]


def _counted(rules: Iterable[Json], here: Labels) -> list[Sample]:
    counts = Counter((str(rule["severity"]), str(rule["verdict"])) for rule in rules)
    return [
        ({**here, "severity": severity, "verdict": verdict}, n) for (severity, verdict), n in sorted(counts.items())
    ]


def _violations(rules: Iterable[Json], here: Labels) -> list[Sample]:
    return [
        (
            {**here, "rule": str(rule["id"]), "severity": str(rule["severity"]), "verdict": str(rule["verdict"])},
            rule["violations"],
        )
        for rule in rules
    ]


def _activity(document: Json, here: Labels) -> list[Sample]:
    """The number of each metric, or its numbers by label; NULL is no number."""
    parts = [
        ({"name": name} | ({} if label is None else {"label": label}), number)
        for name, value in document["activity"].items()
        for label, number in (value.items() if isinstance(value, Mapping) else [(None, value)])
    ]
    return [({**here, **labels}, number) for labels, number in parts if isinstance(number, int | float)]


def _scans(scans: Iterable[Json], here: Labels) -> Iterator[str]:
    """Rows and seconds by source; several scans of one source are put together."""
    rows: dict[str, int] = {}
    seconds: Counter[str] = Counter()
    for scan in scans:
        seconds[scan["source"]] += scan["seconds"]
        if scan["rows"] is not None:
            rows[scan["source"]] = max(rows.get(scan["source"], 0), scan["rows"])
    examined: list[Sample] = [({**here, "source": source}, n) for source, n in rows.items()]
    yield from _family("examined_rows", "Rows that were looked at.", examined)
    took: list[Sample] = [({**here, "source": source}, n) for source, n in seconds.items()]
    yield from _family("scan_seconds", "How long the scans of a source took.", took, unit="seconds")


def _family(name: str, text: str, samples: Iterable[Sample], unit: str | None = None) -> Iterator[str]:
    full = f"tgintegrity_{name}"
    yield f"# TYPE {full} gauge"
    if unit:
        yield f"# UNIT {full} {unit}"
    yield f"# HELP {full} {text}"
    for labels, value in samples:
        labelled = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{full}{{{labelled}}} {_number(value)}"


def _number(value: float) -> str:
    """All digits of it; whole numbers without a point."""
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(text: str) -> str:
    return printable_lines(text).translate(_ESCAPES)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], text)
