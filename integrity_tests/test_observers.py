"""Observers: who may see which object beyond its owner."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources.characters import OBSERVERS
from .words.classes import CLASSES, ROOTS

# One look into the index of the one table in question for each observer.
EXISTS: Final = " ".join(
    f"WHEN '{one.table}' THEN EXISTS (SELECT FROM {one.table} WHERE {one.key} = seen.object_id)"
    for one in CLASSES.values()
)

# The type tag of the object itself, likewise.
TAG: Final = " ".join(
    f"WHEN type.app_label || '_' || type.model IN ({', '.join(repr(one.table) for one in root.kin)})"
    f" THEN (SELECT polymorphic_ctype_id FROM {root.table} WHERE id = seen.object_id)"
    for root in ROOTS
)


@rule.rows(
    OBSERVERS,
    f"NOT CASE type.app_label || '_' || type.model {EXISTS} ELSE FALSE END",
    breaks={"seen.object_id": "2147483647"},
    show=["type.app_label", "type.model", "seen.object_id"],
    fix_hint="mend type tags and missing rows first, or a right is lost that is still good; else the row may go",
    overlaps=["test_content_types_are_complete", "test_foreign_key_has_no_orphans"],
    tags=["OBSV-1"],
)
def test_observer_sees_an_object_that_exists(violations: Violations) -> None:
    """What an observer may see exists, and is what the observer's row calls it.

    An object that is gone leaves the right to see whatever gets its number next.
    """
    assert not violations


@rule.agree(
    OBSERVERS,
    "seen.content_type_id",
    f"CASE {TAG} END",
    breaks="""
    UPDATE core_observer SET content_type_id = (
        SELECT id FROM django_content_type WHERE app_label = 'characters' AND model = 'charactermodel'
    ) WHERE id = (
        SELECT min(seen.id) FROM core_observer AS seen
        JOIN characters_charactermodel AS cm ON (cm.id, cm.polymorphic_ctype_id) = (seen.object_id, seen.content_type_id)
        JOIN characters_character AS ch ON ch.charactermodel_ptr_id = cm.id
    )
    RETURNING id
    """,
    show=["type.app_label", "type.model", "seen.object_id"],
    fix_hint="mended, it lets somebody see what nobody could see till now: the owner of the object decides",
    tags=["OBSV-2"],
)
def test_observer_names_the_class_of_the_object(violations: Violations) -> None:
    """What an observer may see is called by its own class, a vampire a vampire, not a character.

    Else the object does not know of its observer: nothing is shown, and the row outlives the object.
    """
    assert not violations


@rule.between(
    OBSERVERS,
    "seen.object_id",
    0,
    None,
    enforced_by="core_observer_object_id_check",
    fix="delete seen",
    fix_allows="delete",
    overlaps=["OBSV-1", "OBSV-2"],
)
def test_observer_sees_a_number_that_objects_have(violations: Violations) -> None:
    """The number of the object that an observer sees is not negative."""
    assert not violations
