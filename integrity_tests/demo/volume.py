"""Many plain humans for benchmarks: clean, valid, all alike but for name and numbers."""

from typing import TYPE_CHECKING, Final

from psycopg import sql

from .models import start_of
from .rows import Table, read_tables

if TYPE_CHECKING:
    from psycopg import Connection

_ROOT: Final = "characters_charactermodel"
_CHAIN: Final = (_ROOT, "characters_character", "characters_human")
_ATTRIBUTES: Final = "strength dexterity stamina perception intelligence wits charisma manipulation appearance".split()
_ABILITIES: Final = (
    "alertness athletics brawl empathy expression intimidation streetwise subterfuge crafts drive etiquette firearms"
    " melee stealth academics computer investigation medicine science"
).split()


def generate_characters(connection: "Connection", count: int, seed: int = 0) -> None:
    """Add `count` approved non-player humans, each with a journal, behind those that are there; the caller commits.

    The rows are made inside the server, so a million takes seconds. The same seed gives the same rows.
    """
    tables = read_tables(connection)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(sql.Identifier(_ROOT)))
        first = (cursor.fetchone() or (0,))[0] + 1
        numbers = {"seed": seed, "first": first, "last": first + count - 1}
        for name in _CHAIN:
            cursor.execute(_insert(tables[name]), numbers)
        cursor.execute(_JOURNALS, numbers)
        for name in (_ROOT, "game_journal"):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [name, numbers["last"]])


_JOURNALS: Final = """
    INSERT INTO game_journal (id, character_id) SELECT n, n FROM generate_series(%(first)s::bigint, %(last)s) n
"""


def _insert(table: Table) -> sql.Composed:
    """An INSERT … SELECT that gives every column its start, and some a number that depends on the row."""
    values = [_value(table, column, start) for column, start in table.starts.items()]
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series(%(first)s::bigint, %(last)s) n").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.starts)), sql.SQL(", ").join(values)
    )
