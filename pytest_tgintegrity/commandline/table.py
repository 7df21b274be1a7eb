"""All options with their help texts: the parser, the README's table and the names are made from this table. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pytest_tgintegrity.commandline.values import hours, integer, moment, one_of, seconds, severity

DB_URL_VARIABLE = "TGINTEGRITY_DB_URL"
REDIS_URL_VARIABLE = "TGINTEGRITY_REDIS_URL"
ALERT_VARIABLE = "TGINTEGRITY_ALERT_URL"

MAX_JOBS = 64
MAX_SAMPLES = 10_000
GATES = ("staging", "production")

OWN = "--integrity-"
"""The beginning of the names that nobody else uses."""

Twin = Literal["string", "bool", "linelist", "paths"]


@dataclass(frozen=True, slots=True)
class Option:
    """An option: `name` as people write it; without `metavar` a yes or no; `twin` is its type in the configuration file.

    `convert` makes a value of the given text, or raises `ValueError` with what the option takes; `default` is its value where
    nothing was given; `optional` says that the value may be left out, so that it is given with ``=``. `report` is the word of the file that it names, where that is made of the JSON report.
    """

    name: str
    metavar: str
    help: str
    twin: Twin | None = None
    convert: Callable[[str], Any] = str
    default: Any = None
    report: str = ""
    optional: bool = False

    @property
    def short(self) -> str:
        """The name that is easy to write, and that others may have taken."""
        return f"--{self.name}"

    @property
    def own(self) -> str:
        """The name that always works."""
        return own_name(self.short)

    @property
    def dest(self) -> str:
        """Where its value is kept, and its name in the configuration file."""
        return f"tgintegrity_{self.name.replace('-', '_')}"


def own_name(short: str) -> str:
    """``--integrity-NAME`` for ``--NAME``; a name that begins so already stays as it is."""
    return short if short.startswith(OWN) else f"{OWN}{short.removeprefix('--')}"


OPTIONS = (
    Option(
        "db-url",
        "URL",
        "The database to look at: postgresql://…, a libpq keyword string, service=NAME, demo or demo:damaged "
        f"(default: the environment variable {DB_URL_VARIABLE}).",
    ),
    Option(
        "redis-url",
        "URL",
        "Where past runs are kept: redis://…, rediss://…, unix://…, redis+cluster://… or demo "
        f"(default: the environment variable {REDIS_URL_VARIABLE}; without it there is no history).",
    ),
    Option(
        "alert",
        "URL",
        "Tell when the state of the data changes: http(s)://… (a webhook), slack+https://… or alertmanager+http(s)://… "
        f"(default: the environment variable {ALERT_VARIABLE}).",
    ),
    Option(
        "db-jobs",
        "N",
        "Parallel connections on the snapshot, in total (default: the cores, up to 4).",
        twin="string",
        convert=integer(1, MAX_JOBS),
    ),
    Option(
        "statement-timeout",
        "SECONDS",
        "Give up on a scan after this time (default: 60).",
        twin="string",
        convert=seconds,
        default=60.0,
    ),
    Option(
        "lock-timeout",
        "SECONDS",
        "Give up on a scan that waits this long for a lock (default: 2).",
        twin="string",
        convert=seconds,
        default=2.0,
    ),
    Option(
        "fail-on",
        "SEVERITY",
        "Violations below this severity are noted, not failed (default: low).",
        twin="string",
        convert=severity,
        default="low",
    ),
    Option(
        "samples",
        "N",
        "Offending rows to show for each violated rule (default: 5).",
        twin="string",
        convert=integer(0, MAX_SAMPLES),
        default=5,
    ),
    Option(
        "period",
        "HOURS",
        "Rules over dated rows look only at rows this young (default: at all).",
        twin="string",
        convert=hours,
    ),
    Option(
        "waivers",
        "FILE",
        "Known violations that are permitted (default: waivers.toml beside the rules, if any).",
        twin="string",
    ),
    Option(
        "health-min",
        "SCORE",
        "The health score that counts as healthy, 0 to 100 (default: 90).",
        twin="string",
        convert=integer(0, 100),
        default=90,
    ),
    Option(
        "gate",
        "NAME",
        "Decide whether this may go on: staging or production; exit status 7 if a condition is not met.",
        twin="string",
        convert=one_of(*GATES),
    ),
    Option(
        "backup-verified",
        "TIME",
        "For --gate: when a backup was last verified, such as 2030-06-30T04:00Z.",
        twin="string",
        convert=moment,
    ),
    Option(
        "html-report",
        "FILE",
        "Write a page for people to look at: one file, light or dark, no network.",
        twin="string",
        report="page",
    ),
    Option(
        "metrics",
        "FILE",
        "Write score, violations and times as OpenMetrics text, for Prometheus.",
        twin="string",
        report="metrics",
    ),
    Option(
        "integrity-demo",
        "MODULE",
        "The module that builds the demo database (default: integrity_tests.demo).",
        twin="string",
        convert=str,
        default="integrity_tests.demo",
    ),
    Option(
        "scope",
        "NAME=VALUE",
        "Look only at this part of the sources that declare the scope, such as status=App. May be repeated.",
        twin="linelist",
    ),
    Option(
        "migrations",
        "PATH",
        "Where the project's migrations are: for --gate, none of them may be pending. LABEL=PATH says of which app. May be repeated.",
        twin="paths",
    ),
    Option("no-samples", "", "Never fetch offending rows: counts only, for sensitive data.", twin="bool"),
    Option(
        "probe",
        "",
        "Time the probes after the rules, for --gate and to compare runs: what people wait for most.",
        twin="bool",
    ),
    Option(
        "integrity-coverage",
        "",
        "Tell which tables, foreign keys and columns no selected rule looks at.",
        twin="bool",
    ),
    # Never in the configuration file: nobody writes to a database, or moves a baseline, by habit.
    Option("fix-plan", "", "Show every change that the safe fixes of violated rules would make; write nothing."),
    Option("fix", "", "Make these changes, journalled so that each can be undone, then look at all rules again."),
    Option("fix-plan-id", "ID", "With --fix: only if the plan is still exactly the one of this id."),
    Option("undo", "RUN", "Take back what a run of --fix changed (or: last), and run no rule."),
    Option(
        "redis-flush-prefix",
        "PREFIX",
        "With --fix or --undo: delete the Redis keys of this prefix after rows were changed, but not the sessions.",
    ),
    Option("fix-history", "", "List the runs that changed data, and run no rule."),
    Option(
        "pin-schema",
        "FILE",
        "Write down the schema as it is, which later runs compare theirs with, and run no rule "
        "(default: schema.lock.toml in the folder of the rules).",
        optional=True,
    ),
    Option(
        "baseline",
        "ACTION",
        "pin: keep the timings of this run's probes in Redis, to compare later ones with; show: tell what is pinned.",
    ),
    Option(
        "probe-writes",
        "",
        "As --probe, and also time the probes that write, each time in a transaction that is rolled back: on staging only.",
    ),
    Option(
        "prove",
        "",
        "Break every selected rule on a scratch copy of the demo, and demand that it, and no other rule, reports exactly that.",
    ),
)
OPTIONAL_VALUES = frozenset(option.short for option in OPTIONS if option.optional)
"""The options whose value may be left out."""
SHORT_NAMES = frozenset(option.short for option in OPTIONS if option.short != option.own)
"""The names that others may have taken."""
REPORTS = {option.dest.removeprefix("tgintegrity_"): option.report for option in OPTIONS if option.report}
"""The word of each file that is made of the JSON report, by its form."""
BY_NAME = {option.name: option for option in OPTIONS}
