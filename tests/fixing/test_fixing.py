"""`--fix-plan`, `--fix`, `--undo` and `--fix-history` as an operator uses them: what is printed, reported and returned."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixing_runs import SIZE, ask, told
from harness import HEAD, QUICKLY, RunRules, wait_until

SCRIPT = """
CREATE TABLE item (id int PRIMARY KEY, size int, name text);
INSERT INTO item SELECT i, i, 'n' || i FROM generate_series(1, 20) AS i;
UPDATE item SET size = 77 WHERE id IN (3, 4);
UPDATE item SET name = ' ' WHERE id = 9;
"""
NAME = """
@rule.not_blank("item", "name", severity="low", fix_hint="only its owner knows the name")
def test_name(violations):
    \"\"\"Every item has a name.\"\"\"
    assert not violations
"""
STUBBORN = """
@rule.rows("item", "size > 50", severity="low", fix={"size": "size + 1"}, breaks={"size": "99"})
def test_stubborn(violations):
    \"\"\"Nothing is larger than fifty.\"\"\"
    assert not violations
"""
NOTE = """
@rule.rows("item", "size = 7", severity="info", fix={"size": "8"}, breaks={"size": "7"})
def test_note(violations):
    \"\"\"Seven is odd.\"\"\"
    assert not violations
"""


@pytest.fixture
def broken(make_database: Callable[[str], str]) -> str:
    """The URL of a database with three bad rows."""
    return make_database(SCRIPT)


def contents(url: str) -> list[tuple[Any, ...]]:
    return ask(url, "SELECT * FROM item ORDER BY id")


def test_a_plan_shows_every_change_and_writes_nothing(check: RunRules, broken: str) -> None:
    before = contents(broken)

    ran = check(SIZE, NAME, NOTE, "--fix-plan", url=broken)

    assert ran.status == 1
    assert ran.verdicts == {"test_size": "failed", "test_name": "failed", "test_note": "noted"}
    plan = ran.integrity["fix"]
    assert (plan["changes"], plan["applied"]) == (2, None)
    assert Path(plan["file"]).name == f"fix-plan-{plan['plan']}.jsonl"
    assert [json.loads(line) for line in Path(plan["file"]).read_text().splitlines()] == plan["first_changes"]
    assert (
        plan["needs_a_person"]
        == [{"rule": "test_items.py::test_name", "violations": 1, "reason": "only its owner knows the name"}]
        or plan["needs_a_person"][0]["reason"] == "only its owner knows the name"
    )
    assert "2 changes in 1 table" in told(ran, "fix plan")
    assert "item id 3: size 77 → 20" in told(ran, "fix plan")
    assert "1 violation: only its owner knows the name" in told(ran, "by hand")
    assert contents(broken) == before


def test_a_fix_is_judged_by_the_second_look(check: RunRules, broken: str) -> None:
    ran = check(SIZE, NAME, "--fix", url=broken)

    assert ran.status == 1
    assert ran.verdicts == {"test_size": "fixed", "test_name": "failed"}
    (size,) = [one for one in ran.integrity["rules"] if one["fixed"]]
    assert (size["fixed"], size["violations"], size["reason"]) == (2, 0, "violated by 2 before, 2 rows mended for it")
    assert ran.integrity["health"]["score"] == 95
    assert [(one["severity"], one["points"]) for one in ran.integrity["health"]["deductions"]] == [
        ("low", 5),
        ("high", 0),
    ]
    fix = ran.integrity["fix"]
    assert sorted(fix["first_look"].values()) == [1, 2]
    assert (fix["applied"]["rows"], fix["applied"]["left"]) == (2, [])
    assert re.search(r"^fixed +2 rows, journalled as run (\w+) \(take back: --undo \1\)", ran.out, re.MULTILINE)
    assert ask(broken, "SELECT id, size FROM item WHERE id IN (3, 4) ORDER BY id") == [(3, 20), (4, 20)]


def test_all_mended_is_exit_0_and_a_second_fix_changes_nothing(check: RunRules, broken: str) -> None:
    assert check(SIZE, "--fix", url=broken).status == 0

    again = check(SIZE, "--fix", url=broken)

    assert (again.status, again.verdicts) == (0, {"test_size": "passed"})
    assert again.integrity["fix"]["changes"] == 0
    assert "nothing to mend" in told(again, "fix plan")


def test_only_the_plan_that_was_looked_at_is_made(check: RunRules, broken: str) -> None:
    plan = check(SIZE, "--fix-plan", url=broken).integrity["fix"]["plan"]
    ask(broken, "UPDATE item SET size = 78 WHERE id = 4 RETURNING 1")

    refused = check("--fix", f"--fix-plan-id={plan}", url=broken)

    assert refused.status == 4
    assert f"not {plan}: data or rules have changed since; nothing was written" in refused.said
    assert ask(broken, "SELECT max(size) FROM item") == [(78,)]
    plan = check("--fix-plan", url=broken).integrity["fix"]["plan"]
    assert check("--fix", f"--fix-plan-id={plan}", url=broken).status == 0


def test_what_is_only_noted_or_waived_is_not_mended(check: RunRules, broken: str, pytester: pytest.Pytester) -> None:
    pytester.makefile(
        ".toml",
        waivers=f"""
            [[waiver]]
            rule = "{pytester.path.name}/test_items.py::test_size"
            reason = "they are to be large"
            owner = "the keeper"
            expires = 2999-12-31
        """,
    )

    ran = check(SIZE, NOTE, "--fix", url=broken)

    assert ran.verdicts == {"test_size": "waived", "test_note": "noted"}
    assert ran.integrity["fix"]["changes"] == 0
    assert ask(broken, "SELECT max(size) FROM item") == [(77,)]


def test_a_fix_that_never_ends_is_refused_and_told(check: RunRules, broken: str) -> None:
    ran = check(STUBBORN, "--fix", url=broken)

    assert ran.status == 1
    assert "its fix does not mend 2 of the rows that it writes to: they still violate it" in told(ran, "by hand")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--fix", "--fix-plan"], "--fix-plan writes nothing and --fix does: give one of them"),
        (["--fix-plan-id=1"], "--fix-plan-id says which plan --fix may make: give --fix too"),
        (["--fix", "-n2"], "--fix and --fix-plan work in one process: leave out -n"),
        (["--undo=last"], "has no journal (schema tgintegrity): nothing was ever fixed here"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    check: RunRules, broken: str, words: list[str], sentence: str
) -> None:
    ran = check(SIZE, *words, url=broken, subprocess=True)

    assert ran.status == 4
    assert sentence in ran.said
    assert "Traceback" not in ran.said


def test_undo_takes_back_the_last_fix_and_runs_no_rule(check: RunRules, broken: str) -> None:
    before = contents(broken)
    run = check(SIZE, "--fix", url=broken).integrity["fix"]["applied"]["run"]

    ran = check("--undo=last", "--html-report=page.html", "--metrics=tg.prom", url=broken, subprocess=True)

    assert ran.status == 0, ran.said
    assert f"2 rows of run {run} taken back; no rule was run since" in (ran.path.parent / "page.html").read_text()
    ((name,),) = ask(broken, "SELECT current_database()")
    assert f'tgintegrity_run_complete{{database="{name}"}} 0' in (ran.path.parent / "tg.prom").read_text()
    assert f"of run {run}" in told(ran, "undo")
    assert "2 rows, journalled as run" in told(ran, "undone")
    assert "passed" not in ran.out
    assert json.loads(ran.text)["integrity"]["undo"]["rows"] == 2
    assert contents(broken) == before
    history = check("--fix-history", url=broken, subprocess=True)
    assert history.status == 0
    assert re.search(rf"^fix +{run}, .*: 2 rows in 1 table, undone by", history.out, re.MULTILINE)
    assert re.search(rf"^undo +\w+ of {run}", history.out, re.MULTILINE)


def test_an_undo_that_cannot_take_back_all_is_exit_1_and_says_why(check: RunRules, broken: str) -> None:
    check(SIZE, "--fix", url=broken)
    ask(broken, "UPDATE item SET size = 5 WHERE id = 3 RETURNING 1")

    ran = check("--undo=last", url=broken, subprocess=True)

    assert ran.status == 1
    assert "item id 3: size 20 → 77: it was changed since" in told(ran, "left")
    assert ask(broken, "SELECT id, size FROM item WHERE id IN (3, 4) ORDER BY id") == [(3, 5), (4, 77)]


def test_an_undo_stands_though_its_report_cannot_be_written(check: RunRules, broken: str) -> None:
    check(SIZE, "--fix", url=broken)

    ran = check("--undo=last", "--json-report-file=test_items.py/x.json", url=broken, subprocess=True)

    assert ran.status == 0
    assert "not written: test_items.py/x.json: " in told(ran, "report")
    assert ask(broken, "SELECT id, size FROM item WHERE id IN (3, 4) ORDER BY id") == [(3, 77), (4, 77)]


def test_killed_in_the_middle_it_leaves_whole_batches_and_the_next_run_finishes(
    make_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = make_database(
        """
        CREATE TABLE item (id int PRIMARY KEY, size int);
        INSERT INTO item SELECT i, 77 FROM generate_series(1, 7000) AS i;
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN IF NEW.id % 500 = 0 THEN PERFORM pg_sleep(0.15); END IF; RETURN NEW; END';
        CREATE TRIGGER slow BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION slow();
        """
    )
    (tmp_path / "test_items.py").write_text(HEAD + SIZE.replace('fix="clamp"', 'fix="clamp", fix_allows="triggers"'))
    command = [sys.executable, "-m", "pytest", "-q", *QUICKLY, "--fix", f"--db-url={url}"]

    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    wait_until(lambda: ask(url, "SELECT count(*) > 0 FROM item WHERE size = 20") == [(True,)])
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    def ended() -> bool:
        return ask(
            url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ) == [(0,)]

    wait_until(ended)
    ((fix_result, journalled),) = ask(
        url, "SELECT (SELECT count(*) FROM item WHERE size = 20), (SELECT count(*) FROM tgintegrity.journal)"
    )
    assert 0 < fix_result < 7000
    assert fix_result % 1000 == 0
    assert journalled == fix_result
    assert subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert ask(url, "SELECT count(*), count(DISTINCT run) FROM tgintegrity.journal") == [(7000, 2)]
