"""Waivers in whole runs: files beside the rules or named, verdicts, summary, exit status; alone and with workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import HOLDS, UNKNOWN, VIOLATED, RunRules

FILE = "test_violated"
NOTED = VIOLATED.replace("test_violated", "test_noted").replace('severity="high"', 'severity="info"')
CHECK = """
@rule.check()
def test_free(db):
    \"\"\"There are twenty.\"\"\"
    assert db.execute("SELECT count(*) FROM item").fetchone()[0] == 21
"""


@pytest.fixture
def waive(pytester: pytest.Pytester) -> WriteWaivers:
    return WriteWaivers(pytester.path)


class WriteWaivers:
    """Write `waivers.toml` with an entry for each test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *tests: str, expires: str = "2999-12-31", name: str = "waivers.toml", more: str = "") -> Path:
        path = self._folder / name
        entries = [
            f'[[waiver]]\nrule = "{self.rule(one)}"\nreason = "old import"\nowner = "alice"\nexpires = {expires}\n{more}\n'
            for one in tests
        ]
        path.write_text("\n".join(entries), encoding="utf-8")
        return path

    def rule(self, test: str) -> str:
        """The id of a rule."""
        return f"{self._folder.name}/test_items.py::{test}"


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_a_known_violation_is_waived_listed_and_free(check: RunRules, waive: WriteWaivers, how: list[str]) -> None:
    waive("test_violated", "test_noted", "test_free")
    ran = check(HOLDS, VIOLATED, NOTED, CHECK, "-v", *how)
    rules = {one["id"]: one for one in ran.integrity["rules"]}

    assert ran.status == 0
    assert ran.verdicts == {
        "test_holds": "passed",
        "test_violated": "waived",
        "test_noted": "waived",
        "test_free": "waived",
    }
    assert ran.integrity["health"]["score"] == 100
    assert {one["rule"]: one["points"] for one in ran.integrity["health"]["deductions"]} == {
        waive.rule("test_violated"): 0,
        waive.rule("test_noted"): 0,
        waive.rule("test_free"): 0,
    }
    assert rules[waive.rule("test_violated")]["waiver"] == {
        "reason": "old import",
        "owner": "alice",
        "expires": "2999-12-31",
        "max_violations": None,
    }
    assert rules[waive.rule("test_violated")]["violations"] == 5
    assert rules[waive.rule("test_holds")]["waiver"] is None
    assert "1 passed, 3 waived" in ran.out
    assert f"{waive.rule('test_violated')}: 5 violations until 2999-12-31 (alice: old import)" in ran.out
    assert "WAIVED" in ran.out


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_an_expired_waiver_fails_its_rule(check: RunRules, waive: WriteWaivers, how: list[str]) -> None:
    waive("test_violated", "test_noted", expires="2020-02-29")
    ran = check(VIOLATED, NOTED, *how)
    words = "the waiver of alice expired on 2020-02-29 (old import): mend the data, or renew it in waivers.toml"

    assert ran.status == 1
    assert ran.verdicts == {"test_violated": "failed", "test_noted": "failed"}
    assert ran.reasons["test_violated"].endswith(f"Sizes are one to fifteen.; {words}")
    assert f"  waiver:   {words}" in ran.out


@pytest.mark.parametrize(("maximum", "status", "verdict"), [(5, 0, "waived"), (4, 1, "failed")])
def test_more_violations_than_were_waived(
    check: RunRules, waive: WriteWaivers, maximum: int, status: int, verdict: str
) -> None:
    waive("test_violated", more=f"max_violations = {maximum}")
    ran = check(VIOLATED)

    assert ran.status == status
    assert ran.verdicts == {"test_violated": verdict}
    assert ran.integrity["rules"][0]["waiver"]["max_violations"] == maximum
    assert ("the waiver of alice covers 4, not 5" in ran.out) == (verdict == "failed")


def test_a_check_counts_nothing(check: RunRules, waive: WriteWaivers) -> None:
    waive("test_free", more="max_violations = 4")
    ran = check(CHECK)

    assert ran.status == 1
    assert "max_violations, but this rule counts none" in ran.reasons["test_free"]


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
def test_a_stale_waiver_fails_the_rule_that_holds(check: RunRules, waive: WriteWaivers, how: list[str]) -> None:
    waive("test_holds")
    ran = check(HOLDS, *how)
    words = f"waiver for {waive.rule('test_holds')} is stale: remove it from waivers.toml"

    assert ran.status == 1
    assert ran.verdicts == {"test_holds": "failed"}
    assert ran.reasons == {"test_holds": words}
    assert words in ran.out
    assert "Traceback" not in ran.said
    assert ran.document["summary"]["failed"] == 1


def test_nothing_is_stale_where_only_a_part_is_looked_at(check: RunRules, waive: WriteWaivers) -> None:
    waive("test_holds")

    assert check(HOLDS, "--period=24").status == 0


def test_unknown_is_never_waived(check: RunRules, waive: WriteWaivers) -> None:
    waive("test_unknown", "test_skipped")
    skipped = HOLDS.replace("test_holds", "test_skipped").replace("@rule", "@pytest.mark.skip\n@rule", 1)
    ran = check(UNKNOWN, skipped)

    assert ran.status == 6
    assert ran.verdicts == {"test_unknown": "unknown", "test_skipped": "unknown"}


@pytest.mark.parametrize("how", [[], ["-n2"], ["-k", "holds"], ["-q"]], ids=["alone", "xdist", "part", "quiet"])
def test_a_waiver_for_a_rule_that_does_not_exist(check: RunRules, waive: WriteWaivers, how: list[str]) -> None:
    waive("test_renamed")
    ran = check(HOLDS, *how)
    words = f"waiver for {waive.rule('test_renamed')} is stale: remove it from waivers.toml (there is no such rule)"

    assert ran.status == 1
    assert ran.verdicts == {"test_holds": "passed"}
    assert ran.integrity["stale_waivers"] == [words]
    assert f"waivers    {words}" in ran.out


def test_waivers_for_rules_that_were_not_selected_are_left_in_peace(
    check: RunRules, waive: WriteWaivers, pytester: pytest.Pytester
) -> None:
    waive("test_violated", "test_holds", expires="2020-01-01")
    (pytester.path / "test_other.py").write_text(f"from pytest_tgintegrity import rule\n{HOLDS}", encoding="utf-8")
    check(HOLDS, VIOLATED)
    other, part = check("test_other.py"), check("-k", "test_other")
    name = check("-m", "low", NOTED.replace("test_noted", "test_low").replace('"info"', '"low"'))

    assert (other.status, part.status) == (0, 0)
    assert name.verdicts == {"test_low": "failed"}


def test_stopping_and_beginning_where_it_failed(
    check: RunRules, waive: WriteWaivers, pytester: pytest.Pytester
) -> None:
    """What is waived does not stop a run, and is not run again as a failure."""
    pytester.makeini("[pytest]\ncache_dir = cache\n")
    waive("test_a_waived")
    waived, cached = VIOLATED.replace("test_violated", "test_a_waived"), ["-p", "cacheprovider"]
    first = check(waived, VIOLATED, HOLDS, "-x", *cached)
    again = check("--lf", *cached)

    assert first.verdicts == {"test_a_waived": "waived", "test_violated": "failed"}
    assert again.verdicts == {"test_violated": "failed"}
    assert (first.status, again.status) == (1, 1)


def test_a_file_that_is_named_replaces_the_one_beside_the_rules(
    check: RunRules, waive: WriteWaivers, pytester: pytest.Pytester
) -> None:
    waive("test_holds")
    waive("test_violated", name="other.toml")
    named = check(HOLDS, VIOLATED, "--waivers=other.toml")
    pytester.makeini("[pytest]\ntgintegrity_waivers = other.toml\n")
    twin = check("-v")

    assert named.verdicts == twin.verdicts == {"test_holds": "passed", "test_violated": "waived"}


def test_files_beside_the_package_and_at_the_root_count_both(check: RunRules, pytester: pytest.Pytester) -> None:
    package = pytester.mkpydir("pack")
    inner = package / "inner"
    inner.mkdir()
    (inner / "__init__.py").touch()
    (inner / "test_in.py").write_text(f"from pytest_tgintegrity import rule\n{VIOLATED}{NOTED}", encoding="utf-8")
    entry = '[[waiver]]\nrule = "pack/inner/test_in.py::{}"\nreason = "r"\nowner = "o"\nexpires = 2999-01-01\n'
    (package / "waivers.toml").write_text(entry.format("test_violated"), encoding="utf-8")
    (pytester.path / "waivers.toml").write_text(entry.format("test_noted"), encoding="utf-8")
    ran = check("pack")

    assert set(ran.verdicts.values()) == {"waived"}
    assert ran.status == 0

    (pytester.path / "waivers.toml").write_text(entry.format("test_violated"), encoding="utf-8")
    twice = check("pack")
    assert twice.status == 4
    assert (
        "ERROR: pack/waivers.toml and waivers.toml: pack/inner/test_in.py::test_violated is waived twice" in twice.err
    )


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[[waiver]]\n", "bad.toml, waiver 1: rule is missing: a waiver needs rule, reason, owner, expires"),
        (b"\xff", "bad.toml cannot be read (it is not UTF-8): mend it, or name another file"),
        (None, "bad.toml cannot be read (No such file or directory): mend it, or name another file"),
    ],
    ids=["entry", "bytes", "missing"],
)
def test_a_file_that_cannot_be_used(
    check: RunRules, pytester: pytest.Pytester, content: bytes | None, words: str, how: list[str]
) -> None:
    if content is not None:
        (pytester.path / "bad.toml").write_bytes(content)
    ran = check(HOLDS, "--waivers=bad.toml", *how)

    assert ran.status == 4
    assert ran.err.strip() == f"ERROR: {words}"
    assert json.loads(ran.text)["integrity"]["run"]["error"] == words
