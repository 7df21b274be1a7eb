"""Images: where their files lie."""

from __future__ import annotations

import pytest

from pytest_tgintegrity import Violations, rule

from .words.classes import OBJECTS


@pytest.mark.parametrize("table", OBJECTS)
@rule.rows(
    "{table}",
    r"""
    image ~ '^[/~]|\\|[[:cntrl:]]|^[A-Za-z][A-Za-z0-9+.-]*:'
    OR image ~* '(^|/|%2f)(\.|%2e)(\.|%2e)($|/|%2f)'
    """,
    breaks={"image": "'../../etc/passwd.png'"},
    show=["image", "image_status"],
    fix_hint="find out who wrote that path and what was read by it; then leave the image empty, or upload it again",
    overlaps=["test_object_image_lies_in_its_folder"],
    tags=["images"],
)
def test_image_is_a_path_below_the_uploads(violations: Violations, table: str) -> None:
    r"""No image is named by an absolute path, one that goes up, another scheme, a backslash or a control character.

    Django refuses such names when a file is uploaded, and what it stores begins with the name of an app. Dots within a name,
    as in "who knows...png", and a / within it are right: the application names a file after its object.
    """
    assert not violations
