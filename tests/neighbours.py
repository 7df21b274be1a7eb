"""Beside the plugins that people have: pytest starts, our rules run, what others print and write is theirs.

It makes an environment of its own, so it is no part of `pytest tests`: `.ci/neighbours` runs it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import HEAD, HOLDS, VIOLATED
from pytest_tgintegrity.commandline.table import SHORT_NAMES

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = {
    "pytest-django": "django",
    "pytest-html-reporter": "pytest_html_reporter.plugin",
    "pytest-html": "html",
    "pytest-asyncio": "asyncio",
    "pytest-cov": "pytest_cov",
    "pytest-randomly": "randomly",
    "pytest-sugar": "sugar",
    "pytest-rerunfailures": "rerunfailures",
    "pytest-benchmark": "benchmark",
    "pytest-timeout": "timeout",
}
"""Each with the name of its entry point."""
UNREACHABLE = re.compile(
    "NewConnectionError|ConnectTimeout|ReadTimeout|name resolution|ProxyError|Network is unreachable"
)
FREE = """
@rule.check()
def test_free(db):
    \"\"\"There are twenty items.\"\"\"
    assert db.execute("SELECT count(*) FROM item").fetchone()[0] == 20
"""
THEIRS = """
import asyncio, pytest

def test_django(db):
    from django.contrib.auth.models import Group
    assert Group.objects.count() == 0

@pytest.mark.asyncio
async def test_async():
    await asyncio.sleep(0)

def test_benchmark(benchmark):
    assert benchmark(int) == 0
"""
SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""
CONFIGURED = (
    "[pytest]\nDJANGO_SETTINGS_MODULE = their_settings\npythonpath = .\nasyncio_default_fixture_loop_scope = function\n"
)
VERDICTS = {"test_holds": "passed", "test_violated": "failed", "test_free": "passed"}


@dataclass(frozen=True)
class Suite:
    """A folder of tests, and the programs to run them with."""

    programs: Path
    folder: Path
    url: str

    def pytest(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run pytest as a user would, with a JSON report."""
        words = ["--json-report", "--json-report-file=report.json", "-p", "no:cacheprovider", *args]
        return self.shell(f"{self.programs / 'pytest'} {' '.join(words)}")

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command here, without what the tests' own environment says."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON", "TG"))}
        path = f"{self.programs}{os.pathsep}{clean['PATH']}"
        return subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env={**clean, "PATH": path}, capture_output=True, text=True, check=False
        )  # fmt: skip

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each rule, by the test's name."""
        told = json.loads((self.folder / "report.json").read_text())["integrity"]["rules"]
        return {one["id"].partition("::")[2]: one["verdict"] for one in told}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with this package and all of the plugins."""
    folder = tmp_path_factory.mktemp("neighbours") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    wanted = ["-e", str(ROOT), "pytest-xdist", "django", *PLUGINS]
    done = subprocess.run(
        [folder / "bin" / "pip", "install", "--quiet", *wanted], capture_output=True, text=True, check=False
    )
    if done.returncode and UNREACHABLE.search(done.stderr):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return folder / "bin"


@pytest.fixture
def suite(programs: Path, tmp_path: Path, url: str) -> Suite:
    """Three rules, and tests that are others' business."""
    (tmp_path / "test_items.py").write_text(HEAD + HOLDS + VIOLATED + FREE)
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    (tmp_path / "their_settings.py").write_text(SETTINGS)
    (tmp_path / "pytest.ini").write_text(CONFIGURED)
    return Suite(programs, tmp_path, url)


def given(url: str) -> str:
    """The database, for a shell."""
    return f"'--integrity-db-url={url}'"


@pytest.mark.parametrize(
    "args",
    [
        "",
        "-n2",
        "--migrations",
        "--html-report=theirs.html",
        "--html=page.html --self-contained-html",
        "--asyncio-mode=auto",
        "--cov=. --cov-report=term",
        "--cov=. -n2",
        "-p no:randomly",
        "--force-sugar",
        "--force-sugar -n2",
        "--reruns=1",
        "--benchmark-disable",
        "--timeout=60",
    ],
)
def test_all_of_them_together(suite: Suite, args: str) -> None:
    """Each doing its work, and so are we, by the short name too."""
    ran = suite.pytest(f"'--db-url={suite.url}'", args)

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert suite.verdicts == VERDICTS
    assert "\nrules      2 passed, 1 failed" in ran.stdout, ran.stdout
    assert "5 of 20 rows violate [high]: Sizes are one to fifteen." in ran.stdout
    assert "INTERNALERROR" not in ran.stdout + ran.stderr
    assert re.search(r"(5 passed.*1 failed|1 failed.*5 passed|5 passed\n.*\n?.*1 failed)", ran.stdout, re.DOTALL)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_each_alone(suite: Suite, plugin: str) -> None:
    """Loaded before us."""
    (suite.folder / "test_theirs.py").unlink()
    (suite.folder / "pytest.ini").write_text("[pytest]\n")
    ours = "-p pytest_tgintegrity.plugin -p pytest_jsonreport.plugin -p pytest_metadata.plugin"
    ran = suite.pytest("--disable-plugin-autoload", f"-p {PLUGINS[plugin]}", ours, given(suite.url), "--samples=2")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert suite.verdicts == VERDICTS


def test_what_django_and_html_reporter_own_is_theirs(suite: Suite) -> None:
    """Help says so, errors too."""
    told = " ".join(suite.pytest("--help").stdout.split())
    advice = suite.pytest(
        given(suite.url), "--gate=staging", "--integrity-html-report=ours.html", "--html-report=t.html"
    )

    assert "Not here: --migrations is somebody else's." in told
    assert "Not here: --html-report is somebody else's." in told
    assert "Also --db-url." in told
    assert "give --integrity-migrations" in advice.stdout
    assert "Sizes are one to fifteen." in (suite.folder / "ours.html").read_text()
    assert "pytest-html-reporter" in (suite.folder / "t.html").read_text().lower().replace(" ", "-")


def test_the_command_that_applies_a_plan_works_as_it_is_printed(
    suite: Suite, make_database: Callable[[str], str]
) -> None:
    """Django's `--migrations` stays in it."""
    url = make_database(
        "CREATE TABLE item (id int PRIMARY KEY, size int, name text); INSERT INTO item VALUES (1, 99, 'n')"
    )
    clamped = VIOLATED.replace('severity="high"', 'severity="high", fix="clamp"')
    (suite.folder / "test_items.py").write_text(HEAD + clamped)
    planned = suite.pytest(given(url), "--migrations", "--fix-plan", "test_items.py")
    (command,) = re.findall(r"^apply +(.*)$", planned.stdout, re.MULTILINE)
    applied = suite.shell(command)

    assert " --migrations " in command
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "1 row, journalled" in applied.stdout


@pytest.mark.parametrize("args", ["", "-n2"])
def test_a_conftest_that_takes_all_short_names(suite: Suite, args: str) -> None:
    """Among them those that other plugins had: it has to leave them out, we do not mind."""
    mine = sorted(SHORT_NAMES - {"--migrations", "--html-report"})
    adding = "".join(
        f"    parser.addoption({one!r}, action='store_true', dest='their{n}')\n" for n, one in enumerate(mine)
    )
    (suite.folder / "conftest.py").write_text(f"def pytest_addoption(parser):\n{adding}")
    no_url = suite.pytest()
    ran = suite.pytest(given(suite.url), "--integrity-samples=1", " ".join(mine), args)

    assert "give --integrity-db-url=postgresql://" in no_url.stderr
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert suite.verdicts == VERDICTS
