"""The results of a run: of each rule, and as a whole. History, gate and reports are made from these. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from pytest_tgintegrity.judging.health import Health
from pytest_tgintegrity.judging.verdicts import Verdict
from pytest_tgintegrity.rules.severity import Severity


@dataclass(frozen=True, slots=True)
class Database:
    """Which database was looked at, and with which rights. It holds no password."""

    host: str
    port: int
    name: str
    user: str
    server_version: str
    system_identifier: str | None
    is_standby: bool
    read_only: bool
    superuser: bool

    @property
    def identity(self) -> str:
        """A name that stays the same when the server moves; it is made from the address where the server hides its system identifier."""
        return identity_of(self.system_identifier, self.name, f"{self.host}:{self.port}")


def identity_of(system_identifier: str | None, database: str, address: str) -> str:
    """See `Database.identity`: made from the address where the system identifier is unknown."""
    return f"{system_identifier or address}:{database}"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Which run it was, how long it took, what it was confined to, and whether it judged every rule."""

    id: str
    started_at: datetime
    finished_at: datetime
    seconds: float
    snapshot: str | None
    period_hours: float | None
    scopes: Mapping[str, str]
    rule_set_digest: str | None
    complete: bool

    def to_json(self) -> dict[str, Any]:
        """ISO timestamps in UTC, seconds with milliseconds."""
        times = {"started_at": self.started_at.isoformat(), "finished_at": self.finished_at.isoformat()}
        return {**asdict(self), **times, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice on a violated rule: a statement that lists all its rows, what can mend them, and a cause it shares with others."""

    see_all: str | None
    mend: str
    cause: str | None = None


OPTIONAL = ("advice", "sqlstate", "missing")
"""Keys that the JSON report has only where there is a value."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The result of a rule; its fields are named like the keys of the JSON report.

    `seconds` are those of its scan; `sqlstate` is the server's code, where it was the server that made the rule
    unknown, and `missing` are the tables that it does not have.
    """

    id: str
    doc: str
    severity: Severity
    tags: Sequence[str] = ()
    sources: Sequence[str] = ()
    verdict: Verdict = "unknown"
    reason: str | None = None
    examined: int | None = None
    violations: int = 0
    samples: Sequence[Mapping[str, Any]] = ()
    seconds: float = 0.0
    fixable: bool = False
    fixed: int = 0
    enforced_by: str | None = None
    waiver: Mapping[str, Any] | None = None
    advice: Advice | None = None
    sqlstate: str | None = None
    missing: Sequence[str] = ()

    @property
    def cause(self) -> str | None:
        """What it may share with other rules: the reason why it is unknown, or the cause of its violations."""
        return self.reason if self.verdict == "unknown" else self.advice.cause if self.advice else None

    def to_json(self) -> dict[str, Any]:
        """The rule's part of the JSON report; the keys of the advice are there only if there is one."""
        values = {
            attribute.name: getattr(self, attribute.name)
            for attribute in fields(self)
            if attribute.name not in OPTIONAL
        }
        lists = {name: list(values[name]) for name in ("tags", "sources", "samples")}
        advice = asdict(self.advice) if self.advice else {}
        refused = {"sqlstate": self.sqlstate} if self.sqlstate else {}
        missing = {"missing": list(self.missing)} if self.missing else {}
        return {**values, **lists, **advice, **refused, **missing}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        advice = {
            attribute.name: document[attribute.name] for attribute in fields(Advice) if attribute.name in document
        }
        values = {attribute.name: document[attribute.name] for attribute in fields(cls) if attribute.name in document}
        return cls(**values, advice=Advice(**advice) if advice else None)


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """What a rule's test sends to the run: the result, and facts that only the run as a whole needs.

    `metric`: name, number and text of a metric; `constraint`: the rule is about a declared constraint; `vacuous`: it passed
    because there were no rows; `idle`: its body can never fail; `overlooked`: its assert tolerates violations that the rule
    does not declare; `proof`: see ``--prove``.
    """

    rule: RuleResult
    metric: Sequence[Any] | None = None
    constraint: bool = False
    vacuous: bool = False
    idle: bool = False
    overlooked: bool = False
    proof: Mapping[str, Any] | None = None

    def unknown(self, reason: str | None) -> Self:
        """The same, of a rule that could not be judged after all."""
        return replace(self, rule=replace(self.rule, verdict="unknown", reason=reason))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: it has to cross processes."""
        values = {attribute.name: getattr(self, attribute.name) for attribute in fields(self)}
        return {**values, "rule": self.rule.to_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**document, "rule": RuleResult.from_json(document["rule"])})


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """A finished scan: its source, the rules that it answered, seconds, and rows of the source (None if that cannot be said).

    `table` is the qualified name of the table whose rows these are, all of them, if they are that.
    """

    source: str
    rules: Sequence[str]
    seconds: float
    rows: int | None
    table: str | None = None

    def to_json(self) -> dict[str, Any]:
        """An entry of `scans` in the JSON report."""
        return {
            "source": self.source,
            "rules": list(self.rules),
            "seconds": round(self.seconds, 6),
            "rows": self.rows,
        }


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What every run reports, whatever other features were asked for.

    `activity` are the numbers of metrics and `exact` their digits; `empty_scopes` are scopes that no row has, `unscoped` the
    sources that do not declare a scope, `zoneless` the times of rules whose time zone is not set. `former_digest` is the name
    that earlier releases gave to this set of rules.
    """

    run: RunFacts
    database: Database | None
    records: Sequence[RuleRecord]
    scans: Sequence[ScanFacts]
    health: Health
    unscoped: Sequence[str] = ()
    empty_scopes: Sequence[str] = ()
    zoneless: Sequence[str] = ()
    former_digest: str | None = None
    rules: Sequence[RuleResult] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the results in a list of their own: they are read often."""
        object.__setattr__(self, "rules", [record.rule for record in self.records])

    @property
    def identity(self) -> str:
        """The identity of the database; empty if there is none."""
        return self.database.identity if self.database else ""

    @property
    def activity(self) -> dict[str, Any]:
        """The number of each metric, or its numbers by label."""
        return {record.metric[0]: record.metric[1] for record in self.records if record.metric}

    @property
    def exact(self) -> dict[str, Any]:
        """The same with all digits."""
        return {record.metric[0]: record.metric[2] for record in self.records if record.metric}

    @property
    def vacuous(self) -> list[str]:
        """Rules that passed with nothing to look at."""
        return [record.rule.id for record in self.records if record.vacuous]

    @property
    def overlooked(self) -> list[str]:
        """Rules whose assert tolerates violations that they do not declare."""
        return [record.rule.id for record in self.records if record.overlooked]

    def of_verdict(self, *verdicts: Verdict) -> list[RuleResult]:
        """The rules of these verdicts."""
        return [rule for rule in self.rules if rule.verdict in verdicts]
