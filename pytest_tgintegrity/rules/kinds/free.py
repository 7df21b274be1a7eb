"""Kinds whose author writes the SQL, or the Python: what each declares, and how it is told to people. Pure."""

from __future__ import annotations

from pytest_tgintegrity.rules.kinds import holds
from pytest_tgintegrity.rules.kinds.fields import named_kind
from pytest_tgintegrity.rules.kinds.source import Source
from pytest_tgintegrity.rules.kinds.words import condition, dedented, statement


@named_kind("rows")
class Rows:
    """A violation is a row of `source` for which the SQL `where` is TRUE."""

    source: Source | str = holds.source()
    where: str = holds.sql()


@condition.register(Rows)
def _rows(kind: Rows) -> str:
    return dedented(kind.where)


@named_kind("implies")
class Implies:
    """A violation is a row for which `when` is TRUE and `then` is FALSE."""

    source: Source | str = holds.source()
    when: str = holds.sql()
    then: str = holds.sql()


@condition.register(Implies)
def _implies(kind: Implies) -> str:
    return f"({dedented(kind.when)}) AND NOT ({dedented(kind.then)})"


@named_kind("query")
class Query:
    """A violation is a row that `sql` returns; its first column is the key."""

    sql: str = holds.sql(of="statement")


@named_kind("metric")
class Metric:
    """A number (or label, number rows) for the report's `activity`; a number outside its bounds is one violation."""

    name: str = holds.plain()
    sql: str = holds.sql(of="statement")
    at_least: float | None = holds.plain(default=None)
    at_most: float | None = holds.plain(default=None)


@statement.register(Query)
@statement.register(Metric)
def _statement(kind: Query | Metric) -> str:
    return dedented(kind.sql)


@named_kind("check")
class Check:
    """Free SQL or Python on the `db` fixture; an AssertionError says that the rule does not hold."""


@statement.register(Check)
def _check(_: Check) -> str:
    return "what the test itself asserts"


FreeKind = Rows | Implies | Query | Metric | Check
