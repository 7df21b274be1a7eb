"""How TG's rules are declared: every one says what holds, why, how to mend it and how to break it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from pytest_tgintegrity.rules.rule import Rule
from tg import DECLARED, INVARIANT, RULES, needs_csvs, run_rules, table

COMMANDS: Final = ("validate_data_integrity", "validate_character_data", "monitor_validation")

each_rule = pytest.mark.parametrize(
    ("function", "rule"), [pytest.param(function, rule, id=name) for name, function, rule in DECLARED]
)


def test_names_are_used_once() -> None:
    names = [name for name, _, _ in DECLARED]

    assert len(set(names)) == len(names)


@each_rule
def test_docstring_is_a_sentence(function: Callable[..., None], rule: Rule) -> None:
    first = (function.__doc__ or "").strip().splitlines()[0]

    assert re.fullmatch(r"[A-Z].+\.", first)
    assert len(first) < 120


@each_rule
def test_a_person_learns_how_to_mend_it(function: Callable[..., None], rule: Rule) -> None:
    measured = type(rule.kind).__name__ == "Metric"

    assert measured or (rule.fix is None) != (rule.fix_hint is None)


@each_rule
def test_row_rules_say_how_to_break_them(function: Callable[..., None], rule: Rule) -> None:
    assert type(rule.kind).__name__ != "Rows" or rule.breaks


@each_rule
def test_overlaps_name_rules(function: Callable[..., None], rule: Rule) -> None:
    known = {name for name, _, _ in DECLARED} | {tag for _, _, one in DECLARED for tag in one.tags}

    assert set(rule.overlaps) <= known


@needs_csvs
@each_rule
def test_severity_is_that_of_the_invariant(function: Callable[..., None], rule: Rule) -> None:
    severities = {row["id"]: row["severity"] for row in table("invariants")}
    ids = [tag for tag in rule.tags if INVARIANT.fullmatch(tag)]

    assert set(ids) <= set(severities)
    for one in ids:
        assert rule.severity == severities[one] or "severity" in (function.__doc__ or ""), one


@pytest.mark.parametrize("path", sorted(RULES.glob("test_*.py")), ids=lambda path: path.stem)
def test_bodies_only_look_at_their_violations(path: Path) -> None:
    tests = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
    ]

    assert tests or path.stem == "test_probes"
    for node in tests:
        _docstring, *body = node.body
        assert [ast.unparse(line) for line in body] == ["assert not violations"]


SELECTED: Final[Mapping[str, set[str]]] = {
    "validate_data_integrity": {
        "test_xp_is_never_negative",
        "test_character_status_is_known",
        "test_attribute_is_zero_to_ten",
        "test_attribute_is_at_least_one",
        "test_ability_is_zero_to_ten",
        "test_willpower_is_one_to_ten",
        "test_temporary_willpower_is_zero_to_ten",
        "test_temporary_willpower_is_at_most_permanent_willpower",
        "test_age_is_zero_to_five_thousand",
        "test_apparent_age_is_zero_to_two_hundred",
        "test_storyteller_is_named_once_for_chronicle_and_gameline",
        "test_finished_scene_has_given_xp",
        "test_scenes_awaiting_xp_are_at_most_ten",
        "test_scenes_with_xp_are_counted",
    },
    "validate_character_data": {
        "test_attribute_is_zero_to_ten",
        "test_attribute_is_at_least_one",
        "test_character_name_is_not_blank",
        "test_character_concept_is_given_once_submitted",
        "test_character_owner_is_named_once_approved",
        "test_retired_character_is_in_no_unfinished_scene",
        "test_xp_spend_is_decided_within_thirty_days",
        "test_xp_spends_of_a_character_do_not_pile_up",
        "test_xp_can_be_explained_by_awards",
    },
    "monitor_validation": {
        "test_xp_is_never_negative",
        "test_character_status_is_known",
        "test_attribute_is_zero_to_ten",
        "test_attribute_is_at_least_one",
        "test_ability_is_zero_to_ten",
        "test_temporary_willpower_is_at_most_permanent_willpower",
        "test_finished_scene_has_given_xp",
        "test_scenes_awaiting_xp_are_at_most_ten",
        "test_scenes_with_xp_are_counted",
        "test_approval_rate_is_at_least_eighty_percent",
        "test_characters_by_status_are_counted",
        "test_average_xp_of_approved_characters_is_measured",
        "test_xp_spends_by_decision_are_counted",
        "test_xp_requests_are_counted",
        "test_weekly_xp_requests_by_decision_are_counted",
        "test_approval_rate_of_all_xp_spends_is_measured",
        "test_scenes_are_counted",
        "test_finished_scenes_are_counted",
        "test_xp_award_rate_is_measured",
        "test_characters_are_counted",
        "test_average_xp_of_characters_is_measured",
    },
}


@pytest.mark.parametrize("command", COMMANDS)
def test_marker_selects_the_checks_of_a_command(command: str) -> None:
    run = run_rules("--collect-only", "-q", "-m", command)
    found = {line.partition("::")[2].partition("[")[0] for line in run.stdout.splitlines() if "::" in line}

    assert run.returncode == 0, run.stdout + run.stderr
    assert found == SELECTED[command]


def test_subject_selects_by_name() -> None:
    run = run_rules("--collect-only", "-q", "-k", "willpower and not schema")
    found = {line.partition("::")[2] for line in run.stdout.splitlines() if "::" in line}

    assert found == {
        "test_willpower_is_one_to_ten",
        "test_temporary_willpower_is_zero_to_ten",
        "test_temporary_willpower_is_at_most_permanent_willpower",
        "test_xp_spend_on_willpower_has_its_price",
    }
