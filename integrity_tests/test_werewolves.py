"""Werewolves and the other changing breeds: renown, rank, gifts."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_tgintegrity import Source, Violations, rule

from .sources.characters import ANY_PART, WEREWOLVES, joined, part
from .words.lines import LINE_ABILITIES, MEANT, PAID, UNBOUNDED, choices

TEMPORARY: Final = ("temporary_glory", "temporary_honor", "temporary_wisdom")
RENOWN: Final = ("glory", "honor", "wisdom", *TEMPORARY)

# What the auspices other than ragabash ask for, from rank 1 to 5.
ASKED: Final = [
    ("glory", [0, 1, 2, 4, 4], [0, 1, 2, 3, 4], [2, 4, 4, 7, 9], [2, 4, 6, 9, 10]),
    ("honor", [0, 0, 1, 2, 9], [3, 4, 6, 8, 10], [0, 0, 2, 2, 5], [1, 1, 3, 4, 9]),
    ("wisdom", [3, 5, 7, 9, 10], [0, 1, 2, 4, 9], [1, 2, 4, 6, 9], [0, 1, 1, 2, 4]),
]

FINISHED: Final = "wtahuman_ptr_id NOT IN (SELECT id FROM characters_charactermodel WHERE status = 'Un')"

GIFTED: Final = joined(
    "gifts of werewolves",
    "characters_werewolf_gifts AS held"
    " JOIN characters_gift AS gift ON gift.id = held.gift_id"
    " JOIN characters_werewolf AS werewolf ON werewolf.wtahuman_ptr_id = held.werewolf_id",
    "held.id",
    "held.werewolf_id",
)
PERMITTED: Final = Source(
    "gifts that werewolves hold a permission for",
    "characters_werewolf_gifts AS learnt"
    " JOIN characters_gift_allowed AS allowed ON allowed.gift_id = learnt.gift_id"
    " JOIN characters_werewolf_gift_permissions AS granted"
    " ON granted.giftpermission_id = allowed.giftpermission_id AND granted.werewolf_id = learnt.werewolf_id",
    key="learnt.id",
)
TRIBAL: Final = joined(
    "{table} with their tribe",
    "{table} AS member JOIN characters_tribe AS tribe ON tribe.id = member.tribe_id",
    "member.wtahuman_ptr_id",
)
CAMPED: Final = joined(
    "camps of werewolves",
    "characters_werewolf_camps AS joined"
    " JOIN characters_camp AS camp ON camp.id = joined.camp_id"
    " JOIN characters_werewolf AS werewolf ON werewolf.wtahuman_ptr_id = joined.werewolf_id",
    "joined.id",
    "joined.werewolf_id",
)
DEEDS: Final = joined(
    "deeds of werewolves",
    "characters_werewolf AS werewolf CROSS JOIN LATERAL jsonb_array_elements_text("
    "CASE jsonb_typeof(werewolf.renown_incidents) WHEN 'array' THEN werewolf.renown_incidents ELSE '[]' END"
    ") WITH ORDINALITY AS deed(name, place)",
    ["werewolf.wtahuman_ptr_id", "deed.place"],
    "werewolf.wtahuman_ptr_id",
)


@pytest.mark.parametrize("column", ["rage", "gnosis"])
@rule.between(
    WEREWOLVES,
    "{column}",
    1,
    10,
    severity="high",
    fix_hint=PAID,
    enforced_by="characters_werewolf_{column}_range",
)
def test_rage_and_gnosis_are_one_to_ten(violations: Violations, column: str) -> None:
    """Rage and Gnosis of a werewolf lie between 1 and 10."""
    assert not violations


@pytest.mark.parametrize("column", ["rage", "gnosis"])
@rule.between(
    part("characters_fera"),
    "{column}",
    0,
    10,
    severity="low",
    fix_hint=PAID,
)
def test_rage_and_gnosis_of_fera_are_zero_to_ten(violations: Violations, column: str) -> None:
    """Rage and Gnosis of the other changing breeds lie between 0 and 10."""
    assert not violations


@pytest.mark.parametrize("column", RENOWN)
@rule.between(
    WEREWOLVES,
    "{column}",
    0,
    10,
    severity="medium",
    fix_hint=PAID,
)
def test_renown_is_zero_to_ten(violations: Violations, column: str) -> None:
    """Glory, Honor and Wisdom lie between 0 and 10; a sheet outside that cannot be saved any more."""
    assert not violations


@rule.between(
    WEREWOLVES,
    "rank",
    1,
    5,
    severity="low",
    fix_hint=PAID,
    tags=["WOLF-1"],
)
def test_rank_is_one_to_five(violations: Violations) -> None:
    """A werewolf is of rank 1 to 5."""
    assert not violations


@pytest.mark.parametrize("column", LINE_ABILITIES["characters_wtahuman"])
@rule.between(
    part("characters_wtahuman"),
    "{column}",
    0,
    10,
    fix_hint=UNBOUNDED,
)
def test_werewolf_ability_is_zero_to_ten(violations: Violations, column: str) -> None:
    """The abilities that sheets of werewolves and their kin add lie between 0 and 10.

    TG's own ways to gain dots stop at five, and there are ten at most; an edit page, and SQL, take any number.
    """
    assert not violations


@pytest.mark.parametrize(
    ("table", "key", "column", "values"),
    choices(
        "characters_werewolf",
        "characters_kinfolk",
        "characters_ajaba",
        "characters_ananasi",
        "characters_bastet",
        "characters_grondr",
        "characters_gurahl",
        "characters_kitsune",
        "characters_mokole",
        "characters_nagah",
        "characters_nuwisha",
        "characters_ratkin",
        "characters_rokea",
    ),
)
@rule.one_of(ANY_PART, "{column}", "%(values)s", fix_hint=MEANT)
def test_shapechanger_is_described_in_known_words(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """Breed, auspice, aspect, stream and the like are words that the application knows."""
    assert not violations


@pytest.mark.parametrize(("table", "key", "column", "values"), choices("characters_camp", "characters_totem"))
@rule.one_of("{table}", "{column}", "%(values)s", fix_hint=MEANT)
def test_camp_or_totem_is_of_a_known_kind(
    violations: Violations, table: str, key: str, column: str, values: list[str]
) -> None:
    """A camp, or a totem, is of a kind that the application knows."""
    assert not violations


@pytest.mark.parametrize(("trait", "theurge", "philodox", "galliard", "ahroun"), ASKED, ids=[one[0] for one in ASKED])
@rule.between(
    WEREWOLVES,
    "{trait}",
    f"""
    (CASE WHEN {FINISHED} THEN CASE auspice
        WHEN 'theurge' THEN %(theurge)s::int[] WHEN 'philodox' THEN %(philodox)s::int[]
        WHEN 'galliard' THEN %(galliard)s::int[] WHEN 'ahroun' THEN %(ahroun)s::int[]
    END END)[rank]
    """,
    None,
    severity="low",
    breaks={"{trait}": "0"},
    show=["auspice", "rank", "glory", "honor", "wisdom"],
    fix_hint="whether the rank or the renown is wrong only a storyteller knows",
    overlaps=["test_renown_is_zero_to_ten", "test_rank_is_one_to_five"],
    tags=["WOLF-1"],
)
def test_renown_supports_the_rank(
    violations: Violations,
    trait: str,
    theurge: list[int],
    philodox: list[int],
    galliard: list[int],
    ahroun: list[int],
) -> None:
    """A werewolf has the Glory, Honor and Wisdom that the auspice asks for at this rank.

    Unfinished characters are left out: each step of their creation is saved, also those before the one for renown.
    """
    assert not violations


@rule.implies(
    WEREWOLVES,
    f"auspice = 'ragabash' AND {FINISHED}",
    "glory::bigint + honor + wisdom >= ('{{3,7,13,19,25}}'::int[])[rank]",
    severity="low",
    breaks={"glory": "0", "honor": "0", "wisdom": "0"},
    show=["rank", "glory", "honor", "wisdom"],
    fix_hint="whether the rank or the renown is wrong only a storyteller knows",
    overlaps=["test_renown_is_zero_to_ten", "test_rank_is_one_to_five"],
    tags=["WOLF-1"],
)
def test_renown_of_ragabash_supports_the_rank(violations: Violations) -> None:
    """A ragabash needs 3, 7, 13, 19 and 25 points of renown for the ranks 1 to 5, of whatever kind.

    Unfinished characters are left out: each step of their creation is saved, also those before the one for renown.
    """
    assert not violations


@pytest.mark.parametrize("column", TEMPORARY)
@rule.between(
    WEREWOLVES,
    "{column}",
    None,
    9,
    severity="info",
    fix_hint="ten points become a dot, which a storyteller grants",
    overlaps=["test_renown_is_zero_to_ten"],
    tags=["WOLF-2"],
)
def test_temporary_renown_is_below_ten(violations: Violations, column: str) -> None:
    """Temporary renown stays below ten: the tenth point turns all of them into a dot.

    The severity is info: the sheet takes ten, and who has ten dots already gets no other.
    """
    assert not violations


@rule.rows(
    GIFTED,
    "gift.rank > werewolf.rank",
    severity="info",
    breaks={
        "held.gift_id": "(SELECT min(other.id) FROM characters_gift AS other WHERE other.rank > werewolf.rank)",
    },
    show=["gift.name", "gift.rank", "werewolf.rank"],
    fix_hint="buying with XP does not look at it: a storyteller may have granted the gift early",
    overlaps=["test_gift_is_allowed_to_the_werewolf", "test_rank_is_one_to_five"],
    tags=["WOLF-3"],
)
def test_gift_is_not_above_the_rank(violations: Violations) -> None:
    """A werewolf knows gifts of his own rank or lower ones."""
    assert not violations


@rule.references(
    GIFTED,
    "held.id",
    PERMITTED,
    "learnt.id",
    severity="info",
    breaks="""
        INSERT INTO characters_werewolf_gifts (werewolf_id, gift_id)
        SELECT werewolf.wtahuman_ptr_id, gift.id
        FROM characters_werewolf AS werewolf JOIN characters_gift AS gift ON gift.rank <= werewolf.rank
        WHERE (werewolf.wtahuman_ptr_id, gift.id) NOT IN (
            SELECT granted.werewolf_id, allowed.gift_id
            FROM characters_gift_allowed AS allowed JOIN characters_werewolf_gift_permissions AS granted
            ON granted.giftpermission_id = allowed.giftpermission_id
        ) ORDER BY 1, 2 LIMIT 1
        RETURNING id
    """,
    show=["gift.name"],
    fix_hint="buying with XP does not look at it: a storyteller may have granted the gift to an outsider",
    tags=["WOLF-3"],
)
def test_gift_is_allowed_to_the_werewolf(violations: Violations) -> None:
    """A werewolf knows gifts of his own breed, auspice, tribe or camp: such as he holds a permission for."""
    assert not violations


@pytest.mark.parametrize("table", ["characters_werewolf", "characters_kinfolk"])
@rule.implies(
    TRIBAL,
    "tribe.name = 'Red Talons'",
    "member.breed <> 'homid'",
    severity="low",
    breaks={"member.breed": "'homid'"},
    show=["member.breed", "tribe.name"],
    fix_hint="whether breed or tribe is wrong only the player knows",
    tags=["WOLF-4"],
)
def test_red_talon_is_no_homid(violations: Violations, table: str) -> None:
    """Nobody who was born human belongs to the Red Talons."""
    assert not violations


@rule.json_shape(
    WEREWOLVES,
    "renown_incidents",
    [str],
    severity="low",
    fix_hint="which deeds were meant only the player knows",
    overlaps=["test_deed_of_werewolf_is_known", "test_json_column_is_a_list"],
    tags=["WOLF-5"],
)
def test_deeds_of_werewolf_are_a_list_of_names(violations: Violations) -> None:
    """The deeds that brought a werewolf renown are a list of names."""
    assert not violations


@rule.references(
    DEEDS,
    "deed.name",
    "characters_renownincident",
    "name",
    severity="info",
    breaks="""
        UPDATE characters_werewolf SET renown_incidents = renown_incidents || '["Ate the moon"]'
        WHERE wtahuman_ptr_id = (SELECT min(wtahuman_ptr_id) FROM characters_werewolf)
        RETURNING wtahuman_ptr_id, jsonb_array_length(renown_incidents)
    """,
    fix_hint="which deed was meant only the player knows",
    overlaps=[
        "test_object_name_is_not_blank",
        "test_object_name_has_no_invisible_characters",
        "test_object_name_has_no_white_space_around",
    ],
    tags=["WOLF-5"],
)
def test_deed_of_werewolf_is_known(violations: Violations) -> None:
    """Every deed that brought a werewolf renown is one of the deeds that the application knows by this name.

    The severity is info: deleting or renaming a deed leaves its old name on the sheets.
    """
    assert not violations


@rule.formula(
    CAMPED,
    "werewolf.tribe_id",
    "camp.tribe_id",
    severity="info",
    breaks={
        "joined.camp_id": """
            (SELECT min(other.id) FROM characters_camp AS other WHERE other.tribe_id <> werewolf.tribe_id)
        """
    },
    show=["camp.name"],
    fix_hint="a camp may take in a stranger: a storyteller knows",
    tags=["WOLF-6"],
)
def test_camp_is_of_the_tribe(violations: Violations) -> None:
    """A werewolf belongs to camps of his own tribe."""
    assert not violations
