"""Build a demo database: tables, rows, constraints, the reading role, and the faults where they are wanted."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from psycopg import sql

from . import READER
from . import clean_data as data

if TYPE_CHECKING:
    from psycopg import Connection

_HERE: Final = Path(__file__).parent
_GRANTS: Final = (
    "GRANT USAGE ON SCHEMA public TO {}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}",
    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
)


def build(connection: "Connection", *, damaged: bool = False) -> None:
    """Fill an empty database and commit."""
    run_file(connection, "tables.sql")
    data.fill(connection)
    run_file(connection, "constraints.sql")
    _admit_reader(connection)
    connection.commit()
    if damaged:
        from . import planting as damage

        damage.plant(connection)
        connection.commit()
    connection.execute("ANALYZE")
    connection.commit()


def run_file(connection: "Connection", name: str) -> None:
    """Run one of the schema's two files."""
    connection.execute((_HERE / name).read_bytes())


def _admit_reader(connection: "Connection") -> None:
    """Create the role that can only read. Roles belong to the cluster, so another database may have made it."""
    role = sql.Identifier(READER)
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [READER]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    for grant in _GRANTS:
        connection.execute(sql.SQL(grant).format(role))
