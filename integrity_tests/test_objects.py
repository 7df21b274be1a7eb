"""What all objects of the game have in common: status, visibility, image and name."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .sources.characters import OWNED
from .words.classes import IMAGE_STATUSES, OBJECTS, STATUSES, VISIBILITIES

# White space of any kind; btrim alone takes off spaces only.
TRIMMED = r"btrim({table}.name, U&' \0009\000A\000B\000C\000D\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007"
TRIMMED += r"\2008\2009\200A\2028\2029\202F\205F\3000')"

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


@pytest.mark.parametrize("table", OBJECTS)
@rule.implies(
    "{table}",
    "image_status = 'app'",
    "coalesce(image, '') <> ''",
    severity="info",
    breaks={"image_status": "'app'", "image": "''"},
    show=["image_status", "image"],
    fix={"image_status": "'sub'", "image": "''"},
    overlaps=["test_object_image_is_not_null"],
    tags=["OBJ-5"],
)
def test_object_image_is_there_once_approved(violations: Violations, table: str) -> None:
    """An approved image exists; the fix goes back to what an object without an image has.

    That is an image that is empty, not NULL: else it would wait for its approval for ever. Nothing breaks without the
    image but its place on the page, hence the severity.
    """
    assert not violations


@pytest.mark.parametrize("table", OTHER_OBJECTS)
@rule.rows(
    "{table}",
    "status IN ('Ret', 'Dec')",
    severity="info",
    breaks={"status": "'Ret'"},
    show=["status"],
    fix_hint="what was meant by it only who wrote it knows",
    tags=["OBJ-4"],
)
def test_object_that_is_no_character_is_neither_retired_nor_deceased(violations: Violations, table: str) -> None:
    """Only characters retire and die; the application has no way to make anything else Ret or Dec.

    Nothing refuses the value either, hence the severity.
    """
    assert not violations


@pytest.mark.parametrize(
    "table", ["characters_charactermodel", "characters_rote", "items_itemmodel", "locations_locationmodel"]
)
@rule.implies(
    OWNED,
    "status = 'Sub'",
    "chronicle_id IS NOT NULL",
    severity="info",
    breaks={"status": "'Sub'", "chronicle_id": "NULL"},
    show=["status", "owner_id"],
    fix_hint="the owner or a storyteller knows the chronicle",
    tags=["OBJ-6"],
)
def test_object_that_is_submitted_has_a_chronicle(violations: Violations, table: str) -> None:
    """What waits for approval belongs to a chronicle; without one it is in no storyteller's queue and waits for ever.

    The severity is info: TG lets a player submit without a chronicle, and deleting one leaves what waits there.
    """
    assert not violations


@pytest.mark.parametrize("table", ["characters_charactermodel", "items_itemmodel", "locations_locationmodel"])
@rule.implies(
    OWNED,
    "owner_id IS NULL",
    "status <> 'Un'",
    severity="info",
    breaks={"owner_id": "NULL", "status": "'Un'"},
    fix_hint="reference data looks the same; `cleanup_orphaned_data` deletes all of them, however young",
    tags=["CHAR-9"],
)
def test_object_that_nobody_owns_was_approved(violations: Violations, table: str) -> None:
    """What belongs to nobody and was never approved may be litter.

    Or it is part of the catalogue, which TG loads in exactly this shape.
    """
    assert not violations


@pytest.mark.parametrize("table", OBJECTS)
@rule.not_null(
    "{table}",
    "image",
    severity="low",
    fix="''",
    overlaps=["test_object_image_is_there_once_approved"],
    tags=["OBJ-7"],
)
def test_object_image_is_not_null(violations: Violations, table: str) -> None:
    """An object without an image has an empty one; with NULL it waits for a storyteller to approve what is not there."""
    assert not violations


@pytest.mark.parametrize("table", OBJECTS)
@rule.rows(
    "{table}",
    r"""
    image <> '' AND (
        image ~ '(^/|\.\.|\\|[[:cntrl:]])' OR image !~* '\.(jpe?g|png|gif|webp|bmp|svg|avif)$'
    )
    """,
    severity="info",
    breaks={"image": "'../../etc/passwd.png'"},
    show=["image"],
    fix_hint="a person finds out who wrote that path, and uploads the image again",
    tags=["OBJ-8"],
)
def test_object_image_lies_in_its_folder(violations: Violations, table: str) -> None:
    """The image of an object is an image file below the folder of uploads, and nowhere else on the server.

    The application trusts its own uploads and checks no stored name, hence the severity.
    """
    assert not violations


@pytest.mark.parametrize("table", OBJECTS)
@rule.rows(
    "{table}",
    r"name ~ '[[:cntrl:]]' OR name ~ U&'[\200B-\200F\202A-\202E\2060\FEFF]'",
    severity="info",
    breaks={"name": r"left(name, 1) || U&'\200B' || substr(name, 3)"},
    show=["name"],
    fix_hint="a person looks at what the name is meant to be: another object may have the visible one",
    overlaps=["test_object_name_has_no_white_space_around"],
    tags=["OBJ-9"],
)
def test_object_name_has_no_invisible_characters(violations: Violations, table: str) -> None:
    """A name holds no character that cannot be seen, nor one that turns the writing around; two names look the same.

    The application takes any name, hence the severity.
    """
    assert not violations


@pytest.mark.parametrize("table", OBJECTS)
@rule.rows(
    "{table}",
    f"name <> {TRIMMED}",
    severity="info",
    breaks={"name": "' ' || left(name, 90)"},
    show=["name"],
    fix={
        "name": f"""
            CASE WHEN {TRIMMED} = '' OR EXISTS (SELECT FROM {{table}} AS other WHERE other.name = {TRIMMED})
                 THEN name ELSE {TRIMMED} END
        """
    },
    overlaps=["test_object_name_has_no_invisible_characters", "test_object_name_is_not_blank"],
    tags=["OBJ-9"],
)
def test_object_name_has_no_white_space_around(violations: Violations, table: str) -> None:
    """A name begins and ends with something that can be seen.

    The fix trims it, unless nothing would be left or another object has that name: the application looks up by names.
    It takes any name, hence the severity.
    """
    assert not violations


@pytest.mark.parametrize("table", ["items_itemmodel", "locations_locationmodel", "characters_effect"])
@rule.unique(
    OWNED,
    ["lower(btrim(name))", "owner_id", "chronicle_id"],
    nulls_distinct=False,
    severity="info",
    breaks="""
    WITH one AS (SELECT * FROM {table} ORDER BY id LIMIT 1),
    twin AS (
        UPDATE {table} SET name = upper(one.name), owner_id = one.owner_id, chronicle_id = one.chronicle_id FROM one
        WHERE {table}.id = (SELECT max(id) FROM {table}) AND {table}.id <> one.id RETURNING {table}.id
    )
    SELECT one.id FROM one, twin UNION ALL SELECT id FROM twin
    """,
    show=["owner_id", "chronicle_id", "status"],
    fix_hint="only who made them knows whether they are two; merging them would lose what refers to one",
    overlaps=["test_item_is_owned_within_its_chronicle"],
    tags=["CHAR-24"],
)
def test_object_is_there_once(violations: Violations, table: str) -> None:
    """Nobody has two items, places or effects of one name in a chronicle: the second is probably the first, entered again.

    The severity is info: TG's duplicate finder lists them, as it lists characters, and nothing forbids them; in the
    catalogue that is shipped, 14 names of items and one of an effect are there twice.
    """
    assert not violations
