"""Records of past runs: what the history keeps of each, and how it is written and read. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

VERSION = 1
EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Runs lie between these; the margins leave room for arithmetic on their times."""
LARGEST = 2**63 - 1
SCORE = 100
HOURS = 1e9
STATUSES = ("healthy", "degraded", "undetermined")


class UnreadableRecord(ValueError):
    """A text that is no record of ours, or one of a version that we cannot read; the message says which."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a run.

    `counts` are rules by verdict, `violations` those of each rule that has any (waived ones too), `unknown` the rules
    that could not be evaluated, `verdicts` those of all rules that did not pass, `conditions` whether
    those of the gate were met, where one was asked. `overlooked` counts tolerated rules that do not declare it,
    `vacuous` are the rules that had nothing to look at (None for a run that did not keep them), `census` the rows of tables (see
    `census.earlier.rows_to_json`; None for a run that took no census), `declared` names the list of what was declared (None for a
    run that was no whole look). `digest` names the set of rules,
    `probes` are what performance probes measured, by name. `rollback_rate` (0 to 1) and `deadlocks` are of the whole
    database since its statistics began. `identity` is that of the database: its name, `database`,
    may occur on several servers.
    """

    run: str
    started_at: datetime
    finished_at: datetime
    score: int | None
    status: str
    counts: Mapping[str, int]
    violations: Mapping[str, int]
    unknown: tuple[str, ...]
    digest: str | None
    complete: bool
    period: float | None
    scopes: Mapping[str, str]
    probes: Mapping[str, Mapping[str, Any]]
    rollback_rate: float | None
    deadlocks: int | None
    database: str
    identity: str
    verdicts: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    overlooked: int = 0
    vacuous: tuple[str, ...] | None = None
    census: Mapping[str, Any] | None = None
    declared: str | None = None

    def to_json(self) -> str:
        """One line of JSON that says its version."""
        values = {attribute.name: getattr(self, attribute.name) for attribute in fields(self)}
        times = {name: values[name].astimezone(UTC).isoformat() for name in ("started_at", "finished_at")}
        return json.dumps({"version": VERSION, **values, **times}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Record:
        """The inverse of `to_json`. Raises `UnreadableRecord`; keys that a later release added are passed over."""
        document = _document(text)
        return cls(**{name: read(document, name) for name, read in _READ.items()})


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableRecord("it is not JSON") from None
    if not isinstance(document, dict) or "version" not in document:
        raise UnreadableRecord("it is no record of a run")
    if type(document["version"]) is not int or document["version"] != VERSION:
        raise UnreadableRecord("it is of another version")
    return document


def _value(document: Mapping[str, Any], name: str, *types: type) -> Any:
    value = document.get(name)
    if name not in document or not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise UnreadableRecord(f"{name} is missing or of another type")
    if isinstance(value, float) and not math.isfinite(value):
        raise UnreadableRecord(f"{name} is not a finite number")
    return value


def _of(*types: type) -> Callable[[Mapping[str, Any], str], Any]:
    return lambda document, name: _value(document, name, *types)


def _time(document: Mapping[str, Any], name: str) -> datetime:
    try:
        time = datetime.fromisoformat(_value(document, name, str))
        utc = time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnreadableRecord(f"{name} is not a time") from None
    if time.tzinfo is None:
        raise UnreadableRecord(f"{name} does not say its time zone")
    if not EARLIEST < utc < LATEST:
        raise UnreadableRecord(f"{name} is at the edge of the calendar")
    return utc


def _number(most: float, *types: type) -> Callable[[Mapping[str, Any], str], Any]:
    """A reader of numbers from zero to `most`, or of values of the other `types`, such as None."""

    def read(document: Mapping[str, Any], name: str) -> Any:
        number = _value(document, name, *types)
        if number is not None and not 0 <= number <= most:
            raise UnreadableRecord(f"{name} is no such number")
        return number

    return read


def _counts(document: Mapping[str, Any], name: str) -> dict[str, int]:
    counts: dict[str, int] = _mapping(int)(document, name)
    if not all(0 <= count <= LARGEST for count in counts.values()):
        raise UnreadableRecord(f"{name} holds what is no count")
    return counts


def _status(document: Mapping[str, Any], name: str) -> str:
    status: str = _value(document, name, str)
    if status not in STATUSES:
        raise UnreadableRecord(f"{name} is none that we know")
    return status


def _mapping(kind: type) -> Callable[[Mapping[str, Any], str], dict[str, Any]]:
    def read(document: Mapping[str, Any], name: str) -> dict[str, Any]:
        mapping: dict[str, Any] = _value(document, name, dict)
        if not set(map(type, mapping.values())) <= {kind}:
            raise UnreadableRecord(f"{name} holds something of another type")
        return mapping

    return read


def _names(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    names: list[Any] = _value(document, name, list)
    if not all(isinstance(text, str) for text in names):
        raise UnreadableRecord(f"{name} is missing or of another type")
    return tuple(names)


_NONE = type(None)
_READ: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    "run": _of(str),
    "started_at": _time,
    "finished_at": _time,
    "score": _number(SCORE, int, _NONE),
    "status": _status,
    "counts": _counts,
    "violations": _counts,
    "unknown": _names,
    "digest": _of(str, _NONE),
    "complete": _of(bool),
    "period": _number(HOURS, int, float, _NONE),
    "scopes": _mapping(str),
    "probes": _mapping(dict),
    "rollback_rate": _number(1, int, float, _NONE),
    "deadlocks": _number(LARGEST, int, _NONE),
    "database": _of(str),
    "identity": _of(str),
    "verdicts": _mapping(str),
    "conditions": _mapping(bool),
    "vacuous": lambda document, name: None if document.get(name) is None else _names(document, name),
    "census": lambda document, name: None if document.get(name) is None else _value(document, name, dict),
    "declared": lambda document, name: None if document.get(name) is None else _value(document, name, str),
    "overlooked": lambda document, name: _number(LARGEST, int)({name: 0, **document}, name),
}
