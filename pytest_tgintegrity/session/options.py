"""The command line: each option with one help text, also in the configuration file unless it holds a secret."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_tgintegrity.commandline.parsing import TIMEZONE, is_worker
from pytest_tgintegrity.commandline.table import BY_NAME, DB_URL_VARIABLE, REDIS_URL_VARIABLE, REPORTS
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.rules.probes import Probing
from pytest_tgintegrity.rules.severity import Severity
from pytest_tgintegrity.session.addresses import given_url, redis_address

if TYPE_CHECKING:
    from pytest_tgintegrity.database.settings import Settings
    from pytest_tgintegrity.deployment.gate import GateRequest, MigrationsAt

VERBOSE_SAMPLES = 50
NO_URL = (
    "the selected rules need a database: give --db-url=postgresql://USER@HOST:PORT/DATABASE, set "
    f"{DB_URL_VARIABLE}, or look at the embedded one with --db-url=demo"
)
DEFAULT_JOBS = 4
BASELINING = ("pin", "show")
Baselining = Literal["pin", "show"]


@dataclass(frozen=True, slots=True)
class FixOptions:
    """What ``--fix-plan`` or ``--fix`` asked for: whether to make the changes or only plan them; the id that the plan has to have; the prefix of keys to delete."""

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
    fixing: FixOptions | None = None
    demo_module: str = "integrity_tests.demo"
    prove: bool = False
    gate: GateRequest | None = None
    probe: Probing | None = None
    baseline: Baselining | None = None


def json_path(namespace: Any) -> Path | None:
    """The file of the JSON report, if one was asked for."""
    name = getattr(namespace, "json_report_file", None) if getattr(namespace, "json_report", False) else None
    return Path(name) if name else None


def read_options(config: pytest.Config) -> Options:
    """Check all options but the URL. Raises `UsageError` that names the option, its value and what it takes."""
    read = _Reading(config)
    samples = read("samples")
    return Options(
        jobs=read("db-jobs") or min(DEFAULT_JOBS, os.cpu_count() or 1),
        statement_timeout=read("statement-timeout"),
        lock_timeout=read("lock-timeout"),
        fail_on=read("fail-on"),
        samples=0 if _flag(config, "tgintegrity_no_samples") else samples,
        period=read("period"),
        timezone=_timezone(str(config.getini(TIMEZONE)).strip()),
        scopes=_scopes(config.getoption("tgintegrity_scope") or config.getini("tgintegrity_scope")),
        health_minimum=read("health-min"),
        waivers=named_path(config, "waivers", config.getoption("tgintegrity_waivers")),
        coverage=_flag(config, "tgintegrity_integrity_coverage"),
        fixing=_fixing(config),
        demo_module=read("integrity-demo"),
        prove=_prove(config),
        probe=_probe(config),
        baseline=_baseline(config),
        gate=_asked(config, read),
    )


def settings(config: pytest.Config, chosen: Options) -> Settings:
    """What a run on a database needs to know of the options."""
    from pytest_tgintegrity.database.connections.opening import Limits  # noqa: PLC0415 - it imports psycopg: other suites start at once
    from pytest_tgintegrity.database.settings import Settings  # noqa: PLC0415 - likewise

    verbose = config.get_verbosity() > 0 and config.getoption("tgintegrity_samples") is None
    samples = max(chosen.samples, VERBOSE_SAMPLES) if verbose and chosen.samples else chosen.samples
    limits = Limits(chosen.statement_timeout, chosen.lock_timeout, quote=bool(samples))
    return Settings(chosen.jobs, limits, samples, chosen.period, chosen.scopes, chosen.demo_module, chosen.timezone)


def _asked(config: pytest.Config, read: _Reading) -> GateRequest | None:
    gate, backup = read("gate"), read("backup-verified")
    if gate and config.getoption("tgintegrity_prove"):
        raise UsageError("--gate is about data and --prove about rules: give one of them")
    if gate == "production" and config.getoption("tgintegrity_probe_writes"):
        raise UsageError(
            "--probe-writes is for staging: leave it out with --gate production, and where its baseline is pinned"
        )
    if config.getoption("tgintegrity_migrations") and not gate:
        raise UsageError("--migrations alone asks nothing (there is no pre-flight in this version): add --gate NAME")
    if not gate:
        return None
    from pytest_tgintegrity.deployment.gate import GateRequest  # noqa: PLC0415 - most suites have no gate

    return GateRequest(gate, backup, tuple(_migrations(config)))


def _migrations(config: pytest.Config) -> Iterator[MigrationsAt]:
    """Where migrations are, as PATH or LABEL=PATH: seen from where pytest was called, or from the configuration file. Raises `UsageError`."""
    from pytest_tgintegrity.deployment.gate import MigrationsAt  # noqa: PLC0415 - most suites have no gate

    given, folder = config.getoption("tgintegrity_migrations"), config.invocation_params.dir
    if not given:
        folder = config.inipath.parent if config.inipath else folder
        paths: list[Path] = config.getini("tgintegrity_migrations")
        given = [str(path.relative_to(folder) if path.is_relative_to(folder) else path) for path in paths]
    for text in given:
        label, equals, path = text.partition("=")
        if not (equals and label.isidentifier()) or (folder / text).exists():
            yield MigrationsAt(folder / text)
        elif path:
            yield MigrationsAt(folder / path, label)
        else:
            raise UsageError(f"--migrations is {text!r}: write LABEL=PATH, such as game=/srv/tg/game/migrations")


def named_path(config: pytest.Config, name: str, given: str | None) -> Path | None:
    """A file, as seen from where pytest was called, or from the configuration file that names it."""
    if given:
        return config.invocation_params.dir / str(given)
    twin = str(config.getini(f"tgintegrity_{name}")).strip()
    return (config.inipath.parent if config.inipath else config.rootpath) / twin if twin else None


def published(config: pytest.Config, namespace: Any) -> dict[str, Path]:
    """The files that are made of the JSON report, by form; `namespace` holds the command line."""
    paths = {form: named_path(config, form, getattr(namespace, f"tgintegrity_{form}", None)) for form in REPORTS}
    return {form: path for form, path in paths.items() if path is not None}


def _baseline(config: pytest.Config) -> Baselining | None:
    given = config.getoption("tgintegrity_baseline")
    if given not in (None, *BASELINING):
        raise UsageError(f"--baseline is {given!r}: it takes {' or '.join(BASELINING)}")
    if given and redis_address(config) is None and not is_worker(config):
        raise UsageError(f"--baseline is kept in Redis: give --redis-url, or set {REDIS_URL_VARIABLE}")
    return "pin" if given == "pin" else "show" if given == "show" else None


def _probe(config: pytest.Config) -> Probing | None:
    """Which probes to time: those that read, or also those that write. Raises `UsageError` where other tests would run at the same time."""
    writes = config.getoption("tgintegrity_probe_writes")
    if not (writes or _flag(config, "tgintegrity_probe") or config.getoption("tgintegrity_baseline") == "pin"):
        return None
    if getattr(config.option, "tx", None) or is_worker(config):
        raise UsageError("--probe wants quiet, so that times can be compared: leave out -n")
    return "writes" if writes else "reads"


def _flag(config: pytest.Config, dest: str) -> bool:
    return bool(config.getoption(dest) or config.getini(dest))


def _fixing(config: pytest.Config) -> FixOptions | None:
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
    return FixOptions(apply=bool(fix), plan=known, flush=flush) if fix or plan else None


def _prove(config: pytest.Config) -> bool:
    """Whether rules are to be proven. Raises `UsageError` for options that do not go together with it."""
    if not config.getoption("tgintegrity_prove"):
        return False
    if getattr(config.option, "tx", None) or is_worker(config):
        raise UsageError("--prove breaks one scratch copy, from one process: leave out -n")
    given = given_url(config)
    if given is not None and given.url != "demo":
        raise UsageError(
            f"--prove needs clean rows to break, and takes those of the demo: leave out {given.origin}, or give --db-url=demo"
        )
    return True


class _Reading:
    """Finds an option on the command line, else in the configuration file, else takes the default. Raises `UsageError`."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, name: str) -> Any:
        option = BY_NAME[name]
        given, origin = self._config.getoption(option.dest), option.short
        if given is None:
            given, origin = self._config.getini(option.dest), option.dest
        if given in (None, ""):
            return option.default
        try:
            return option.convert(str(given).strip())
        except ValueError as error:
            raise UsageError(f"{origin} is {given!r}: {error}") from None


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
    scopes = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--scope is {text!r}: write NAME=VALUE, such as --scope status=App")
        if name.strip() in scopes:
            raise UsageError(f"--scope {name.strip()} is given twice: choose one value")
        scopes[name.strip()] = value.strip()
    return scopes
