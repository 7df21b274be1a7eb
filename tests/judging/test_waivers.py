"""Waivers: what their file may hold, and what they make of a verdict."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.judging.verdicts import Judgement, Verdict
from pytest_tgintegrity.judging.waivers import Waiver, by_rule, objection, parse_waivers, waive, without_rule

ID = "integrity_tests/test_xp.py::test_xp_is_never_negative"
DAY = date(2030, 6, 30)
GOOD = f'[[waiver]]\nrule = "{ID}"\nreason = "old import"\nowner = "alice"\nexpires = 2030-06-30\n'

WORDS = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
WAIVERS = st.builds(
    Waiver,
    WORDS.map(lambda name: f"rules/test_x.py::test_x[{name}]"),
    WORDS,
    WORDS,
    st.dates(min_value=date(1000, 1, 1)),
    st.none() | st.integers(1, 10**9),
    st.just("w.toml"),
)


def _toml(waiver: Waiver, *, as_text: bool) -> str:
    """JSON's strings and numbers are TOML's too."""
    told = {key: value for key, value in asdict(waiver).items() if value is not None and key != "file"}
    told["expires"] = str(waiver.expires)
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
    text = "\n".join(["[[waiver]]", *lines, ""])
    return text if as_text else text.replace(f'expires = "{waiver.expires}"', f"expires = {waiver.expires}")


@given(st.lists(WAIVERS, unique_by=lambda one: one.rule), st.booleans())
def test_what_is_written_is_read(waivers: list[Waiver], as_text: bool) -> None:
    text = "\n".join(_toml(one, as_text=as_text) for one in waivers)

    found = parse_waivers(text, "w.toml")

    assert found == tuple(waivers)
    assert list(by_rule(found)) == [one.rule for one in waivers]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[waiver]]", "[[waiver]", "w.toml is not valid TOML: Expected ']]' at the end of an array declaration"),
        ("2030-06-30", "2030-06-31", "w.toml is not valid TOML: "),
        ("[[waiver]]", "[[waivers]]", "w.toml: unknown key 'waivers': each waiver begins with [[waiver]]"),
        ("[[waiver]]", "[waiver]", "w.toml: waiver is no list of tables: each waiver begins with [[waiver]]"),
        (GOOD, "waiver = [1]", "w.toml: waiver is no list of tables: each waiver begins with [[waiver]]"),
        (
            "owner",
            "author",
            "w.toml, waiver 1: unknown key 'author': it takes rule, reason, owner, expires, max_violations",
        ),
        (
            'owner = "alice"\n',
            "",
            "w.toml, waiver 1: owner is missing: a waiver needs rule, reason, owner, expires",
        ),
        ('"alice"', '" "', "w.toml, waiver 1: owner is ' ': write a text that is not empty"),
        ('"alice"', "7", "w.toml, waiver 1: owner is 7: write a text that is not empty"),
        ("2030-06-30", '"2030/06/30"', "w.toml, waiver 1: expires is '2030/06/30': write a date such as 2030-12-31"),
        ("2030-06-30", '"20300630"', "w.toml, waiver 1: expires is '20300630': write a date such as 2030-12-31"),
        ("2030-06-30", '"2030-06-31"', "w.toml, waiver 1: expires is 2030-06-31: the calendar has no such day"),
        ("2030-06-30", "2030", "w.toml, waiver 1: expires is '2030': write a date such as 2030-12-31"),
        (
            "2030-06-30",
            "2030-06-30T12:00:00Z",
            "w.toml, waiver 1: expires is '2030-06-30 12:00:00+00:00': write a date",
        ),
        (
            "expires",
            "max_violations = 0\nexpires",
            "w.toml, waiver 1: max_violations is 0: write a whole number above 0, or leave it out",
        ),
        ("expires", "max_violations = true\nexpires", "w.toml, waiver 1: max_violations is True: write a whole number"),
        ("expires", 'max_violations = "3"\nexpires', "w.toml, waiver 1: max_violations is '3': write a whole number"),
        (
            ID,
            "test_xp",
            "w.toml, waiver 1: rule is 'test_xp': write its id as in the JSON report, such as integrity_tests/",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(old: str, new: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_waivers(GOOD.replace(old, new), "w.toml")

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_second_waiver_for_a_rule_is_one_too_many() -> None:
    with pytest.raises(UsageError, match=f"^a.toml and b.toml: {ID} is waived twice: keep one of the waivers$"):
        by_rule([*parse_waivers(GOOD, "a.toml"), *parse_waivers(GOOD, "b.toml")])


def test_a_reason_of_several_lines_is_told_in_one() -> None:
    (found,) = parse_waivers(GOOD.replace('"old import"', '"""old\n  import"""'), "w.toml")

    assert found.reason == "old import"


def test_nothing_waived_is_a_file_too() -> None:
    assert parse_waivers("# none at present\n", "w.toml") == ()


# --- applying


def _waiver(maximum: int | None = None) -> Waiver:
    return Waiver(ID, "old import", "alice", DAY, maximum)


@pytest.mark.parametrize("verdict", ["failed", "noted"])
@pytest.mark.parametrize(
    ("maximum", "violations", "today", "objected"),
    [
        (None, 1_000_000, DAY, None),
        (None, None, DAY, None),
        (3, 3, DAY - timedelta(1), None),
        (3, 4, DAY, "the waiver of alice covers 3, not 4 (old import): mend what is new"),
        (
            None,
            1,
            DAY + timedelta(1),
            "the waiver of alice expired on 2030-06-30 (old import): mend the data, or renew it in waivers.toml",
        ),
        (
            3,
            None,
            DAY,
            "the waiver of alice has max_violations, but this rule counts none: remove that from waivers.toml",
        ),
    ],
)
def test_violations_are_waived_through_the_last_day_and_up_to_the_maximum(
    verdict: Verdict, maximum: int | None, violations: int | None, today: date, objected: str | None
) -> None:
    judged = Judgement(verdict, "rows violate")

    found = objection(_waiver(maximum), judged, violations, today, whole=False)

    assert found == objected
    expected = Judgement("failed", f"rows violate; {objected}") if objected else Judgement("waived", "rows violate")
    assert waive(judged, found) == expected


def test_a_rule_that_holds_makes_its_waiver_stale() -> None:
    found = objection(_waiver(), Judgement("passed"), 0, DAY, whole=True)

    assert found == f"waiver for {ID} is stale: remove it from waivers.toml"
    assert waive(Judgement("passed"), found) == Judgement("failed", found)


def test_who_looked_at_a_part_cannot_call_a_waiver_stale() -> None:
    found = objection(_waiver(), Judgement("passed"), 0, DAY + timedelta(1), whole=False)

    assert found is None
    assert waive(Judgement("passed"), found) == Judgement("passed")


@given(
    st.builds(Judgement, st.sampled_from(["passed", "failed", "noted", "unknown"]), st.just("why")),
    st.none() | st.integers(1, 5),
    st.none() | st.integers(0, 6),
    st.integers(-2, 2),
    st.booleans(),
)
def test_verdicts_with_a_waiver(
    judged: Judgement, maximum: int | None, violations: int | None, days: int, whole: bool
) -> None:
    found = waive(judged, objection(_waiver(maximum), judged, violations, DAY + timedelta(days), whole=whole))

    enough = maximum is None or (violations is not None and violations <= maximum)
    expected = {
        "unknown": "unknown",
        "passed": "failed" if whole else "passed",
        "failed": "waived" if enough and days <= 0 else "failed",
    }
    assert found.verdict == expected[judged.verdict.replace("noted", "failed")]


# --- rules that do not exist


@pytest.mark.parametrize(
    ("rule", "is_reported"),
    [
        ("rules/test_a.py::test_known", False),
        ("rules/test_a.py::test_many[a::b]", False),
        ("rules/test_a.py::test_gone", True),
        ("rules/test_a.py::test_many", True),
        ("rules/test_a.py::test_many[c]", True),
        ("rules/test_a.py::test_many[x::y]", True),
        ("rules/test_a.py::TestKnown::test_gone", True),
        ("rules/test_a.py::TestNotCollected::test_known", False),
        ("rules/test_b.py::test_not_collected", False),
        ("rules/test_c.py::test_in_no_file", True),
    ],
)
def test_only_what_certainly_does_not_exist_is_reported(rule: str, is_reported: bool) -> None:
    collected = {
        "rules/test_a.py::test_known",
        "rules/test_a.py::test_many[a::b]",
        "rules/test_a.py::TestKnown::test_known",
    }
    files = {"rules/test_a.py", "rules/test_b.py"}

    found = without_rule([Waiver(rule, "r", "o", DAY, None, "w.toml")], collected, files.__contains__)

    line = f"waiver for {rule} is stale: remove it from w.toml (there is no such rule)"
    assert found == ((line,) if is_reported else ())
