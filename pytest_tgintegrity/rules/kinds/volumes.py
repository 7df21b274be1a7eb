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
    before = "what the last comparable run counted"
    bounds = [
        *([] if kind.at_least is None else [f"count(*) < {kind.at_least}"]),
        *([] if kind.max_drop is None else [f"count(*) < {_number(1 - kind.max_drop)} * {before}"]),
        *([] if kind.max_growth is None else [f"count(*) > {_number(1 + kind.max_growth)} * {before}"]),
    ]
    return f"SELECT count(*) FROM {kind.table}: {', or '.join(bounds)}"


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
    return f"SELECT max({kind.column}) FROM {from_clause(kind.source)}: more than {kind.within:g} hours ago, or no row"


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
    sides = [("above", kind.at_most), ("below", kind.at_least)]
    bounds = " or ".join(f"{word} {_number(bound)}" for word, bound in sides if bound is not None)
    of = "the commonest value" if kind.value is None else f"the value {constant(kind.value)}"
    return f"SELECT {kind.column} FROM {from_clause(kind.source)}: the share of {of} {bounds}"


VolumeKind = Volume | Freshness | Share
