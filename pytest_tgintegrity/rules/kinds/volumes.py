"""Kinds about a table as a whole: how many rows, how old the newest, how alike: what each declares, and how it is told to people. Pure."""

from __future__ import annotations

from typing import Any

from pytest_tgintegrity.rules.kinds import holds
from pytest_tgintegrity.rules.kinds.fields import named_kind
from pytest_tgintegrity.rules.kinds.source import Source
from pytest_tgintegrity.rules.kinds.words import constant, from_clause, statement


@named_kind("volume")
class Volume:
    """A violation is a number of rows below `at_least`, or that moved by more than a share of what the last comparable run counted."""

    table: str = holds.source()
    max_drop: float | None = holds.plain(default=None)
    max_growth: float | None = holds.plain(default=None)
    at_least: int | None = holds.plain(default=None)


@statement.register(Volume)
def _volume(kind: Volume) -> str:
    bounds = [
        *([] if kind.at_least is None else [f"count(*) < {kind.at_least}"]),
        *([] if kind.max_drop is None else [f"count(*) < {_number(1 - kind.max_drop)} * <rows before>"]),
        *([] if kind.max_growth is None else [f"count(*) > {_number(1 + kind.max_growth)} * <rows before>"]),
    ]
    return f"SELECT count(*) FROM {kind.table} HAVING {' OR '.join(bounds)}"


def _number(value: float) -> str:
    return f"{value:.12g}"


@named_kind("freshness")
class Freshness:
    """A violation is a source of which no row has a time in `column` within the last so many hours, also if it has no rows."""

    source: Source | str = holds.source()
    column: str = holds.subject()
    within: float = holds.plain()


@statement.register(Freshness)
def _freshness(kind: Freshness) -> str:
    newest = f"max({kind.column})"
    old = f"{newest} < now() - interval '{kind.within:g} hours' OR count(*) = 0"
    return f"SELECT {newest} FROM {from_clause(kind.source)} HAVING {old}"


@named_kind("share")
class Share:
    """A violation is a share of one value, or of the commonest, among the values of a column that is out of bounds.

    NULL is no value. `value` None means whichever is the commonest.
    """

    source: Source | str = holds.source()
    column: str = holds.subject()
    value: Any = holds.plain(default=None)
    at_most: float | None = holds.plain(default=None)
    at_least: float | None = holds.plain(default=None)


@statement.register(Share)
def _share(kind: Share) -> str:
    sides = [(">", kind.at_most), ("<", kind.at_least)]
    source, all_values = from_clause(kind.source), "<all values>" if kind.value is None else f"count({kind.column})"
    found = f"count({'*' if kind.value is not None else kind.column})"
    found += "" if kind.value is None else f" FILTER (WHERE {kind.column} = {constant(kind.value)})"
    bounds = " OR ".join(
        f"{found} {sign} {_number(bound)} * {all_values}" for sign, bound in sides if bound is not None
    )
    commonest = f" GROUP BY {kind.column}" if kind.value is None else ""
    return f"SELECT {found} FROM {source}{commonest} HAVING {bounds}{' -- the commonest' if commonest else ''}"


VolumeKind = Volume | Freshness | Share
