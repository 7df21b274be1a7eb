"""Character templates and the characters that were started from one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from .characters import Character
from .reference import PUBLISHED
from .rows import Rows

_WRITTEN: Final = datetime(2023, 6, 1, 8, tzinfo=UTC)
_USES: Final = 5
_TEMPLATES: Final = (
    ("Night Watch", "vtm", "vampire", "Guard of a museum"),
    ("Road Pack Scout", "wta", "werewolf", "Courier"),
    ("Hedge Scholar", "mta", "mage", "Private tutor"),
)


# Templates that nobody has used: name, line, kind, standing and sheet; the second says as little as a template can.
_UNUSED: Final[tuple[tuple[str, str, str, dict[str, object], dict[str, object]], ...]] = (
    (
        "Drowned Archivist",
        "wto",
        "wraith",
        {"status": "App", "visibility": "PUB", "is_public": True, "is_official": True, "faction": "Heretics"}
        | {"concept": "Keeper of unread files", "equipment": "A lamp, a key without a lock."},
        {
            "basic_info": {"nature": "Perfectionist", "demeanor": "Loner"},
            "attributes": {"perception": 4, "wits": 3},
            "abilities": {"investigation": 3, "academics": 2},
            "backgrounds": [{"name": "Contacts", "rating": 2}, {"name": "Library", "rating": 1}],
            "powers": {"argos": 1, "lifeweb": 2},
            "merits_flaws": [{"name": "Photographic Recall", "rating": 2}, {"name": "Bad Sight", "rating": -1}],
            "specialties": ["Investigation: Paper Trails"],
            "languages": ["English", "Latin"],
            "suggested_freebie_spending": {"lifeweb": 5},
        },
    ),
    ("Lost Knight", "ctd", "changeling", {"status": "Un"}, {}),
    ("Debt Collector of Hell", "dtf", "demon", {"status": "Sub"}, {"attributes": {"manipulation": 4}}),
)


def populate(rows: Rows, chance: Random, cast: Sequence[Character], pages: Sequence[int]) -> None:
    """Add one template for each line, used by a few of its characters, and some that nobody has used."""
    for name, line, kind, concept in _TEMPLATES:
        values = {"gameline": line, "character_type": kind, "concept": concept, "times_used": _USES}
        dates = {"created_at": _WRITTEN, "updated_at": _WRITTEN + timedelta(days=2)}
        sheet = {
            "attributes": {"wits": 3},
            "abilities": {"alertness": 2},
            "backgrounds": [{"name": "Contacts", "rating": 1}],
        }
        template = rows.add(
            "core_charactertemplate", name=name, is_public=True, **values, **dates, **sheet, **PUBLISHED
        )
        for one in chance.sample([one for one in cast if one.table == f"characters_{kind}"], _USES):
            applied = _WRITTEN + timedelta(days=chance.randint(3, 200))
            rows.add("core_templateapplication", template_id=template, character_id=one.id, applied_at=applied)
    _add_unused(rows, cast[-1])
    for template, page in zip(rows.ids("core_charactertemplate"), pages, strict=False):
        rows.link("core_charactertemplate_sources", template, page)


def _add_unused(rows: Rows, author: Character) -> None:
    """Add templates that belong to the chronicle of a character and to its head."""
    dates = {"created_at": _WRITTEN, "updated_at": _WRITTEN}
    for name, line, kind, standing, sheet in _UNUSED:
        owned = {"chronicle_id": author.chronicle.id, "owner_id": author.chronicle.storytellers[0]}
        words = {"gameline": line, "character_type": kind, **dates, **owned}
        rows.add("core_charactertemplate", name=name, **words, **standing, **sheet)
