"""The grants that a role lacks to read the tables of its rules, as statements for the owner of the tables. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str, str]

INSUFFICIENT_PRIVILEGE = "42501"
UNDEFINED_TABLE = "42P01"


@dataclass(frozen=True, slots=True)
class Privilege:
    """What a role may do with a table: use its schema, select from it. `schema` and `name` are quoted as SQL wants them.

    `on_path`: the search path names the schema; without USAGE the server ignores it there.
    """

    path: Path
    schema: str
    name: str
    usage: bool
    select: bool
    on_path: bool
    partition: bool


def grants(privileges: Sequence[Privilege], wanted: Collection[Path], role: str) -> list[str]:
    """The statements that let `role`, quoted, read the `wanted` tables; none where the role may read them, or where grants do not help.

    All tables of a schema are granted at once if the role lacks each of them, so that no more is granted than is wanted.
    """
    lacking = [
        privilege for privilege in privileges if privilege.path in wanted and not (privilege.usage and privilege.select)
    ]
    schemas = dict.fromkeys(privilege.schema for privilege in lacking if not privilege.usage)
    usage = [f"GRANT USAGE ON SCHEMA {', '.join(schemas)} TO {role}"] if schemas else []
    unreadable = [privilege for privilege in lacking if not privilege.select]
    return [*usage, *(f"GRANT SELECT ON {objects} TO {role}" for objects in _objects(unreadable, privileges, wanted))]


def _objects(
    unreadable: Sequence[Privilege], privileges: Iterable[Privilege], wanted: Collection[Path]
) -> Iterable[str]:
    whole, single = [], []
    kept_back = {
        privilege.schema
        for privilege in privileges
        if not (privilege.select or privilege.partition or privilege.path in wanted)
    }
    for schema in dict.fromkeys(privilege.schema for privilege in unreadable):
        names = [f"{schema}.{privilege.name}" for privilege in unreadable if privilege.schema == schema]
        if len(names) == 1 or schema in kept_back:
            single += names
        else:
            whole.append(schema)
    if whole:
        yield f"ALL TABLES IN SCHEMA {', '.join(whole)}"
    if single:
        yield ", ".join(single)
