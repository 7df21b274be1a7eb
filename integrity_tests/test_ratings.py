"""Ratings: how many dots of what somebody or something has; the traits that are no columns of a sheet."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import BASES, OFFERED
from .words.classes import DOTS, HOLDING_CHARACTERS, PACTS, RATINGS, REPEATABLE

# A character that is gone leaves more than ratings, and pacts go with either side: both have rules of their own.
SIDES: Final = [
    (table, column)
    for table, sides in RATINGS.items()
    for column in sides
    if table != PACTS and column not in HOLDING_CHARACTERS
]


@pytest.mark.parametrize(("table", "column"), SIDES)
@rule.not_null(
    "{table}",
    "{column}",
    severity="info",
    fix="delete",
    fix_allows="delete",
    overlaps=["BG-1"],
    tags=["RATE-1"],
)
def test_rating_names_both_sides(violations: Violations, table: str, column: str) -> None:
    """A rating says whose it is and of what; what was deleted leaves rows behind that nobody sees any more.

    The severity is info: deleting a group, a thing, a place or a trait empties one side of its ratings. The fix deletes them.
    What characters leave behind is for `test_character_leaves_nothing_behind`, and pacts are for
    `test_pact_names_demon_and_thrall`.
    """
    assert not violations


@pytest.mark.parametrize(
    ("table", "holder", "trait"),
    [pytest.param(one, *RATINGS[one], id=one) for one in RATINGS if one not in REPEATABLE],
)
@rule.unique(
    "{table}",
    ["{holder}", "{trait}"],
    severity="high",
    fix="""
        delete where EXISTS (
            SELECT FROM {table} AS first WHERE (first.{holder}, first.{trait}) = ({table}.{holder}, {table}.{trait})
            AND first.id < {table}.id AND to_jsonb(first) - 'id' = to_jsonb({table}) - 'id'
        )
    """,
    fix_allows="delete",
    overlaps=["test_merit_has_a_rating_that_it_offers"],
    tags=["RATE-2"],
)
def test_rating_is_there_once(violations: Violations, table: str, holder: str, trait: str) -> None:
    """Nobody has two ratings of the same trait; the page that reads one breaks when there are two.

    Of equal rows the fix keeps the first; where they differ, only the player or a storyteller knows the dots.
    """
    assert not violations


@pytest.mark.parametrize(("table", "lowest", "constraint"), [pytest.param(*one, id=one[0]) for one in DOTS])
@rule.between(
    "{table}",
    "rating",
    "%(lowest)s",
    10,
    fix_hint="how many dots were meant only the player or a storyteller knows",
    enforced_by="{constraint}",
    overlaps=["test_merit_has_a_rating_that_it_offers", "CHAR-20", "BG-1", "BG-3", "RATE-3", "LOC-9", "LOC-12"],
)
def test_rating_is_at_most_ten(violations: Violations, table: str, lowest: int, constraint: str) -> None:
    """A rating goes from 0 to 10 dots; that of a flaw, or of a practice in a reality zone, goes down to -10."""
    assert not violations


@rule.between("items_relicresonancerating", "rating", 0, 10, fix="clamp")
def test_resonance_of_relic_is_at_most_ten(violations: Violations) -> None:
    """The resonance of a relic goes from 0 to 10 dots; there is no constraint that sees to it."""
    assert not violations


@rule.between(
    "characters_pooledbackgroundrating",
    "rating",
    0,
    10,
    severity="info",
    fix_hint="the sum of what its members give: nothing is wrong with it but its form",
    overlaps=["BG-1"],
)
def test_pooled_rating_is_at_most_ten(violations: Violations) -> None:
    """The pooled dots of a group go from 0 to 10, says the form; the application itself writes greater sums."""
    assert not violations


@pytest.mark.parametrize(
    "table",
    [
        "characters_resrating",
        "items_wonderresonancerating",
        "locations_horizonrealmresonancerating",
        "locations_noderesonancerating",
    ],
)
@rule.between(
    "{table}",
    "rating",
    None,
    5,
    severity="info",
    fix_hint="a storyteller may have given more on purpose",
    overlaps=["test_rating_is_at_most_ten"],
)
def test_resonance_is_at_most_five(violations: Violations, table: str) -> None:
    """Resonance has at most 5 dots: there the application stops adding, though it stores up to 10."""
    assert not violations


@rule.rows(
    "characters_resrating",
    "rating = 0",
    severity="info",
    breaks={"rating": "0"},
    fix="delete",
    fix_allows="delete",
    tags=["RATE-3"],
)
def test_resonance_is_not_kept_at_zero(violations: Violations) -> None:
    """A mage has at least one dot of each resonance that is listed; the application deletes those that reach 0."""
    assert not violations


@rule.references(
    "characters_meritflawrating",
    ["mf_id", "rating"],
    OFFERED,
    ["offer.meritflaw_id", "number.value"],
    severity="info",
    breaks="""
    UPDATE characters_meritflawrating SET rating = 10 WHERE id = (
        SELECT min(held.id) FROM characters_meritflawrating AS held
        WHERE held.rating > 0 AND held.mf_id NOT IN (
            SELECT offer.meritflaw_id FROM characters_meritflaw_ratings AS offer
            JOIN core_number AS number ON number.id = offer.number_id WHERE number.value = 10
        )
    ) RETURNING id
    """,
    fix_hint="only the player or a storyteller knows what was paid for it",
    overlaps=["test_rating_is_at_most_ten"],
    tags=["CHAR-19"],
)
def test_merit_has_a_rating_that_it_offers(violations: Violations) -> None:
    """A merit costs, and a flaw brings, a number of points that the book offers for it.

    The severity is info: the forms for merits and their ratings take any number.
    """
    assert not violations


@rule.total(
    BASES,
    "characters_meritflawrating.character_id",
    "rating::bigint",
    at_least=-7,
    where="rating < 0",
    severity="low",
    breaks="""
    WITH flaws AS (
        SELECT offer.meritflaw_id, min(number.value) AS rating FROM characters_meritflaw_ratings AS offer
        JOIN core_number AS number ON number.id = offer.number_id
        WHERE number.value < 0 GROUP BY offer.meritflaw_id
    ), taken AS (
        INSERT INTO characters_meritflawrating (character_id, mf_id, rating)
        SELECT (
            SELECT min(character_ptr_id) FROM characters_human WHERE character_ptr_id NOT IN (
                SELECT character_id FROM characters_meritflawrating WHERE character_id IS NOT NULL)
        ), meritflaw_id, rating FROM flaws
        RETURNING character_id
    )
    SELECT DISTINCT character_id FROM taken
    """,
    fix_hint="which flaw is too many the player and a storyteller decide",
    tags=["CHAR-20"],
)
def test_flaws_bring_at_most_seven_points(violations: Violations) -> None:
    """The flaws of a character bring at most 7 points; there the application stops giving."""
    assert not violations
