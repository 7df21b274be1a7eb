"""The recipes of docs/monitoring.md can be read by the programs they are for, and name what exists."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import HOLDS, RunRules
from pytest_tgintegrity.commandline import parsing

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
FOREIGN = {"junitxml", "json-report", "json-report-file"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def commands() -> list[str]:
    return re.findall(r"pytest integrity_tests[^\n]*", TEXT)


def test_commands_name_options_that_exist() -> None:
    known = {flag.removeprefix("--") for flag, _, _ in parsing.documented()} | FOREIGN

    assert len(commands()) == 6
    assert {flag for one in commands() for flag in re.findall(r"--([a-z-]+)", one)} <= known


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_can_be_read(text: str) -> None:
    assert isinstance(yaml.safe_load(text), dict)


def test_workflow_runs_the_rules_on_a_schedule() -> None:
    workflow, gitlab, _ = (yaml.safe_load(one) for one in blocks("yaml"))
    steps: list[dict[str, Any]] = workflow["jobs"]["integrity"]["steps"]

    assert workflow[True]["schedule"]
    assert any("pytest integrity_tests" in one.get("run", "") for one in steps)
    assert any("pytest integrity_tests" in one for one in gitlab["integrity"]["script"])


def test_panel_is_json() -> None:
    (panel,) = (json.loads(one) for one in blocks("json"))

    assert panel["type"] == "timeseries"


def test_units_can_be_read() -> None:
    service, timer = blocks("ini")
    for text, section in ((service, "Service"), (timer, "Timer")):
        read = configparser.ConfigParser(interpolation=None)
        read.read_string(text)
        assert section in read


def test_crontab_escapes_percent_signs() -> None:
    (crontab,) = blocks("cron")
    jobs = [line for line in crontab.splitlines() if "pytest" in line]

    assert all(re.match(r"(\S+ ){4}\S+  cd ", line) for line in jobs)
    assert not [line for line in jobs if re.search(r"(?<!\\)%", line)]


def test_ping_passes_the_exit_status_on(tmp_path: Path) -> None:
    (script,) = blocks("sh")
    for name, body in (("pytest", "exit 7"), ("curl", f'echo "$@" > {tmp_path}/told; exit 6')):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    done = subprocess.run(
        ["/bin/sh", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PING_URL": "http://ping"}, check=False
    )

    assert done.returncode == 7
    assert (tmp_path / "told").read_text().split()[-1] == "http://ping/7"


def test_every_metric_is_explained(check: RunRules, pytester: pytest.Pytester) -> None:
    check(HOLDS, "--metrics=tg.prom", "--gate=staging")
    names = set(re.findall(r"^# TYPE (\w+)", (pytester.path / "tg.prom").read_text(), flags=re.MULTILINE))

    assert "tgintegrity_gate_open" in names
    assert names == set(re.findall(r"`(tgintegrity_\w+)", TEXT))
