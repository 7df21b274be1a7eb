"""What all objects of the game have in common: status, visibility, image and name."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .vocabulary import IMAGE_STATUSES, OBJECTS, STATUSES, VISIBILITIES

OTHER_OBJECTS = [table for table in OBJECTS if table != "characters_charactermodel"]


@pytest.mark.parametrize("table", OTHER_OBJECTS)
@rule.one_of(
    "{table}",
    "status",
    STATUSES,
    severity="high",
    fix_hint="the row does not say what the status was: a storyteller decides",
    tags=["OBJ-1"],
)
def test_object_status_is_known(violations: Violations, table: str) -> None:
    """Groups, items, locations and all reference data have a status that the application knows.

    The commands looked only at characters, for which `test_character_status_is_known` says the same.
    """
    assert not violations


@pytest.mark.parametrize("table", OBJECTS)
@rule.one_of("{table}", "visibility", VISIBILITIES, fix="'PRI'", tags=["OBJ-2"])
def test_object_visibility_is_known(violations: Violations, table: str) -> None:
    """An object is public, private, visible to its chronicle or custom; the fix hides it: private is the default."""
    assert not violations


@pytest.mark.parametrize("table", OBJECTS)
@rule.one_of("{table}", "image_status", IMAGE_STATUSES, fix="'sub'", tags=["OBJ-2"])
def test_object_image_status_is_known(violations: Violations, table: str) -> None:
    """The image of an object is missing, submitted or approved; the fix submits it to a storyteller, as is the default."""
    assert not violations


@pytest.mark.parametrize("table", OTHER_OBJECTS)
@rule.not_blank("{table}", "name", fix_hint="only the owner or a storyteller knows the name", tags=["OBJ-3"])
def test_object_name_is_not_blank(violations: Violations, table: str) -> None:
    """Every object has a name; `test_character_name_is_not_blank` says the same of characters."""
    assert not violations
