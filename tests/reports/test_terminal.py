"""What a person sees: header, failures, summary; on any terminal, with any of pytest's switches."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness import HOLDS, QUICKLY, UNKNOWN, VIOLATED, RunRules, rules
from pytest_tgintegrity.judging.summary import Database, RunSummary
from pytest_tgintegrity.judging.verdicts import Measurement, Sample
from pytest_tgintegrity.planning.sql.layout import in_one_line
from pytest_tgintegrity.reports.document import _finite
from pytest_tgintegrity.reports.failures.text import failure
from pytest_tgintegrity.reports.terminal import summary as terminal
from pytest_tgintegrity.rules.kinds import Between, Metric
from pytest_tgintegrity.rules.rule import Rule

HERE = Database("db.example", 5432, "tg", "reader", "15.18", "7", is_standby=False, read_only=True, superuser=False)
TABLE = """
CREATE TABLE item (id int PRIMARY KEY, size int, name text);
INSERT INTO item VALUES (1, 99, E'\\033[31mred\\033]0;title\\007'), (2, 5, 'plain');
"""
MANY = """
@rule.between("item", "size", 100, 200, severity="low")
@pytest.mark.parametrize("number", range(500))
def test_many(violations, number):
    \"\"\"Nothing is that large.\"\"\"
    assert not violations

@rule.not_null("item", "absent_{column}")
@pytest.mark.parametrize("column", ["a", "b", "c", "d", "e", "f"])
def test_absent(violations, column):
    \"\"\"Nobody knows these columns.\"\"\"
    assert not violations

@rule.metric("number {n}", "SELECT 1")
@pytest.mark.parametrize("n", range(20))
def test_metric(violations, n):
    \"\"\"It reports.\"\"\"
    assert not violations
"""


def summary_of(out: str) -> list[str]:
    """The lines of the summary, from its rule to the next."""
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("=") and " integrity " in line)
    end = next(i for i, line in enumerate(lines[start + 1 :], start + 1) if line.startswith(("=", "-----")))
    return lines[start:end]


def test_a_failure_says_what_a_person_needs(check: RunRules) -> None:
    """How many, what, which, how to see all, how to mend; no traceback."""
    ran = check(VIOLATED.replace('severity="high"', 'severity="high", fix="clamp"'), "--samples=2")
    lines = ran.out.splitlines()
    start = lines.index("5 of 20 rows violate [high]: Sizes are one to fifteen.")

    assert lines[start + 1 : start + 6] == [
        "",
        "  key  label  size",
        "  16   n16    16",
        "  17   n17    17",
        "  … and 3 more",
    ]
    assert lines[start + 6].startswith('  see all:  SELECT "id", "name", "size" FROM "item" WHERE')
    assert lines[start + 7] == "  mend:     a safe fix is declared: clamp"
    assert "assert not" not in ran.out
    assert "FAILED test_items.py::test_violated - Violated: 5 of 20 rows violate [high]" in ran.out


@pytest.mark.parametrize(("args", "rows"), [(["--samples=0"], 0), (["--no-samples"], 0), ([], 5), (["-v"], 15)])
def test_how_many_samples(check: RunRules, args: list[str], rows: int) -> None:
    """`-v` lists more of them."""
    ran = check(VIOLATED.replace("1, 15", "1, 5"), *args)

    assert sum(bool(re.match(r"  \d+ +n\d+ ", line)) for line in ran.out.splitlines()) == rows
    assert len(ran.integrity["rules"][0]["samples"]) == rows
    assert ran.integrity["rules"][0]["violations"] == 15


def test_the_summary_fits_a_screen(check: RunRules) -> None:
    """However many rules fail, are unknown or report numbers."""
    ran = check(MANY, "--tb=no", "-rN", "--scope=x=1", "--no-header")
    assert ran.status == 4
    ran = check("--tb=no", "-rN")
    lines = summary_of(ran.out)

    assert ran.status == 1
    assert len(lines) <= 24
    assert all(len(line) <= 220 for line in lines)
    assert lines[1] == "rules      20 passed, 500 failed, 6 unknown"
    assert any(line.endswith(" 500 more rules") for line in lines)


def test_nothing_steers_the_terminal(check: RunRules, make_database: Callable[[str], str]) -> None:
    """An escape sequence in the data is shown, not obeyed; and there is no colour where there is no terminal."""
    ran = check(
        VIOLATED,
        '\n@rule.query("SELECT name FROM item")\ndef test_names(violations):\n    """."""\n    assert not violations\n',
        url=make_database(TABLE),
    )

    assert ran.status == 1
    assert "\\x1b[31mred" in ran.out
    assert "\x1b" not in ran.said
    assert "\x07" not in ran.said


@pytest.mark.parametrize(
    "args",
    [
        ["-q"], ["-qq"], ["--no-header"], ["--no-summary"], ["--tb=line"], ["-vv", "-m", "high"],
        ["--strict-markers", "-m", "big"], ["--junitxml=j.xml"], ["-s"], ["--color=yes"], ["-rA"], ["--co"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_switches_of_pytest(check: RunRules, args: list[str]) -> None:
    """None of them breaks anything, and the verdicts are the same."""
    ran = check(VIOLATED.replace('severity="high"', 'severity="high", tags=["big"]'), *args)

    assert ran.status == (0 if args == ["--co"] else 1), ran.said
    assert "INTERNALERROR" not in ran.said
    if args == ["-q"]:
        assert "integrity:" not in ran.out
        assert "score      85 of 100, degraded (healthy from 90)" in ran.out
    if args == ["--no-header"]:
        assert "integrity:" not in ran.out
        assert "database   fresh_" in ran.out


def test_a_refusal_needs_no_terminal_reporter(pytester: pytest.Pytester, url: str) -> None:
    """Not even if it comes from a worker."""
    rules(pytester, VIOLATED)
    assert pytester.runpytest_inprocess(f"--db-url={url}", *QUICKLY, "-p", "no:terminal").ret == 1
    refused = pytester.runpytest_inprocess("--db-url=word", "-n1", *QUICKLY, "-p", "no:terminal")

    assert refused.ret == 4
    refused.stderr.fnmatch_lines(["ERROR: --db-url is neither a URL*"])


def test_last_failed(pytester: pytest.Pytester, url: str) -> None:
    """`--lf` selects what failed and what was unknown."""
    rules(pytester, HOLDS, VIOLATED, UNKNOWN)
    words = [f"--db-url={url}", *QUICKLY[2:]]
    pytester.runpytest_inprocess(*words)
    again = pytester.runpytest_inprocess(*words, "--lf", "-v")

    again.stdout.fnmatch_lines(["*2 items*"])
    assert again.ret == 1


def test_verdicts_have_words_of_their_own(check: RunRules) -> None:
    """Unknown is an error; noted passes, visibly."""
    late = HOLDS.replace("assert not violations", "violations.oops").replace("test_holds", "test_late")
    ran = check(VIOLATED, UNKNOWN, late, "-v", "--fail-on=critical", "--health-min=0")

    assert "test_items.py::test_violated NOTED" in ran.out
    assert "test_items.py::test_unknown ERROR" in ran.out
    assert "test_items.py::test_late ERROR" in ran.out


def test_long_scans_show_progress_on_a_terminal(pytester: pytest.Pytester, url: str) -> None:
    """A line that is wiped afterwards."""
    rules(
        pytester,
        '@rule.query("SELECT pg_sleep(2.3) OFFSET 1")\ndef test_slow(violations):\n    """."""\n    assert not violations\n',
    )
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", f"--db-url={url}", *QUICKLY]
    with subprocess.Popen(
        command, cwd=pytester.path, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL
    ) as running:
        os.close(theirs)
        said = b""
        try:
            while data := os.read(ours, 4096):
                said += data
        except OSError:
            pass
        os.close(ours)

    assert running.returncode == 0, said
    assert b"integrity: scanning, 0 of 1 scans done, 1 s" in said


def test_header() -> None:
    """Where, as whom, and how; a standby and a superuser are named."""
    assert terminal.header(HERE, "1-2") == (
        "integrity: tg at db.example:5432, PostgreSQL 15.18, role reader, read-only, snapshot 1-2"
    )
    other = Database("h", 1, "tg", "boss", "15", None, is_standby=True, read_only=True, superuser=True)
    assert "PostgreSQL 15 (standby), role boss (superuser: a read-only role is safer)" in terminal.header(other, None)


@pytest.mark.parametrize(
    ("examined", "violations", "text"),
    [
        (1, 1, "1 of 1 row violates [medium]: It holds."),
        (2, 1, "1 of 2 rows violates [medium]: It holds."),
        (1234567, 12345, "12 345 of 1 234 567 rows violate [medium]: It holds."),
        (None, 1, "1 row violates [medium]: It holds."),
        (None, 2, "2 rows violate [medium]: It holds."),
    ],
)
def test_grammar(examined: int | None, violations: int, text: str) -> None:
    """One row violates, two rows violate."""
    told = failure(Rule(Between("t", "c", 1, 2)), "It holds.\n\nMore.", Measurement(examined, violations), None, None)

    assert told.splitlines()[0] == text
    assert told.splitlines()[-1] == "  mend:     no safe fix is declared: a person decides"


def test_a_metric_names_its_bounds() -> None:
    """And what it is."""
    rule = Rule(Metric("rate", "…", at_least=0.5, at_most=1))
    told = failure(rule, "Most are approved.", Measurement(None, 1, value=0.25), None, None)

    assert told.splitlines()[0] == "rate is 0.25, not at least 0.5 and at most 1 [medium]: Most are approved."


def test_wide_values_are_cut() -> None:
    """A table stays a table."""
    samples = (Sample("1", "x" * 99, {"text": "a\nb\u202e"}), Sample(["1", None], None, {"text": None}))
    rule = Rule(Between("t", "c", 1, 2))
    told = failure(rule, "It holds.", Measurement(9, 2, samples), None, None).splitlines()

    assert told[2].split() == ["key", "label", "text"]
    assert "x" * 39 + "…  a\\nb\\u202e" in told[3]
    assert told[4].split() == ["1,", "NULL", "NULL", "NULL"]


def test_long_statements_and_fixes_are_told_in_a_line() -> None:
    """What a person copies stays whole; what a person only reads is cut."""
    rule = Rule(Between("t", "c", 1, 2))
    told = failure(rule, "It holds.", Measurement(9, 2), "SELECT 1\n    FROM t;", "c =\n  " + "1 + " * 50)

    assert told.splitlines()[-2:] == [
        "  see all:  SELECT 1 FROM t;",
        f"  mend:     a safe fix is declared: c = {'1 + ' * 24}…",
    ]


@pytest.mark.parametrize("statement", ["SELECT 1 -- one\nFROM t", "SELECT 'a\n  b' FROM t"])
def test_line_breaks_that_mean_something_stay(statement: str) -> None:
    """They end a comment, or stand in a string."""
    assert in_one_line(statement) == statement


def test_numbers_that_json_does_not_have() -> None:
    """They become text."""
    assert _finite({"a": float("nan"), "b": {"c": float("-inf"), "d": 1.5}}) == {
        "a": "nan",
        "b": {"c": "-inf", "d": 1.5},
    }
    assert RunSummary.__slots__


def test_numbers_by_many_labels_say_how_many_more_there_are(check: RunRules) -> None:
    ran = check(
        """
@rule.metric("by number", "SELECT n, n * n FROM generate_series(1, 10) AS n")
def test_by_number(violations):
    \"\"\"It reports.\"\"\"
    assert not violations

@rule.metric("none", "SELECT NULL::int")
def test_none(violations):
    \"\"\"Nothing to measure.\"\"\"
    assert not violations
"""
    )

    assert "activity   by number  (1 1, 2 4, 3 9, 4 16, 5 25, 6 36, 7 49, 8 64, 2 more)" in ran.out
    assert "           none       n/a" in ran.out
