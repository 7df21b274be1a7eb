"""TG's rules leave clean data alone and find the planted faults."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import psycopg
import pytest

from integrity_tests.demo.planting import FAULTS, Fault
from tg import DECLARED, INVARIANT, Judged, judged, run_rules


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON report of all rules on the clean demo."""
    path = tmp_path_factory.mktemp("clean") / "report.json"
    judged(path, "--db-url=demo", "--integrity-coverage")
    return path


def test_clean_demo_violates_nothing(clean: Path) -> None:
    verdicts: dict[str, set[str]] = defaultdict(set)
    for one in json.loads(clean.read_text())["integrity"]["rules"]:
        name = one["id"]
        verdicts[one["verdict"]].add(f"{name} [{one['severity']}]")

    assert not verdicts["failed"]
    assert not verdicts["unknown"]
    assert all(name.endswith("[info]") for name in verdicts["noted"])
    assert len(verdicts["passed"]) > 2_000


def test_what_no_rule_looks_at_has_a_reason(clean: Path) -> None:
    coverage = json.loads(clean.read_text())["integrity"]["coverage"]
    silent = [one["name"] for one in coverage["tables"]["by_constraints_only"] if one["reason"] is None]

    assert silent == []
    assert coverage["tables"]["by_nothing"] == coverage["foreign_keys"]["by_nothing"] == []
    assert coverage["unused_reasons"] == []


def rules_about(fault: Fault) -> list[str]:
    """The tests that have to find a fault, by their tags or names."""
    kind, _, column = fault.rule.partition(" ")
    if kind == "range":
        return [f"[{column.rpartition('.')[2]}]"]
    if kind == "not":
        return [f"test_not_null_columns_are_filled[{fault.table}]"]
    if INVARIANT.fullmatch(fault.rule):
        return [name for name, _, rule in DECLARED if fault.rule in rule.tags and "foreign" not in name]
    return [fault.rule]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}-{fault.key}")
def test_planted_fault_is_found(fault: Fault, damaged: Judged) -> None:
    about = rules_about(fault)
    samples = [
        sample for name, one in damaged.items() if any(part in name for part in about) for sample in one["samples"]
    ]

    assert any(fault.key in json.dumps(sample).replace(".", '"') for sample in samples)


def test_a_password_is_never_shown(damaged: Judged) -> None:
    found = damaged["test_user_password_is_hashed"]

    assert found["violations"] == 1
    assert "letmein" not in json.dumps(damaged)
    assert "password" not in json.dumps(found["samples"])


def test_a_sequence_that_may_not_be_read_is_unknown(damaged_demo: str, tmp_path: Path) -> None:
    with psycopg.connect(damaged_demo, autocommit=True) as owner:
        owner.execute("REVOKE SELECT ON SEQUENCE core_number_id_seq FROM tg_reader")
        try:
            url = psycopg.conninfo.make_conninfo(damaged_demo, user="tg_reader")
            run = run_rules("-q", f"--db-url={url}", "-k", "sequences")
        finally:
            owner.execute("GRANT SELECT ON SEQUENCE core_number_id_seq TO tg_reader")

    assert run.returncode == 6, run.stdout + run.stderr
    assert "permission denied for sequence core_number_id_seq" in run.stdout
