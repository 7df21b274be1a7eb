"""What a fault is, and the ways past the constraints that would forbid it.

A constraint in the way is blinded for a moment and then left as it was: the catalog goes on claiming that it holds, as
it does after a restore or a careless `session_replication_role`.
"""

from dataclasses import dataclass, field
from typing import Final

HUMAN: Final = "characters_human"
ROOT: Final = "characters_charactermodel"
TYPE_OF: Final = "(SELECT id FROM django_content_type WHERE (app_label, model) = ('{}', '{}'))"


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault."""

    rule: str
    """What is broken: an invariant's id, the name of a declared constraint, or "range", "not null" and a column."""
    table: str
    key: str
    """The primary key of the bad row, or the name of what is wrong where there is no row."""
    about: str
    statements: tuple[str, ...] = field(default=(), repr=False)
    """What does the damage; `%(key)s` is the key."""
    victim: str = ""
    """The table of the class whose first clean object is copied; empty where the statements need no victim."""
    also: tuple[str, ...] = ()
    """Other rules that the same row cannot help breaking."""


def unchecked(table: str, statement: str) -> tuple[str, ...]:
    """A statement that the CHECK constraints of a table do not see."""
    count = f"(SELECT count(*) FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'c')"
    switch = f"UPDATE pg_class SET relchecks = {{}} WHERE oid = '{table}'::regclass"
    return switch.format(0), statement, switch.format(count)


def unreferenced(statement: str) -> tuple[str, ...]:
    """A statement that no foreign key sees."""
    role = "SET LOCAL session_replication_role = "
    return role + "replica", statement, role + "origin"


def ununique(index: str, statement: str) -> tuple[str, ...]:
    """A statement that may repeat the key of a unique index."""
    switch = f"UPDATE pg_index SET indisunique = {{}} WHERE indexrelid = '{index}'::regclass"
    return switch.format("false"), statement, switch.format("true")


def nullable(table: str, column: str, statement: str) -> tuple[str, ...]:
    """A statement that may leave a mandatory column empty."""
    switch = f"UPDATE pg_attribute SET attnotnull = {{}} WHERE attrelid = '{table}'::regclass AND attname = '{column}'"
    return switch.format("false"), statement, switch.format("true")


def sets(table: str, key: str, change: str) -> str:
    """The statement that changes the victim's row in a table."""
    return f"UPDATE {table} SET {change} WHERE {key} = %(key)s"


def character(change: str) -> tuple[str, ...]:
    """Change what all characters have."""
    return (sets("characters_charactermodel", "id", change),)


def human(change: str) -> tuple[str, ...]:
    """Change what all humans have."""
    return (sets("characters_human", "character_ptr_id", change),)
