"""What staff and storytellers lay down: rights, what may be played, house rules, common knowledge, who may see things and places."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from .people import Chronicle, People
from .reference import Catalogue
from .rows import Rows
from .vocabulary.play import GROUPS, NOUNS, SITE_RULES, TABLE_RULES

_GRANTED: Final = datetime(2024, 5, 4, 9, tzinfo=UTC)
_WATCHED: Final = ("items_fetish", "items_treasure", "locations_chantry", "locations_holding")


def populate(rows: Rows, folk: People, catalogue: Catalogue) -> None:
    """Add everything; the words for names come along."""
    for chronicle in folk.chronicles:
        for kind in _playable(rows, chronicle):
            rows.link("game_chronicle_allowed_objects", chronicle.id, kind)
    _grant(rows, folk.staff)
    _add_house_rules(rows, folk, catalogue)
    for noun in NOUNS:
        rows.add("core_noun", name=noun)
    _add_onlookers(rows, folk)


def _grant(rows: Rows, staff: int) -> None:
    """Tell what the groups of accounts may do; staff may edit books."""
    for group, codenames in enumerate(GROUPS.values(), start=1):
        for codename in codenames:
            [permission] = rows.ids("auth_permission", codename=codename)
            rows.link("auth_group_permissions", group, permission)
    for permission in rows.ids("auth_permission", content_type_id=rows.content_type("core_book")):
        rows.link("auth_user_user_permissions", staff, permission)


def _playable(rows: Rows, chronicle: Chronicle) -> Iterator[int]:
    for line in chronicle.lines:
        yield from rows.ids("game_objecttype", gameline=line)


def _add_house_rules(rows: Rows, folk: People, catalogue: Catalogue) -> None:
    """Add rules of single chronicles and of the whole site, each with the page that it changes."""
    chronicles = [chronicle.id for chronicle in folk.chronicles]
    rules = [*zip(TABLE_RULES, reversed(chronicles), strict=False), *((rule, None) for rule in SITE_RULES)]
    for ((name, line, description), chronicle), page in zip(rules, catalogue.references, strict=False):
        values = {"name": name, "gameline": line, "description": description, "chronicle_id": chronicle}
        rows.link("core_houserule_sources", rows.add("core_houserule", **values), page)


def _add_onlookers(rows: Rows, folk: People) -> None:
    """Let players of the last chronicle see a thing or place of each of a few classes; nobody says who allowed it."""
    for table, player in zip(_WATCHED, folk.chronicles[-1].players, strict=False):
        sight = {"content_type_id": rows.content_type(table), "object_id": rows.ids(table)[-1], "user_id": player}
        rows.add("core_observer", **sight, granted_at=_GRANTED, notes="Seen on stage.")
