"""A scope's value that nobody knows is refused; one that only has no rows makes a run that says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine import bound
from harness import Ran, RunRules
from pytest_tgintegrity.database.scoping import _allowed
from pytest_tgintegrity.rules.kinds import OneOf, Source

SCRIPT = """
CREATE TABLE club (id int PRIMARY KEY, name text);
INSERT INTO club SELECT i, 'c' || i FROM generate_series(1, 30) AS i;
CREATE TABLE member (id int PRIMARY KEY, status text, club int REFERENCES club, size int);
INSERT INTO member SELECT i, (ARRAY['App', 'Sub', 'Un'])[i % 3 + 1], i % 20 + 1, 1 FROM generate_series(1, 60) AS i;
"""
RULES = """
MEMBERS = Source("members", "member m", key="m.id", scopes={"status": "m.status", "club": "m.club"})

@rule.one_of("member", "status", ["App", "Sub", "Un", "Ret"])
def test_status(violations):
    \"\"\"It is known.\"\"\"
    assert not violations

@rule.between(MEMBERS, "m.size", 1, 10)
def test_size(violations):
    \"\"\"Sizes are one to ten.\"\"\"
    assert not violations
"""


@pytest.fixture(scope="module")
def members(make_database: Callable[[str], str]) -> str:
    return make_database(SCRIPT)


def refusal(ran: Ran) -> str:
    assert ran.status == 4
    (line,) = (one for one in ran.said.splitlines() if "--scope" in one and one.startswith("ERROR"))
    return line


@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["one process", "xdist"])
def test_a_value_that_nobody_knows_is_refused(check: RunRules, members: str, how: list[str]) -> None:
    """It names the nearest that exist."""
    ran = check(RULES, "--scope=status=approved", *how, url=members, subprocess=bool(how))

    assert refusal(ran) == (
        "ERROR: --scope status=approved: no row has that value, and no rule or referenced table knows it; nearest that"
        " exist: 'App', 'Sub', 'Un'"
    )


@pytest.mark.parametrize("hidden", ["--no-samples", "--samples=0"])
def test_no_value_of_a_row_is_told_where_none_may_be(check: RunRules, members: str, hidden: str) -> None:
    line = refusal(check(RULES, "--scope=status=approved", hidden, url=members))

    assert line.endswith("no row has that value, and no rule or referenced table knows it")


def test_at_most_ten_are_named(check: RunRules, members: str) -> None:
    line = refusal(check(RULES, "--scope=club=111", url=members))

    assert line.count("'") == 20
    assert "nearest that exist: '11', " in line


def test_what_the_server_cannot_compare_is_unknown(check: RunRules, members: str) -> None:
    """No value of that type; or no such table, or no permission."""
    ran = check(RULES, "--scope=club=red", url=members)

    assert ran.status == 6
    assert ran.verdicts == {"test_status": "passed", "test_size": "unknown"}
    assert "NO ROW has club=red" in ran.out


@pytest.mark.parametrize(
    "scope", ["status=Ret", "club=25"], ids=["a declared choice", "a key of the table referred to"]
)
@pytest.mark.parametrize("how", [[], ["-n2"]], ids=["one process", "xdist"])
def test_a_known_value_without_rows_is_vacuous_and_loud(
    check: RunRules, members: str, scope: str, how: list[str]
) -> None:
    ran = check(RULES, f"--scope={scope}", *how, url=members, subprocess=bool(how))

    assert ran.status == 0
    assert ran.integrity["empty_scopes"] == [scope]
    assert f"vacuous    NO ROW has {scope}: what was narrowed to it passed with nothing to look at" in ran.out


def test_choices_of_rules_that_were_not_chosen_count(check: RunRules, members: str) -> None:
    ran = check(RULES, "--scope=status=Ret", "-k", "test_size", url=members)

    assert ran.status == 0
    assert ran.integrity["empty_scopes"] == ["status=Ret"]


def test_a_value_with_rows_is_nothing_to_talk_about(check: RunRules, members: str) -> None:
    ran = check(RULES, "--scope=status=App", "--scope=club=3", url=members)

    assert ran.status == 0
    assert "empty_scopes" not in ran.integrity
    assert "NO ROW" not in ran.out


def test_of_several_scopes_each_is_asked(check: RunRules, members: str) -> None:
    assert "--scope club=99" in refusal(check(RULES, "--scope=status=App", "--scope=club=99", url=members))


@pytest.mark.parametrize(
    ("source", "column", "place"),
    [
        ("member", "status", ("member", "status")),
        ("app.member", "status", ("app.member", "status")),
        ("odd, one", "Sta tus", ("odd, one", "Sta tus")),
        (Source("x", "app.member AS m JOIN club ON true", key="m.id"), "m.status", ("app.member", "status")),
        (Source("x", 'club,"Odd One" m', key="m.id"), 'm."Sta tus"', ("Odd One", "Sta tus")),
        (Source("x", "CLUB/**/JOIN MEMBER ON true", key="id"), "MEMBER.STATUS || ''", None),
    ],
)
def test_choices_are_about_a_column_of_the_tables_that_are_named(
    source: Source | str, column: str, place: tuple[str, str] | None
) -> None:
    found = dict(_allowed(bound(OneOf(source, column, ["a"]))))

    assert (place in found) == (place is not None)


def test_choices_are_about_no_table_that_is_named_in_a_comment() -> None:
    found = dict(_allowed(bound(OneOf(Source("x", "club -- member", key="id"), "status", ["a"]))))

    assert found == {("club", "status"): ["a"]}
