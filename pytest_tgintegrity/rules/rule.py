"""The value that a declaration is, and what is checked of it whatever its kind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Literal, TypedDict, get_args

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.rules.arguments import check_consent, check_timeout, check_tolerance, check_writes, text, texts
from pytest_tgintegrity.rules.canonical import canonical
from pytest_tgintegrity.rules.kinds import Check, Kind, VolumeKind
from pytest_tgintegrity.rules.kinds.fields import KINDS, WORDS, fixes_of, source_of
from pytest_tgintegrity.rules.severity import SEVERITIES, Severity

FixAllows = Literal["delete", "insert", "triggers"]


class Common(TypedDict, total=False):
    """What every decorator takes; see `Rule` for the meanings."""

    severity: Severity
    fix: str | Mapping[str, str] | None
    fix_hint: str | None
    fix_allows: FixAllows | Sequence[FixAllows] | None
    breaks: Mapping[str, str] | str | None
    overlaps: Sequence[str]
    show: Sequence[str]
    tags: Sequence[str]
    enforced_by: str | None
    since: str | None
    timeout: float | None
    tolerates: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A declaration: the kind of violation, and what to make of it.

    `severity` decides score and exit status. `fix` is ``"clamp"``, ``"recompute"``, an SQL expression, a mapping of columns
    to expressions, ``"delete"`` or ``"delete alias"`` (of rows that share a key all but the first), or ``"delete alias where
    condition"`` (those of the violating rows), with ``fix_allows="delete"``, or with ``fix_allows="insert"`` a mapping of a new row's ``table.column`` to expressions; None
    means that a person decides, for the reason in `fix_hint`. `breaks` says how a proof
    damages the data: a mapping of columns to expressions, for a row on which this makes a violation, or one statement
    that RETURNs the keys of the rows that must then be reported. `show` lists columns to print beside the offending key. `enforced_by` names the
    constraint that ought to forbid the violation. `since` is an SQL timestamp; with ``--period`` only younger rows are
    looked at. `timeout` (seconds) replaces ``--statement-timeout``.
    `tolerates` is how much of what the test's own assert lets pass a gate lets pass too: a count of rows, or a rate below 1.
    """

    kind: Kind
    _: KW_ONLY
    severity: Severity = "medium"
    fix: str | Mapping[str, str] | None = None
    fix_hint: str | None = None
    fix_allows: tuple[FixAllows, ...] = ()
    breaks: Mapping[str, str] | str | None = None
    overlaps: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    enforced_by: str | None = None
    since: str | None = None
    timeout: float | None = None
    tolerates: float | None = field(default=None, repr=False)  # `repr` names sets of rules that old histories know

    def canonical(self) -> str:
        """One line that is the same for rules that mean the same, in this release and the next; see `canonical.canonical`."""
        return canonical(self)

    @property
    def fixture(self) -> str:
        """The fixture without which a test of this kind could not see the data."""
        return "db" if isinstance(self.kind, Check) else "violations"

    def allows(self, violations: int, examined: int | None) -> bool:
        """Whether `tolerates` covers as many violations."""
        if self.tolerates is None:
            return not violations
        if isinstance(self.tolerates, int):
            return violations <= self.tolerates
        return bool(examined) and violations <= self.tolerates * (examined or 0)


def _check_severity(severity: object) -> None:
    if severity not in SEVERITIES:
        raise DeclarationError(f"unknown severity {severity!r}: use one of {', '.join(SEVERITIES)}")


def _check_fix(fix: object, kind: Kind) -> None:
    if fix == "clamp" and fix not in fixes_of(kind):
        raise DeclarationError(f'fix="clamp" needs bounds: only {_kinds_with(fix)} have them')
    if fix == "recompute" and fix not in fixes_of(kind):
        raise DeclarationError(f'fix="recompute" needs a value to write: only {_kinds_with(fix)} have one')
    if fix is not None and not isinstance(fix, str | Mapping):
        raise DeclarationError(f"fix is {fix!r}: give an SQL expression, or a mapping of columns to expressions")
    check_writes(fix, "fix")


def _kinds_with(fix: str) -> str:
    """The kinds that can derive such a fix, for people."""
    return " and ".join(WORDS[kind] for kind in get_args(Kind) if fix in KINDS[kind])


def _check_since(since: object, kind: Kind) -> None:
    if since is None:
        return
    text(since, "since")
    if source_of(kind) is None or isinstance(kind, VolumeKind):
        raise DeclarationError(f"since= would be ignored: {type(kind).__name__.lower()} has no rows to choose from")


def _check_allowed(allowed: Sequence[str]) -> None:
    strange = [word for word in allowed if word not in get_args(FixAllows)]
    if strange:
        raise DeclarationError(f"unknown fix_allows {strange[0]!r}: use {', '.join(get_args(FixAllows))}")


_FIELDS = frozenset(known.name for known in fields(Rule)) - {"kind"}
_LISTS = ("fix_allows", "overlaps", "show", "tags")
_OPTIONAL_TEXTS = ("fix_hint", "enforced_by")


def rule_of(kind: Kind, common: Common) -> Rule:
    """A rule of a kind with what every decorator takes. Raises `DeclarationError`."""
    unknown = sorted(set(common) - _FIELDS)
    if unknown:
        raise DeclarationError(f"unknown argument {unknown[0]!r}: a rule also takes {', '.join(sorted(_FIELDS))}")
    given: dict[str, Any] = dict(common)
    _check_severity(given.get("severity", "medium"))
    check_timeout(given.get("timeout"))
    check_tolerance(given.get("tolerates"), counts=not isinstance(kind, Check))
    _check_fix(given.get("fix"), kind)
    check_writes(given.get("breaks"), "breaks")
    _check_since(given.get("since"), kind)
    for name in _OPTIONAL_TEXTS:
        if given.get(name) is not None:
            text(given[name], name)
    for name in _LISTS:
        given[name] = texts(given[name], name) if given.get(name) else ()
    _check_allowed(given["fix_allows"])
    check_consent(given.get("fix"), given["fix_allows"])
    return Rule(kind, **given)
