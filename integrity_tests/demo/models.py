"""The models of the TG application: which there are, where their rows live, what a new object starts with.

Facts are those of TG's Django models: 235 content types, one table per class, multi-table inheritance by `*_ptr_id`.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

_MODELS = {
    "accounts": "profile",
    "admin": "logentry",
    "auth": "group permission user",
    "characters": (
        "ability advantage advantagerating ajaba ananasi apocalypticform apocalypticformtrait arcanos archetype "
        "attribute autumnperson background backgroundrating bastet battlescar cabal camp cantrip changeling character "
        "charactermodel chimera circle companion conclave corax corruptedpractice coterie creed ctdhuman demon "
        "demonfaction demonhouse derangement discipline drone dtfhuman dynasty earthbound edge effect fera fetter "
        "fomor fomoripower ghoul gift giftpermission grondr group guild gurahl house housefaction htrhuman human "
        "hunter hunterorganization inanimae instrument kinfolk kith kitsune legacy linearmagicpath linearmagicritual "
        "lore lorerating mage magefaction meritflaw meritflawrating mokole motley mtahuman mtrhuman mummy mummytitle "
        "nagah nunnehi nuwisha pack pact paradigm passion path pathrating pooledbackgroundrating practice "
        "practicerating ratkin renownincident resonance resrating revenant revenantfamily rite ritual rokea rote "
        "septposition shadowarchetype sorcerer sorcererfellowship specializedpractice specialty sphere "
        "spiritcharacter spiritcharm statistic tenet thorn thornrating thrall totem tribe vampire vampireclan "
        "vampiresect vampiretitle visage vtmhuman werewolf wraith wraithfaction wtahuman wtohuman"
    ),
    "contenttypes": "contenttype",
    "core": (
        "book bookreference charactertemplate houserule language newsitem noun number observer templateapplication"
    ),
    "game": (
        "chronicle freebiespendingrecord gameline journal journalentry objecttype post scene settingelement story "
        "storyxprequest strelationship userscenereadstatus week weeklyxprequest xpspendingrequest"
    ),
    "items": (
        "artifact bloodstone charm dross fetish grimoire huntergear hunterrelic itemmodel material medium meleeweapon "
        "mummyrelic periapt rangedweapon relic relicresonancerating sorcererartifact talen talisman thrownweapon "
        "treasure ushabti vampireartifact vessel weapon wonder wonderresonancerating wraithartifact wraithrelic"
    ),
    "locations": (
        "barrens bastion byway caern chantry chantrybackgroundrating citadel city culttemple demesne domain "
        "dreamrealm elysium freehold haunt haven havenmeritflawrating holding horizonrealm "
        "horizonrealmmeritflawrating horizonrealmresonancerating huntingground library locationmodel necropolis nihil "
        "node nodemeritflawrating noderesonancerating paradoxatmosphere paradoxobstacle paradoxrealm rack realityzone "
        "reliquary safehouse sanctum sector tomb tombmeritflawrating tremerechantry trod undergroundsanctuary "
        "wraithfreehold zonerating"
    ),
    "sessions": "session",
}

_TABLES_ELSEWHERE = MappingProxyType(
    {
        ("admin", "logentry"): "django_admin_log",
        ("contenttypes", "contenttype"): "django_content_type",
        ("sessions", "session"): "django_session",
    }
)

_ATTRIBUTES = "strength dexterity stamina perception intelligence wits charisma manipulation appearance"

_EVERY_OBJECT: dict[str, object] = {
    "display": True,
    "image": "",
    "image_status": "sub",
    "status": "Un",
    "visibility": "PRI",
}

# By table; a column that is named nowhere starts as Django's zero of its type: 0, false, "", [], NULL where allowed.
_STARTS: dict[str, dict[str, object]] = {
    "accounts_profile": {"preferred_heading": "wod_heading", "theme": "light", "discord_toggle": True},
    "characters_human": {
        **dict.fromkeys(_ATTRIBUTES.split(), 1),
        "freebies": 15,
        "max_health_levels": 7,
        "temporary_willpower": 3,
        "willpower": 3,
    },
    "characters_background": {"multiplier": 1, "poolable": True},
    "characters_vampire": {
        **dict.fromkeys("conscience self_control courage blood_per_turn".split(), 1),
        "blood_pool": 10,
        "generation_rating": 13,
        "humanity": 7,
        "max_blood_pool": 10,
    },
    "characters_ghoul": {**dict.fromkeys("potence conscience self_control courage".split(), 1), "max_blood_pool": 10},
    "characters_werewolf": {"gnosis": 1, "rage": 1, "rank": 1},
    "characters_mage": {
        "arete": 1,
        "corr_name": "correspondence",
        "prime_name": "prime",
        "quiet_type": "none",
        "spirit_name": "spirit",
    },
    "characters_wraith": {"angst": 1, "character_type": "wraith", "corpus": 10, "last_harrowing_result": "none"},
    "core_charactertemplate": {
        word: {} for word in "attributes abilities powers basic_info suggested_freebie_spending".split()
    },
    "items_weapon": {"conceal": "N", "damage_type": "L"},
    "locations_paradoxrealm": {"final_obstacle_details": {}},
    "locations_locationmodel": {"dimension_barrier": 3, "gauntlet": 7, "shroud": 5},
}


def content_types() -> Iterator[tuple[str, str]]:
    """Every (app_label, model) pair, sorted: the content types that TG's migrations leave behind."""
    for app_label, words in sorted(_MODELS.items()):
        yield from ((app_label, model) for model in words.split())


def table_of(app_label: str, model: str) -> str:
    """Name the table that holds a model's rows."""
    return _TABLES_ELSEWHERE.get((app_label, model), f"{app_label}_{model}")


def start_of(table: str) -> Mapping[str, object]:
    """Tell what the application gives a new row of this table, apart from the zeros of the types."""
    return _EVERY_OBJECT | _STARTS.get(table, {})
