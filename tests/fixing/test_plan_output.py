"""What is said of a plan: every change or how many more and where, how to make them, and nothing that steers a terminal."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import everything
from harness import RunRules
from pytest_tgintegrity.fixing.changes import Change
from pytest_tgintegrity.fixing.commands import Command
from pytest_tgintegrity.fixing.results import Applied, FixResult, NeedsPerson, PastRun, Skipped, Undone
from pytest_tgintegrity.reports.html import page as html
from pytest_tgintegrity.reports.terminal.fixes import change_text, fix_lines, journal_lines, noted_text, undone_lines

FILE = Path("/folder/fix-plan-0123.jsonl")
HOSTILE = "\x1b[31mred\x07\u202eevil\nnext\r\udce9<script>&\x9b1m\u2028end"
RUNS = """
@rule.between("item", "size", 0, 20, severity="high", fix="clamp", enforced_by="size_range")
def test_size(violations):
    \"\"\"Sizes are at most twenty.\"\"\"
    assert not violations
"""
DECLARED = """
@declared("check", severity="high", fix_hint="a person decides")
def test_check(violations, constraint):
    \"\"\"Declared checks hold.\"\"\"
    assert not violations
"""
SCRIPT = """
CREATE TABLE item (id int PRIMARY KEY, size int, name text);
INSERT INTO item SELECT i, i + 100, 'n' || i FROM generate_series(1, 60) AS i;
ALTER TABLE item ADD CONSTRAINT size_range CHECK (size BETWEEN 0 AND 20) NOT VALID;
"""


@pytest.fixture
def broken(make_database: Callable[[str], str]) -> str:
    """The URL of a database with sixty bad rows."""
    return make_database(SCRIPT)


def change(key: int, *rules: str, before: str | None = "1", after: str | None = "2") -> Change:
    return Change("public.item", "update", {"id": str(key)}, {"size": before}, {"size": after}, rules)


def planned(changes: Sequence[Change], shown: int) -> FixResult:
    counts = Counter((rule, one.table) for one in changes for rule in one.rules)
    return FixResult({}, "0123", len(changes), FILE, list(changes[:shown]), counts)


def text(fix_result: FixResult, command: Command | None = None) -> list[str]:
    return [str(line).strip() for line in fix_lines(fix_result, command)]


def test_all_changes_are_shown_where_there_are_few() -> None:
    assert text(planned([change(n, "a") for n in range(2)], 50)) == [
        "fix plan   0123: 2 changes in 1 table, all in /folder/fix-plan-0123.jsonl",
        "a: 2 rows",
        "item id 0: size 1 → 2",
        "item id 1: size 1 → 2",
    ]


def test_of_others_it_is_said_how_many_and_where() -> None:
    lines = text(planned([*(change(n, "a") for n in range(40)), *(change(n, "b") for n in range(1200))], 3))

    assert lines[1:] == [
        *["b: 1 200 rows", "… all 1 200 in fix-plan-0123.jsonl"],
        *["a: 40 rows", *(f"item id {n}: size 1 → 2" for n in range(3)), "… and 37 more in fix-plan-0123.jsonl"],
    ]


def test_a_change_of_two_rules_is_shown_under_both() -> None:
    lines = text(planned([change(1, "a", "b"), change(2, "b")], 50))

    assert lines[1:] == [
        *["b: 2 rows", "item id 1: size 1 → 2", "item id 2: size 1 → 2"],
        *["a: 1 row", "item id 1: size 1 → 2"],
    ]


def test_rules_beyond_the_first_dozen_are_counted() -> None:
    changes = [change(n, f"r{rule:02}") for rule in range(17) for n in range(60 if rule < 12 else 50 - rule)]

    lines = text(planned(changes, 0))

    assert lines[-1] == "5 more rules, 180 changes: all in fix-plan-0123.jsonl"
    assert len([one for one in lines if one.endswith(": 60 rows")]) == 12
    assert text(planned([change(1, f"r{rule:02}") for rule in range(13)], 0))[-1] == (
        "1 more rule, 1 change: all in fix-plan-0123.jsonl"
    )


@given(st.lists(st.sets(st.integers(0, 15), min_size=1, max_size=3), max_size=40), st.integers(0, 40))
def test_no_change_is_left_out_in_silence(rules: list[set[int]], shown: int) -> None:
    changes = [change(n, *(f"r{one}" for one in sorted(of))) for n, of in enumerate(rules)]
    lines = text(planned(changes, shown))

    told = sum(line.startswith("item id ") for line in lines)
    told += sum(int(found[1]) for line in lines if (found := re.match(r"… (?:and|all) (\d+)", line)))
    told += sum(int(found[1]) for line in lines if (found := re.search(r"more rules?, (\d+) change", line)))
    assert told == sum(len(one.rules) for one in changes)


def test_what_is_only_noted_is_never_called_nothing_to_mend() -> None:
    severities = {"a": "info", "b": "low"}
    nothing = FixResult({})
    noted = FixResult({}, noted_fixes=["a"])

    assert [str(one) for one in fix_lines(nothing)] == [
        "fix plan   nothing to mend: no violated rule has a safe fix that would change a row"
    ]
    assert [str(one).strip() for one in fix_lines(noted, None, severities)] == [
        *["fix plan   nothing planned", "1 noted rule has a safe fix: choose it with --fail-on info", "a"]
    ]
    both = planned([change(1, "x")], 5)
    both.noted_fixes = ["a", "b"]
    assert [str(one).strip() for one in fix_lines(both, None, severities)][-3:] == [
        *["2 noted rules have a safe fix: choose them with --fail-on info", "a", "b"]
    ]
    assert noted_text(["b"], severities).endswith("--fail-on low")
    assert noted_text(["unheard of"], severities).endswith("--fail-on info")
    many = FixResult({}, noted_fixes=[str(n) for n in range(15)])
    assert text(many)[-1] == "… and 3 more, all in the JSON report (--json-report)"


def test_the_command_stands_after_the_plan() -> None:
    fix_result = planned([change(1, "a")], 5)
    fix_result.needs_person = [NeedsPerson("b", 1, "ask")]

    lines = text(fix_result, Command("pytest --fix --fix-plan-id 0123", ("--db-url",)))

    assert lines[-3:] == [
        "apply      pytest --fix --fix-plan-id 0123",
        "with --db-url (or TGINTEGRITY_DB_URL) as before, not shown: it holds a secret",
        "by hand    b: 1 violation: ask",
    ]


def test_long_values_are_cut_where_they_begin_to_differ() -> None:
    before, after = "a" * 100 + "b" * 60, "a" * 100 + "c" * 60

    assert change_text(change(1, "r", before=before, after=after)) == (
        f"item id 1: size …{'a' * 10}{'b' * 28}… → …{'a' * 10}{'c' * 28}…"
    )
    assert change_text(change(1, "r", before=before, after=None)) == f"item id 1: size {'a' * 39}… → NULL"
    assert change_text(change(1, "r", before=before, after="a" * 100)).endswith(f"{'b' * 28}… → …{'a' * 10}")
    assert change_text(change(1, "r", before=None, after="")) == "item id 1: size NULL → "


def test_names_are_never_cut() -> None:
    long = "x" * 63
    told = change_text(Change(f"{long}.{long}", "update", {long: "1"}, {long: "1"}, {long: "2"}, ("r",)))

    assert told == f"{long}.{long} {long} 1: {long} 1 → 2"


def hostile() -> FixResult:
    row = {HOSTILE: HOSTILE}
    changes = [
        Change(HOSTILE, "update", row, row, {HOSTILE: f"{HOSTILE}!"}, (HOSTILE,)),
        Change(HOSTILE, "delete", row, row, {}, (HOSTILE,)),
        Change(HOSTILE, "insert", {}, {}, row, (HOSTILE,)),
    ]
    fix_result = planned(changes, 2)
    fix_result.file = Path(f"/{HOSTILE}/{HOSTILE}.jsonl")
    fix_result.needs_person = [NeedsPerson(HOSTILE, 1, HOSTILE)]
    fix_result.noted_fixes = [HOSTILE]
    fix_result.unforeseen = [HOSTILE]
    fix_result.unseen = HOSTILE
    fix_result.applied = Applied("run", skipped=[Skipped(one, HOSTILE) for one in changes], stopped=HOSTILE)
    return fix_result


def harmless(texts: Iterable[str]) -> bool:
    return all(one.isprintable() for one in texts)  # neither is a lone surrogate


def test_nothing_that_is_printed_of_data_steers_a_terminal() -> None:
    lines = [str(line) for line in fix_lines(hostile(), Command("pytest"), {HOSTILE: HOSTILE})]

    assert harmless(lines)
    assert sum("\\x1b[31mred" in one for one in lines) >= 8


def test_nor_the_page_nor_the_json_report() -> None:
    fix = {**hostile().to_json(), "apply": {"command": HOSTILE, "hint": HOSTILE}}
    document = json.loads(json.dumps({**everything("word"), "fix": fix}))

    page = html.render(document)

    assert document["fix"]["first_changes"] == [one.to_json() for one in hostile().shown]
    assert harmless(page.split("\n"))
    assert "<script>" not in page


def test_the_page_says_how_many_more_and_how_to_make_them() -> None:
    fix_result = planned([change(n, "a.py::test_a") for n in range(60)], 50)
    fix = {**fix_result.to_json(), "apply": Command("pytest --fix", ("--db-url",)).to_json()}

    page = html.render({**everything("word"), "fix": fix})

    assert f"The first 50 changes; 10 more in {FILE}" in page
    assert "<code>pytest --fix</code> (with --db-url (or" in page
    fewer = {**planned([change(1, "a")], 50).to_json(), "apply": None}
    assert "All changes" in html.render({**everything("word"), "fix": fewer})


def test_the_page_names_what_is_only_noted() -> None:
    noted = {**FixResult({}, noted_fixes=["a.py::test_a"]).to_json(), "apply": None}

    page = html.render({**everything("word"), "fix": noted})

    assert "Nothing to mend" not in page
    assert "1 noted rule has a safe fix: choose it with --fail-on info." in page
    assert "Nothing to mend: no violated rule" in html.render(
        {**everything("word"), "fix": {**noted, "noted_fixes": []}}
    )


def test_a_plan_that_failed_is_not_called_nothing_to_mend() -> None:
    failed = FixResult({}, failed="no plan was made, nothing was written: cut off")

    assert text(failed) == ["fix plan   no plan was made, nothing was written: cut off"]
    page = html.render({**everything("word"), "fix": failed.to_json()})
    assert '<p class="bad">no plan was made, nothing was written: cut off</p>' in page
    assert "Nothing to mend" not in page


def test_what_cannot_be_foreseen_is_named() -> None:
    fix_result = planned([change(1, "a")], 5)
    fix_result.unforeseen = [f"u.py::test_{n}" for n in range(13)]

    lines = text(fix_result)

    assert lines[3:5] == [
        "what becomes of 13 rules cannot be foreseen, only the look after the fix tells:",
        "u.py::test_0",
    ]
    assert lines[-1] == "… and 1 more, all in the JSON report (--json-report)"
    page = html.render({**everything("word"), "fix": fix_result.to_json()})
    assert "u.py::test_12" in page.partition("What becomes of these rules only the look after the fix tells:")[2]


def test_what_was_made_is_told_to_the_end() -> None:
    fix_result = planned([change(1, "a")], 5)
    fix_result.applied = Applied("cafe", 1, 3)
    fix_result.unseen = "nobody looked again: cut off"

    assert text(fix_result)[-3:] == [
        "fixed      1 row, journalled as run cafe (take back: --undo cafe)",
        "3 more rows changed with them, journalled too",
        "not seen   nobody looked again: cut off",
    ]
    page = html.render({**everything("word"), "fix": fix_result.to_json()})
    assert "1 row changed and 3 more rows with them, journalled as run cafe" in page
    assert "nobody looked again: cut off" in page


def test_an_undo_that_restores_nothing_says_so_and_names_the_run_before() -> None:
    left = Applied(skipped=[Skipped(change(1, "a"), "it was changed since")])

    assert [str(one) for one in undone_lines(Undone("cafe", left, "beef"))] == [
        "undo       of run cafe",
        "undone     nothing",
        "left       item id 1: size 1 → 2: it was changed since",
        "older      the run before it is beef (take back: --undo beef)",
    ]
    assert "beef" not in "".join(map(str, undone_lines(Undone("cafe", Applied("d0d0", 1), "beef"))))


def test_the_history_tells_what_is_partly_undone() -> None:
    past = PastRun("cafe", "fix", None, "me", datetime(2030, 1, 1, tzinfo=UTC), None, 5, 1, "beef", 2)

    (line,) = journal_lines([past])

    assert str(line) == (
        "fix        cafe, 2030-01-01 00:00 by me: 5 rows in 1 table, partly (2 rows left) undone by beef, not finished"
    )
    (line,) = journal_lines([replace(past, standing=0)])
    assert "1 table, undone by beef" in str(line)


def test_null_is_told_on_the_page() -> None:
    fix_result = planned([change(1, "a", before=None), change(2, "a", after=None)], 5)
    page = html.render({**everything("word"), "fix": fix_result.to_json()})

    assert "size NULL → 2" in page
    assert "size 1 → NULL" in page


def told(out: str, word: str) -> str:
    """The lines of the summary on one subject."""
    found = re.search(rf"^{word} .*(?:\n {{11}}.*)*", out, re.MULTILINE)
    assert found, out
    return found[0]


def test_the_command_that_is_printed_makes_the_plan(check: RunRules, broken: str, pytester: pytest.Pytester) -> None:
    ran = check(RUNS, "--fix-plan", "-k", "size or name", "--samples=2", url=broken)

    assert "… and 40 more in fix-plan-" in told(ran.out, "fix plan")
    line = told(ran.out, "apply").removeprefix("apply").strip()
    assert line == ran.integrity["fix"]["apply"]["command"]
    assert f"--fix --fix-plan-id {ran.integrity['fix']['plan']} -k 'size or name'" in line
    assert pytester.runpytest_inprocess(*shlex.split(line.removeprefix("python -m "))[1:]).ret == 0
    with psycopg.connect(broken) as connection:
        assert connection.execute("SELECT max(size) FROM item").fetchall() == [(20,)]


def test_a_password_is_in_no_command(check: RunRules, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = broken.replace("@", ":hunter2@", 1) if "@" in broken else f"{broken}&password=hunter2"
    for words in ([f"--db-url={secret}"], ["--db-url", secret]):
        ran = check(RUNS, *words, "--fix-plan", url=None)

        assert ran.integrity["fix"]["changes"] == 60
        assert "hunter2" not in ran.said + ran.text
        assert "db-url" not in ran.integrity["fix"]["apply"]["command"]
        assert "with --db-url (or TGINTEGRITY_DB_URL) as before, not shown: it holds a secret" in told(ran.out, "apply")
    monkeypatch.setenv("TGINTEGRITY_DB_URL", secret)
    ran = check("--fix-plan", "-q", url=None)
    assert re.search(r"^apply +(python -m )?pytest .*--fix --fix-plan-id \w+ -q$", ran.out, re.MULTILINE)
    assert ran.integrity["fix"]["apply"]["hint"] is None


def test_nothing_to_make_has_no_command(check: RunRules, broken: str) -> None:
    for words in (["--fix"], ["--fix-plan"]):
        ran = check(RUNS, *words, url=broken)
        assert ran.integrity["fix"]["apply"] is None
        assert not re.search(r"^apply ", ran.out, re.MULTILINE)


def test_a_noted_rule_with_a_fix_is_chosen_as_it_says(check: RunRules, broken: str, pytester: pytest.Pytester) -> None:
    noted = RUNS.replace('"high"', '"info"')
    ran = check(noted, "--fix-plan", url=broken)

    assert ran.verdicts == {"test_size": "noted"}
    assert "nothing to mend" not in ran.out
    said = re.search(r"1 noted rule has a safe fix: choose it with (--fail-on \w+)", told(ran.out, "fix plan"))
    assert said, ran.out
    assert check("--fix-plan", *said[1].split(), url=broken).integrity["fix"]["changes"] == 60
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
    waived = check("--fix-plan", url=broken)
    assert waived.integrity["fix"]["noted_fixes"] == []
    assert "noted rule" not in waived.out


def test_the_rule_that_mends_a_declared_constraint_is_named(check: RunRules, broken: str) -> None:
    ran = check(RUNS, DECLARED, url=broken)

    words = "test_items.py::test_size is about the same constraint and has a safe fix"
    (declared,) = [one for one in ran.integrity["rules"] if "test_check" in one["id"]]
    assert declared["mend"].endswith(words)
    assert re.search(rf"^ *mend: +\S*{re.escape(words)}$", ran.out, re.MULTILINE)
    alone = check("-k", "test_check", url=broken)
    assert [one["mend"] for one in alone.integrity["rules"]] == ["a person decides"]
