"""Wraiths: Arcanoi, Angst, what binds them."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import ANY_PART, WRAITHS, joined, part
from .words.lines import ARCANOI, LEFT, LINE_ABILITIES, MEANT, PAID, UNBOUNDED, choices

FELT: Final = joined(
    "passions of wraiths",
    "characters_passion AS passion JOIN characters_wraith AS wraith ON wraith.wtohuman_ptr_id = passion.wraith_id",
    "passion.id",
    "passion.wraith_id",
)
ENLISTED: Final = joined(
    "wraiths with their legion",
    "characters_wraith AS wraith JOIN characters_wraithfaction AS legion ON legion.id = wraith.legion_id",
    "wraith.wtohuman_ptr_id",
)
SUBMITTED: Final = joined(
    "submitted wraiths",
    "characters_wraith AS wraith"
    " JOIN characters_charactermodel AS cm ON cm.id = wraith.wtohuman_ptr_id AND cm.status = 'Sub'",
    "wraith.wtohuman_ptr_id",
)


@pytest.mark.parametrize("column", ARCANOI)
@rule.between(
    WRAITHS,
    "{column}",
    0,
    5,
    severity="low",
    fix_hint=PAID,
)
def test_arcanos_is_zero_to_five(violations: Violations, column: str) -> None:
    """Every Arcanos lies between 0 and 5."""
    assert not violations


@rule.between(WRAITHS, "angst", 1, None, severity="info", fix="clamp", tags=["WRA-2"])
def test_angst_is_at_least_one(violations: Violations) -> None:
    """Every wraith has a dot of permanent Angst; without one the sheet cannot be saved any more.

    The severity is info: a Harrowing that ends in redemption can take the last dot.
    """
    assert not violations


@rule.between(WRAITHS, "angst", None, 10, fix_hint=PAID)
def test_angst_is_at_most_ten(violations: Violations) -> None:
    """Permanent Angst goes up to 10; a sheet above that cannot be saved any more."""
    assert not violations


@pytest.mark.parametrize("column", ["pathos", "temporary_pathos", "temporary_angst"])
@rule.between(
    WRAITHS,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=LEFT,
)
def test_pathos_is_zero_to_ten(violations: Violations, column: str) -> None:
    """Pathos and temporary Angst lie between 0 and 10; a sheet outside that cannot be saved any more."""
    assert not violations


@rule.between(
    WRAITHS,
    "corpus",
    0,
    10,
    severity="low",
    fix_hint=LEFT,
)
def test_corpus_is_zero_to_ten(violations: Violations) -> None:
    """Corpus lies between 0 and 10."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_wtohuman"])
@rule.between(
    part("characters_wtohuman"),
    "{column}",
    0,
    10,
    fix_hint=UNBOUNDED,
)
def test_wraith_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of wraiths add lie between 0 and 10.

    TG's own ways to gain dots stop at five, and there are ten at most; an edit page, and SQL, take any number.
    """
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("characters_wraith"))
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_wraith_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """What a wraith is, and how the last Harrowing ended, are words that the application knows."""
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"),
    choices(
        "characters_arcanos", "characters_fetter", "characters_guild", "characters_thorn", "characters_wraithfaction"
    ),
)
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=MEANT)
def test_fetter_or_guild_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """A Fetter, a guild, a faction, a Thorn, an Arcanos is of a kind that the application knows."""
    assert not violations


@rule.implies(
    WRAITHS,
    "character_type = 'spectre'",
    "is_shadow_dominant",
    severity="low",
    breaks={"is_shadow_dominant": "false"},
    show=["character_type", "is_shadow_dominant"],
    fix_hint="whether the Shadow has won only a storyteller knows",
    overlaps=["test_catharsis_gives_the_shadow_the_rule"],
    tags=["WRA-1"],
)
def test_spectre_is_ruled_by_the_shadow(violations: Violations) -> None:
    """In a spectre the Shadow is dominant."""
    assert not violations


@rule.implies(
    WRAITHS,
    "character_type = 'spectre'",
    "spectrehood_date IS NOT NULL",
    severity="low",
    breaks={"spectrehood_date": "NULL"},
    show=["character_type", "spectrehood_date"],
    fix_hint="when the wraith fell only a storyteller knows",
    tags=["WRA-1"],
)
def test_spectre_has_a_date_of_the_fall(violations: Violations) -> None:
    """For a spectre it is known when the wraith became one."""
    assert not violations


@rule.implies(
    FELT,
    "wraith.character_type = 'spectre'",
    "passion.is_dark_passion",
    severity="low",
    breaks={"passion.is_dark_passion": "false"},
    show=["passion.emotion", "passion.is_dark_passion"],
    fix_hint="what becomes of the passion only a storyteller knows",
    tags=["WRA-1"],
)
def test_passion_of_spectre_is_dark(violations: Violations) -> None:
    """A spectre has dark passions and no others."""
    assert not violations


@rule.implies(
    WRAITHS,
    "in_catharsis",
    "is_shadow_dominant",
    breaks={"is_shadow_dominant": "false"},
    show=["in_catharsis", "is_shadow_dominant"],
    fix_hint="whether the Catharsis is over or the Shadow rules only a storyteller knows",
    overlaps=["test_spectre_is_ruled_by_the_shadow"],
    tags=["WRA-2"],
)
def test_catharsis_gives_the_shadow_the_rule(violations: Violations) -> None:
    """During Catharsis the Shadow is dominant."""
    assert not violations


@rule.one_of(
    ENLISTED,
    "legion.faction_type",
    ["legion"],
    severity="info",
    breaks={
        "wraith.legion_id": "(SELECT min(id) FROM characters_wraithfaction WHERE faction_type <> 'legion')",
    },
    show=["legion.name"],
    fix_hint="which legion was meant only the player knows",
    overlaps=["test_fetter_or_guild_is_of_a_known_kind"],
    tags=["WRA-3"],
)
def test_legion_of_wraith_is_a_legion(violations: Violations) -> None:
    """What stands on the sheet as the legion is a legion, and no guild or heresy.

    The severity is info: it stands to reason, but nothing in the application sees to it.
    """
    assert not violations


@pytest.mark.parametrize("table", ["characters_passion", "characters_fetter"])
@rule.total(
    SUBMITTED,
    "{table}.wraith_id",
    "rating",
    at_least=10,
    severity="info",
    breaks="""
        DELETE FROM {table} WHERE id = (
            SELECT min({table}.id) FROM {table} JOIN characters_charactermodel AS cm ON cm.id = {table}.wraith_id
            WHERE cm.status = 'Sub'
        ) RETURNING wraith_id
    """,
    fix_hint="the player chooses passions and fetters",
    tags=["WRA-4"],
)
def test_submitted_wraith_has_ten_dots_of_passions_and_fetters(violations: Violations, table: str) -> None:
    """A wraith is submitted with 10 points of passions and 10 of fetters; in play they come and go."""
    assert not violations
