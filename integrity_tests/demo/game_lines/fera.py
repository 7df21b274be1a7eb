"""More of the werewolf line: the other changing breeds, kinfolk with gifts, fomori, drones and spirits."""

from typing import Final

from ..row_text import Dots, Listing

_ABILITIES: Final = Dots("animal_ken leadership larceny performance survival enigmas occult primal_urge rituals", 6, 3)

LISTINGS: Final = (
    Listing(
        "characters_giftpermission",
        """
        shifter | condition
        ajaba   | full_moon
        ananasi | tenere
        bastet  | khan
        corax   | corvid
        gurahl  | arcas
        kinfolk | Fianna
        mokole  | noonday_sun
        ratkin  | warrior
        """,
    ),
    Listing(
        "characters_gift",
        """
        name              | rank | *gift_allowed>giftpermission.condition
        Grass Whisper     | 1    | full_moon; khan
        Eight Threads     | 1    | tenere
        Nine Lives' Worth | 5    | khan
        Voice of Feathers | 1    | corvid
        Bear's Mercy      | 2    | arcas
        Hearth Sense      | 1    | Fianna; homid
        Sun on Scale      | 3    | noonday_sun
        Gnaw Through      | 1    | warrior
        """,
    ),
    Listing(
        "characters_rite",
        """
        name                      | level | rite_type
        Rite of the First Feather | 0     | mystic
        Rite of the Long Sleep    | 5     | seasonal
        """,
    ),
    Listing(
        "characters_renownincident",
        """
        name                 | glory | honor | wisdom | posthumous | only_once | breed | rite_id>rite
        Died for the caern   | 8     | 8     | 0      | yes        | yes       |       | -
        Held the long vigil  | 0     | 1     | 2      | no         | no        | lupus | Rite of the Winter Vigil
        Fled before the moot | -3    | -2    | -1     | no         | no        |       | -
        """,
    ),
    Listing(
        "characters_camp",
        """
        name                 | camp_type  | tribe_id>tribe
        Lodge of the Ash     | lodge      | Fianna
        House of Long Winter | house      | Silver Fangs
        The Unpaired Track   | philosophy | -
        """,
    ),
    Listing(
        "characters_septposition",
        """
        name
        Grand Elder
        Warder
        Keeper of the Land
        """,
    ),
    Listing(
        "characters_totem",
        """
        name            | cost | totem_type | individual_traits    | pack_traits        | ban
        A Nameless Wind | 0    |            |                      |                    |
        Mother Lynx     | 5    | wisdom     | One more when alone. | Eyes for the dark. | Never hunt for sport.
        """,
    ),
    Listing(
        "characters_fomoripower",
        """
        name
        Armoured Hide
        Body Barbs
        Cause Insanity
        """,
    ),
    Listing(
        "characters_spiritcharm",
        """
        name       | essence_cost | point_cost
        Airt Sense | 0            | 0
        Blast      | 3            | 5
        Armor      | 2            | 5
        Reform     | 20           | 10
        """,
    ),
    Listing(
        "characters_character",
        """
        name                     | npc | concept
        The Crowd at the Sawmill | yes | Forty people on a Friday
        """,
    ),
    Listing(
        "characters_spiritcharacter",
        """
        name               | npc | concept             | willpower | rage | gnosis | essence | *spiritcharacter_charms>spiritcharm
        Taiga Wind         | yes | Weather with a will | 7         | 3    | 8      | 18      | Airt Sense; Blast
        Warden of the Ice  | yes | Jailer              | 10        | 10   | 10     | 30      | Armor; Reform; Airt Sense
        A Gaffling of Moss | yes | Errand runner       | 1         | 0    | 1      | 2       |
        """,
    ),
    Listing(
        "characters_kinfolk",
        """
        name            | status | npc | breed | tribe_id>tribe | relation | gnosis | glory | honor | wisdom | temporary_glory | temporary_honor | temporary_wisdom | *kinfolk_gift_permissions>giftpermission.condition | *kinfolk_gifts>gift
        Yelena Voronova | App    | no  | homid | Fianna         | Aunt     | 1      | 1     | 2     | 0      | 0               | 3               | 9                | Fianna                                             | Hearth Sense
        Grey Dam of Ket | App    | yes | lupus | Red Talons     | Mother   | 0      | 0     | 0     | 0      | 0               | 0               | 0                |                                                    |
        Kolya Zimin     | Un     | no  |       | -              |          | 0      | 0     | 0     | 0      | 0               | 0               | 0                |                                                    |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_werewolf",
        """
        name              | status | npc | breed | auspice  | tribe_id>tribe | rank | glory | honor | wisdom | temporary_glory | temporary_honor | temporary_wisdom | rage | gnosis | renown_incidents                               | first_change | age_of_first_change | *werewolf_camps>camp | *werewolf_gift_permissions>giftpermission.condition | *werewolf_gifts>gift                       | *werewolf_rites_known>rite | *werewolf_battle_scars>battlescar
        Winter-Is-Owed    | App    | yes | metis | ahroun   | Fianna         | 5    | 10    | 9     | 4      | 9               | 0               | 0                | 10   | 10     | ["Held the ford alone", "Held the long vigil"] | In a barn.   | 8                   | Lodge of the Ash     | metis; ahroun                                       | Burrow Deep; Stone Knuckles; Wall of Teeth | Rite of the Long Sleep     | Torn Ear; Glass Eye
        Runs-From-Nothing | App    | no  | homid | ragabash | Glass Walkers  | 1    | 0     | 0     | 3      | 0               | 0               | 0                | 1    | 1      | []                                             |              | 15                  | The Unpaired Track   | homid; ragabash                                     | City Tongue                                | Rite of the First Feather  |
        Left-At-The-Gate  | Un     | no  |       |          | -              | 1    | 0     | 0     | 0      | 0               | 0               | 0                | 1    | 1      | []                                             |              | 0                   |                      |                                                     |                                            |                            |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_fomor",
        """
        name            | npc | rage | gnosis | *fomor_powers>fomoripower
        Matvei the Drum | yes | 5    | 0      | Armoured Hide; Body Barbs
        Nurse Agafya    | yes | 0    | 2      | Cause Insanity
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_drone",
        """
        name          | npc | bane_name       | bane_type | rage | gnosis | willpower_per_turn
        Clerk Four    | yes | Ledger-of-Nails | scrag     | 0    | 5      | 1
        Foreman Ilyin | yes |                 |           | 3    | 1      | 0
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_wtahuman",
        """
        name            | npc
        Grandfather Ice | yes
        """,
        (
            Dots(
                "animal_ken enigmas larceny law leadership occult performance primal_urge rituals survival technology",
                most=10,
            ),
        ),
    ),
    Listing(
        "characters_fera",
        """
        name         | npc | breed    | faction | rage | gnosis | renown | temporary_renown | first_change    | age_of_first_change
        Last-Aurochs | yes | squamous |         | 10   | 0      | 0      | 0                | Before bridges. | 12
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_ajaba",
        """
        name           | status | npc | breed | faction       | rage | gnosis | renown | age_of_first_change | auspice   | ferocity | obligation | wisdom | *fera_gift_permissions>giftpermission.condition | *fera_gifts>gift | *fera_rites_known>rite
        Bone-Counter   | App    | no  | homid | The Clan Hall | 5    | 3      | 4      | 14                  | full_moon | 3        | 1          | 0      | full_moon                                       | Grass Whisper    | Rite of the Winter Vigil
        Second-At-Kill | Un     | no  |       |               | 0    | 0      | 0      | 0                   |           | 0        | 0          | 0      |                                                 |                  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_ajaba",
        """
        name             | npc | auspice
        Grin-In-Reeds    | yes | new_moon
        Third-Born       | no  | crescent_moon
        Dust-Laugh       | no  | half_moon
        Mother-Of-Twelve | yes | gibbous_moon
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_ananasi",
        """
        name        | status | npc | breed    | faction  | rage | gnosis | aspect | cunning | obedience | wisdom | *fera_gift_permissions>giftpermission.condition | *fera_gifts>gift
        Auntie Loom | App    | yes | arachnid | Myrmidon | 0    | 10     | tenere | 4       | 3         | 1      | tenere                                          | Eight Threads
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_ananasi",
        """
        name           | npc | aspect
        Knot Weaver    | yes | kumoti
        Parlour        | yes | hatar
        Eight-Year-Old | no  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_bastet",
        """
        name            | status | npc | breed  | rage | gnosis | tribe | pryio    | ferocity | honor | cunning | *fera_gift_permissions>giftpermission.condition | *fera_gifts>gift
        Amber-In-Snow   | App    | no  | feline | 4    | 5      | khan  | twilight | 5        | 5     | 1       | khan                                            | Grass Whisper; Nine Lives' Worth
        Sits-On-The-Map | Sub    | no  | homid  | 2    | 4      |       |          | 0        | 0     | 0       |                                                 |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_bastet",
        """
        name            | npc | tribe    | pryio
        Black-On-Black  | yes | bagheera | midnight
        River-Coin      | yes | balam    | daylight
        Temple-Thief    | no  | bubasti  | midnight
        Last-Of-Nine    | yes | ceilican | twilight
        Walks-The-Ridge | no  | pumonca  | daylight
        Riddle-Foot     | no  | qualmi   | twilight
        Noon Sultan     | yes | simba    | daylight
        First-To-Run    | no  | swara    | daylight
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_corax",
        """
        name           | status | npc | breed  | rage | gnosis | curiosity | *fera_gift_permissions>giftpermission.condition | *fera_gifts>gift  | *fera_rites_known>rite
        Tells-It-Twice | App    | no  | corvid | 1    | 6      | 3         | corvid                                          | Voice of Feathers | Rite of the First Feather
        One-Good-Eye   | Ret    | no  | homid  | 1    | 6      | 0         |                                                 |                   |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_grondr",
        """
        name             | npc | breed  | rage | gnosis | auspice | glory | honor | wisdom
        Roots-The-Blight | yes | suidae | 5    | 3      | autumn  | 2     | 3     | 0
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_grondr",
        """
        name        | npc | auspice
        Acorn-Song  | yes | spring
        Wallow-King | yes | summer
        Snow-Snout  | no  | winter
        Late-Farrow | no  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_gurahl",
        """
        name               | npc | breed  | rage | gnosis | auspice | honor | succor | vision | *fera_gift_permissions>giftpermission.condition | *fera_gifts>gift
        Sleeps-Till-Spring | no  | ursine | 4    | 7      | arcas   | 3     | 5      | 1      | arcas                                           | Bear's Mercy
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_gurahl",
        """
        name          | npc | auspice
        Cub-Warden    | yes | uzmati
        Honey-Judge   | yes | kojubat
        Berry-Keeper  | no  | kieh
        Not-Yet-Woken | no  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_kitsune",
        """
        name        | npc | breed | rage | gnosis | path | chie | toku | kagayaki
        Lantern Aki | no  | kojin | 1    | 5      | eji  | 2    | 1    | 0
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_kitsune",
        """
        name          | npc | path
        Nine-Inks Ren | yes | doshi
        Paper Haru    | yes | gukutsushi
        Tail-One      | no  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_mokole",
        """
        name               | npc | breed  | rage | gnosis | stream  | auspice     | valor | harmony | wisdom | mnesis | *fera_gift_permissions>giftpermission.condition | *fera_gifts>gift
        Remembers-Gondwana | yes | suchid | 4    | 9      | gumagan | noonday_sun | 4     | 4       | 5      | 5      | noonday_sun                                     | Sun on Scale
        Basking Tamara     | no  | homid  | 3    | 4      | makara  |             | 0     | 0       | 0      | 0      |                                                 |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_mokole",
        """
        name                | npc | stream       | auspice
        Long-Jaw Mei        | yes | zhong_lung   | rising_sun
        Hides-In-Congo      | yes | mokolembembe | setting_sun
        Veil-Of-Steam       | no  | makara       | shrouded_sun
        Cold-Blood-Midnight | yes | gumagan      | midnight_sun
        Crowned-Frill       | yes | decorated    | decorated_sun
        Born-In-Eclipse     | no  |              | solar_eclipse
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_nagah",
        """
        name         | npc | breed   | rage | gnosis | auspice | obligation | wisdom | subtlety
        Quiet Vasuki | yes | balaram | 3    | 5      | kali    | 5          | 2      | 5
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_nagah",
        """
        name         | npc | auspice
        Monsoon Devi | yes | kamakshi
        Red Spear    | yes | kartikeya
        Lotus Coil   | no  | kamsa
        Unshed       | no  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_nuwisha",
        """
        name           | npc | breed   | rage | gnosis | role   | glory | humor | cunning
        Wrong-Way Dale | no  | latrani | 0    | 6      | umbagi | 1     | 5     | 3
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_nuwisha",
        """
        name              | npc | role
        Laughs-At-Thunder | yes | kojubat
        Two-Left-Paws     | no  | kitmoti
        Where-Was-I       | no  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_ratkin",
        """
        name        | npc | breed  | rage | gnosis | aspect      | infamy | obligation | cunning | *fera_gift_permissions>giftpermission.condition | *fera_gifts>gift
        Under-Stair | no  | metis  | 5    | 1      | warrior     | 4      | 2          | 3       | warrior                                         | Gnaw Through
        Old Plague  | yes | rodens | 2    | 8      | plague_lord | 5      | 0          | 5       |                                                 |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_ratkin",
        """
        name           | npc | aspect
        Sewer Saint    | yes | tunnel_runner
        Spanner        | yes | engineers
        Baron Fib      | no  | munchmausen
        Hamstring      | no  | knife_skulker
        Dream-Of-Grain | yes | shadow_seer
        Tick-Tick      | no  | twitchers
        New-Litter     | no  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_rokea",
        """
        name        | npc | breed   | rage | gnosis | auspice     | valor | harmony | innovation
        Never-Stops | yes | squamus | 8    | 4      | brightwater | 5     | 2       | 0
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_rokea",
        """
        name      | npc | auspice
        Deep-Debt | yes | darkwater
        Salt-Pup  | no  |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "items_fetish",
        """
        name               | rank | background_cost | gnosis | spirit | *items_itemmodel_owned_by>character
        Feather of Asking  | 1    | 1               | 5      | Owl    | Tells-It-Twice
        A Tooth of Old Ket | 3    | 3               | 6      | Frost  | Winter-Is-Owed
        Voronova's Spindle | 2    | 2               | 5      | Ivy    | Yelena Voronova
        """,
    ),
    Listing(
        "characters_fera_fetishes_owned",
        """
        fera_id>fera   | fetish_id>items_fetish
        Tells-It-Twice | Feather of Asking
        """,
    ),
    Listing(
        "characters_werewolf_fetishes_owned",
        """
        werewolf_id>werewolf | fetish_id>items_fetish
        Winter-Is-Owed       | A Tooth of Old Ket
        """,
    ),
    Listing(
        "characters_kinfolk_fetishes_owned",
        """
        kinfolk_id>kinfolk | fetish_id>items_fetish
        Yelena Voronova    | Voronova's Spindle
        """,
    ),
    Listing(
        "characters_pack",
        """
        name            | totem_id>totem | leader_id>werewolf | *group_members>werewolf
        The Owed Winter | Mother Lynx    | Winter-Is-Owed     | Winter-Is-Owed; Runs-From-Nothing
        Lone Ford       | -              | -                  |
        """,
    ),
)
