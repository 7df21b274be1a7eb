"""A rule bound to the test that declares it, and the SQL that it is made of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pytest_tgintegrity.planning.sql.compose import Params, plain
from pytest_tgintegrity.rules.declare import Rule
from pytest_tgintegrity.rules.kinds import Source


@dataclass(frozen=True, slots=True)
class BoundRule:
    """One test: its id, its declaration, its docstring and the parametrize values it was given."""

    id: str
    rule: Rule
    doc: str
    params: Params = field(default_factory=dict)

    @property
    def fix(self) -> str | None:
        """What the declared fix writes, for people: its placeholders are filled in."""
        declared = self.rule.fix
        if declared is None or isinstance(declared, str):
            return None if declared is None else plain(declared, self.params)
        return ", ".join(plain(f"{column} = {value}", self.params) for column, value in declared.items())

    @property
    def enforced_by(self) -> str | None:
        """The constraint that ought to forbid the violation; its placeholders are filled in."""
        declared = self.rule.enforced_by
        return None if declared is None else plain(declared, self.params)


_NO_SQL = frozenset({"name", "values", "shape", "label", "scopes"})
"""Fields of declarations that hold names for people, values, or keys of JSON."""


def texts_of(declared: Any, params: Params) -> Iterator[str]:
    """The SQL of a declaration, filled in; no names for people, no values, no keys of JSON."""
    if isinstance(declared, str):
        yield plain(declared, params)
    elif isinstance(declared, Mapping):
        yield from (plain(key, params) for key in declared if isinstance(key, str))
    elif isinstance(declared, tuple):
        for part in declared:
            yield from texts_of(part, params)
    elif hasattr(declared, "__dataclass_fields__"):
        left_out = _NO_SQL | {"key"} if isinstance(declared, Source) else _NO_SQL
        for slot in fields(declared):
            if slot.name not in left_out:
                yield from texts_of(getattr(declared, slot.name), params)
