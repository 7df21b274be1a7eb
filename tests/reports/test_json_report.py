"""The part `integrity` of the JSON report, and what becomes of yesterday's report."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest

from harness import HEAD, HOLDS, UNKNOWN, VIOLATED, Ran, RunRules
from rule_texts import MORE, PAIRS


@pytest.fixture
def contract(check: RunRules, make_database: Callable[[str], str]) -> Ran:
    """A run of rules of many shapes."""
    url = make_database(
        PAIRS + "CREATE TABLE item AS SELECT i AS id, i AS size, 'n' AS name FROM generate_series(1, 20) i;"
        " CREATE TABLE nothing (id int PRIMARY KEY, size int);"
    )
    return check(HOLDS, UNKNOWN, MORE, "--period=24", url=url)


def test_a_wrong_scope_stands_in_the_report(check: RunRules) -> None:
    ran = check(HOLDS, "--scope=nowhere=1")

    assert (ran.status, ran.integrity["run"]["error"][:17]) == (4, "--scope nowhere=…")


def test_every_key_of_the_contract(contract: Ran) -> None:
    """Shapes and values."""
    found = contract.integrity

    assert list(found) == [
        "schema_version", "database", "run", "rules", "scans", "health", "activity", "census", "gate", "history",
    ]  # fmt: skip
    assert (found["schema_version"], found["gate"], found["history"]) == (1, None, None)
    assert set(found["database"]) == {
        "host", "port", "name", "user", "server_version", "system_identifier", "is_standby", "read_only", "superuser",
    }  # fmt: skip
    assert found["database"]["read_only"] is True
    assert found["database"]["is_standby"] is False
    assert found["database"]["superuser"] is True
    assert found["database"]["system_identifier"].isdigit()
    run = found["run"]
    assert set(run) == {
        "id", "started_at", "finished_at", "seconds", "snapshot", "period_hours", "scopes", "rule_set_digest", "complete",
    }  # fmt: skip
    assert datetime.fromisoformat(run["started_at"]) < datetime.fromisoformat(run["finished_at"])
    assert (run["period_hours"], run["scopes"], run["complete"]) == (24.0, {}, True)
    health = found["health"]
    assert set(health) == {"score", "raw", "minimum", "status", "deductions"}
    assert (health["score"], health["minimum"], health["status"]) == (100 - 30 - 10 - 5, 90, "degraded")
    assert [(one["severity"], one["points"], one["violations"]) for one in health["deductions"]] == [
        ("critical", 30, 3), ("medium", 10, 1), ("low", 5, 0), ("info", 0, 2),
    ]  # fmt: skip
    scanned = [rule for one in found["scans"] for rule in one["rules"]]
    assert sorted(scanned) == sorted(one["id"] for one in found["rules"])
    assert all(set(one) == {"source", "rules", "seconds", "rows"} for one in found["scans"])


def test_every_key_of_a_rule(contract: Ran) -> None:
    rules = {one["id"].partition("::")[2]: one for one in contract.integrity["rules"]}
    composite, query = rules["test_composite"], rules["test_query"]

    assert set(composite) == {
        "id", "doc", "severity", "tags", "sources", "verdict", "reason", "examined", "violations", "samples", "seconds",
        "fixable", "fixed", "enforced_by", "waiver", "see_all", "mend", "cause",
    }  # fmt: skip
    assert set(composite) - set(rules["test_vacuous"]) == {"see_all", "mend", "cause"}
    assert (composite["verdict"], composite["examined"], composite["violations"]) == ("failed", 4, 3)
    assert (composite["fixable"], composite["enforced_by"], composite["sources"]) == (True, "pair_amount", ["pair"])
    assert composite["samples"] == [
        {"key": ["1", "x"], "label": "ONE", "values": {"p.amount": "2", "p.day": None}},
        {"key": ["1", "y"], "label": None, "values": {"p.amount": "9.99999999999999999999", "p.day": "infinity"}},
        {"key": ["2", "x"], "label": "two", "values": {"p.amount": "7.50", "p.day": "0044-03-15 BC"}},
    ]
    assert (query["examined"], query["violations"], query["verdict"], query["tags"]) == (None, 2, "noted", ["big"])
    assert [one["key"] for one in query["samples"]] == ["19", "20"]
    assert (rules["test_metric"]["examined"], rules["test_metric"]["verdict"]) == (None, "failed")
    assert contract.integrity["activity"] == {"sizes": 10.5, "by_parity": {"0": 10, "1": 10}}
    assert (rules["test_vacuous"]["verdict"], rules["test_vacuous"]["examined"]) == ("passed", 0)
    assert "1 vacuous" in contract.out


def test_ids_do_not_depend_on_how_pytest_is_called(
    check: RunRules, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the root, from inside, by absolute path, as an installed package, with another root."""
    package = pytester.mkpydir("mine")
    inner = package / "part"
    inner.mkdir()
    (inner / "__init__.py").touch()
    (inner / "test_a.py").write_text(HEAD + HOLDS)
    other = pytester.mkdir("elsewhere")
    monkeypatch.syspath_prepend(pytester.path)
    seen = set()
    for words in [["mine"], [str(inner)], ["--pyargs", "mine.part"], ["mine", f"--rootdir={other}"]]:
        seen |= {one["id"] for one in check(*words).integrity["rules"]}
    monkeypatch.chdir(inner)
    check("-p", "no:terminal", f"--json-report-file={pytester.path / 'report.json'}")
    seen |= {one["id"] for one in json.loads((pytester.path / "report.json").read_text())["integrity"]["rules"]}

    assert seen == {"mine/part/test_a.py::test_holds"}


def test_two_rules_with_one_id_are_refused(check: RunRules, pytester: pytest.Pytester) -> None:
    """One would answer for the other."""
    for name in ("a", "b"):
        folder = pytester.mkdir(name) / "rules"
        folder.mkdir()
        (folder / "test_same.py").write_text(HEAD + HOLDS)
    ran = check("--import-mode=importlib")

    assert ran.status == 4
    assert "two rules are called rules/test_same.py::test_holds" in ran.err


@pytest.mark.parametrize(
    ("args", "status"),
    [(["--no-such-option"], 4), (["no/such/path.py"], 4), (["--db-jobs=none"], 4)],
    ids=["option", "path", "value"],
)
def test_yesterdays_report_is_never_left(
    check: RunRules, pytester: pytest.Pytester, args: list[str], status: int
) -> None:
    """Also where pytest fails before any test is looked at."""
    report = pytester.path / "report.json"
    report.write_text('{"integrity": "yesterday"}')
    ran = check(HOLDS, *args)

    assert ran.status == status
    assert ran.integrity["run"]["error"]
    assert not ran.integrity["run"]["complete"]
    assert set(ran.integrity["run"]) >= {"id", "seconds", "complete", "error"}


def test_a_broken_conftest_leaves_no_old_report(check: RunRules, pytester: pytest.Pytester) -> None:
    """It is imported after our first hook."""
    (pytester.path / "report.json").write_text('{"integrity": "yesterday"}')
    pytester.makeconftest("import no_such_module")

    assert check(HOLDS).integrity["run"]["error"].startswith("pytest ended before")


def test_other_suites_keep_their_report(check: RunRules, pytester: pytest.Pytester) -> None:
    """Without a database nothing is touched, and nothing is added."""
    (pytester.path / "report.json").write_text("kept")
    assert check("--no-such-option", url=None).path.read_text() == "kept"
    pytester.makepyfile(test_it="def test_it(): pass")

    assert "integrity" not in check(url=None).document


def test_the_digest_names_the_set_of_rules(check: RunRules) -> None:
    """The same rules, the same digest; others, another."""

    def digest(*words: str) -> str:
        return str(check(*words).integrity["run"]["rule_set_digest"])

    first, again, other = digest(HOLDS), digest(), digest(VIOLATED)

    assert first == again != other
