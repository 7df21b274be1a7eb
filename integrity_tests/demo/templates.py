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


def populate(rows: Rows, chance: Random, cast: Sequence[Character]) -> None:
    """Add one template for each line, used by a few of its characters."""
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
