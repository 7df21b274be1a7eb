"""Play: scenes with their posts, weeks, stories, journals, and the experience they bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final

from .characters import Character
from .people import TODAY, Chronicle, People
from .rows import Rows
from .vocabulary.play import JOURNAL_LINES, LINES_OF_PLAY, PLACES, SCENE_OPENINGS, STORIES

_WEEKS: Final = 26
_FINISHED_EACH: Final = 54
_OPEN_EACH: Final = 4
_REGULARS_EACH: Final = 24
_PATIENCE: Final = timedelta(days=30)
_CLAIMS: Final = ("learning", "rp", "focus", "standingout")


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished scene: the Sunday that ends its week, and who took part."""

    id: int
    sunday: date
    characters: tuple[Character, ...]


def populate(
    rows: Rows, chance: Random, folk: People, cast: Sequence[Character], places: Mapping[int, Sequence[int]]
) -> dict[int, int]:
    """Add everything; return the experience that each character has earned."""
    weeks = {sunday: rows.add("game_week", end_date=sunday) for sunday in _sundays()}
    earned: dict[int, int] = {}
    for chronicle in folk.chronicles:
        here = [one for one in cast if one.chronicle.id == chronicle.id]
        regulars = _regulars(chance, here)
        scenes = [_add_scene(rows, chance, chronicle, regulars, places[chronicle.id]) for _ in range(_FINISHED_EACH)]
        _pay_scenes(earned, scenes)
        _add_requests(rows, chance, scenes, weeks, earned)
        _add_stories(rows, chance, chronicle, regulars, earned)
        _add_open_scenes(rows, chance, chronicle, here, places[chronicle.id])
        _add_entries(rows, chance, regulars)
    return earned


def _sundays() -> list[date]:
    return [TODAY - timedelta(weeks=week) for week in reversed(range(_WEEKS))]


def _regulars(chance: Random, here: Sequence[Character]) -> list[Character]:
    """Those who play often: approved ones, and a few who have since retired or died."""
    active = [one for one in here if one.draft.status == "App"]
    gone = [one for one in here if one.draft.status in ("Ret", "Dec")]
    return chance.sample(active, _REGULARS_EACH) + chance.sample(gone, 3)


def _add_scene(
    rows: Rows, chance: Random, chronicle: Chronicle, regulars: Sequence[Character], places: Sequence[int]
) -> Scene:
    """Add a scene that is over and paid."""
    present = tuple(chance.sample(regulars, chance.randint(3, 6)))
    begun = TODAY - timedelta(days=chance.randint(3, (_WEEKS - 1) * 7))
    last = begun + timedelta(days=chance.randint(0, 2))
    values = {"finished": True, "xp_given": True, "date_played": begun}
    scene = _open(rows, chance, chronicle, places, present, **values)
    _add_posts(rows, chance, scene, present, begun, last)
    return Scene(scene, last + timedelta(days=6 - last.weekday()), present)


def _open(
    rows: Rows,
    chance: Random,
    chronicle: Chronicle,
    places: Sequence[int],
    present: Sequence[Character],
    **values: object,
) -> int:
    scene = rows.add(
        "game_scene",
        name=f"{chance.choice(SCENE_OPENINGS)} {chance.choice(PLACES)}",
        chronicle_id=chronicle.id,
        gameline=chance.choice(chronicle.lines),
        location_id=chance.choice(places),
        date_of_scene=date(chronicle.year, chance.randint(1, 12), chance.randint(1, 28)),
        **values,
    )
    for one in present:
        rows.link("game_scene_characters", scene, one.id)
    for player in chance.sample(chronicle.players, 3):
        rows.add("game_userscenereadstatus", scene_id=scene, user_id=player, read=chance.random() < 0.8)
    return scene


def _add_posts(rows: Rows, chance: Random, scene: int, present: Sequence[Character], begun: date, last: date) -> None:
    """Add posts from the first evening to the last, in order."""
    count = chance.randint(4, 12)
    start = datetime.combine(begun, time(15, chance.randrange(60)), UTC)
    step = (datetime.combine(last, time(22, 30), UTC) - start) / count
    for number in range(1, count + 1):
        one = chance.choice(present)
        at = start + number * step
        message = chance.choice(LINES_OF_PLAY)
        rows.add(
            "game_post",
            scene_id=scene,
            character_id=one.id,
            display_name=one.name,
            message=message,
            datetime_created=at,
        )


def _pay_scenes(earned: dict[int, int], scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        for one in scene.characters:
            earned[one.id] = earned.get(one.id, 0) + 1


def _add_requests(
    rows: Rows, chance: Random, scenes: Sequence[Scene], weeks: Mapping[date, int], earned: dict[int, int]
) -> None:
    """Enter characters into the weeks of their scenes; players ask for their weekly experience."""
    present: dict[tuple[date, int], list[int]] = {}
    people = {one.id: one for scene in scenes for one in scene.characters}
    for scene in scenes:
        for one in scene.characters:
            present.setdefault((scene.sunday, one.id), []).append(scene.id)
    for (sunday, number), attended in sorted(present.items()):
        rows.link("game_week_characters", weeks[sunday], number)
        if not people[number].draft.npc:
            settled = sunday < TODAY - _PATIENCE
            _add_request(rows, chance, weeks[sunday], number, attended, earned, settled=settled)


def _add_request(
    rows: Rows,
    chance: Random,
    week: int,
    character: int,
    attended: Sequence[int],
    earned: dict[int, int],
    *,
    settled: bool,
) -> None:
    claims: dict[str, object] = {"finishing": True}
    for claim in _CLAIMS:
        if chance.random() < 0.6:
            claims |= {claim: True, f"{claim}_scene_id": chance.choice(attended)}
    approved = chance.random() < 0.97 or settled
    rows.add("game_weeklyxprequest", week_id=week, character_id=character, approved=approved, **claims)
    if approved:
        earned[character] += sum(value is True for value in claims.values())


def _add_stories(
    rows: Rows, chance: Random, chronicle: Chronicle, regulars: Sequence[Character], earned: dict[int, int]
) -> None:
    for name in chance.sample(STORIES, 3):
        story = rows.add("game_story", name=f"{name} ({chronicle.name})"[:100], xp_given=True)
        for one in chance.sample(regulars, 6):
            awards = {award: chance.random() < 0.5 for award in ("success", "danger", "growth", "drama")}
            duration = chance.randint(1, 4)
            rows.add("game_storyxprequest", story_id=story, character_id=one.id, duration=duration, **awards)
            earned[one.id] = earned.get(one.id, 0) + duration + sum(awards.values())


def _add_open_scenes(
    rows: Rows, chance: Random, chronicle: Chronicle, here: Sequence[Character], places: Sequence[int]
) -> None:
    """Add scenes that still run; one of them waits for its storyteller."""
    active = [one for one in here if one.draft.status == "App"]
    for number in range(_OPEN_EACH):
        present = chance.sample(active, 4)
        begun = TODAY - timedelta(days=chance.randint(2, 9))
        waiting = {"waiting_for_st": True, "st_message": "May we roll for the lock?"} if number == 0 else {}
        scene = _open(rows, chance, chronicle, places, present, date_played=begun, **waiting)
        _add_posts(rows, chance, scene, present, begun, begun + timedelta(days=1))


def _add_entries(rows: Rows, chance: Random, regulars: Sequence[Character]) -> None:
    """Let some regulars write in their journals; a journal has its character's number."""
    for one in chance.sample(regulars, 9):
        for _ in range(chance.randint(1, 5)):
            written = datetime.combine(
                TODAY - timedelta(days=chance.randint(5, 150)), time(20, chance.randrange(60)), UTC
            )
            entry = {
                "message": chance.choice(JOURNAL_LINES),
                "date": written - timedelta(days=1),
                "datetime_created": written,
            }
            rows.add(
                "game_journalentry", journal_id=one.id, st_message="Noted." if chance.random() < 0.3 else "", **entry
            )
