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

from pytest_tgintegrity import option_list
from pytest_tgintegrity.alerts import Receiver, receiver
from pytest_tgintegrity.arguments import SHORTEST_TIMEOUT
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.gate import CLEAN_DAYS, Asked
from pytest_tgintegrity.option_list import OPTIONS, SHORT_NAMES, Option, Twin
from pytest_tgintegrity.redis_url import RedisAddress, parse_redis_url
from pytest_tgintegrity.reports.lines import Line
from pytest_tgintegrity.rules import SEVERITIES, Severity
from pytest_tgintegrity.spelling import Spelling

DB_URL_VARIABLE = option_list.DB_URL_VARIABLE
NO_URL = (
    "the selected rules need a database: give --db-url=postgresql://USER@HOST:PORT/DATABASE, set "
    f"{DB_URL_VARIABLE}, or look at the embedded one with --db-url=demo"
)
REDIS_URL_VARIABLE = option_list.REDIS_URL_VARIABLE
ALERT_VARIABLE = option_list.ALERT_VARIABLE
SECRET = ("--db-url", "--alert", "--redis-url")
"""Options that may hold a password."""
MAX_JOBS = 64
DEFAULT_JOBS = 4
LONGEST_TIMEOUT = 2_000_000.0
"""In seconds: PostgreSQL counts milliseconds in 31 bits."""
LONGEST_PERIOD = 1_000_000.0
"""In hours: a century."""
FORMS = ("html_report", "metrics")
TIMEZONE = "tgintegrity_timezone"
TIMEZONE_HELP = "With --period: the zone that dates and times without one are meant in; unset, rows count that are young enough in any."
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
    timezone: str | None = None
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


def documented() -> list[tuple[str, str, str]]:
    """Short name, what it takes, and help text of every option, in the order of a person's questions."""
    return [(one.short, one.metavar, one.help) for one in OPTIONS]


def add_options(parser: pytest.Parser) -> None:
    """Declare all options by the names that are ours alone, and their twins in the configuration file."""
    group = parser.getgroup("integrity", "data integrity (pytest-tgintegrity)")
    parser.addini(TIMEZONE, TIMEZONE_HELP, default="")
    for one in OPTIONS:
        group.addoption(one.own, dest=one.dest, help=one.help, **_taking(one))
        if one.twin is not None:
            parser.addini(one.dest, one.help, type=one.twin, default=_UNSAID[one.twin])


_UNSAID: Mapping[Twin, Any] = {"string": "", "bool": False, "linelist": [], "paths": []}


def _taking(one: Option) -> dict[str, Any]:
    if not one.metavar:
        return {"action": "store_true", "default": False}
    if one.twin in ("linelist", "paths"):
        return {"action": "append", "default": [], "metavar": one.metavar}
    return {"default": None, "metavar": one.metavar}


def find_spelling(parser: pytest.Parser) -> Spelling:
    """What our options are called here, as far as plugins and conftests have declared theirs."""
    known = parser.optparser._option_string_actions  # noqa: SLF001 - to ask by parsing would call the others' own types
    return Spelling(frozenset(SHORT_NAMES & known.keys()))


def explain_names(parser: pytest.Parser, spelling: Spelling) -> None:
    """Say in the help of each option which short name works here."""
    ours = {one.dest: one for one in OPTIONS if one.short in SHORT_NAMES}
    for action in parser.optparser._actions:  # noqa: SLF001 - pytest prints what stands there
        if (one := ours.get(action.dest)) is not None:
            told = f"Not here: {one.short} is somebody else's." if one.short in spelling.taken else f"Also {one.short}."
            action.help = f"{spelling.told(one.help)} {told}"


def unfolded(words: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The words of a command line with the lines of a file in the place of ``@file``, as argparse is going to read them."""
    found: list[str] = []
    for word in (os.fspath(one) for one in words):
        lines = [word]
        if word.startswith("@"):
            with contextlib.suppress(OSError, ValueError):  # argparse is going to say so
                lines = unfolded(Path(word[1:]).read_text(sys.getfilesystemencoding()).splitlines())
        found += lines
    return found


SPELLING = pytest.StashKey[Spelling]()
"""What our options are called; it is found before any of them is read."""


def spelling_of(config: pytest.Config) -> Spelling:
    """What our options are called here. A plugin that is loaded later than others has its own names only."""
    return config.stash.get(SPELLING, Spelling(SHORT_NAMES))


def told(config: pytest.Config, text: str) -> str:
    """A text of ours with the names that work here."""
    return spelling_of(config).told(text)


def told_line(config: pytest.Config, line: Line) -> str:
    """A line of the summary likewise, but for a command: in it others' options stand as they were given."""
    return str(line) if line.word == "apply" else told(config, str(line))


@dataclass(frozen=True, slots=True)
class Given:
    """The URL of the database as it was given, and where; never shown."""

    url: str = field(repr=False)
    origin: str

    @property
    def at_once(self) -> bool:
        """Whether it was given for this very run, on the command line."""
        return self.origin != DB_URL_VARIABLE


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
        return Given(str(option), told(config, "--db-url"))
    if config.getoption("tgintegrity_prove"):
        return Given("demo", told(config, "--prove"))
    variable = os.environ.get(DB_URL_VARIABLE)
    return Given(variable, DB_URL_VARIABLE) if variable else None


def asked_name(config: pytest.Config, namespace: Any) -> str:
    """The name of the database as the address gives it; `namespace` holds what was said, as long as nobody has read it."""
    given = config.stash.get(_GIVEN, None)
    url = given.url if given else namespace.tgintegrity_db_url or os.environ.get(DB_URL_VARIABLE)
    if not url:
        return ""
    from pytest_tgintegrity.address import name_in  # noqa: PLC0415 - it imports psycopg: other suites start at once

    return name_in(str(url))


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


def invoked(config: pytest.Config) -> tuple[str, Sequence[str], Spelling]:
    """The program that was called, what it was told (passwords and all, so it is never shown as it is), and our names."""
    program = "python -m pytest" if Path(sys.argv[0]).name == "__main__.py" else "pytest"
    return program, config.stash.get(INVOKED, config.invocation_params.args), spelling_of(config)


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
        timezone=_timezone(str(config.getini(TIMEZONE)).strip()),
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


def _timezone(name: str) -> str | None:
    """A zone by its name. Raises `UsageError`."""
    if not name:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - other suites need none

    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"{TIMEZONE} is {name!r}: it takes the name of a zone, such as America/Los_Angeles") from None


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
