"""Templates: ready-made characters that a player can begin with."""

from __future__ import annotations

from pytest_tgintegrity import Violations, rule

from .sources.things import TEMPLATES
from .words.things import SET


@rule.children(
    TEMPLATES,
    "core_templateapplication.template_id",
    at_most="times_used",
    severity="info",
    breaks="""
    UPDATE core_charactertemplate SET times_used = 0 WHERE id = (
        SELECT min(template_id) FROM core_templateapplication
    ) RETURNING id
    """,
    show=["times_used"],
    fix={
        "core_charactertemplate.times_used": "(SELECT count(*) FROM core_templateapplication AS used"
        " WHERE used.template_id = core_charactertemplate.id)"
    },
    tags=["TPL-1"],
)
def test_template_was_used_as_often_as_it_is_known(violations: Violations) -> None:
    """A template was used at least as often as there are characters known to be made from it.

    It may have been used more often: a character that was deleted is counted, but known no more.
    """
    assert not violations


@rule.one_of(
    TEMPLATES,
    "gameline",
    ["wod", "vtm", "wta", "mta", "wto", "ctd", "dtf"],
    severity="low",
    fix_hint=SET,
    tags=["TPL-2"],
)
def test_template_is_of_a_game_line_that_has_some(violations: Violations) -> None:
    """A template is of one of the seven game lines that have templates.

    The form also offers Hunter and Mummy, but a template of theirs is refused when it is saved.
    """
    assert not violations


@rule.not_blank(TEMPLATES, "character_type", severity="low", fix_hint=SET, tags=["TPL-2"])
def test_template_says_what_it_makes(violations: Violations) -> None:
    """A template says of what type the characters are that are made from it."""
    assert not violations
