"""Faults of characters: numbers, words, standing."""

from typing import Final

from .fault import HUMAN, ROOT, Fault, character, human, sets, unchecked

TRAITS: Final = (
    Fault(
        "range characters_human.strength",
        HUMAN,
        "900001",
        "an attribute of 11",
        human("strength = 11"),
        HUMAN,
        ("CHAR-14",),
    ),
    Fault(
        "CHAR-13",
        HUMAN,
        "900002",
        "an attribute of 0",
        human("dexterity = 0"),
        HUMAN,
        ("range characters_human.dexterity",),
    ),
    Fault("range characters_human.athletics", HUMAN, "900003", "an ability of 42", human("athletics = 42"), HUMAN),
    Fault("range characters_human.brawl", HUMAN, "900004", "an ability of -1", human("brawl = -1"), HUMAN),
    Fault(
        "characters_human_willpower_range",
        HUMAN,
        "900005",
        "permanent willpower of 11 under a CHECK that claims to hold",
        unchecked(HUMAN, *human("willpower = 11")),
        HUMAN,
    ),
    Fault(
        "characters_human_temporary_willpower_not_exceeds_perm",
        HUMAN,
        "900006",
        "more temporary than permanent willpower",
        unchecked(HUMAN, *human("willpower = 3, temporary_willpower = 7")),
        HUMAN,
    ),
    Fault("characters_human_reasonable_age", HUMAN, "900007", "age -3", unchecked(HUMAN, *human("age = -3")), HUMAN),
    Fault(
        "characters_human_reasonable_age", HUMAN, "900008", "age 6000", unchecked(HUMAN, *human("age = 6000")), HUMAN
    ),
    Fault(
        "XP-1",
        "characters_character",
        "900009",
        "experience of -5",
        unchecked("characters_character", sets("characters_character", "charactermodel_ptr_id", "xp = -5")),
        HUMAN,
        ("characters_character_xp_non_negative",),
    ),
    Fault("CHAR-12", HUMAN, "900010", "health levels out of order", human("current_health_levels = 'BLA'"), HUMAN),
    Fault("CHAR-15", HUMAN, "900011", "freebie points of -4", human("freebies = -4"), HUMAN),
    Fault(
        "CHAR-16",
        HUMAN,
        "900012",
        "the ledger of freebies is an object, not a list",
        human("spent_freebies = '{}'"),
        HUMAN,
        ("JSON-1",),
    ),
    Fault(
        "VAM-1",
        "characters_vampire",
        "900013",
        "a blood pool that the generation does not give",
        (sets("characters_vampire", "vtmhuman_ptr_id", "max_blood_pool = 33"),),
        "characters_vampire",
    ),
    Fault(
        "VAM-7",
        "characters_vampire",
        "900014",
        "a vampire that sired itself",
        (sets("characters_vampire", "vtmhuman_ptr_id", "sire_id = vtmhuman_ptr_id"),),
        "characters_vampire",
        ("VAM-8",),
    ),
    Fault(
        "MAG-1",
        "characters_mage",
        "900015",
        "a sphere above arete",
        (sets("characters_mage", "mtahuman_ptr_id", "arete = 1, entropy = 4"),),
        "characters_mage",
    ),
    Fault(
        "characters_werewolf_rage_range",
        "characters_werewolf",
        "900016",
        "a werewolf without rage",
        unchecked("characters_werewolf", sets("characters_werewolf", "wtahuman_ptr_id", "rage = 0")),
        "characters_werewolf",
    ),
)

STANDING: Final = (
    Fault("OBJ-1", ROOT, "900021", "a status that does not exist", character("status = 'Zom'"), HUMAN),
    Fault("OBJ-2", ROOT, "900022", "a visibility that does not exist", character("visibility = 'ALL'"), HUMAN),
    Fault("OBJ-2", ROOT, "900023", "an image status that does not exist", character("image_status = 'bad'"), HUMAN),
    Fault("OBJ-3", ROOT, "900024", "no name", character("name = ''"), HUMAN),
    Fault("OBJ-5", ROOT, "900025", "an approved image that is not there", character("image_status = 'app'"), HUMAN),
    Fault("OBJ-7", ROOT, "900026", "an image that is NULL", character("image = NULL"), HUMAN),
    Fault("OBJ-8", ROOT, "900027", "an image outside its folder", character("image = '../../etc/passwd.png'"), HUMAN),
    Fault("OBJ-9", ROOT, "900028", "a name with a zero-width space", character("name = U&'Ada\\200B Lovel'"), HUMAN),
    Fault(
        "CHAR-1",
        ROOT,
        "900029",
        "approved without a concept",
        (sets("characters_character", "charactermodel_ptr_id", "concept = ''"),),
        HUMAN,
    ),
    Fault(
        "CHAR-2",
        ROOT,
        "900030",
        "an approved player character without owner",
        character("npc = false, owner_id = NULL"),
        HUMAN,
    ),
    Fault(
        "CHAR-3",
        ROOT,
        "900031",
        "retired, yet in a scene that still runs",
        (
            *character("status = 'Ret'"),
            (
                "INSERT INTO game_scene_characters SELECT %(key)s, min(s.id), m.id FROM characters_charactermodel m"
                " JOIN game_scene s USING (chronicle_id) WHERE m.id = %(key)s AND NOT s.finished GROUP BY m.id"
            ),
        ),
        HUMAN,
    ),
    Fault(
        "CHAR-4",
        ROOT,
        "900032",
        "retired, yet in a group",
        (
            *character("status = 'Ret'"),
            (
                "INSERT INTO characters_group_members SELECT %(key)s, min(g.id), m.id FROM characters_charactermodel m"
                " JOIN characters_group g USING (chronicle_id) WHERE m.id = %(key)s GROUP BY m.id"
            ),
        ),
        HUMAN,
    ),
    Fault(
        "CHAR-5",
        "characters_group",
        "900033",
        "a group led by a retired character that is not even a member",
        (
            (
                "UPDATE characters_group SET leader_id = (SELECT min(c.human_ptr_id) FROM characters_vtmhuman c"
                " JOIN characters_charactermodel m ON m.id = c.human_ptr_id WHERE m.status = 'Ret') WHERE id = %(key)s"
            ),
        ),
        "characters_coterie",
        ("CHAR-25",),
    ),
    Fault(
        "CHAR-22",
        ROOT,
        "900034",
        "a character without a journal",
        ("DELETE FROM game_journal WHERE character_id = %(key)s",),
        HUMAN,
    ),
    Fault(
        "CHAR-21",
        ROOT,
        "900035",
        "an approved player character in no chronicle",
        character("npc = false, chronicle_id = NULL"),
        HUMAN,
    ),
)
