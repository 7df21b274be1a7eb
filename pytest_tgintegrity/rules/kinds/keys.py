"""Kinds about keys, which relate a row to others: what each declares, and how it is told to people. Pure."""

from __future__ import annotations

from pytest_tgintegrity.rules.kinds import holds
from pytest_tgintegrity.rules.kinds.fields import named_kind
from pytest_tgintegrity.rules.kinds.source import Source
from pytest_tgintegrity.rules.kinds.words import condition, from_clause, statement, where_clause


@named_kind("unique")
class Unique:
    """A violation is a row that shares its key with another; NULLs differ unless `nulls_distinct=False`."""

    source: Source | str = holds.source()
    columns: tuple[str, ...] = holds.sql()
    where: str | None = holds.sql(default=None)
    nulls_distinct: bool = holds.plain(default=True)


@statement.register(Unique)
def _unique(kind: Unique) -> str:
    columns = ", ".join(kind.columns)
    where = where_clause(kind.where)
    return f"SELECT {columns} FROM {from_clause(kind.source)}{where} GROUP BY {columns} HAVING count(*) > 1"


@named_kind("references")
class References:
    """A violation is a row whose `columns`, all non-NULL, name no row of `target` (for which `where` holds).

    `target_columns` empty means the target's primary key. With `match_full` a partly NULL key violates too.
    """

    source: Source | str = holds.source()
    columns: tuple[str, ...] = holds.sql(damaged=True)
    target: Source | str = holds.source(of="target")
    target_columns: tuple[str, ...] = holds.sql(of="target", default=())
    match_full: bool = holds.plain(default=False)
    where: str | None = holds.sql(of="target", default=None)


@condition.register(References)
def _references(kind: References) -> str:
    own = ", ".join(kind.columns)
    named = ", ".join(kind.target_columns) or "<key>"
    there = f"(SELECT {named} FROM {from_clause(kind.target)}{where_clause(kind.where)})"
    return f"{f'({own})' if len(kind.columns) > 1 else own} NOT IN {there}"


@named_kind("acyclic")
class Acyclic:
    """A violation is a row from which no root is reached by going up: it is on a loop, or below one."""

    source: Source | str = holds.source()
    parent: str = holds.sql(damaged=True)


@condition.register(Acyclic)
def _acyclic(kind: Acyclic) -> str:
    return f"no root is reached by following {kind.parent}"


KeyKind = Unique | References | Acyclic
