"""The changeling line: kiths, houses, legacies, cantrips, chimera, and the fae of every sort."""

from typing import Final

from ..row_text import Dots, Listing

_ABILITIES: Final = Dots("kenning leadership animal_ken larceny performance enigmas gremayre law politics", 5, 3)
_ARTS: Final = Dots("chicanery chronos legerdemain metamorphosis naming primal skycraft soothsay wayfare", 5)
_REALMS: Final = Dots("actor fae nature_realm prop scene time", 6)
_EVERY_ABILITY: Final = Dots(
    "animal_ken enigmas gremayre kenning larceny law leadership performance politics survival technology", most=10
)
_EVERY_ART_AND_REALM: Final = Dots(
    "autumn chicanery chronos contract dragons_ire legerdemain metamorphosis naming oneiromancy primal pyretics skycraft"
    " soothsay sovereign spring summer wayfare winter actor fae nature_realm prop scene time"
)

LISTINGS: Final = (
    Listing(
        "characters_ability",
        """
        name     | property_name
        Kenning  | kenning
        Gremayre | gremayre
        """,
    ),
    Listing(
        "characters_background",
        """
        name     | property_name | multiplier | poolable
        Holdings | holdings      | 1          | yes
        Title    | title         | 1          | no
        """,
    ),
    Listing(
        "characters_kith",
        """
        name    | affinity | birthrights                               | frailty
        Boggan  | actor    | ["Nimble by candlelight"]                 | Cannot walk past honest need.
        Eshu    | scene    | ["Always on time", "A tale for everyone"] | Cannot refuse a road.
        Nocker  | prop     | ["Mends what was made"]                   | Every work has its flaw.
        Pooka   | nature   | ["Runs as a beast"]                       | Cannot say it straight.
        Sidhe   | time     | ["Never plain", "Bears a title well"]     | Takes banality to heart.
        Troll   | fae      | ["Carries the gate"]                      | Weak as water once an oath is broken.
        Merfolk |          | []                                        |
        """,
    ),
    Listing(
        "characters_housefaction",
        """
        name
        Keepers of the Old Table
        The Open Gate
        """,
    ),
    Listing(
        "characters_house",
        """
        name                    | court    | boon              | flaw                 | *house_factions>housefaction
        House Gwydion           | seelie   | Hears a lie       | A temper like a fire | Keepers of the Old Table; The Open Gate
        House Fiona             | seelie   | Fears nothing     | Loves unwisely       | Keepers of the Old Table
        House Ailil             | unseelie | A word that binds | Proud beyond sense   | The Open Gate
        House of the Wet Hearth | ""       | Never lost at sea | Never at home        |
        The Unremembered House  | -        |                   |                      |
        """,
    ),
    Listing(
        "characters_legacy",
        """
        name      | court
        Bumpkin   | seelie
        Orchid    | seelie
        Sage      | seelie
        Knave     | unseelie
        Rogue     | unseelie
        Riddler   | unseelie
        Foundling | ""
        Nameless  | -
        """,
    ),
    Listing(
        "characters_cantrip",
        """
        name              | art           | primary_realm | modifier_realms | level | glamour_cost | difficulty | duration  | range    | type_of_effect | bunk_examples
        Hopscotch         | wayfare       | actor         | []              | 1     | none         | 8          | one leap  | self     | wyrd           | ["Turn about thrice"]
        Ensnare           | primal        | scene         | ["prop", "fae"] | 2     | 1 glamour    | 7          | one scene | in sight | chimerical     | ["Plait three reeds", "Whistle"]
        Holly Strike      | primal        | nature        | ["time"]        | 5     | 2 glamour    | 6          | a blow    | in sight | both           | []
        A Nursery Knock   |               |               | []              | 1     |              | 8          |           |          |                | []
        Leaf Fall         | autumn        | prop          | []              | 3     | 1 glamour    | 7          | one day   | touch    | chimerical     | []
        Trip the Light    | chicanery     | actor         | []              | 4     | 1 glamour    | 7          | one scene | in sight | chimerical     | []
        A Minute Owed     | chronos       | time          | ["actor"]       | 3     | 2 glamour    | 8          | a minute  | self     | wyrd           | []
        Signed in Salt    | contract      | fae           | []              | 4     | 1 glamour    | 8          | as sworn  | touch    | both           | []
        Dragon's Cough    | dragons_ire   | scene         | []              | 5     | 2 glamour    | 7          | a blow    | in sight | wyrd           | []
        Palm the Moon     | legerdemain   | prop          | []              | 2     | none         | 7          | one scene | touch    | chimerical     | []
        Borrowed Feathers | metamorphosis | nature        | []              | 3     | 1 glamour    | 7          | one night | self     | wyrd           | []
        Say It Thrice     | naming        | fae           | []              | 4     | 1 glamour    | 8          | for ever  | spoken   | both           | []
        Lend a Dream      | oneiromancy   | actor         | []              | 2     | 1 glamour    | 7          | one night | asleep   | chimerical     | []
        Candle Call       | pyretics      | prop          | []              | 1     | none         | 6          | one scene | in sight | wyrd           | []
        Cloud Ladder      | skycraft      | nature        | []              | 3     | 1 glamour    | 8          | one climb | self     | wyrd           | []
        Crumbs of Fate    | soothsay      | time          | []              | 2     | none         | 7          | one day   | self     | chimerical     | []
        Kneel             | sovereign     | actor         | []              | 2     | 1 glamour    | 7          | one scene | spoken   | chimerical     | []
        Green Again       | spring        | nature        | []              | 1     | none         | 6          | for ever  | touch    | wyrd           | []
        Noon Oath         | summer        | scene         | []              | 3     | 1 glamour    | 7          | one day   | in sight | both           | []
        Ice Key           | winter        | prop          | []              | 2     | 1 glamour    | 7          | one thaw  | touch    | wyrd           | []
        """,
    ),
    Listing(
        "characters_chimera",
        """
        name             | chimera_type     | chimera_points | sentience_level | durability | loyalty | special_abilities            | can_interact_with_physical | is_permanent | origin           | creator  | appearance
        Button Mouse     | facsimile        | 5              | non_sentient    | 1          | 0       | []                           | no                         | no           | manifested_dream |          | A mouse of mother-of-pearl.
        The Tin Herald   | advanced_crafted | 22             | semi_sentient   | 3          | 4       | ["Sounds an alarm"]          | yes                        | yes          | created_art      | A nocker | A trumpeter a foot high.
        Winter's Griffin | master_crafted   | 50             | fully_sentient  | 5          | 5       | ["Flight", "A frost breath"] | yes                        | yes          | treasure_bound   |          | Feathers like slate tiles.
        Paper Fleet      | simple_crafted   | 10             | sentient        | 1          | 3       | ["Carries a letter"]         | no                         | no           | other            |          | Folded from a chart.
        The Long Table   | complex_crafted  | 35             | semi_sentient   | 4          | 2       | ["Seats one more"]           | yes                        | yes          | created_art      |          | Never the same length.
        What Was Dreamt  |                  | 8              |                 | 2          | 1       | []                           | no                         | no           |                  |          |
        """,
    ),
    Listing(
        "characters_ctdhuman",
        """
        name                   | status | npc
        Marjolein van der Veer | App    | yes
        Wout Kuipers           | Un     | no
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_changeling",
        """
        name              | status | npc | kith_id>kith | house_id>house          | court    | seeming   | seelie_legacy_id>legacy | unseelie_legacy_id>legacy | banality | temporary_banality | glamour | temporary_glamour | musing_threshold   | ravaging_threshold | strength | sovereign | true_name | date_ennobled | date_of_crysalis | antithesis        | fae_mien
        Saskia Windsong   | App    | no  | Sidhe        | House Gwydion           | seelie   | wilder    | Orchid                  | Rogue                     | 3        | 0                  | 4       | 4                 | inspire_creativity | destroy_illusions  |          | 3         | Aurelwen  | 2005-05-01    | 2001-10-31       | Tidy desks        | Hair like poured honey
        Joris Copperthumb | App    | no  | Boggan       |                         | seelie   | grump     | Bumpkin                 | Knave                     | 5        | 2                  | 3       | 1                 | help_those_in_need | exploit_dependence |          |           |           | -             | 1988-04-02       | Waste             | Knuckles like walnuts
        Hendrik Stormgate | App    | yes | Troll        | House Fiona             | seelie   | wilder    | Sage                    | Riddler                   | 0        | 0                  | 10      | 10                | create_calm        | break_trust        | 6        |           | Holmgeir  | 2003-06-21    | 1999-12-21       | A lie told kindly | Horns wound with silver
        Ambrosine Thistle | App    | yes | Sidhe        | House Ailil             | unseelie | wilder    | Orchid                  | Knave                     | 10       | 9                  | 1       | 0                 | foster_trust       | destroy_hope       |          | 5         | Ysolde    | 1999-01-06    | 1991-03-15       | Gratitude         | Eyes without a white
        Pim Halfwhisker   | Sub    | no  | Pooka        | House of the Wet Hearth |          | childling | -                       | -                         | 1        | 1                  | 5       | 3                 | foster_dreams      | create_anger       |          |           |           | -             | 2007-07-07       | A closed door     | Ears of a hare
        Lotte Sootwright  | Un     | no  | Nocker       |                         |          |           | -                       | -                         | 3        | 0                  | 4       | 4                 |                    |                    |          |           |           | -             | -                |                   |
        Jasmijn de Vos    | Un     | no  | -            |                         |          | wilder    | -                       | -                         | 4        | 10                 | 0       | 0                 | create_hope        | exhaust_creativity |          |           |           | -             | -                |                   |
        Old Tijl          | Ret    | no  | Eshu         |                         | unseelie | grump     | -                       | Riddler                   | 7        | 3                  | 2       | 2                 | create_love        | destroy_love       |          |           |           | -             | 1979-08-30       | Standing still    | Sand in every fold
        """,
        (_ABILITIES, _ARTS, _REALMS),
    ),
    Listing(
        "characters_changeling",
        """
        name                | npc | kith_id>kith | court  | seeming | banality | temporary_banality | glamour | temporary_glamour | fae_mien
        The Dreamer Beneath | yes | Sidhe        | seelie | grump   | 0        | 0                  | 10      | 10                | Older than the dykes.
        """,
        (_EVERY_ABILITY, _EVERY_ART_AND_REALM),
    ),
    Listing(
        "characters_changeling",
        """
        name       | kith_id>kith | seeming   | banality | glamour
        Kleine Bas | Pooka        | childling | 1        | 0
        """,
    ),
    Listing(
        "characters_autumnperson",
        """
        name              | npc | archetype      | banality_rating | awareness  | organization       | anti_fae_abilities                    | is_dauntain | former_kith | motivation
        Inspector Terlouw | yes | bureaucrat     | 7               | unaware    | Harbour Authority  | []                                    | no          |             | Forms in order.
        Dr. Odilia Brandt | yes | debunker       | 10              | hunter     | Society for Reason | ["Cold stare", "Names the mechanism"] | yes         | Eshu        | It was all taken from her once.
        Wim de Koster     | no  | other          | 8               | suspicious |                    | []                                    | no          |             | Sleep without dreams.
        Alderman Stuyver  | yes | authority      | 7               | unaware    | City Council       | []                                    | no          |             |
        Greet Hamer       | yes | cynic          | 8               | aware      |                    | []                                    | no          |             |
        Dominee Blok      | yes | fundamentalist | 9               | hunter     | The Plain Chapel   | ["Reads the verse"]                   | no          |             |
        Director Maas     | yes | corporate      | 8               | suspicious | Delta Holding      | []                                    | no          |             |
        Prof. Kieviet     | yes | scientist      | 9               | aware      | Polytechnic        | []                                    | no          |             |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_inanimae",
        """
        name                | npc | kingdom    | inanimae_seeming | season | mana | anchor_description           | elemental_strength | elemental_weakness
        Willem of the Locks | no  | ondine     | naturae          | spring | 4    | The third lock of the canal. | Never thirsts      | Frost
        Basalt Griet        | yes | solimond   | ancient          | winter | 10   | A boundary stone.            | Cannot be pushed   | Quarrymen
        The Lamp Child      | yes | salamander | glimmer          | autumn | 0    | A gas lamp that still burns. | Sees in smoke      | Rain
        Loam                | yes | kubera     | naturae          | summer | 3    | An allotment.                |                    |
        Rose Paling         | yes | paroseme   | glimmer          | spring | 2    | A hedge that was cut down.   |                    |
        Draught             | yes | sylph      | glimmer          | winter | 1    | A chimney.                   |                    |
        Mister Pleat        | yes | mannikin   | ancient          | autumn | 5    | A tailor's dummy.            |                    |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_nunnehi",
        """
        name                | npc | tribe            | nunnehi_seeming | path      | spirit_medicine | sacred_place           | spirit_guide | tribal_duty
        Anna Reedwalker     | no  | yunwi_tsundi     | katchina        | healer    | 3               | A spring under a road. | Heron        | Keep the water sweet.
        Joseph Cold Hearth  | yes | canotina         | kurganegh       | sage      | 10              | A lightning tree.      | Owl          | Remember the names.
        Little Marten       | yes | other            | kohedan         | trickster | 0               |                        |              |
        Samuel High Rock    | yes | may_may_gway_shi | kohedan         | sage      | 2               |                        |              |
        Ruth Rain Bringer   | yes | kachina          | katchina        | healer    | 4               |                        |              |
        Isaac Of the Bridge | yes | nanehi           | kurganegh       | warrior   | 1               |                        |              |
        Naomi Still Water   | yes | nunnehi_proper   | katchina        | warrior   | 3               |                        |              |
        """,
        (_ABILITIES,),
    ),
    Listing(
        "characters_motley",
        """
        name                 | leader_id>changeling | *group_members>ctdhuman
        The Tulip Conspiracy | Saskia Windsong      | Saskia Windsong; Joris Copperthumb; Hendrik Stormgate
        Fog Over Three Mills | -                    | Ambrosine Thistle; Lotte Sootwright
        """,
    ),
    Listing(
        "characters_backgroundrating",
        """
        char_id>changeling | bg_id>background | rating | note     | pooled | complete
        Saskia Windsong    | Holdings         | 5      | the mill | yes    | yes
        Joris Copperthumb  | Holdings         | 5      | the mill | yes    | yes
        Ambrosine Thistle  | Holdings         | 0      | lost     | yes    | no
        Hendrik Stormgate  | Title            | 5      |          | no     | yes
        """,
    ),
    Listing(
        "characters_pooledbackgroundrating",
        """
        group_id>motley      | bg_id>background | rating | note     | complete
        The Tulip Conspiracy | Holdings         | 10     | the mill | yes
        Fog Over Three Mills | Holdings         | 0      | lost     | no
        """,
    ),
)
