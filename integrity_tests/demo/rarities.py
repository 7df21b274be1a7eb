"""The rare cases of accounts and of play, each of them legal: nothing written, nothing asked, nobody named."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from .characters import Character
from .people import TODAY, Chronicle, People
from .rows import Rows
from .vocabulary.play import SETTING_ELEMENTS, UNLIKELY_HEADINGS

_LOGGED: Final = datetime(2024, 4, 1, 7, 30, tzinfo=UTC)
_LONG_AGO: Final = 1230


def populate(rows: Rows, folk: People, cast: Sequence[Character]) -> None:
    """Add the cases, and change a few rows that are there already."""
    _change_accounts(rows, folk)
    _log(rows, folk)
    _add_quiet_chronicle(rows, folk.chronicles[0])
    for chronicle in folk.chronicles:
        here = [one for one in cast if one.chronicle.id == chronicle.id]
        _add_quiet_play(rows, chronicle, [one for one in here if one.draft.status == "App"])


def _change_accounts(rows: Rows, folk: People) -> None:
    """Make some players unusual: without mail, password or visit; without limits; with every heading."""
    players = folk.chronicles[-1].players
    rows.change("auth_user", players[0], email="", password="!" + "x" * 40)
    rows.change("auth_user", players[1], last_login=None, first_name="", last_name="")
    rows.change("accounts_profile", players[2], lines=None, veils=None, discord_id="quietly.here", discord_toggle=False)
    rows.change("accounts_profile", players[3], lines_toggle=True, veils_toggle=True)
    for player, heading in zip(players[4:], UNLIKELY_HEADINGS, strict=False):
        rows.change("accounts_profile", player, preferred_heading=heading)


def _log(rows: Rows, folk: People) -> None:
    """Log what staff did in the admin: added, changed, deleted; what was deleted is no longer there."""
    types = [rows.content_type("core_book"), rows.content_type("core_newsitem"), None]
    for number, (flag, kind) in enumerate(zip((1, 2, 3), types, strict=True)):
        text = ('[{"added": {}}]', '[{"changed": {"fields": ["Title"]}}]', "")[number]
        action = {"action_flag": flag, "change_message": text, "content_type_id": kind}
        subject = {"object_id": "1" if kind else None, "object_repr": ("First book", "First news", "Draft")[number]}
        rows.add(
            "django_admin_log", user_id=folk.staff, action_time=_LOGGED + timedelta(days=number), **action, **subject
        )


def _add_quiet_chronicle(rows: Rows, other: Chronicle) -> None:
    """Add a chronicle that has only been announced, by the head of another one."""
    head = other.storytellers[0]
    number = rows.add("game_chronicle", name="The Long Winter", year=_LONG_AGO, head_st_id=head)
    rows.add("game_strelationship", user_id=head, chronicle_id=number, gameline_id=1)
    name, description = SETTING_ELEMENTS[-1]
    element = rows.add("game_settingelement", name=name, description=description, gameline="wod")
    rows.link("game_chronicle_common_knowledge_elements", number, element)


def _add_quiet_play(rows: Rows, chronicle: Chronicle, living: Sequence[Character]) -> None:
    """Add a scene nowhere in particular with a narrator's post, and a story that has brought nothing yet."""
    begun = TODAY - timedelta(days=1)
    values = {"chronicle_id": chronicle.id, "gameline": chronicle.lines[0], "date_played": begun}
    scene = rows.add("game_scene", name="Between Two Trains", **values)
    rows.link("game_scene_characters", scene, living[-1].id)
    rows.add("game_userscenereadstatus", scene_id=scene, user_id=chronicle.storytellers[0], read=False)
    told = {"display_name": "Narrator", "message": "The platform is empty.", "datetime_created": _evening(begun)}
    rows.add("game_post", scene_id=scene, **told)
    story = rows.add("game_story", name=f"A Door Left Open ({chronicle.name})")
    rows.add("game_storyxprequest", story_id=story, character_id=living[-1].id, duration=0)


def _evening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
