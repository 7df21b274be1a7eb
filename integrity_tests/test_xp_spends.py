"""Requests to spend XP: how long they wait, what they are for, and whether the sheet shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources.characters import BASES
from .sources.play import APPROVED_TRAITS, SPENDS, SPENDS_OF_POWERS
from .words.classes import ABILITIES, ATTRIBUTES, STUCK_TRAITS, XP_TRAITS
from .words.lines import DISCIPLINES, LORES

BUYS: Final = """
    INSERT INTO game_xpspendingrequest
        (character_id, trait_type, trait_name, trait_value, cost, approved, created_at, approved_at, approved_by_id)
"""
NOT_THERE: Final = "the XP is spent and the dot is not there: a storyteller gives it, or pays the XP back"
NOW_APPROVED: Final = "'Approved', now(), now(), (SELECT min(id) FROM auth_user WHERE is_staff)"


@rule.implies(
    SPENDS,
    "spend.approved = 'Pending'",
    "spend.created_at >= now() - interval '30 days'",
    severity="info",
    breaks="""
        INSERT INTO game_xpspendingrequest
            (character_id, trait_type, trait_name, trait_value, cost, approved, created_at)
        SELECT min(id), 'tenet', 'Tenet', 1, 0, 'Pending', now() - interval '31 days'
        FROM characters_charactermodel WHERE status = 'App' AND id IN (SELECT character_ptr_id FROM characters_human)
        RETURNING id
    """,
    show=["spend.trait_name", "spend.trait_value", "spend.cost", "spend.created_at"],
    fix_hint="a storyteller approves or denies it",
    tags=["validate_character_data", "XP-24"],
)
def test_xp_spend_is_decided_within_thirty_days(violations: Violations) -> None:
    """No request to spend XP has waited for a storyteller for more than 30 days.

    The command's check was dead: it counted entries of a field that no character has any more.
    """
    assert not violations


@rule.children(
    BASES,
    SPENDS,
    by="spend.character_id",
    where="spend.approved = 'Pending'",
    at_most=15,
    severity="info",
    breaks="""
        INSERT INTO game_xpspendingrequest
            (character_id, trait_type, trait_name, trait_value, cost, approved, created_at)
        SELECT chosen.id, 'tenet', 'Tenet ' || number, 1, 0, 'Pending', now()
        FROM (
            SELECT min(id) AS id FROM characters_charactermodel
            WHERE status = 'App' AND id NOT IN (SELECT character_id FROM game_xpspendingrequest)
        ) AS chosen CROSS JOIN generate_series(1, 16) AS number
        RETURNING character_id
    """,
    fix_hint="a storyteller approves or denies them",
    tags=["validate_character_data", "XP-24"],
)
def test_xp_spends_of_a_character_do_not_pile_up(violations: Violations) -> None:
    """No character has more than 15 requests to spend XP waiting.

    The command's check, over 20, was dead: it counted entries of a field that no character has any more.
    """
    assert not violations


@rule.unique(
    SPENDS,
    ["spend.character_id", "spend.trait_type", "spend.trait_name", "spend.trait_value"],
    where="spend.approved = 'Pending'",
    severity="info",
    breaks="""
        WITH one AS (SELECT min(id) AS id FROM game_xpspendingrequest WHERE approved = 'Pending'),
        copy AS (
            INSERT INTO game_xpspendingrequest
                (character_id, trait_type, trait_name, trait_value, cost, approved, created_at)
            SELECT character_id, trait_type, trait_name, trait_value, cost, approved, now()
            FROM game_xpspendingrequest JOIN one USING (id)
            RETURNING id
        )
        SELECT id FROM copy UNION ALL SELECT id FROM one
    """,
    show=["spend.cost", "spend.created_at"],
    fix_hint="each may have deducted its cost: a storyteller denies all but one",
    overlaps=["test_xp_can_be_explained_by_awards"],
    since="spend.created_at",
    tags=["XP-23"],
)
def test_xp_spend_is_asked_for_once(violations: Violations) -> None:
    """The same dot is not bought twice by clicking twice.

    Of severity info: TG lets it happen.
    """
    assert not violations


@rule.one_of(
    SPENDS,
    "CASE WHEN spend.approved = 'Pending' THEN spend.trait_type END",
    [one for one in XP_TRAITS if one not in STUCK_TRAITS],
    severity="info",
    breaks={"spend.trait_type": "'hekau'"},
    show=["spend.trait_name", "spend.trait_value", "spend.cost"],
    fix_hint="TG cannot apply it, so that it stays pending: a storyteller denies it and changes the sheet by hand",
    since="spend.created_at",
    tags=["XP-25"],
)
def test_xp_spend_can_be_applied(violations: Violations) -> None:
    """What is pending is for a kind of trait that TG can raise; to approve anything else fails.

    The severity is info: the page of requests takes any kind, such as a rite for a Corax.
    """
    assert not violations


@rule.one_of(
    SPENDS,
    "spend.trait_type",
    XP_TRAITS,
    severity="info",
    show=["spend.trait_name", "spend.approved"],
    fix_hint="the form takes any text: a storyteller knows what is meant",
    overlaps=["test_xp_spend_can_be_applied"],
    since="spend.created_at",
)
def test_xp_spend_is_on_a_known_kind_of_trait(violations: Violations) -> None:
    """XP is spent on kinds of traits that TG knows. Nothing enforces it."""
    assert not violations


@rule.references(
    SPENDS,
    "CASE WHEN spend.approved = 'Denied' AND spend.cost > 0 THEN spend.character_id END",
    "characters_mage",
    severity="info",
    breaks={"spend.approved": "'Denied'"},
    show=["spend.trait_name", "spend.cost", "spend.approved_at"],
    fix_hint="what was paid back may never have been taken: a storyteller asks the player",
    since="spend.created_at",
    tags=["XP-30"],
)
def test_xp_spend_denied_was_paid_for(violations: Violations) -> None:
    """XP is paid back only where it was taken.

    A list of candidates: denying on the sheet adds the cost, but only the sheets of mages deduct it when asked. The
    ledger cannot prove it.
    """
    assert not violations


def rating(sheet: str, trait: str, columns: Iterable[str]) -> str:
    """What a sheet says of the trait whose column an SQL expression names; NULL where it has no such column."""
    cases = " ".join(f"WHEN '{one}' THEN {sheet}.{one}" for one in columns)
    return f"CASE {trait} {cases} END"


@rule.at_most(
    APPROVED_TRAITS,
    "spend.trait_value",
    rating("sheet", "trait.property_name", (*ATTRIBUTES, *ABILITIES)),
    severity="info",
    breaks={"spend.trait_value": "12"},
    show=["spend.trait_name"],
    fix_hint=NOT_THERE,
    overlaps=["test_xp_spend_on_an_attribute_has_its_price", "test_xp_spend_on_an_ability_has_its_price"],
    since="spend.created_at",
    tags=["XP-22"],
)
def test_xp_spend_approved_is_on_the_sheet(violations: Violations) -> None:
    """An attribute or ability is at least as high as it was approved to be.

    The severity is info: the page of a request, unlike the sheet, approves by changing the status and nothing else.
    """
    assert not violations


def approved(kind: str, trait: str, column: str, sheet: str, key: str) -> str:
    """Spend XP on one more dot of a trait that nobody bought, and leave the sheet as it is."""
    return f"""
        {BUYS} SELECT {key}, '{kind}', '{trait}', {column} + 1, 10, {NOW_APPROVED}
        FROM {sheet} WHERE {column} = 0 ORDER BY 1 LIMIT 1
        RETURNING id
    """


@rule.implies(
    SPENDS_OF_POWERS,
    "spend.approved = 'Approved' AND spend.trait_type = 'discipline'",
    rating("vampire", "lower(spend.trait_name)", DISCIPLINES) + " >= spend.trait_value",
    severity="info",
    breaks=approved("discipline", "Temporis", "temporis", "characters_vampire", "vtmhuman_ptr_id"),
    show=["spend.trait_name", "spend.trait_value"],
    fix_hint=NOT_THERE,
    overlaps=["test_xp_can_be_explained_by_awards", "test_discipline_is_zero_to_ten"],
    since="spend.created_at",
    tags=["XP-29"],
)
def test_xp_spend_on_a_discipline_is_on_the_sheet(violations: Violations) -> None:
    """A Discipline is at least as high as it was approved to be.

    The severity is info: the page of a request approves by changing the status and nothing else; with the reference data
    that TG comes with, so does the sheet.
    """
    assert not violations


@rule.implies(
    SPENDS_OF_POWERS,
    "spend.approved = 'Approved' AND spend.trait_type = 'lore'",
    rating("demon", "replace(lower(spend.trait_name), ' ', '_')", LORES) + " >= spend.trait_value",
    severity="info",
    breaks=approved("lore", "Lore of Light", "lore_of_light", "characters_demon", "dtfhuman_ptr_id"),
    show=["spend.trait_name", "spend.trait_value"],
    fix_hint=NOT_THERE,
    overlaps=["test_xp_can_be_explained_by_awards", "test_lore_is_zero_to_five"],
    since="spend.created_at",
    tags=["XP-29"],
)
def test_xp_spend_on_a_lore_is_on_the_sheet(violations: Violations) -> None:
    """A Lore is at least as high as it was approved to be.

    The severity is info: the page of a request approves by changing the status and nothing else; with the reference data
    that TG comes with, so does the sheet.
    """
    assert not violations
