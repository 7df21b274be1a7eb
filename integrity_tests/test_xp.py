"""Experience points: the pool on the sheet, and what can be said of how it came about."""

from __future__ import annotations

from typing import Final

from pytest_tgintegrity import Violations, rule

from .sources.characters import SHEETS
from .sources.play import LEDGER

GIFTS: Final = 100
"""XP that a storyteller may have given by hand, or whose scene was deleted: it leaves no trace."""


@rule.between(
    SHEETS,
    "xp",
    0,
    None,
    severity="critical",
    fix_hint="XP is money and its ledger cannot be rebuilt: a storyteller decides",
    enforced_by="characters_character_xp_non_negative",
    tags=["validate_data_integrity", "monitor_validation", "XP-1"],
)
def test_xp_is_never_negative(violations: Violations) -> None:
    """Nobody has spent more XP than there was.

    The command's --fix wrote 0, which forgives the debt.
    """
    assert not violations


@rule.total(
    SHEETS,
    LEDGER,
    "entry.xp",
    by="entry.character_id",
    at_least=f"characters_character.xp::bigint - {GIFTS}",
    severity="info",
    breaks={"characters_character.xp": "1000000"},
    show=["xp"],
    fix_hint="awards by hand leave no trace: a storyteller judges",
    tags=["validate_character_data", "XP-26"],
)
def test_xp_can_be_explained_by_awards(violations: Violations) -> None:
    """The XP that a character has is no more than the stored awards can explain, and 100 points that leave no trace.

    A hint, not a proof: it tells 1700 from 17. A storyteller's gift leaves no trace, who was paid for a scene is not stored,
    and only what mages spend on their sheets is known to have been deducted. The command's check of XP consistency was dead:
    it summed a field that no character has any more.
    """
    assert not violations
