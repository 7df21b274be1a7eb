"""Which grants a role lacks to read the tables of its rules: statements for their owner to run. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str, str]

INSUFFICIENT_PRIVILEGE = "42501"
UNDEFINED_TABLE = "42P01"


@dataclass(frozen=True, slots=True)
class Right:
    """What a role may do with a table: use its schema, select from it. `schema` and `name` are quoted as SQL wants them.

    `on_path` says that the search path names the schema, which finds nothing there as long as it may not be used.
    """

    path: Path
    schema: str
    name: str
    usage: bool
    select: bool
    on_path: bool
    partition: bool


def grants(rights: Sequence[Right], wanted: Collection[Path], role: str) -> list[str]:
    """The statements that let `role`, quoted, read the `wanted` tables; none where it may, or where they do not help.

    All tables of a schema are granted at once if the role lacks each of them, so that no more is granted than is wanted.
    """
    lacking = [one for one in rights if one.path in wanted and not (one.usage and one.select)]
    schemas = dict.fromkeys(one.schema for one in lacking if not one.usage)
    usage = [f"GRANT USAGE ON SCHEMA {', '.join(schemas)} TO {role}"] if schemas else []
    unread = [one for one in lacking if not one.select]
    return [*usage, *(f"GRANT SELECT ON {what} TO {role}" for what in _objects(unread, rights, wanted))]


def _objects(unread: Sequence[Right], rights: Iterable[Right], wanted: Collection[Path]) -> Iterable[str]:
    whole, single = [], []
    kept_back = {one.schema for one in rights if not (one.select or one.partition or one.path in wanted)}
    for schema in dict.fromkeys(one.schema for one in unread):
        names = [f"{schema}.{one.name}" for one in unread if one.schema == schema]
        if len(names) == 1 or schema in kept_back:
            single += names
        else:
            whole.append(schema)
    if whole:
        yield f"ALL TABLES IN SCHEMA {', '.join(whole)}"
    if single:
        yield ", ".join(single)
