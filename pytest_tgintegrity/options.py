"""The command line: each option with one help text, also in the configuration file unless it holds a secret."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_tgintegrity.alerts import Receiver, receiver
from pytest_tgintegrity.arguments import SHORTEST_TIMEOUT
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.gate import CLEAN_DAYS, Asked
from pytest_tgintegrity.redis_url import RedisAddress, parse_redis_url
from pytest_tgintegrity.rules import SEVERITIES, Severity

DB_URL_VARIABLE = "TGINTEGRITY_DB_URL"
REDIS_URL_VARIABLE = "TGINTEGRITY_REDIS_URL"
ALERT_VARIABLE = "TGINTEGRITY_ALERT_URL"
MAX_JOBS = 64
DEFAULT_JOBS = 4
LONGEST_TIMEOUT = 2_000_000.0
"""In seconds: PostgreSQL counts milliseconds in 31 bits."""
LONGEST_PERIOD = 1_000_000.0
"""In hours: a century."""
FORMS = ("html_report", "metrics")
BASELINING = ("pin", "show")
Baselining = Literal["pin", "show"]
Probing = Literal["reads", "writes"]


@dataclass(frozen=True, slots=True)
class Fixing:
    """What ``--fix-plan`` or ``--fix`` asked for: to make the changes or only plan them; the plan it has to be; keys to delete."""

    apply: bool
    plan: str | None = None
    flush: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for, checked; times in seconds. The address of the database is kept apart: it is a secret."""

    jobs: int
    statement_timeout: float = 60.0
    lock_timeout: float = 2.0
    fail_on: Severity = "low"
    samples: int = 5
    period: float | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)
    health_minimum: int = 90
    waivers: Path | None = None
    coverage: bool = False
    fixing: Fixing | None = None
    demo_module: str = "integrity_tests.demo"
    prove: bool = False
    gate: Asked | None = None
    probe: Probing | None = None
    baseline: Baselining | None = None


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    metavar: str
    help: str

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def dest(self) -> str:
        return f"tgintegrity_{self.name.replace('-', '_')}"


_OPTIONS = (
    _Option("db-jobs", "N", "Parallel connections on the snapshot, in total (default: the cores, up to 4)."),
    _Option("statement-timeout", "SECONDS", "Give up on a scan after this time (default: 60)."),
    _Option("lock-timeout", "SECONDS", "Give up on a scan that waits this long for a lock (default: 2)."),
    _Option("fail-on", "SEVERITY", "Violations below this severity are noted, not failed (default: low)."),
    _Option("samples", "N", "Offending rows to show for each violated rule (default: 5)."),
    _Option("period", "HOURS", "Rules over dated rows look only at rows this young (default: at all)."),
    _Option("waivers", "FILE", "Known violations that are permitted (default: waivers.toml beside the rules, if any)."),
    _Option("health-min", "SCORE", "The health score that counts as healthy, 0 to 100 (default: 90)."),
    _Option(
        "gate", "NAME", "Decide whether this may go on: staging or production; exit status 7 if a condition is not met."
    ),
    _Option("backup-verified", "TIME", "For --gate: when a backup was last verified, such as 2030-06-30T04:00Z."),
    _Option("html-report", "FILE", "Write a page for people to look at: one file, light or dark, no network."),
    _Option("metrics", "FILE", "Write score, violations and times as OpenMetrics text, for Prometheus."),
    _Option("integrity-demo", "MODULE", "The module that builds the demo database (default: integrity_tests.demo)."),
)
_DB_URL_HELP = (
    "The database to look at: postgresql://…, a libpq keyword string, service=NAME, demo or demo:damaged "
    f"(default: the environment variable {DB_URL_VARIABLE})."
)
_REDIS_URL_HELP = (
    "Where past runs are kept: redis://…, rediss://…, unix://…, redis+cluster://… or demo "
    f"(default: the environment variable {REDIS_URL_VARIABLE}; without it there is no history)."
)
_ALERT_HELP = (
    "Tell when the state of the data changes: http(s)://… (a webhook), slack+https://… or alertmanager+http(s)://… "
    f"(default: the environment variable {ALERT_VARIABLE})."
)
_MIGRATIONS_HELP = "Where the project's migrations are: for --gate, none of them may be pending. May be repeated."
_SCOPE_HELP = "Look only at this part of the sources that declare the scope, such as status=App. May be repeated."
_PROVE_HELP = "Break every selected rule on a scratch copy of the demo, and demand that it, and no other rule, reports exactly that."
_FLAGS = {
    "no-samples": "Never fetch offending rows: counts only, for sensitive data.",
    "probe": "Time the probes after the rules, for --gate and to compare runs: what people wait for most.",
    "integrity-coverage": "Tell which tables, foreign keys and columns no selected rule looks at.",
}


_FIXES = (
    ("fix-plan", "", "Show every change that the safe fixes of violated rules would make; write nothing."),
    ("fix", "", "Make these changes, journalled so that each can be undone, then look at all rules again."),
    ("fix-plan-id", "ID", "With --fix: only if the plan is still exactly the one of this id."),
    ("undo", "RUN", "Take back what a run of --fix changed (or: last), and run no rule."),
    (
        "redis-flush-prefix",
        "PREFIX",
        "With --fix or --undo: delete the Redis keys of this prefix after rows were changed, but not the sessions.",
    ),
    ("fix-history", "", "List the runs that changed data, and run no rule."),
    (
        "baseline",
        "ACTION",
        "pin: keep the timings of this run's probes in Redis, to compare later ones with; show: tell what is pinned.",
    ),
    (
        "probe-writes",
        "",
        "As --probe, and also time the probes that write, each time in a transaction that is rolled back: on staging only.",
    ),
)
"""Never in the configuration file: nobody writes to a database, or moves a baseline, by habit."""


def documented() -> list[tuple[str, str, str]]:
    """Flag, what it takes, and help text of every option, in the order of a person's questions."""
    first = [
        ("--db-url", "URL", _DB_URL_HELP),
        ("--redis-url", "URL", _REDIS_URL_HELP),
        ("--alert", "URL", _ALERT_HELP),
    ]
    last = [(f"--{flag}", "", told) for flag, told in _FLAGS.items()]
    named = [(option.flag, option.metavar, option.help) for option in _OPTIONS]
    listed = [("--scope", "NAME=VALUE", _SCOPE_HELP), ("--migrations", "PATH", _MIGRATIONS_HELP)]
    fixes = [(f"--{name}", metavar, text) for name, metavar, text in _FIXES]
    return [*first, *named, *listed, *last, *fixes, ("--prove", "", _PROVE_HELP)]


def add_options(parser: pytest.Parser) -> None:
    """Declare all options; in the configuration file all but the URL are called ``tgintegrity_<name>``."""
    group = parser.getgroup("integrity", "data integrity (pytest-tgintegrity)")
    group.addoption("--db-url", metavar="URL", dest="tgintegrity_db_url", default=None, help=_DB_URL_HELP)
    group.addoption("--alert", metavar="URL", dest="tgintegrity_alert", default=None, help=_ALERT_HELP)
    group.addoption("--redis-url", metavar="URL", dest="tgintegrity_redis_url", default=None, help=_REDIS_URL_HELP)
    group.addoption(
        "--scope", action="append", metavar="NAME=VALUE", dest="tgintegrity_scope", default=[], help=_SCOPE_HELP
    )
    group.addoption(
        "--migrations",
        action="append",
        metavar="PATH",
        dest="tgintegrity_migrations",
        default=[],
        help=_MIGRATIONS_HELP,
    )
    group.addoption("--prove", action="store_true", dest="tgintegrity_prove", default=False, help=_PROVE_HELP)
    for flag, told in _FLAGS.items():
        dest = f"tgintegrity_{flag.replace('-', '_')}"
        group.addoption(f"--{flag}", action="store_true", dest=dest, default=False, help=told)
        parser.addini(dest, told, type="bool", default=False)
    for name, metavar, text in _FIXES:
        dest = f"tgintegrity_{name.replace('-', '_')}"
        if metavar:
            group.addoption(f"--{name}", metavar=metavar, dest=dest, default=None, help=text)
        else:
            group.addoption(f"--{name}", action="store_true", dest=dest, default=False, help=text)
    parser.addini("tgintegrity_scope", _SCOPE_HELP, type="linelist", default=[])
    parser.addini("tgintegrity_migrations", _MIGRATIONS_HELP, type="paths", default=[])
    for option in _OPTIONS:
        group.addoption(option.flag, metavar=option.metavar, dest=option.dest, default=None, help=option.help)
        parser.addini(option.dest, option.help, type="string", default="")


@dataclass(frozen=True, slots=True)
class Given:
    """The URL of the database as it was given, and where; never shown."""

    url: str = field(repr=False)
    origin: str

    @property
    def at_once(self) -> bool:
        """Whether it was given for this very run, on the command line."""
        return self.origin in ("--db-url", "--prove")


INVOKED = pytest.StashKey[tuple[str, ...]]()
"""What pytest was called with, passwords and all."""
_GIVEN = pytest.StashKey[Given | None]()
_ALERT = pytest.StashKey[Receiver | None]()
_REDIS = pytest.StashKey[RedisAddress | None]()


def given_url(config: pytest.Config) -> Given | None:
    """The URL of the command line, else of the environment; from then on the option shows that there is one, no more."""
    if _GIVEN not in config.stash:
        config.stash[_GIVEN] = _find_url(config)
        config.option.tgintegrity_db_url = "(hidden)" if config.getoption("tgintegrity_db_url") else None
    return config.stash[_GIVEN]


def _find_url(config: pytest.Config) -> Given | None:
    if option := config.getoption("tgintegrity_db_url"):
        return Given(str(option), "--db-url")
    if config.getoption("tgintegrity_prove"):
        return Given("demo", "--prove")
    variable = os.environ.get(DB_URL_VARIABLE)
    return Given(variable, DB_URL_VARIABLE) if variable else None


def redis_address(config: pytest.Config) -> RedisAddress | None:
    """Where past runs are kept, if anywhere; the option then shows that there is one, no more. Raises `UsageError`."""
    if _REDIS not in config.stash:
        option, variable = config.getoption("tgintegrity_redis_url"), os.environ.get(REDIS_URL_VARIABLE)
        config.stash[_REDIS] = None
        config.option.tgintegrity_redis_url = "(hidden)" if option else None
        if not hasattr(config, "workerinput") and (option or variable):
            origin = "--redis-url" if option else REDIS_URL_VARIABLE
            config.stash[_REDIS] = parse_redis_url(str(option or variable), origin)
    return config.stash[_REDIS]


def alert_receiver(config: pytest.Config) -> Receiver | None:
    """Whom to tell, if anybody; the option then shows that there is one, no more. Raises `UsageError`."""
    if _ALERT not in config.stash:
        given = config.getoption("tgintegrity_alert") or os.environ.get(ALERT_VARIABLE)
        config.stash[_ALERT] = None
        config.option.tgintegrity_alert = "(hidden)" if config.getoption("tgintegrity_alert") else None
        if given and not hasattr(config, "workerinput"):
            config.stash[_ALERT] = receiver(str(given))
    return config.stash[_ALERT]


def invoked(config: pytest.Config) -> tuple[str, Sequence[str]]:
    """The program that was called, and what it was told: passwords and all, so it is never shown as it is."""
    program = "python -m pytest" if Path(sys.argv[0]).name == "__main__.py" else "pytest"
    return program, config.stash.get(INVOKED, config.invocation_params.args)


def json_path(namespace: Any) -> Path | None:
    """The file of the JSON report, if one was asked for."""
    name = getattr(namespace, "json_report_file", None) if getattr(namespace, "json_report", False) else None
    return Path(name) if name else None


def read_options(config: pytest.Config) -> Options:
    """Check all options but the URL. Raises `UsageError` that names the option, its value and what it takes."""
    read = _Reading(config)
    samples = read("samples", _integer(0, 10_000), 5)
    return Options(
        jobs=read("db-jobs", _integer(1, MAX_JOBS), min(DEFAULT_JOBS, os.cpu_count() or 1)),
        statement_timeout=read("statement-timeout", _seconds, 60.0),
        lock_timeout=read("lock-timeout", _seconds, 2.0),
        fail_on=read("fail-on", _severity, "low"),
        samples=0 if _flag(config, "tgintegrity_no_samples") else samples,
        period=read("period", _hours, None),
        scopes=_scopes(config.getoption("tgintegrity_scope") or config.getini("tgintegrity_scope")),
        health_minimum=read("health-min", _integer(0, 100), 90),
        waivers=named_path(config, "waivers", config.getoption("tgintegrity_waivers")),
        coverage=_flag(config, "tgintegrity_integrity_coverage"),
        fixing=_fixing(config),
        demo_module=read("integrity-demo", str, "integrity_tests.demo"),
        prove=_prove(config),
        probe=_probe(config),
        baseline=_baseline(config),
        gate=_asked(config, read),
    )


def _asked(config: pytest.Config, read: _Reading) -> Asked | None:
    gate, backup = read("gate", _gate, None), read("backup-verified", _moment, None)
    if gate and config.getoption("tgintegrity_prove"):
        raise UsageError("--gate is about data and --prove about rules: give one of them")
    if gate == "production" and config.getoption("tgintegrity_probe_writes"):
        raise UsageError(
            "--probe-writes is for staging: leave it out with --gate production, and where its baseline is pinned"
        )
    given = [config.invocation_params.dir / one for one in config.getoption("tgintegrity_migrations")]
    if given and not gate:
        raise UsageError("--migrations alone asks nothing (there is no pre-flight in this version): add --gate NAME")
    return Asked(gate, backup, tuple(given or config.getini("tgintegrity_migrations"))) if gate else None


def _gate(text: str) -> str:
    if text not in CLEAN_DAYS:
        raise ValueError(f"it takes {' or '.join(CLEAN_DAYS)}")
    return text


def _moment(text: str) -> datetime:
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment
    raise ValueError("it takes a time with its zone, such as 2030-06-30T04:00Z")


def named_path(config: pytest.Config, name: str, given: str | None) -> Path | None:
    """A file, as seen from where pytest was called, or from the configuration file that names it."""
    if given:
        return config.invocation_params.dir / str(given)
    twin = str(config.getini(f"tgintegrity_{name}")).strip()
    return (config.inipath.parent if config.inipath else config.rootpath) / twin if twin else None


def published(config: pytest.Config, namespace: Any) -> dict[str, Path]:
    """The files that are made of the JSON report, by form; `namespace` holds what was said on the command line."""
    found = {form: named_path(config, form, getattr(namespace, f"tgintegrity_{form}", None)) for form in FORMS}
    return {form: path for form, path in found.items() if path is not None}


def _baseline(config: pytest.Config) -> Baselining | None:
    given = config.getoption("tgintegrity_baseline")
    if given not in (None, *BASELINING):
        raise UsageError(f"--baseline is {given!r}: it takes {' or '.join(BASELINING)}")
    if given and redis_address(config) is None and not hasattr(config, "workerinput"):
        raise UsageError(f"--baseline is kept in Redis: give --redis-url, or set {REDIS_URL_VARIABLE}")
    return "pin" if given == "pin" else "show" if given == "show" else None


def _probe(config: pytest.Config) -> Probing | None:
    """Which probes to time: those that read, or also those that write. Raises `UsageError` where there would be no quiet."""
    writes = config.getoption("tgintegrity_probe_writes")
    if not (writes or _flag(config, "tgintegrity_probe") or config.getoption("tgintegrity_baseline") == "pin"):
        return None
    if getattr(config.option, "tx", None) or hasattr(config, "workerinput"):
        raise UsageError("--probe wants quiet, so that times can be compared: leave out -n")
    return "writes" if writes else "reads"


def _flag(config: pytest.Config, dest: str) -> bool:
    return bool(config.getoption(dest) or config.getini(dest))


def _fixing(config: pytest.Config) -> Fixing | None:
    fix, plan, known = (config.getoption(f"tgintegrity_{name}") for name in ("fix", "fix_plan", "fix_plan_id"))
    if known is not None and not fix:
        raise UsageError("--fix-plan-id says which plan --fix may make: give --fix too")
    if fix and plan:
        raise UsageError("--fix-plan writes nothing and --fix does: give one of them")
    if (fix or plan) and config.getoption("numprocesses", None):
        raise UsageError("--fix and --fix-plan work in one process: leave out -n")
    flush = config.getoption("tgintegrity_redis_flush_prefix")
    if flush is not None and not ((fix or config.getoption("tgintegrity_undo")) and flush and redis_address(config)):
        raise UsageError("--redis-flush-prefix takes the beginning of keys, and needs --fix or --undo, and --redis-url")
    return Fixing(apply=bool(fix), plan=known, flush=flush) if fix or plan else None


def _prove(config: pytest.Config) -> bool:
    """Whether rules are to be proven. Raises `UsageError` for what does not go together with it."""
    if not config.getoption("tgintegrity_prove"):
        return False
    if getattr(config.option, "tx", None) or hasattr(config, "workerinput"):
        raise UsageError("--prove breaks one scratch copy, from one process: leave out -n")
    given = given_url(config)
    if given is not None and given.url != "demo":
        raise UsageError(
            f"--prove needs clean rows to break, and takes those of the demo: leave out {given.origin}, or give --db-url=demo"
        )
    return True


class _Reading:
    """Finds an option on the command line, else in the configuration file, else takes the default."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, name: str, convert: Callable[[str], Any], default: Any) -> Any:
        dest = f"tgintegrity_{name.replace('-', '_')}"
        given, origin = self._config.getoption(dest), f"--{name}"
        if given is None:
            given, origin = self._config.getini(dest), dest
        if given in (None, ""):
            return default
        try:
            return convert(str(given).strip())
        except ValueError as error:
            raise UsageError(f"{origin} is {given!r}: {error}") from None


def _integer(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        number = int(text) if text.lstrip("-").isdecimal() else None
        if number is None or not low <= number <= high:
            raise ValueError(f"it takes a whole number from {low} to {high}")
        return number

    return convert


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _seconds(text: str) -> float:
    number = _number(text)
    if number is None or not SHORTEST_TIMEOUT <= number <= LONGEST_TIMEOUT:
        raise ValueError("it takes seconds, fractions allowed, at least 0.001 (1 ms)")
    return number


def _hours(text: str) -> float:
    number = _number(text)
    if number is None or not 0 < number <= LONGEST_PERIOD:
        raise ValueError("it takes hours, such as 24 or 168")
    return number


def _severity(text: str) -> Severity:
    for severity in SEVERITIES:
        if text.lower() == severity:
            return severity
    raise ValueError(f"it takes one of {', '.join(SEVERITIES)}")


def _scopes(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--scope is {text!r}: write NAME=VALUE, such as --scope status=App")
        if name.strip() in found:
            raise UsageError(f"--scope {name.strip()} is given twice: choose one value")
        found[name.strip()] = value.strip()
    return found
