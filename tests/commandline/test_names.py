"""Options have two names: ours always works, the short one where no other plugin or conftest has taken it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import HOLDS, QUICKLY, VIOLATED, Ran, RunRules, rules
from pytest_tgintegrity.commandline.spelling import Spelling
from pytest_tgintegrity.commandline.table import OPTIONS, SHORT_NAMES, own_name
from pytest_tgintegrity.fixing.commands import apply_command, withheld

OTHERS = """
def pytest_addoption(parser):
    parser.addoption("--migrations", action="store_true", help="theirs")
    parser.addoption("--html-report", dest="their_page", default="none")
    parser.addoption("--db-url", dest="their_url", default="none")
    parser.addoption("--gate", type=int, default=0)

def pytest_report_header(config):
    known = config.option
    return f"theirs: {known.migrations} {known.their_page} {known.their_url} {known.gate}"
"""
BROKEN = "raise RuntimeError('this conftest is none of the tests')\n"
MIGRATION = "class Migration:\n    dependencies = []\n    operations = []\n"


@pytest.fixture
def elsewhere(pytester: pytest.Pytester) -> Path:
    """A folder of migrations, with a conftest that must not be imported."""
    folder = pytester.mkdir("elsewhere")
    (folder / "conftest.py").write_text(BROKEN)
    (folder / "items" / "migrations").mkdir(parents=True)
    (folder / "items" / "migrations" / "__init__.py").write_text("")
    (folder / "items" / "migrations" / "0001_initial.py").write_text(MIGRATION)
    return folder


def alone(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run pytest in a process of its own, with nothing added."""
    return pytester.runpytest_subprocess(*args, *QUICKLY)


def test_own_names_are_all_that_is_declared() -> None:
    assert {one.own for one in OPTIONS} >= {"--integrity-db-url", "--integrity-migrations", "--integrity-coverage"}
    assert all(one.own.startswith("--integrity-") and one.own.count("integrity") == 1 for one in OPTIONS)
    assert {one.short for one in OPTIONS} - SHORT_NAMES == {"--integrity-coverage", "--integrity-demo"}


@pytest.mark.parametrize(
    "args", [["--integrity-db-url={}"], ["--integrity-db-url", "{}"], ["--db-url={}"], ["--db-url", "{}"]]
)
def test_both_names_work(pytester: pytest.Pytester, url: str, args: list[str]) -> None:
    """With and without ``=``."""
    rules(pytester, HOLDS)
    ran = alone(pytester, *(one.format(url) for one in args), "--integrity-fail-on=high", "--samples", "2")

    ran.stdout.fnmatch_lines(["rules      1 passed*"])
    assert ran.ret == 0


@pytest.mark.parametrize("how", ["arguments", "ini", "PYTEST_ADDOPTS", "file", "xdist"])
def test_a_value_is_no_test_path(
    pytester: pytest.Pytester, url: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Wherever the short name stands; testpaths count, since no path was given."""
    words = ["--migrations", elsewhere.name, "--gate", "staging", "--db-url", url]
    (pytester.mkdir("suite") / "test_items.py").write_text(rules(pytester, HOLDS).read_text())
    (pytester.path / "suite" / "conftest.py").write_text("def pytest_report_header():\n    return 'ours is loaded'\n")
    (pytester.path / "test_items.py").unlink()
    given = {"arguments": words, "xdist": [*words, "-n2"], "file": ["@words.txt"]}.get(how, [])
    (pytester.path / "words.txt").write_text("\n".join(words))
    pytester.makeini("[pytest]\ntestpaths = suite\n" + (f"addopts = {' '.join(words)}\n" if how == "ini" else ""))
    if how == "PYTEST_ADDOPTS":
        monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(words))
    ran = alone(pytester, *given)

    assert "this conftest" not in ran.stdout.str() + ran.stderr.str()
    ran.stdout.fnmatch_lines(["ours is loaded", "rules      1 passed*", "*migrations*django_migrations*"])
    assert ran.ret == 7


@pytest.fixture
def others(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Somebody who takes short names, and is loaded before us, after us, or with the tests."""
    where = str(request.param)
    if where == "conftest":
        pytester.makeconftest(OTHERS)
        return where
    (pytester.path / "others.py").write_text(OTHERS)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(pytester.path), os.environ.get("PYTHONPATH", "")]))
    if where == "PYTEST_PLUGINS":
        monkeypatch.setenv("PYTEST_PLUGINS", "others")
    return where


@pytest.mark.parametrize(
    ("others", "how"),
    [("conftest", []), ("conftest", ["-n2"]), ("-p", []), ("PYTEST_PLUGINS", [])],
    indirect=["others"],
)
def test_names_that_others_took_are_theirs(pytester: pytest.Pytester, url: str, others: str, how: list[str]) -> None:
    """And ours still work; what is theirs reaches them unchanged, in workers too."""
    rules(pytester, VIOLATED)
    page = pytester.path / "theirs.html"
    page.write_text("theirs")
    words = ["-p", "others", *how] if others == "-p" else how
    theirs = ["--migrations", "--html-report", page.name, "--db-url=secret-of-theirs", "--gate=7"]
    ran = alone(pytester, *words, *theirs, f"--integrity-db-url={url}", "--metrics=m.prom")

    ran.stdout.fnmatch_lines(["theirs: True theirs.html secret-of-theirs 7", "rules      1 failed*"])
    assert ran.ret == 1
    assert page.read_text() == "theirs"
    assert "tgintegrity_score{" in (pytester.path / "m.prom").read_text()


@pytest.mark.parametrize("others", ["conftest", "-p"], indirect=True)
def test_errors_and_help_say_what_works_here(pytester: pytest.Pytester, others: str) -> None:
    """A short name only where it is ours."""
    rules(pytester, VIOLATED)
    words = ["-p", "others"] if others == "-p" else []
    told = " ".join(alone(pytester, *words, "--help").stdout.str().split())
    no_url, no_gate = alone(pytester, *words), alone(pytester, *words, "--integrity-migrations=.")
    bad = alone(pytester, *words, "--samples=many", "--integrity-gate=heaven")

    assert "demo or demo:damaged (default: the environment variable TGINTEGRITY_DB_URL). Not here: --db-url is" in told
    assert "For --integrity-gate: when a backup was last verified" in told
    assert "Also --samples." in told
    assert "give --integrity-db-url=postgresql://USER@HOST" in no_url.stderr.str()
    assert "--integrity-migrations alone asks nothing" in no_gate.stderr.str()
    assert "add --integrity-gate NAME" in no_gate.stderr.str()
    assert "--samples is 'many'" in bad.stderr.str()
    assert [one.ret for one in (no_url, no_gate, bad)] == [4, 4, 4]


def test_help_is_there_when_a_conftest_is_broken(pytester: pytest.Pytester) -> None:
    """Whatever stands beside it."""
    pytester.makeconftest(BROKEN)
    ran = alone(pytester, "--db-url", "demo", "--help")

    assert ran.ret == 0
    assert "--integrity-db-url=URL" in ran.stdout.str()


def test_a_summary_names_what_works_here(check: RunRules, pytester: pytest.Pytester, url: str) -> None:
    """Also where it advises; in a report of a refused run too."""
    pytester.makeconftest(OTHERS)
    ran = check(VIOLATED, f"--integrity-db-url={url}", "--integrity-gate=staging", url=None, subprocess=True)
    refused = check(f"--integrity-db-url={url}", "--integrity-gate=heaven", url=None, subprocess=True)

    assert "nobody knows what is pending: give --integrity-migrations (" in ran.out
    assert "no history: give --redis-url (" in ran.out
    assert refused.integrity["run"]["error"].startswith("--integrity-gate is 'heaven'")


def test_others_may_take_all_short_names(check: RunRules, pytester: pytest.Pytester, url: str) -> None:
    """What is called --integrity-… already has no other name."""
    adding = [f"    parser.addoption({one!r}, dest='their{n}')\n" for n, one in enumerate(sorted(SHORT_NAMES))]
    pytester.makeconftest(f"def pytest_addoption(parser):\n{''.join(adding)}")
    ran = check(VIOLATED, f"--integrity-db-url={url}", "--integrity-no-samples", "--fix=x", url=None, subprocess=True)

    assert (ran.status, ran.verdicts) == (1, {"test_violated": "failed"})
    assert ran.integrity["rules"][0]["samples"] == []


def test_a_required_option_of_others_is_no_obstacle(check: RunRules, pytester: pytest.Pytester) -> None:
    """They may demand theirs."""
    pytester.makeconftest("def pytest_addoption(parser):\n    parser.addoption('--stage', required=True)\n")
    ran = check(HOLDS, "--stage=x", subprocess=True)

    assert (ran.status, ran.verdicts) == (0, {"test_holds": "passed"})


def test_secrets_leave_the_arguments_by_either_name(check: RunRules, pytester: pytest.Pytester, url: str) -> None:
    """Each time that they are given; other words are left alone."""
    pytester.makeconftest(
        "import json\ndef pytest_configure(config):\n    words = list(config.invocation_params.args)\n"
        "    name = getattr(config, 'workerinput', {}).get('workerid', 'main')\n"
        "    (config.rootpath / f'{name}.txt').write_text(json.dumps(words))\n"
    )
    twice = ["--db-url=postgresql://me:hunter2@h/tg", "--integrity-db-url", url, "-k", "holds or demo"]
    ran: Ran = check(HOLDS, *twice, "-n1", "--integrity-redis-url=", url=None, subprocess=True)

    for name in ("main", "gw0"):
        text = (pytester.path / f"{name}.txt").read_text()
        assert "hunter2" not in text
        assert url not in text
        assert '"--db-url=***", "--integrity-db-url", "***", "-k", "holds or demo"' in text
    assert ran.status == 0, ran.said


TAKEN = Spelling(frozenset({"--fix", "--db-url", "--alert"}))


def test_spelling() -> None:
    words = ["--fix", "--fix-plan", "--samples=3", "--", "--samples"]

    assert TAKEN.own(words) == ["--fix", "--integrity-fix-plan", "--integrity-samples=3", "--", "--samples"]
    assert TAKEN.respelled("--fix and --fix-plan (--db-url=…), not --no-fix") == (
        "--integrity-fix and --fix-plan (--integrity-db-url=…), not --no-fix"
    )
    assert [TAKEN.meant(one) for one in ("--fix", "--integrity-fix", "--samples", "--integrity-coverage", "-x")] == [
        *(None, "--fix", "--samples", None, None)
    ]
    assert {own_name(own_name(one)) for one in SHORT_NAMES} == {own_name(one) for one in SHORT_NAMES}


def test_the_command_that_applies_a_plan_has_names_that_work() -> None:
    """Those of others are kept as they are, and what is theirs is theirs."""
    args = ["--integrity-fix-plan", "--alert", "folder", "--integrity-db-url=postgresql://me:hunter2@h/tg", "-q"]

    assert apply_command(args, "1", names=TAKEN) == "pytest --integrity-fix --fix-plan-id 1 --alert folder -q"
    assert withheld(args, TAKEN) == ("--db-url",)
    assert apply_command(["--integrity-fix-plan", "-q"], "1") == "pytest --fix --fix-plan-id 1 -q"
    assert apply_command(["--integrity-redis-url=redis://:x@h", "--fix-plan"], "1") == "pytest --fix --fix-plan-id 1"
