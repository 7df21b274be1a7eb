"""Observers: who may see which object beyond its owner."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources import OBSERVERS
from .vocabulary import CLASSES

# One look into the index of the one table in question for each observer.
EXISTS: Final = " ".join(
    f"WHEN '{one.table}' THEN EXISTS (SELECT FROM {one.table} WHERE {one.key} = seen.object_id)"
    for one in CLASSES.values()
)


@rule.rows(
    OBSERVERS,
    f"NOT CASE type.app_label || '_' || type.model {EXISTS} ELSE FALSE END",
    breaks={"seen.object_id": "2147483647"},
    show=["type.app_label", "type.model", "seen.object_id"],
    fix_hint="mend the type tags first; if the object is gone for good, the row may go",
    overlaps=["test_content_types_are_complete", "test_foreign_key_has_no_orphans"],
    tags=["OBSV-1"],
)
def test_observer_sees_an_object_that_exists(violations: Violations) -> None:
    """What an observer may see exists, and is what the observer's row calls it.

    An object that is gone leaves the right to see whatever gets its number next.
    """
    assert not violations
