"""Changelings and their kin: Arts, Glamour and Banality, court and house."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import ANY_PART, CHANGELINGS, joined, part
from .words.lines import ARTS, LEFT, LINE_ABILITIES, MEANT, PAID, REALMS, UNBOUNDED, choices

OF_TWO_NATURES: Final = joined(
    "changelings with their {slot}",
    "characters_changeling AS changeling JOIN characters_legacy AS legacy ON legacy.id = changeling.{slot}",
    "changeling.ctdhuman_ptr_id",
)
HOUSED: Final = joined(
    "changelings of a house",
    "characters_changeling AS changeling JOIN characters_house AS house ON house.id = changeling.house_id",
    "changeling.ctdhuman_ptr_id",
)


@pytest.mark.parametrize("column", ARTS)
@rule.between(
    CHANGELINGS,
    "{column}",
    0,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_art_is_zero_to_five(violations: Violations, column: str) -> None:
    """Every Art lies between 0 and 5."""
    assert not violations


@pytest.mark.parametrize("column", REALMS)
@rule.between(
    CHANGELINGS,
    "{column}",
    0,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_realm_is_zero_to_five(violations: Violations, column: str) -> None:
    """Every Realm lies between 0 and 5."""
    assert not violations


@pytest.mark.parametrize("column", ["glamour", "temporary_glamour", "banality", "temporary_banality"])
@rule.between(
    CHANGELINGS,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=LEFT,
)
def test_glamour_and_banality_are_zero_to_ten(violations: Violations, column: str) -> None:
    """Glamour and Banality lie between 0 and 10; a sheet outside that cannot be saved any more."""
    assert not violations


@rule.between(
    part("characters_autumnperson"),
    "banality_rating",
    7,
    10,
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_banality_of_autumn_people_is_seven_to_ten(violations: Violations) -> None:
    """An autumn person typically has a Banality of 7 to 10."""
    assert not violations


@rule.between(
    part("characters_inanimae"),
    "mana",
    0,
    10,
    severity="low",
    fix_hint=LEFT,
)
def test_mana_is_zero_to_ten(violations: Violations) -> None:
    """The mana of an inanimae lies between 0 and 10."""
    assert not violations


@rule.between(
    part("characters_nunnehi"),
    "spirit_medicine",
    0,
    10,
    severity="low",
    fix_hint=LEFT,
)
def test_spirit_medicine_is_zero_to_ten(violations: Violations) -> None:
    """The spirit medicine of a nunnehi lies between 0 and 10."""
    assert not violations


@rule.between(
    "characters_cantrip",
    "level",
    1,
    5,
    severity="medium",
    fix_hint=MEANT,
)
def test_cantrip_is_of_level_one_to_five(violations: Violations) -> None:
    """A cantrip is of level 1 to 5."""
    assert not violations


@pytest.mark.parametrize(
    ("column", "low", "high"), [("chimera_points", 5, 50), ("durability", 1, 5), ("loyalty", 0, 5)]
)
@rule.between(
    "characters_chimera",
    "{column}",
    "%(low)s",
    "%(high)s",
    severity="info",
    fix_hint=UNBOUNDED,
)
def test_chimera_is_within_the_usual(violations: Violations, column: str, low: int, high: int) -> None:
    """A chimera has 5 to 50 points, a durability of 1 to 5 and a loyalty of 0 to 5."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_ctdhuman"])
@rule.between(
    part("characters_ctdhuman"),
    "{column}",
    0,
    10,
    fix_hint=UNBOUNDED,
)
def test_changeling_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of changelings add lie between 0 and 10.

    TG's own ways to gain dots stop at five, and there are ten at most; an edit page, and SQL, take any number.
    """
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"),
    choices("characters_changeling", "characters_autumnperson", "characters_inanimae", "characters_nunnehi"),
)
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_changeling_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """Court, seeming, thresholds, kingdom, tribe and the like are words that the application knows."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"),
    choices("characters_cantrip", "characters_chimera", "characters_house", "characters_legacy"),
)
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=MEANT)
def test_cantrip_or_chimera_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """A cantrip, a chimera, a house, a legacy is of a kind that the application knows."""
    assert not violations


@pytest.mark.parametrize(("slot", "court"), [("seelie_legacy_id", "seelie"), ("unseelie_legacy_id", "unseelie")])
@rule.formula(
    OF_TWO_NATURES,
    "nullif(legacy.court, '')",
    "CASE WHEN legacy.court <> '' THEN %(court)s::text END",
    breaks={
        "changeling.{slot}": """
            (SELECT min(other.id) FROM characters_legacy AS other WHERE other.court NOT IN (%(court)s, ''))
        """
    },
    show=["legacy.name"],
    fix_hint="which legacy was meant only the player knows",
    overlaps=["test_cantrip_or_chimera_is_of_a_known_kind"],
    tags=["CTD-1"],
)
def test_legacy_is_of_its_court(violations: Violations, slot: str, court: str) -> None:
    """The Seelie legacy of a changeling is Seelie, and the Unseelie one Unseelie.

    A legacy need not say its court: one without is neither.
    """
    assert not violations


@rule.formula(
    HOUSED,
    "nullif(house.court, '')",
    "CASE WHEN house.court <> '' THEN nullif(changeling.court, '') END",
    severity="low",
    breaks={
        "changeling.house_id": """
            (SELECT min(other.id) FROM characters_house AS other
            WHERE other.court = CASE changeling.court WHEN 'seelie' THEN 'unseelie' ELSE 'seelie' END)
        """,
        "changeling.court": "coalesce(nullif(changeling.court, ''), 'unseelie')",
    },
    show=["house.name"],
    fix_hint="whether house or court is wrong only the player knows",
    overlaps=["test_cantrip_or_chimera_is_of_a_known_kind", "test_changeling_is_described_in_known_words"],
    tags=["CTD-2"],
)
def test_house_of_changeling_is_of_the_court(violations: Violations) -> None:
    """A changeling of a noble house is of the court of that house.

    Either may be left blank: a house without a court takes both, and a changeling that is begun has none yet.
    """
    assert not violations
