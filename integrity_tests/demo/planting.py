"""Plant the faults of `demo:damaged`: one bad row each, with the key that a report must name.

Most faults first get a victim: a copy of a clean object, with a number of its own, so that nothing hides anything else.
"""

from typing import TYPE_CHECKING, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from .faults.fault import ROOT, Fault
from .faults.play import PLAY
from .faults.sheets import STANDING, TRAITS
from .faults.structure import CATALOG, KEYS, KINSHIP
from .rows import Rows, read_tables

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["FAULTS", "Fault", "plant"]

_FIRST_FREE: Final = 999_999
_MOVE_SEQUENCES: Final = """
    SELECT setval(pg_get_serial_sequence(c.oid::regclass::text, a.attname), %s)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attidentity <> ''
"""
_COPY: Final = "INSERT INTO {table} SELECT (jsonb_populate_record(t, %s)).* FROM {table} t WHERE t.{key} = %s"

# What a victim starts with, whatever it is copied from; columns that a table does not have are ignored.
_NEW: Final[dict[str, object]] = {
    "status": "App",
    "npc": True,
    "freebies_approved": True,
    "image": "",
    "image_status": "sub",
    "concept": "Planted",
    "xp": 0,
    "freebies": 0,
    "spent_freebies": [],
    "is_staff": False,
    "is_superuser": False,
}

FAULTS: Final = (*TRAITS, *STANDING, *KINSHIP, *KEYS, *PLAY, *CATALOG)
"""Every fault, in the order of planting."""


def plant(connection: "Connection") -> None:
    """Plant every fault in a clean demo. Needs a superuser: the catalog is made to lie."""
    connection.execute(_MOVE_SEQUENCES, [_FIRST_FREE])
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rows = Rows(read_tables(connection))
    for fault in FAULTS:
        if fault.victim:
            _copy_victim(connection, rows, fault)
        for statement in fault.statements:
            connection.execute(statement, {"key": int(fault.key) if fault.key.isdigit() else fault.key})


def _copy_victim(connection: "Connection", rows: Rows, fault: Fault) -> None:
    """Copy the first clean object of a class, row by row down its chain, under the key of the fault."""
    chain = rows.chain(fault.victim)
    source = _first(connection, rows, chain)
    for table in chain:
        values = _NEW | {rows.tables[table].key: int(fault.key), "name": f"Planted {fault.key}: {fault.rule}"[:100]}
        values |= {"username": f"planted{fault.key}", "email": f"planted{fault.key}@example.org"}
        names = {"table": sql.Identifier(table), "key": sql.Identifier(rows.tables[table].key)}
        connection.execute(sql.SQL(_COPY).format(**names), [Jsonb(values), source])
    if chain[0] == ROOT:
        connection.execute("INSERT INTO game_journal VALUES (%(key)s, %(key)s)", {"key": int(fault.key)})


def _first(connection: "Connection", rows: Rows, chain: tuple[str, ...]) -> int:
    """The number of the first object that is exactly of this class."""
    query = sql.SQL("SELECT min({}) FROM {}").format(
        sql.Identifier(rows.tables[chain[0]].key), sql.Identifier(chain[0])
    )
    if "polymorphic_ctype_id" in rows.tables[chain[0]].starts:
        query += sql.SQL(" WHERE polymorphic_ctype_id = {}").format(rows.content_type(chain[-1]))
    [(first,)] = connection.execute(query).fetchall()
    return int(first)
