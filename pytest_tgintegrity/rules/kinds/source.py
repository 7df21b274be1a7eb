"""What rules look at: a source, and the rows that name a row of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_tgintegrity.rules.kinds import holds
from pytest_tgintegrity.rules.kinds.fields import named_part


@named_part("source")
class Source:
    """A FROM clause with a key and a label: what row rules look at.

    `name` is shown to people, `from_clause` is SQL that may join tables under aliases, `key` is the SQL expression (or
    several) that names a row, `label` one that a person recognises it by. `scopes` maps the names that ``--scope``
    accepts to SQL expressions.

    >>> Source("staff", "employee e JOIN person p ON p.id = e.person_id", key="e.id", label="p.name").keys
    ('e.id',)
    """

    name: str = holds.plain()
    from_clause: str = holds.sql()
    key: str | Sequence[str] = holds.sql(asked=False)
    label: str | None = holds.sql(asked=False, default=None)
    scopes: Mapping[str, str] = holds.sql(asked=False, default_factory=dict, hash=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key expressions, also where there is only one."""
        return (self.key,) if isinstance(self.key, str) else tuple(self.key)


@named_part("child rows")
class ChildRows:
    """The rows of `child`, perhaps only those `where` something holds, that name a row of a parent.

    `by` is the child's expression for the parent, `of` the parent's expression that it repeats (None: its key).
    """

    child: Source | str = holds.source(of="child")
    by: str = holds.sql(of="child")
    of: str | None = holds.sql(default=None)
    where: str | None = holds.sql(of="child", default=None)
