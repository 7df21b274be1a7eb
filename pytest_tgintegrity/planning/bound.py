"""A rule bound to the test that declares it, and the SQL that it is made of. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_tgintegrity.planning.sql.compose import Params, plain
from pytest_tgintegrity.rules.kinds.fields import asked_texts
from pytest_tgintegrity.rules.rule import Rule


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


def texts_of(declared: object, params: Params) -> Iterator[str]:
    """The SQL of a declaration, filled in; no names for people, no values, no keys of JSON."""
    return (plain(named.text, params) for named in asked_texts(declared))
