"""Data sets: a database that is built once, kept as a file, and copied for each server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_tgintegrity.errors import ScratchError
from pytest_tgintegrity.servers.binaries import PostgresBinaries, find_postgres
from pytest_tgintegrity.servers.data_cache import load
from pytest_tgintegrity.servers.postgres import PostgresServer, connect, load_cluster, new_server, started, template
from pytest_tgintegrity.servers.supervisor import supervised

if TYPE_CHECKING:
    import psycopg


class Dataset(Protocol):
    """What fills a database, the same way each time: the name of that database, and of a role that may only read it."""

    @property
    def database(self) -> str:
        """The name of the database."""
        ...

    @property
    def reader(self) -> str:
        """The login role as which it is looked at."""
        ...

    def fingerprint(self) -> str:
        """Digest of everything that decides the content."""
        ...

    def build(self, connection: psycopg.Connection[Any]) -> None:
        """Create schema and data in an empty database, as superuser; the caller commits."""
        ...


def open_dataset(
    name: str,
    dataset: Dataset,
    *,
    major: int | None = None,
    binaries: PostgresBinaries | None = None,
    tcp: bool = False,
    settings: Mapping[str, str] | None = None,
) -> PostgresServer:
    """Start a PostgreSQL server with a private copy of a data set; built at first use, then kept.

    `name` only makes the kept file recognisable. Raises ScratchError, also where `dataset` meets a database error.
    """
    with supervised() as supervisor:
        server = new_server(supervisor, binaries or find_postgres(major), settings or {})
        server = replace(server, database=dataset.database)
        kept = template(server, name, dataset.database, dataset.fingerprint())
        load(server.data, server.supervisor.account, kept, lambda: _build(server, name, dataset))
        return started(server, tcp=tcp)


def _build(server: PostgresServer, name: str, dataset: Dataset) -> None:
    """Make the data folder of a data set, and leave it cleanly stopped."""
    import psycopg
    from psycopg import sql

    load_cluster(server)
    server.restart()
    try:
        with connect(server, "postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(server.database)))
        with connect(server) as connection:
            connection.autocommit = False
            dataset.build(connection)
        with connect(server) as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")
    except psycopg.Error as error:
        raise ScratchError(f"the data set {name!r} could not be built: {error}") from error
    server.stop()
    if server.supervisor.exit_status() != 0:
        raise ScratchError(server.failure("did not shut down cleanly"))
