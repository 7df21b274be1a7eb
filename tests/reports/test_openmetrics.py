"""The file of metrics, as a real parser reads it."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as older_format

from harness import HOLDS, UNKNOWN, VIOLATED, RunRules
from pytest_tgintegrity.reports.document import refusal
from pytest_tgintegrity.reports.openmetrics import render

SUCCESS = "tgintegrity_last_success_timestamp_seconds"


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples of each family."""
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call] # it has no types
    found = {one.name: [(each.labels, each.value) for each in one.samples] for one in families}
    assert {one.name for one in older_format(text)} >= {name for name, some in found.items() if some}
    return found


def test_what_a_run_found(check: RunRules, pytester: pytest.Pytester) -> None:
    ran = check(VIOLATED, HOLDS, UNKNOWN, "--metrics=out/tg.prom")
    path = pytester.path / "out" / "tg.prom"
    found = samples(path.read_text())
    here = {"database": ran.integrity["database"]["name"]}

    assert "metrics    " in ran.out
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]
    assert found["tgintegrity_score"] == [(here, 80)]
    assert found["tgintegrity_score_minimum"] == [(here, 90)]
    assert [labels["status"] for labels, value in found["tgintegrity_status"] if value] == ["degraded"]
    assert found["tgintegrity_run_complete"] == [(here, 1)]
    assert found[SUCCESS] == []
    assert abs(found["tgintegrity_last_run_timestamp_seconds"][0][1] - time.time()) < 60
    told = [(labels["severity"], labels["verdict"], value) for labels, value in found["tgintegrity_rule_violations"]]
    assert sorted(told) == [("high", "failed", 5), ("high", "passed", 0), ("low", "unknown", 0)]
    assert found["tgintegrity_examined_rows"] == [({**here, "source": "item"}, 20)]
    assert found["tgintegrity_run_seconds"][0][1] > 0


def test_last_success_outlives_failures_and_refusals(check: RunRules, pytester: pytest.Pytester) -> None:
    path = pytester.path / "tg.prom"
    check(HOLDS, "--metrics=tg.prom")
    ((labels, when),) = samples(path.read_text())[SUCCESS]

    for words in ([VIOLATED, "--metrics=tg.prom"], ["--metrics=tg.prom", "--samples=x"], ["--metrics=tg.prom"]):
        check(*words)
        assert samples(path.read_text())[SUCCESS] == [(labels, when)], words
    assert samples(path.read_text())["tgintegrity_score"][0][1] == 85


def test_databases_that_are_down_have_names(check: RunRules, pytester: pytest.Pytester) -> None:
    """Files of one label each: node_exporter drops those that collide."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for name in ("here", "there"):
        check(HOLDS, f"--metrics={name}.prom", url=f"postgresql://me:hunter2@127.0.0.1:{port}/{name}")
        text = (pytester.path / f"{name}.prom").read_text()
        found = samples(text)

        assert found["tgintegrity_run_complete"] == [({"database": name}, 0)]
        assert {labels["database"] for some in found.values() for labels, _ in some} == {name}
        assert "hunter2" not in text


def test_a_database_that_is_down_is_called_as_before() -> None:
    """Where the address does not name it."""
    up = render({**refusal("gone"), "database": {"name": 'so "called"'}})

    assert samples(render(refusal("gone"), up))["tgintegrity_run_complete"] == [({"database": 'so "called"'}, 0)]
    assert samples(render(refusal("gone"), up, "other"))["tgintegrity_run_complete"] == [({"database": "other"}, 0)]


def test_success_of_another_database_is_not_taken_over() -> None:
    document: dict[str, Any] = {**refusal("gone"), "database": {"name": "here"}}
    other = f'{SUCCESS}{{database="there"}} 12\n'
    mine = f'{SUCCESS}{{database="here"}} 12.5\n'

    assert samples(render(document, other))[SUCCESS] == []
    assert samples(render(document, mine))[SUCCESS] == [({"database": "here"}, 12.5)]


def test_names_cannot_break_out_of_their_labels() -> None:
    name = 'a"} 1\n# EOF\\n\\'
    document: dict[str, Any] = {**refusal("gone"), "database": {"name": name}}
    healthy = {**document, "run": {**document["run"], "complete": True}}
    healthy["health"] = {**document["health"], "status": "healthy"}
    before = render(healthy)

    for text in (before, render(document, before), render(refusal("gone"), before)):
        ((labels, _),) = samples(text)[SUCCESS]
        assert labels == {"database": name}


def test_yesterdays_numbers_are_not_taken_for_todays(check: RunRules, pytester: pytest.Pytester) -> None:
    path = pytester.path / "tg.prom"
    path.write_text('tgintegrity_score{database="tg"} 100\n# EOF\n')

    check(HOLDS, "--metrics=tg.prom", "--no-such-option", url="postgresql://me@nowhere.invalid/tg")

    found = samples(path.read_text())
    assert found["tgintegrity_score"] == []
    assert found["tgintegrity_run_complete"] == [({"database": "tg"}, 0)]
