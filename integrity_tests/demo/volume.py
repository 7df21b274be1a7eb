"""Many plain humans for benchmarks: clean, valid, all alike but for name and numbers."""

from typing import TYPE_CHECKING, Final

from psycopg import sql

from .rows import Table, read_tables
from .vocabulary.common import ABILITIES, ATTRIBUTES

if TYPE_CHECKING:
    from psycopg import Connection

_CHAIN: Final = ("characters_charactermodel", "characters_character", "characters_human")
_NULL: Final = r"\N"

# Columns that a row fills with an expression over its number n; `{salt}` makes columns differ.
_HASH: Final = "(n * 2654435761 + {salt}) / 65536"
_EXPRESSIONS: Final = {
    "id": "n",
    "charactermodel_ptr_id": "n",
    "character_ptr_id": "n",
    "polymorphic_ctype_id": "(SELECT id FROM django_content_type WHERE (app_label, model) = ('characters', 'human'))",
    "name": "'Volume ' || n",
    "status": "'App'",
    "npc": "true",
    "freebies_approved": "true",
    "concept": "'One of many'",
    "age": f"18 + {_HASH} %% 50",
    "willpower": f"3 + {_HASH} %% 6",
    "temporary_willpower": f"{_HASH} %% 4",
    "freebies": "0",
    **{word: f"1 + {_HASH} %% 5" for group in ATTRIBUTES for word in group},
    **{word: f"{_HASH} %% 5" for group in ABILITIES for word in group},
}
_JOURNALS: Final = (
    "INSERT INTO game_journal (character_id) SELECT n FROM generate_series(%(first)s::bigint, %(last)s) n"
)


def generate_characters(connection: "Connection", count: int, seed: int = 0) -> None:
    """Add `count` approved humans that nobody plays, each with a journal, behind those that are there.

    The rows are made inside the server. They are valid by construction, so their foreign keys are not checked, which
    takes a superuser. The same seed gives the same rows. The caller commits, and analyses if plans matter.
    """
    connection.execute("SET LOCAL session_replication_role = replica")
    tables = read_tables(connection)
    first = _last(connection) + 1
    numbers = {"first": first, "last": first + count - 1}
    for name in _CHAIN:
        connection.execute(_insert(tables[name], seed), numbers)
    connection.execute(_JOURNALS, numbers)
    connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [_CHAIN[0], numbers["last"]])
    connection.execute("SET LOCAL session_replication_role = origin")


def _last(connection: "Connection") -> int:
    query = sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(sql.Identifier(_CHAIN[0]))
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _insert(table: Table, seed: int) -> sql.Composed:
    """An INSERT that gives every column its start, or a value that depends on the row's number."""
    values = [_value(column, start, seed + salt) for salt, (column, start) in enumerate(table.starts.items(), start=1)]
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series(%(first)s::bigint, %(last)s) n").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.starts)), sql.SQL(", ").join(values)
    )


def _value(column: str, start: str | None, salt: int) -> sql.Composable:
    if column in _EXPRESSIONS:
        return sql.SQL(_EXPRESSIONS[column]).format(salt=sql.Literal(salt * 40_503_000_017))
    return sql.Literal(None if start == _NULL else start)
