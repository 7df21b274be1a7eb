"""Whatever TG's own pages, services and commands do to a healthy database leaves it green: a chronicle of legal acts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from django_rows import CASCADING, TAG, DjangoRows
from integrity_tests.demo import DATASETS
from pytest_tgintegrity.planning.planner import BoundRule, Plan
from pytest_tgintegrity.rules.kinds import Declared
from pytest_tgintegrity.servers.datasets import open_dataset
from tg import needs_csvs, run_rules, table, values
from tg_acts import TG, Hero
from tg_rules import collected, planned, violations

LINES: Final = (
    *("human", "spiritcharacter", "vampire", "ghoul", "revenant", "werewolf", "kinfolk", "corax", "mage", "sorcerer"),
    *("companion", "wraith", "changeling", "demon", "thrall", "earthbound", "hunter", "mummy"),
)
"""The classes whose characters are played: at least one of each game line."""


@dataclass
class Stage:
    """A chronicle that is played: who takes part, and what there is, by names."""

    tg: TG
    numbers: dict[str, int] = field(default_factory=dict)
    heroes: dict[str, Hero] = field(default_factory=dict)

    @property
    def player(self) -> int:
        return self.numbers["player"]

    @property
    def teller(self) -> int:
        return self.numbers["teller"]

    @property
    def chronicle(self) -> int:
        return self.numbers["chronicle"]

    def __getitem__(self, line: str) -> Hero:
        return self.heroes[line]


# --- what hangs on a character


def merit_of_one_point(tg: TG) -> int:
    """Some merit that may cost one point."""
    offers = "SELECT offer.meritflaw_id FROM characters_meritflaw_ratings AS offer"
    return tg.some(
        "characters_meritflaw",
        where=f"id IN ({offers} JOIN core_number AS number ON number.id = offer.number_id WHERE number.value = 1)",
    )


def equip(tg: TG, hero: Hero, user: int, teller: int) -> None:
    """Give a character everything that can hang on one: ratings, a group, things, play, requests that a storyteller decides, an observer."""
    tg.write_journal(hero)
    tg.let_see(hero, user)
    play_and_ask(tg, hero, teller)
    own_something(tg, hero, user)
    if hero.table != "characters_spiritcharacter":
        share_with_a_group(tg, hero)
        tg.rate("characters_meritflawrating", character_id=hero.number, mf_id=merit_of_one_point(tg))
        tg.spend_freebies(hero, "strength", "attribute", 3, 5)
    if (rating := RATED.get(hero.table)) is not None:
        of, holder, kind, books = rating
        tg.rate(of, **{holder: hero.number, kind: tg.some(books)})


def share_with_a_group(tg: TG, hero: Hero) -> None:
    """Let a character lead a group, and give a background to its pool."""
    background = tg.some("characters_background", "statistic_ptr_id", "poolable")
    held = {"char_id": hero.number, "bg_id": background}
    tg.rate("characters_backgroundrating", **held, note=f"of {hero.number}")
    tg.rate("characters_backgroundrating", **held, note=f"shared by {hero.number}", pooled=True)
    tg.found_group("characters_group", chronicle_of(tg, hero), hero)
    tg.approve(hero)


def own_something(tg: TG, hero: Hero, user: int) -> None:
    """Give a character a thing and a place."""
    where = {"chronicle_id": chronicle_of(tg, hero), "owner_id": user, "status": "App"}
    thing = tg.rows.add("items_itemmodel", name=f"Thing of {hero.number}", **where)
    tg.rows.link("items_itemmodel_owned_by", thing, hero.number)
    tg.rows.add("locations_locationmodel", name=f"Place of {hero.number}", owned_by_id=hero.number, **where)


def chronicle_of(tg: TG, hero: Hero) -> int | None:
    chronicle = tg.rows.one("SELECT chronicle_id FROM characters_charactermodel WHERE id = %s", hero.number)
    return None if chronicle is None else int(chronicle)


def play_and_ask(tg: TG, hero: Hero, teller: int) -> None:
    """Play a character in a scene that is over and in one that goes on, and ask for what it brings."""
    chronicle = chronicle_of(tg, hero)
    scene = tg.open_scene(chronicle, hero, name=f"Scene of {hero.number}")
    tg.post(scene, hero)
    week = tg.close_scene(scene)
    tg.award_scene(scene, hero)
    tg.approve_claim(hero, tg.claim(hero, week, scene, "rp"))
    tg.claim(hero, tg.week(date(2024, 6, 30)))
    tg.tell_story({hero: 3})
    tg.post(tg.open_scene(chronicle, hero, name=f"Open scene of {hero.number}"), hero)
    tg.decide(tg.ask(hero, "willpower", "Willpower", 9, 8), "Approved", teller)


RATED: Final = {
    "characters_mage": ("characters_resrating", "mage_id", "resonance_id", "characters_resonance"),
    "characters_sorcerer": ("characters_pathrating", "character_id", "path_id", "characters_linearmagicpath"),
    "characters_companion": ("characters_advantagerating", "character_id", "advantage_id", "characters_advantage"),
    "characters_demon": ("characters_lorerating", "demon_id", "lore_id", "characters_lore"),
    "characters_wraith": ("characters_thornrating", "wraith_id", "thorn_id", "characters_thorn"),
}


# --- the acts, in order

BOOKISH: Final = (
    *(
        "characters_effect",
        "characters_background",
        "characters_resonance",
        "characters_practice",
        "characters_magefaction",
    ),
    *("characters_vampireclan", "characters_tribe", "characters_archetype", "characters_gift", "characters_specialty"),
    *("core_book", "core_language", "core_charactertemplate", "game_settingelement", "game_objecttype"),
    *("locations_node", "locations_chantry", "locations_horizonrealm", "locations_haven", "locations_library"),
    *("items_wonder", "items_grimoire", "items_talisman", "items_relic", "items_weapon"),
)
"""Things and places that players make, and some of what the books list: one of each can be deleted."""


def people_sign_up_and_found_chronicles(stage: Stage) -> None:
    tg = stage.tg
    stage.numbers |= {name: tg.sign_up(name) for name in ("player", "teller", "head", "guest", "leaver")}
    stage.numbers["chronicle"] = tg.found_chronicle("Nights of the form")
    stage.numbers["headed"] = tg.found_chronicle("Nights with a head", stage.numbers["head"])


def a_chronicle_is_imported(stage: Stage) -> None:
    stage.tg.import_chronicle("From elsewhere", "a stranger")


def characters_are_begun(stage: Stage) -> None:
    for line, chosen in {"vampire": {}, "werewolf": {}, "mage": {"essence": "Dynamic"}, "human": {}}.items():
        stage.tg.begin(f"characters_{line}", stage.player, None, **chosen)
    for line in LINES:
        stage.heroes[line] = stage.tg.create(f"characters_{line}", stage.player, stage.chronicle)
    unready = {"auspice": "theurge", "rank": 1, "glory": 0, "honor": 0, "wisdom": 0}
    stage.heroes["cub"] = stage.tg.create("characters_werewolf", stage.player, stage.chronicle, **unready)
    stage.heroes["ragabash cub"] = stage.tg.create(
        "characters_werewolf", stage.player, stage.chronicle, **(unready | {"auspice": "ragabash"})
    )


def freebie_points_are_spent(stage: Stage) -> None:
    stage.tg.spend_freebies(stage["human"], "strength", "attribute", 3, 5)
    stage.tg.raise_arete(stage["mage"], 3)
    stage.tg.reward_backstory(stage["human"], 5)


def characters_are_submitted_and_sent_back(stage: Stage) -> None:
    for line in LINES:
        stage.tg.submit(stage[line])
    stage.tg.send_back(stage["human"])
    stage.tg.submit(stage["human"])


def characters_without_concept_or_chronicle_are_submitted(stage: Stage) -> None:
    stage.heroes["stranger"] = stage.tg.begin("characters_human", stage.player, None)
    stage.tg.submit(stage["stranger"])


def a_storyteller_is_appointed_and_approves(stage: Stage) -> None:
    stage.tg.appoint(stage.teller, stage.chronicle, "wod")
    stage.tg.appoint(stage.numbers["leaver"], stage.numbers["headed"], "vtm")
    for line in (*LINES, "stranger"):
        stage.tg.approve(stage[line])
    stage.heroes["extra"] = stage.tg.quick_npc("characters_mage", stage.teller, stage.chronicle)


def a_storyteller_asks_for_who_is_not_approved(stage: Stage) -> None:
    tg = stage.tg
    tg.ask(tg.create("characters_human", stage.player, stage.chronicle, name="Draft"), "ability", "Drive", 1, 3)
    waiting = tg.create("characters_human", stage.player, stage.chronicle, name="In the queue")
    tg.submit(waiting)
    tg.ask(waiting, "willpower", "Willpower", 4, 3)


def changelings_are_begun_without_a_court(stage: Stage) -> None:
    tg, who = stage.tg, "characters_changeling"
    for court in ("", None):
        house = tg.rows.add("characters_house", name=f"House of {court}", court=court)
        legacy = tg.rows.add("characters_legacy", name=f"Legacy of {court}", court=court)
        tg.create(who, stage.player, stage.chronicle, name=f"Of {court}", house_id=house, seelie_legacy_id=legacy)
    house = tg.some("characters_house", where="court = 'seelie'")
    tg.create(who, stage.player, stage.chronicle, name="Without a court yet", house_id=house, court="")


def a_background_gets_more_than_five_dots(stage: Stage) -> None:
    background = stage.tg.some("characters_background", "statistic_ptr_id")
    stage.tg.rows.add("characters_backgroundrating", char_id=stage["human"].number, bg_id=background, rating=8)


def a_generation_is_saved_anew(stage: Stage) -> None:
    tg = stage.tg
    elder = tg.create("characters_vampire", stage.player, stage.chronicle, name="Elder for a while")
    tg.change(elder, generation_rating=8, max_blood_pool=15, blood_per_turn=3, blood_pool=15)
    tg.change(elder, generation_rating=13, max_blood_pool=10, blood_per_turn=1)


def a_tenth_point_of_renown_is_entered(stage: Stage) -> None:
    stage.tg.change(stage["werewolf"], temporary_glory=10)


def an_effect_is_edited(stage: Stage) -> None:
    tg = stage.tg
    known = (
        "SELECT rote.effect_id FROM characters_mage_rotes AS known JOIN characters_rote AS rote ON rote.id = rote_id"
    )
    woven = "SELECT effect_id FROM locations_chantry_integrated_effects"
    for effects in (known, woven):
        spheres = "correspondence time spirit matter life forces entropy mind prime".split()
        tg.rows.change(
            "characters_effect", tg.rows.one(effects), rote_cost=45, max_sphere=5, **dict.fromkeys(spheres, 5)
        )


def a_trait_with_a_specialty_is_lowered(stage: Stage) -> None:
    tg = stage.tg
    strong = tg.create("characters_human", stage.player, stage.chronicle, name="Once strong", strength=4)
    special = tg.rows.add("characters_specialty", name="Of the form", stat="strength")
    tg.rows.link("characters_human_specialties", strong.number, special)
    tg.change(strong, strength=2)


def rotes_of_one_name_have_two_effects(stage: Stage) -> None:
    common = {"name": "Fireball", "owner_id": stage.player, "chronicle_id": stage.chronicle, "status": "Un"}
    for number in (1, 2):
        effect = stage.tg.rows.add("characters_effect", name=f"Fire {number}")
        stage.tg.rows.add("characters_rote", effect_id=effect, **common)


def hunters_found_organizations_of_one_name(stage: Stage) -> None:
    for _ in range(2):
        stage.tg.rows.add("characters_hunterorganization", name="The Cell", organization_type="cell")


def what_plays_in_2150_moves_and_loses_its_chronicle(stage: Stage) -> None:
    tg = stage.tg
    far = tg.found_chronicle("Far ahead")
    tg.rows.change("game_chronicle", far, year=2150)
    hero = tg.create("characters_human", stage.player, far, name="Far ahead")
    tg.open_scene(far, hero, name="Far ahead", day=date(2024, 9, 3))
    tg.rows.connection.execute("UPDATE game_scene SET date_of_scene = '2152-05-01' WHERE name = 'Far ahead'")
    tg.write_journal(hero)
    journal = tg.rows.one("SELECT id FROM game_journal WHERE character_id = %s", hero.number)
    dated = "UPDATE game_journalentry SET date = '2153-05-01' WHERE journal_id = %s"
    tg.rows.connection.execute(dated.encode(), [journal])
    tg.change(hero, chronicle_id=stage.chronicle)
    tg.change(hero, chronicle_id=far)
    tg.delete("game_chronicle", far)


def clans_and_paths_are_deleted(stage: Stage) -> None:
    tg, who = stage.tg, "characters_vampire"
    clan = tg.some("characters_vampireclan", where="name = 'Nosferatu'")
    tg.create(who, stage.player, stage.chronicle, name="Ugly", clan_id=clan, appearance=0)
    path = tg.some("characters_path", where="requires_conviction AND NOT requires_instinct")
    virtues = {"has_conviction": True, "conviction": 3, "conscience": 0, "has_instinct": False, "self_control": 3}
    on_a_path = {"path_id": path, "path_rating": 5, "humanity": 0, **virtues}
    tg.create(who, stage.player, stage.chronicle, name="On a path", **on_a_path)
    tg.delete("characters_vampireclan", clan)
    tg.delete("characters_path", path)


def players_who_made_things_of_one_name_are_deleted(stage: Stage) -> None:
    tg = stage.tg
    users = [tg.sign_up(name) for name in ("leaver one", "leaver two")]
    for user in users:
        common = {"owner_id": user, "chronicle_id": stage.chronicle, "status": "App"}
        effect = tg.rows.add("characters_effect", name=f"Gate of {user}")
        tg.rows.add("characters_rote", name="The Gate", effect_id=effect, **common)
        for made in ("items_itemmodel", "characters_coterie"):
            tg.rows.add(made, name="The Gate", **common)
    for user in users:
        tg.delete("auth_user", user)


def groups_are_formed_and_share(stage: Stage) -> None:
    tg = stage.tg
    background = tg.some("characters_background", "statistic_ptr_id", "poolable")
    for line in ("vampire", "ghoul"):
        shared = {"char_id": stage[line].number, "bg_id": background, "pooled": True, "note": "ours"}
        tg.rate("characters_backgroundrating", **shared)
    stage.numbers["coterie"] = tg.found_group("characters_coterie", stage.chronicle, stage["vampire"], stage["ghoul"])
    tg.approve(stage["ghoul"])
    stage.numbers["pack"] = tg.found_group("characters_pack", stage.chronicle, stage["werewolf"], stage["kinfolk"])


def scenes_are_played(stage: Stage) -> None:
    tg = stage.tg
    cast = [stage[line] for line in ("vampire", "ghoul", "mage", "human")]
    stage.numbers["scene"] = tg.open_scene(stage.chronicle, *cast)
    for one in cast:
        tg.post(stage.numbers["scene"], one)
    stage.numbers["homeless scene"] = tg.open_scene(None, stage["stranger"])
    tg.post(stage.numbers["homeless scene"], stage["stranger"])
    stage.numbers["running"] = tg.open_scene(stage.chronicle, *(stage[line] for line in LINES))
    for line in LINES:
        tg.post(stage.numbers["running"], stage[line])


def scenes_are_closed_and_bring_xp(stage: Stage) -> None:
    tg, scene = stage.tg, stage.numbers["scene"]
    week = stage.numbers["week"] = tg.close_scene(scene)
    tg.award_scene(scene, stage["vampire"], stage["mage"])
    tg.approve_claim(stage["mage"], tg.claim(stage["mage"], week, scene, "learning", "rp"))
    tg.claim(stage["vampire"], week, scene, "focus")
    tg.tell_story({stage["vampire"]: 4, stage["mage"]: 2})


def a_scene_is_opened_again(stage: Stage) -> None:
    stage.tg.reopen_scene(stage.numbers["scene"])


def a_scene_of_a_sunday_is_claimed_in_both_of_its_weeks(stage: Stage) -> None:
    tg, hero = stage.tg, stage["hunter"]
    sunday = date(2024, 9, 1)
    scene = stage.numbers["sunday scene"] = tg.open_scene(stage.chronicle, hero, name="Of a Sunday", day=sunday)
    tg.post(scene, hero, datetime.fromisoformat("2024-09-01T18:00:00Z"))
    weeks = [tg.close_scene(scene), tg.week(sunday + timedelta(days=7))]
    for week in weeks:
        tg.claim(hero, week, scene, "rp")


def weeks_are_created_by_the_form(stage: Stage) -> None:
    stage.tg.create_week(date(2024, 9, 4))
    stage.tg.create_week(date(2024, 9, 1))


def xp_is_spent_on_the_sheet(stage: Stage) -> None:
    tg, mage = stage.tg, stage["mage"]
    tg.approve_on_sheet(mage, tg.spend(mage, "attribute", "Strength", 2, 4), stage.teller, "strength", 5)
    tg.deny_on_sheet(mage, tg.spend(mage, "willpower", "Willpower", 4, 3), stage.teller)


def xp_is_spent_on_the_page_of_requests(stage: Stage) -> None:
    tg, vampire = stage.tg, stage["vampire"]
    tg.decide(tg.ask(vampire, "attribute", "Strength", 5, 16), "Approved", stage.teller)
    tg.decide(tg.ask(vampire, "discipline", "Potence", 5, 28), "Approved", stage.teller)
    tg.decide(tg.ask(vampire, "ability", "Drive", 1, 3), "Denied", stage.teller)
    tg.deny_on_sheet(vampire, tg.ask(vampire, "ability", "Drive", 1, 3), stage.teller)
    tg.ask(stage["corax"], "rite", "Rite of Cleansing", 1, 1)


def pending_is_saved_on_the_page_of_approval(stage: Stage) -> None:
    tg = stage.tg
    tg.decide(tg.ask(stage["vampire"], "ability", "Crafts", 1, 3), "Pending", stage.teller)
    record = int(tg.rows.one("SELECT max(id) FROM game_freebiespendingrecord WHERE approved = 'Pending'"))
    tg.decide(record, "Pending", stage.teller, "game_freebiespendingrecord")


def a_merit_is_denied_and_stays(stage: Stage) -> None:
    tg, hero = stage.tg, stage["ghoul"]
    merit = merit_of_one_point(tg)
    tg.rate("characters_meritflawrating", character_id=hero.number, mf_id=merit)
    name = tg.rows.one("SELECT name FROM characters_meritflaw WHERE id = %s", merit)
    bought = {"character_id": hero.number, "trait_type": "meritflaw", "trait_name": name, "trait_value": 1, "cost": 1}
    now = datetime.fromisoformat("2024-09-01T18:00:00Z")
    record = tg.rows.add("game_freebiespendingrecord", approved="Pending", created_at=now, **bought)
    tg.decide(record, "Denied", stage.teller, "game_freebiespendingrecord")


def a_merit_is_rated_as_no_book_offers(stage: Stage) -> None:
    merit = stage.tg.some("characters_meritflaw", where="max_rating < 5")
    stage.tg.rows.add("characters_meritflawrating", character_id=stage["human"].number, mf_id=merit, rating=5)


def a_merit_is_entered_before_its_ratings(stage: Stage) -> None:
    merit = stage.tg.rows.add("characters_meritflaw", name="Of the form")
    stage.tg.rows.link("characters_meritflaw_ratings", merit, stage.tg.some("core_number", where="value = 3"))


def points_are_spent_in_the_chat(stage: Stage) -> None:
    stage.tg.change(stage["mage"], quintessence=-2, paradox=25)
    stage.tg.change(stage["sorcerer"], quintessence=20)
    stage.tg.change(stage["wraith"], angst=0)


def namesakes_meet(stage: Stage) -> None:
    twins = [stage.tg.create("characters_human", stage.player, stage.chronicle, name="John Smith") for _ in range(2)]
    stage.tg.open_scene(stage.chronicle, *twins)


def a_deed_is_renamed(stage: Stage) -> None:
    deed = stage.tg.some("characters_renownincident")
    name = stage.tg.rows.one("SELECT name FROM characters_renownincident WHERE id = %s", deed)
    stage.tg.change(stage["werewolf"], renown_incidents=[name])
    stage.tg.rows.change("characters_renownincident", deed, name="Known by another name")


def a_pact_is_ended(stage: Stage) -> None:
    tg = stage.tg
    bond = {"demon_id": stage["demon"].number, "thrall_id": stage["thrall"].number}
    tg.rows.add("characters_pact", terms="Forever", faith_payment=1, active=False, **bond)
    tg.change(stage["thrall"], master_id=stage["demon"].number)


def a_form_of_demons_is_created_empty(stage: Stage) -> None:
    stage.tg.rows.add("characters_apocalypticform", name="Of the form")


def characters_retire_and_die_in_an_open_scene(stage: Stage) -> None:
    stage.tg.leave(stage["vampire"], "Ret")
    stage.tg.leave(stage["ghoul"], "Dec")


def the_command_takes_them_out_of_their_scenes(stage: Stage) -> None:
    stage.tg.sync_statuses()


def a_character_moves_to_another_chronicle(stage: Stage) -> None:
    stage.tg.change(stage["human"], chronicle_id=stage.numbers["headed"])
    stage.tg.change(stage["changeling"], npc=True)


def a_scene_is_deleted(stage: Stage) -> None:
    stage.tg.delete("game_scene", stage.numbers["scene"])


def a_week_is_deleted_and_processed_again(stage: Stage) -> None:
    sunday = stage.tg.rows.one("SELECT end_date FROM game_week WHERE id = %s", stage.numbers["week"])
    equip(stage.tg, stage["mummy"], stage.numbers["guest"], stage.numbers["teller"])
    stage.tg.delete("game_week", stage.numbers["week"])
    stage.tg.process_week(sunday)


def groups_are_deleted(stage: Stage) -> None:
    tg = stage.tg
    background = tg.some("characters_background", "statistic_ptr_id", "poolable")
    shared = {"char_id": stage["werewolf"].number, "bg_id": background, "pooled": True, "note": "ours"}
    tg.rate("characters_backgroundrating", **shared)
    tg.approve(stage["werewolf"])
    for group in ("coterie", "pack"):
        tg.delete("characters_coterie" if group == "coterie" else "characters_pack", stage.numbers[group])


def characters_are_deleted(stage: Stage) -> None:
    for line in ("sorcerer", "companion", "demon", "revenant", "mage"):
        equip(stage.tg, stage[line], stage.numbers["guest"], stage.numbers["teller"])
        stage.tg.delete(stage[line].table, stage[line].number)


def a_story_is_deleted(stage: Stage) -> None:
    stage.tg.delete("game_story", stage.tg.tell_story({stage["hunter"]: 2}))


def things_and_what_the_books_list_are_deleted(stage: Stage) -> None:
    tg = stage.tg
    tg.rate("characters_meritflawrating", character_id=stage["hunter"].number, mf_id=merit_of_one_point(tg))
    tg.delete("characters_meritflaw", merit_of_one_point(tg))
    for deleted in BOOKISH:
        key = tg.rows.tables[deleted].key
        tg.delete(deleted, tg.some(deleted, key))


def a_player_is_deleted(stage: Stage) -> None:
    stage.tg.delete("auth_user", stage.player)


def storytellers_are_deleted(stage: Stage) -> None:
    for name in ("leaver", "head", "teller"):
        stage.tg.delete("auth_user", stage.numbers[name])


def chronicles_are_deleted(stage: Stage) -> None:
    tg = stage.tg
    tg.submit(tg.create("characters_human", stage.numbers["guest"], stage.chronicle))
    others = [stage.chronicle, stage.numbers["headed"]]
    for name in ("First", "Second"):
        others.append(tg.found_chronicle(name, stage.numbers["guest"]))
        tg.appoint(stage.numbers["guest"], others[-1], "wod")
    for chronicle in others:
        tg.delete("game_chronicle", chronicle)


def a_chronicle_that_was_long_played_is_deleted(stage: Stage) -> None:
    stage.tg.delete("game_chronicle", 1)


def a_storyteller_of_a_deleted_chronicle_is_deleted(stage: Stage) -> None:
    stage.tg.delete("auth_user", stage.numbers["guest"])


ACTS: Final[tuple[Callable[[Stage], None], ...]] = tuple(
    act
    for name, act in list(globals().items())
    if callable(act) and getattr(act, "__annotations__", {}).get("stage") == "Stage"
)
"""Everything above that plays on a stage, in the order of the file."""


# --- the chronicle


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The URL of a demo of one's own."""
    with open_dataset("demo", DATASETS["demo"]) as server:
        yield server.url()


@pytest.fixture(scope="module")
def rules(demo: str) -> list[BoundRule]:
    """TG's rules; what the database declares it enforces itself."""
    return [one for one in collected(demo) if not isinstance(one.rule.kind, Declared)]


@pytest.fixture(scope="module")
def asked(demo: str, rules: list[BoundRule]) -> Plan:
    return planned(demo, rules)


def played(url: str, asked: Plan) -> dict[str, dict[str, int]]:
    """Play the chronicle; say which rules were violated after each act, and how often."""
    found: dict[str, dict[str, int]] = {}
    with psycopg.connect(url) as connection:
        stage = Stage(TG(DjangoRows(connection)))
        for act in ACTS:
            act(stage)
            connection.commit()
            found[act.__name__] = violations(url, asked)
    return found


def test_no_legal_act_costs_points(demo: str, rules: list[BoundRule], asked: Plan, tmp_path: Path) -> None:
    severe = {one.id for one in rules if one.rule.severity != "info"}
    path = tmp_path / "report.json"

    noted = played(demo, asked)

    run = run_rules("-q", f"--db-url={demo}", "--json-report", f"--json-report-file={path}", "--tb=no")
    health: dict[str, Any] = json.loads(path.read_text())["integrity"]["health"]
    assert {act: found.keys() & severe for act, found in noted.items() if found.keys() & severe} == {}
    assert len(noted) > 30
    assert run.returncode == 0, run.stdout
    assert (health["status"], health["score"]) == ("healthy", 100)


# --- one character is deleted


BEHIND: Final = "test_character_leaves_nothing_behind"
DELETED: Final = [
    line for line in LINES if line not in ("ghoul", "revenant", "kinfolk", "corax", "thrall", "earthbound")
]
"""One class of each game line, and those that have ratings of their own."""

LEFT: Final = """
    SELECT 'entry' FROM game_journalentry WHERE journal_id IS NULL
    UNION ALL SELECT CASE WHEN approved THEN 'paid' ELSE 'waiting' END FROM game_weeklyxprequest WHERE character_id IS NULL
    UNION ALL SELECT 'story' FROM game_storyxprequest WHERE character_id IS NULL
    UNION ALL SELECT 'background' FROM characters_backgroundrating WHERE char_id IS NULL
    UNION ALL SELECT 'resonance' FROM characters_resrating WHERE mage_id IS NULL
    UNION ALL SELECT 'teller' FROM game_strelationship WHERE user_id IS NULL
    UNION ALL SELECT 'page' FROM core_bookreference WHERE book_id IS NULL
    UNION ALL SELECT 'week' FROM game_week GROUP BY end_date HAVING count(*) > 1
"""


@pytest.fixture
def another() -> Iterator[str]:
    """The URL of another demo."""
    with open_dataset("demo", DATASETS["demo"]) as server:
        yield server.url()


def live_and_be_deleted(tg: TG, line: str) -> None:
    """Create a character, hang on it everything that can, and delete it."""
    hero = tg.create(f"characters_{line}", 1, 1)
    tg.submit(hero)
    tg.approve(hero)
    equip(tg, hero, 2, 2)
    tg.delete(hero.table, hero.number)
    tg.rows.connection.commit()


def test_a_deleted_character_is_seen_by_one_rule(another: str, asked: Plan) -> None:
    worse: dict[str, set[str]] = {}
    before = violations(another, asked)

    with psycopg.connect(another) as connection:
        for line in DELETED:
            live_and_be_deleted(TG(DjangoRows(connection)), line)
            after = violations(another, asked)
            worse[line] = {rule.partition("::")[2] for rule, count in after.items() if count > before.get(rule, 0)}
            before = after

    assert worse == {line: {BEHIND} for line in DELETED}


def leave_what_nobody_needs(tg: TG) -> None:
    """Delete a character, a storyteller with the chronicle and a book; create a week that is there already."""
    live_and_be_deleted(tg, "mage")
    teller, chronicle = tg.sign_up("leaver"), tg.found_chronicle("Nobody's")
    tg.appoint(teller, chronicle, "vtm")
    tg.delete("game_chronicle", chronicle)
    tg.delete("auth_user", teller)
    book = tg.rows.add("core_book", name="Lost", edition="20th", gameline="vtm")
    pages = [tg.rows.add("core_bookreference", book_id=book, page=page) for page in (1, 2)]
    tg.rows.link("characters_gift_sources", tg.some("characters_gift"), pages[0])
    tg.delete("core_book", book)
    tg.create_week(date(2024, 6, 30))
    tg.rows.connection.commit()


def test_what_is_of_no_use_to_anybody_is_mended(another: str) -> None:
    with psycopg.connect(another) as connection:
        leave_what_nobody_needs(TG(DjangoRows(connection)))
        before = sorted(values(connection, LEFT))

    rules = f"{BEHIND} or week_is_there or has_user_chronicle or names_a_book"
    run = run_rules("-q", f"--db-url={another}", "-k", rules, "--fail-on=info", "--fix")

    with psycopg.connect(another) as connection:
        after = sorted(values(connection, LEFT))
    assert run.returncode == 1, run.stdout
    gone = ["background", "background", "page", "resonance", "story", "teller", "waiting", "week"]
    assert before == sorted([*gone, "entry", "page", "paid"])
    assert after == ["entry", "page", "paid"]


# --- the ledger of XP


@pytest.mark.parametrize(("xp", "seen"), [(17, 0), (117, 0), (118, 1), (1700, 1)])
def test_a_typing_error_in_xp_is_told_from_a_gift(demo: str, rules: list[BoundRule], xp: int, seen: int) -> None:
    ledger = [one for one in rules if one.id.endswith("test_xp_can_be_explained_by_awards")]
    with psycopg.connect(demo) as connection:
        tg = TG(DjangoRows(connection))
        hero = tg.create("characters_vampire", 1, None)
        tg.tell_story({hero: 16})
        tg.decide(tg.ask(hero, "attribute", "Strength", 5, 16), "Approved", 1)
        tg.change(hero, xp=xp)
        connection.commit()
        found = violations(demo, planned(demo, ledger))
        tg.delete(hero.table, hero.number)

    assert sum(found.values()) == seen


@needs_csvs
def test_django_cascades_where_the_description_says_so(demo: str) -> None:
    with psycopg.connect(demo) as connection:
        keys = DjangoRows(connection).foreign_keys
    said = {(row["table"], row["columns"]): row["django_on_delete"] for row in table("foreign_keys")}

    assert CASCADING <= said.keys()
    assert TAG in {column for _, column in said}
    assert {(one.table, one.column): "SET_NULL" if one.empties else "CASCADE" for one in keys} == said
