"""Waivers: dated, owned, counted permissions for known violations. Pure: text, day and rules are passed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.judging.verdicts import Judgement
from pytest_tgintegrity.rules import toml as toml_text
from pytest_tgintegrity.rules.toml import shortened

EXAMPLE = "integrity_tests/test_xp.py::test_xp_is_never_negative"

CENSUS = "census::"
"""So begin the ids of what a run finds by itself, beside its tests."""

_REQUIRED = ("rule", "reason", "owner", "expires")
_KEYS = (*_REQUIRED, "max_violations")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Waiver:
    """Permission to violate `rule`, given by `owner`, through the day `expires`, for so many rows at most.

    `file` is where it stands, for messages.
    """

    rule: str
    reason: str
    owner: str
    expires: date
    max_violations: int | None = None
    file: str = "waivers.toml"

    def to_json(self) -> dict[str, Any]:
        """What the report tells of it beside its rule."""
        return {
            "reason": self.reason,
            "owner": self.owner,
            "expires": self.expires.isoformat(),
            "max_violations": self.max_violations,
        }


# --- reading


def parse_waivers(text: str, file: str) -> tuple[Waiver, ...]:
    """The waivers of a TOML text. Raises `UsageError` that names the file, the entry, what is wrong and the cure."""
    document = toml_text.document(text, file)
    strange = sorted(set(document) - {"waiver"})
    if strange:
        raise UsageError(f"{file}: unknown key {shortened(strange[0])}: each waiver begins with [[waiver]]")
    entries = document.get("waiver", [])
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        raise UsageError(f"{file}: waiver is no list of tables: each waiver begins with [[waiver]]")
    return tuple(_waiver(entry, number, file) for number, entry in enumerate(entries, 1))


def by_rule(waivers: Iterable[Waiver]) -> dict[str, Waiver]:
    """Waivers by the id of their rule. Raises `UsageError` where two are for the same one."""
    by_id: dict[str, Waiver] = {}
    for waiver in waivers:
        if waiver.rule in by_id:
            files = " and ".join(dict.fromkeys([by_id[waiver.rule].file, waiver.file]))
            raise UsageError(f"{files}: {waiver.rule} is waived twice: keep one of the waivers")
        by_id[waiver.rule] = waiver
    return by_id


def _waiver(entry: Mapping[str, Any], number: int, file: str) -> Waiver:
    where = f"{file}, waiver {number}"
    strange, missing = sorted(set(entry) - set(_KEYS)), [key for key in _REQUIRED if key not in entry]
    if strange:
        raise UsageError(f"{where}: unknown key {shortened(strange[0])}: it takes {', '.join(_KEYS)}")
    if missing:
        raise UsageError(f"{where}: {missing[0]} is missing: a waiver needs {', '.join(_REQUIRED)}")
    rule, reason, owner = (_text(entry, key, where) for key in ("rule", "reason", "owner"))
    if "::" not in rule:
        raise UsageError(f"{where}: rule is {shortened(rule)}: write its id as in the JSON report, such as {EXAMPLE}")
    return Waiver(rule, reason, owner, _day(entry["expires"], where), _maximum(entry, where), file)


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry[key]
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {key} is {shortened(value)}: write a text that is not empty")
    return " ".join(value.split())


def _day(value: object, where: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise UsageError(f"{where}: expires is {value}: the calendar has no such day") from None
    raise UsageError(f"{where}: expires is {shortened(str(value))}: write a date such as 2030-12-31")


def _maximum(entry: Mapping[str, Any], where: str) -> int | None:
    value = entry.get("max_violations")
    if value is None or (type(value) is int and value > 0):
        return value
    raise UsageError(f"{where}: max_violations is {shortened(value)}: write a whole number above 0, or leave it out")


# --- applying


def objection(waiver: Waiver, judgement: Judgement, violations: int | None, today: date, *, whole: bool) -> str | None:
    """Why a waiver makes its rule fail: it is stale, has expired, or covers less than there is; None if it does not.

    `violations` is None where the rule counts none (`rule.check`). A waiver is called stale only if the `whole` database was looked at.
    """
    if judgement.verdict in {"passed", "tolerated"}:
        return _stale_line(waiver) if whole else None
    if judgement.verdict == "unknown":
        return None
    why = _expiry(waiver) if waiver.expires < today else _excess(waiver, violations)
    return why and f"the waiver of {waiver.owner} {why}"


def _expiry(waiver: Waiver) -> str:
    return f"expired on {waiver.expires} ({waiver.reason}): mend the data, or renew it in {waiver.file}"


def _excess(waiver: Waiver, violations: int | None) -> str | None:
    if waiver.max_violations is None:
        return None
    if violations is None:
        return f"has max_violations, but this rule counts none: remove that from {waiver.file}"
    if violations > waiver.max_violations:
        return f"covers {waiver.max_violations}, not {violations} ({waiver.reason}): mend what is new"
    return None


def waive(judgement: Judgement, objected: str | None) -> Judgement:
    """The verdict with its waiver: failed if there is an `objection`, waived if the rule is violated, else unchanged."""
    if objected is not None:
        return Judgement("failed", f"{judgement.reason}; {objected}" if judgement.reason else objected)
    return Judgement("waived", judgement.reason) if judgement.verdict in {"failed", "noted"} else judgement


def _stale_line(waiver: Waiver) -> str:
    return f"waiver for {waiver.rule} is stale: remove it from {waiver.file}"


def without_rule(
    waivers: Iterable[Waiver], collected: Collection[str], exists: Callable[[str], bool]
) -> tuple[str, ...]:
    """A line on each waiver whose rule does not exist: its file is gone, or was collected and has no such rule.

    Rules of existing files that were not collected are not judged: a run may select a part of the rules.
    """
    groups = {_group(rule) for rule in collected}
    gone = (
        waiver
        for waiver in waivers
        if waiver.rule not in collected
        and (_group(waiver.rule) in groups or not exists(waiver.rule.partition("::")[0]))
    )
    return tuple(f"{_stale_line(waiver)} (there is no such rule)" for waiver in gone)


def _group(rule: str) -> str:
    """The file, and the class if there is one, that a rule stands in."""
    return rule.partition("[")[0].rpartition("::")[0]
