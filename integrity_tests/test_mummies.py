"""Mummies: Hekau, Balance, Ba and Ka."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import ANY_PART, MUMMIES, part
from .words.lines import HEKAU, LEFT, LINE_ABILITIES, MEANT, PAID, UNBOUNDED, choices


@pytest.mark.parametrize("column", HEKAU)
@rule.between(
    MUMMIES,
    "{column}",
    0,
    5,
    severity="medium",
    fix_hint=PAID,
)
def test_hekau_is_zero_to_five(violations: Violations, column: str) -> None:
    """Every Hekau lies between 0 and 5; a sheet outside that cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize("column", ["conviction", "restraint"])
@rule.between(
    MUMMIES,
    "{column}",
    0,
    5,
    severity="medium",
    fix_hint=PAID,
)
def test_virtue_of_mummy_is_zero_to_five(violations: Violations, column: str) -> None:
    """Conviction and Restraint lie between 0 and 5; a sheet outside that cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize("column", ["balance", "sekhem"])
@rule.between(
    MUMMIES,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=PAID,
)
def test_balance_and_sekhem_are_zero_to_ten(violations: Violations, column: str) -> None:
    """Balance and Sekhem lie between 0 and 10; a sheet outside that cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize("column", ["ba", "ka_rating"])
@rule.between(
    MUMMIES,
    "{column}",
    0,
    100,
    severity="medium",
    fix_hint=LEFT,
)
def test_ba_and_ka_are_zero_to_a_hundred(violations: Violations, column: str) -> None:
    """Ba and Ka lie between 0 and 100; a sheet outside that cannot be saved any more."""
    assert not violations


@rule.between(
    MUMMIES,
    "incarnation",
    1,
    None,
    severity="medium",
    fix_hint=MEANT,
)
def test_incarnation_is_at_least_the_first(violations: Violations) -> None:
    """A mummy lives at least for the first time."""
    assert not violations


@rule.between(
    MUMMIES,
    "years_since_rebirth",
    0,
    None,
    severity="medium",
    fix_hint=MEANT,
)
def test_rebirth_is_not_in_the_future(violations: Violations) -> None:
    """The last rebirth lies no less than 0 years back."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_mtrhuman"])
@rule.between(
    part("characters_mtrhuman"),
    "{column}",
    0,
    10,
    fix_hint=UNBOUNDED,
)
def test_mummy_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities and Backgrounds that sheets of mummies add lie between 0 and 10.

    TG's own ways to gain dots stop at five, and there are ten at most; an edit page, and SQL, take any number.
    """
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("characters_mummy"))
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_mummy_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """The web, and the look of the body, are words that the application knows."""
    assert not violations


@rule.formula(
    MUMMIES,
    "ka_rating",
    "sekhem::bigint * 10",
    severity="low",
    show=["sekhem"],
    fix="recompute",
    overlaps=["test_balance_and_sekhem_are_zero_to_ten", "test_ba_and_ka_are_zero_to_a_hundred"],
    tags=["MUM-1"],
)
def test_ka_is_ten_times_sekhem(violations: Violations) -> None:
    """The Ka of a mummy is ten times the Sekhem; saving the sheet works it out."""
    assert not violations


@rule.at_most(
    MUMMIES,
    "ba",
    "ka_rating",
    severity="low",
    fix_hint=LEFT,
    overlaps=["test_ba_and_ka_are_zero_to_a_hundred", "test_ka_is_ten_times_sekhem"],
    tags=["MUM-1"],
)
def test_ba_is_not_above_ka(violations: Violations) -> None:
    """No mummy holds more Ba than the Ka can carry."""
    assert not violations
