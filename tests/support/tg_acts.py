"""The acts of TG as its own pages, services and commands write them: each method is one of them, and the caller commits.

Whatever these leave behind is legal, however odd it looks: approval looks at neither concept nor owner, the page of a request
changes its status and nothing else, closing a scene enters its characters in a week, and deleting empties what it can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final

from django_rows import DjangoRows
from integrity_tests.demo.people import LINES
from integrity_tests.words.classes import BACKGROUND_COLUMNS

ROLES: Final = ("members", "leaders", "investigator", "guardian", "teacher")
CLAIMS: Final = ("learning", "rp", "focus", "standingout")


@dataclass(frozen=True, slots=True)
class Hero:
    """A character: the table of its class, and its number."""

    table: str
    number: int


def hashed(name: str) -> str:
    """What Django stores of a password, salted for each account anew."""
    return f"pbkdf2_sha256$1000000${sha256(name.encode()).hexdigest()[:22]}${'q' * 43}="


def _now() -> datetime:
    return datetime.now(UTC)


def sunday_of(day: date) -> date:
    """The end of the week that TG enters a day in."""
    return day + timedelta(days=6 - day.weekday())


@dataclass(frozen=True, slots=True)
class TG:
    """The application at work on a database."""

    rows: DjangoRows

    # --- people and chronicles

    def sign_up(self, name: str) -> int:
        """Make an account; a signal makes its profile."""
        user = self.rows.add("auth_user", username=name, password=hashed(name), is_active=True, date_joined=_now())
        self.rows.add("accounts_profile", user_id=user)
        return user

    def found_chronicle(self, name: str, head: int | None = None) -> int:
        """Fill in the form for chronicles, which names a head at most: a storyteller's row is the administration's business."""
        return self.rows.add("game_chronicle", name=name, year=2022, head_st_id=head)

    def appoint(self, user: int, chronicle: int, line: str) -> int:
        """Enter a storyteller in the administration."""
        number = LINES.index(line) + 1
        return self.rows.add("game_strelationship", user_id=user, chronicle_id=chronicle, gameline_id=number)

    def import_chronicle(self, name: str, teller: str) -> int:
        """Run import_chronicle: it makes accounts without a password, and storytellers without a game line."""
        user = self.rows.add("auth_user", username=teller, is_active=True, date_joined=_now())
        self.rows.add("accounts_profile", user_id=user)
        chronicle = self.rows.add("game_chronicle", name=name, year=2022, headings="wod_heading")
        self.rows.add("game_strelationship", user_id=user, chronicle_id=chronicle)
        return chronicle

    # --- characters

    def exemplar(self, table: str) -> int:
        """Some finished character of exactly this class, by preference a player's."""
        query = """
            SELECT id FROM characters_charactermodel WHERE polymorphic_ctype_id = %s
            ORDER BY status <> 'App', npc, id LIMIT 1
        """
        return int(self.rows.one(query, self.rows.content_type(table)))

    def begin(self, table: str, owner: int, chronicle: int | None, **sheet: object) -> Hero:
        """Begin a character on the first page of its creation; a signal makes the journal."""
        start = {"name": f"New {table}", "owner_id": owner, "chronicle_id": chronicle, "concept": ""}
        return self._with_journal(table, self.rows.add(table, **(start | sheet)))

    def create(self, table: str, owner: int, chronicle: int | None, **sheet: object) -> Hero:
        """Bring a character to the last step of its creation: unfinished, with the traits of a finished one but no ratings."""
        start = {
            "name": f"{table} of {owner}",
            "owner_id": owner,
            "chronicle_id": chronicle,
            "status": "Un",
            "npc": False,
            "freebies_approved": False,
            "concept": "One of many",
            "xp": 0,
            "freebies": 15,
            "spent_freebies": [],
        }
        start |= {column: 0 for one in self.rows.chain(table) for column in BACKGROUND_COLUMNS.get(one, ())}
        mine = {column: value for column, value in start.items() if self._has(table, column)}
        return self._with_journal(table, self.rows.copy(table, self.exemplar(table), **(mine | sheet)))

    def _has(self, table: str, column: str) -> bool:
        return any(column in self.rows.tables[one].starts for one in self.rows.chain(table))

    def _with_journal(self, table: str, number: int) -> Hero:
        self.rows.add("game_journal", character_id=number)
        return Hero(table, number)

    def change(self, hero: Hero, **values: object) -> None:
        """Save a page of the sheet."""
        self.rows.change(hero.table, hero.number, **values)

    def submit(self, hero: Hero) -> None:
        """Take the last step of the creation."""
        self.change(hero, status="Sub")

    def send_back(self, hero: Hero) -> None:
        """Give a submitted character back to its player."""
        self.change(hero, status="Un")

    def approve(self, hero: Hero) -> None:
        """Approve a character, which adds up the pools of its groups."""
        self.change(hero, status="App")
        self._add_up_pools(hero)

    def _add_up_pools(self, hero: Hero) -> None:
        shares = """
            SELECT member.group_id, share.bg_id, share.note, sum(share.rating)::int
            FROM characters_group_members AS member
            JOIN characters_group_members AS mate ON mate.group_id = member.group_id
            JOIN characters_backgroundrating AS share ON share.char_id = mate.character_id AND share.pooled
            WHERE member.character_id = %s GROUP BY 1, 2, 3
        """
        for group, background, note, total in self.rows.connection.execute(shares.encode(), [hero.number]).fetchall():
            mine = [group, background, note]
            gone = "DELETE FROM characters_pooledbackgroundrating WHERE (group_id, bg_id, note) = (%s, %s, %s)"
            self.rows.connection.execute(gone.encode(), mine)
            pool = dict(zip(("group_id", "bg_id", "note"), mine, strict=True))
            self.rows.add("characters_pooledbackgroundrating", rating=total, **pool)

    def leave(self, hero: Hero, status: str) -> None:
        """Retire ("Ret") or kill ("Dec") a character: it leaves groups and chantries, and stays in its scenes."""
        self.change(hero, status=status)
        self.rows.unlink("characters_group_members", character_id=hero.number)
        self._empty("characters_group", "leader_id", hero)
        for role in ROLES:
            self.rows.unlink(f"locations_chantry_{role}", human_id=hero.number)
        for office in ("ambassador_id", "node_tender_id"):
            self._empty("locations_chantry", office, hero)

    def _empty(self, table: str, column: str, hero: Hero) -> None:
        self.rows.connection.execute(f"UPDATE {table} SET {column} = NULL WHERE {column} = %s".encode(), [hero.number])

    def sync_statuses(self) -> None:
        """Run sync_character_status --remove-from-scenes."""
        self.rows.connection.execute("""
            DELETE FROM game_scene_characters AS part USING characters_charactermodel AS cm, game_scene AS scene
            WHERE cm.id = part.charactermodel_id AND scene.id = part.scene_id
            AND cm.status IN ('Ret', 'Dec') AND NOT scene.finished
        """)

    def quick_npc(self, table: str, storyteller: int, chronicle: int) -> Hero:
        """Make a storyteller's character from a template: approved at once, counted on the template."""
        hero = self.create(table, storyteller, chronicle, npc=True, status="App", name=f"Extra {table}")
        template = int(self.rows.one("SELECT min(id) FROM core_charactertemplate"))
        used = int(self.rows.one("SELECT times_used FROM core_charactertemplate WHERE id = %s", template))
        self.rows.change("core_charactertemplate", template, times_used=used + 1)
        self.rows.add("core_templateapplication", character_id=hero.number, template_id=template, applied_at=_now())
        return hero

    # --- freebie points

    def spend_freebies(self, hero: Hero, column: str, kind: str, value: int, cost: int) -> None:
        """Buy a dot by the service: the trait rises at once, a record waits for nobody."""
        self.change(hero, **{column: value})
        self._pay_freebies(hero, cost)
        bought = {"trait_name": column.title(), "trait_type": kind, "trait_value": value, "cost": cost}
        self.rows.add(
            "game_freebiespendingrecord", character_id=hero.number, approved="Pending", created_at=_now(), **bought
        )

    def raise_arete(self, hero: Hero, value: int) -> None:
        """Buy Arete on the pages of a mage, which enter it in the old list on the sheet and nowhere else."""
        spent = [{"trait": "Arete", "value": one, "cost": 4} for one in range(2, value + 1)]
        self.change(hero, arete=value, spent_freebies=spent)
        self._pay_freebies(hero, 4 * (value - 1))

    def _pay_freebies(self, hero: Hero, cost: int) -> None:
        left = int(self.rows.one("SELECT freebies FROM characters_human WHERE character_ptr_id = %s", hero.number))
        self.change(hero, freebies=left - cost)

    def reward_backstory(self, hero: Hero, points: int) -> None:
        """Give freebie points for a backstory, once."""
        self._pay_freebies(hero, -points)
        self.change(hero, freebies_approved=True)

    # --- what hangs on a character

    def rate(self, table: str, **values: object) -> int:
        """Add a rating on one of the pages of the creation."""
        return self.rows.add(table, rating=1, **values)

    def some(self, table: str, key: str = "id", where: str = "true") -> int:
        """Some row of the books."""
        return int(self.rows.one(f"SELECT min({key}) FROM {table} WHERE {where}"))

    def let_see(self, hero: Hero, user: int) -> None:
        """Let a user see a character."""
        tag = self.rows.content_type(hero.table)
        seen = {"content_type_id": tag, "object_id": hero.number, "user_id": user}
        self.rows.add("core_observer", granted_at=_now(), **seen)

    def write_journal(self, hero: Hero) -> None:
        """Write in the journal of a character."""
        journal = int(self.rows.one("SELECT id FROM game_journal WHERE character_id = %s", hero.number))
        self.rows.add(
            "game_journalentry", journal_id=journal, message="Dear diary", date=_now(), datetime_created=_now()
        )

    def found_group(self, table: str, chronicle: int | None, *members: Hero) -> int:
        """Form a group; the first member leads it."""
        leader = members[0].number if members else None
        group = self.rows.add(
            table, name=f"Band of {leader or table}", chronicle_id=chronicle, leader_id=leader, status="App"
        )
        for one in members:
            self.rows.link("characters_group_members", group, one.number)
        return group

    # --- play

    def open_scene(
        self, chronicle: int | None, *cast: Hero, line: str = "wod", name: str = "", day: date | None = None
    ) -> int:
        """Open a scene, in a chronicle or on the create page, which takes none, and add characters.

        A chronicle has one scene of a name at a place: opening it again finds the first.
        """
        number = self.rows.one("SELECT count(*) FROM game_scene")
        scene = self.rows.add(
            "game_scene",
            name=name or f"Scene {number}",
            chronicle_id=chronicle,
            date_played=day or _now().date(),
            date_of_scene=day or _now().date(),
            gameline=line,
        )
        for one in cast:
            self.rows.link("game_scene_characters", scene, one.number)
        return scene

    def post(self, scene: int, hero: Hero, at: datetime | None = None) -> None:
        """Post as a character; that adds it to the scene, and marks the scene for everybody who plays there."""
        self.rows.link("game_scene_characters", scene, hero.number)
        name = self.rows.one("SELECT name FROM characters_charactermodel WHERE id = %s", hero.number)
        said = {"character_id": hero.number, "scene_id": scene, "display_name": name, "message": "Hello."}
        self.rows.add("game_post", datetime_created=at or _now(), **said)
        self._mark(scene)

    def _mark(self, scene: int) -> None:
        users = """
            SELECT DISTINCT cm.owner_id FROM game_scene_characters AS part
            JOIN characters_charactermodel AS cm ON cm.id = part.charactermodel_id
            WHERE part.scene_id = %s AND cm.owner_id IS NOT NULL
            AND cm.owner_id NOT IN (
                SELECT user_id FROM game_userscenereadstatus WHERE scene_id = %s AND user_id IS NOT NULL)
        """
        for (user,) in self.rows.connection.execute(users.encode(), [scene, scene]).fetchall():
            self.rows.add("game_userscenereadstatus", user_id=user, scene_id=scene, read=False)

    def close_scene(self, scene: int) -> int:
        """Close a scene: its characters are entered in the week of the Sunday on or after the last post, in UTC."""
        self.rows.change("game_scene", scene, finished=True)
        last = self.rows.one(
            "SELECT (max(datetime_created) AT TIME ZONE 'UTC')::date FROM game_post WHERE scene_id = %s", scene
        )
        week = self.week(sunday_of(last or _now().date()))
        cast = "SELECT charactermodel_id FROM game_scene_characters WHERE scene_id = %s"
        for (number,) in self.rows.connection.execute(cast.encode(), [scene]).fetchall():
            self.rows.link("game_week_characters", week, number)
        return week

    def week(self, sunday: date) -> int:
        """Get or create the week that ends on a Sunday."""
        found = self.rows.one("SELECT min(id) FROM game_week WHERE end_date = %s", sunday)
        return int(found) if found else self.rows.add("game_week", end_date=sunday)

    def create_week(self, end: date) -> int:
        """Fill in the form for weeks, which takes any day."""
        return self.rows.add("game_week", end_date=end)

    def reopen_scene(self, scene: int) -> None:
        """Untick "finished" on the form of a scene."""
        self.rows.change("game_scene", scene, finished=False)

    def award_scene(self, scene: int, *cast: Hero) -> None:
        """Give the XP of a scene to those who are ticked."""
        for one in cast:
            self._earn(one, 1)
        self.rows.change("game_scene", scene, xp_given=True)

    def _earn(self, hero: Hero, xp: int) -> None:
        earned = "UPDATE characters_character SET xp = xp + %s WHERE charactermodel_ptr_id = %s"
        self.rows.connection.execute(earned.encode(), [xp, hero.number])

    def claim(self, hero: Hero, week: int, scene: int | None = None, *claims: str) -> int:
        """Ask for the XP of a week."""
        made: dict[str, object] = {"finishing": True, "character_id": hero.number, "week_id": week}
        for one in claims:
            made |= {one: True, f"{one}_scene_id": scene}
        return self.rows.add("game_weeklyxprequest", **made)

    def approve_claim(self, hero: Hero, request: int) -> None:
        """Approve the XP of a week, which pays it."""
        total = " + ".join(f"{one}::int" for one in ("finishing", *CLAIMS))
        xp = int(self.rows.one(f"SELECT {total} FROM game_weeklyxprequest WHERE id = %s", request))
        self.rows.change("game_weeklyxprequest", request, approved=True)
        self._earn(hero, xp)

    def process_week(self, sunday: date) -> None:
        """Run process_weekly_xp: whoever was in a finished scene of the week gets a request, entered in the week or not."""
        week = self.week(sunday)
        played = """
            SELECT DISTINCT part.charactermodel_id FROM game_scene_characters AS part
            JOIN game_scene AS scene ON scene.id = part.scene_id AND scene.finished
            JOIN characters_charactermodel AS cm ON cm.id = part.charactermodel_id AND NOT cm.npc
            WHERE (SELECT (max(datetime_created) AT TIME ZONE 'America/Los_Angeles')::date FROM game_post
                   WHERE scene_id = scene.id) BETWEEN %s::date - 7 AND %s
            AND part.charactermodel_id NOT IN (
                SELECT character_id FROM game_weeklyxprequest WHERE week_id = %s AND character_id IS NOT NULL)
        """
        for (number,) in self.rows.connection.execute(played.encode(), [sunday, sunday, week]).fetchall():
            self.rows.add("game_weeklyxprequest", finishing=True, character_id=number, week_id=week)

    def tell_story(self, awards: Mapping[Hero, int]) -> int:
        """Create a story and give its XP; a request is a record beside it."""
        story = self.rows.add("game_story", name="A story", xp_given=True)
        for hero, duration in awards.items():
            self.rows.add(
                "game_storyxprequest", story_id=story, character_id=hero.number, success=True, duration=duration
            )
            self._earn(hero, duration + 1)
        return story

    # --- spending XP

    def ask(self, hero: Hero, kind: str, name: str, value: int, cost: int) -> int:
        """Ask on the page of requests, which takes any kind of trait and deducts nothing."""
        asked = {"trait_type": kind, "trait_name": name, "trait_value": value, "cost": cost, "approved": "Pending"}
        return self.rows.add("game_xpspendingrequest", character_id=hero.number, created_at=_now(), **asked)

    def spend(self, hero: Hero, kind: str, name: str, value: int, cost: int) -> int:
        """Spend on the sheet of a mage, which deducts the cost."""
        self._earn(hero, -cost)
        return self.ask(hero, kind, name, value, cost)

    def decide(self, request: int, decision: str, user: int, table: str = "game_xpspendingrequest") -> None:
        """Decide on the page of a request, which changes its status and nothing else; "Pending" is one of the choices."""
        self.rows.change(table, request, approved=decision, approved_by_id=user, approved_at=_now())

    def approve_on_sheet(self, hero: Hero, request: int, user: int, column: str, value: int) -> None:
        """Approve on the sheet, which raises the trait."""
        self.change(hero, **{column: value})
        self.decide(request, "Approved", user)

    def deny_on_sheet(self, hero: Hero, request: int, user: int) -> None:
        """Deny on the sheet, which adds the cost, be it that it was deducted or not."""
        self._earn(hero, int(self.rows.one("SELECT cost FROM game_xpspendingrequest WHERE id = %s", request)))
        self.decide(request, "Denied", user)

    # --- deleting

    def delete(self, table: str, number: int) -> None:
        """Delete anything in the administration."""
        self.rows.delete(table, number)
