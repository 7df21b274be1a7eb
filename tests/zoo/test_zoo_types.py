"""Fix and undo over every type of PostgreSQL: the journal holds what is stored, and all of it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from zoo import ENCODINGS, MAJORS, Database, OpenZoo, Zoo, ask, connected
from zoo_fixes import KINDS, Session, cases, there_and_back
from zoo_types import CATALOG_DOMAINS, EXTENSIONS, FAMILIES, NO_VALUES

pytest_plugins = ["zoo_servers"]

STRANGE = {
    "PGTZ": "America/St_Johns",
    "PGOPTIONS": "-c DateStyle=SQL,DMY -c IntervalStyle=sql_standard -c bytea_output=escape -c extra_float_digits=-15"
    " -c quote_all_identifiers=on -c array_nulls=off -c xmloption=document -c search_path=zoo_far,public",
}
OTHER = {"PGTZ": "Asia/Tokyo", "PGOPTIONS": "-c DateStyle=German -c IntervalStyle=iso_8601 -c extra_float_digits=0"}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    """Fixes and undos in sessions whose settings write every value differently."""

    def session(what: str) -> None:
        for name, value in {"fix": STRANGE, "undo": OTHER}[what].items():
            monkeypatch.setenv(name, value)

    return session


REFUSED = {
    f"unique {of}": "its fix cannot be computed: could not implement window PARTITION BY"
    for of in ("xid", "cid", "aclitem")
}
"""What cannot be fixed, and why: these types have no order."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_comes_back_after_every_kind_of_fix(zoo: Zoo, kind: str, tmp_path: Path, session: Session) -> None:
    listed = cases(zoo, kind)

    shown = there_and_back(zoo, tmp_path, listed, session)

    refused = {one.id: REFUSED[one.id] for one in listed if one.id in REFUSED}
    assert (shown.faults, shown.refusals) == ({}, refused if kind == "same" else {})


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize("kind", ["update", "delete", "insert"])
def test_every_byte_comes_back_in_other_encodings(
    zoo_of: OpenZoo, encoding: str, kind: str, tmp_path: Path, session: Session
) -> None:
    zoo = zoo_of(18, encoding)
    chosen = [one for one in cases(zoo, kind) if one.holds_letters]

    shown = there_and_back(zoo, tmp_path, chosen, session)

    assert (shown.faults, shown.refusals) == ({}, {})


# --- nothing is forgotten

TYPES = """
SELECT typname::text FROM pg_type AS t
WHERE typtype IN ('b', 'e', 'd', 'r', 'm') AND NOT EXISTS (SELECT FROM pg_type AS a WHERE a.typarray = t.oid)
"""


@contextmanager
def everything(zoo: Zoo) -> Iterator[Database]:
    """A database with every extension that the server has."""
    with connected(zoo.make(empty=True)) as connection:
        connection.execute(b"SET search_path = public")
        for (name,) in ask(connection, "SELECT name FROM pg_available_extensions ORDER BY 1"):
            connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}" CASCADE'.encode())
        yield connection


def test_no_type_of_the_server_is_forgotten(zoo: Zoo) -> None:
    families = [*FAMILIES, *CATALOG_DOMAINS, *(one for more in EXTENSIONS.values() for one in more)]
    with everything(zoo) as connection:
        there = {name for (name,) in ask(connection, TYPES)}

    assert there - {one.base for one in families} - NO_VALUES.keys() == set()


def test_types_that_are_left_out_take_no_value(zoo: Zoo) -> None:
    with everything(zoo) as connection:
        left_out = [name for (name,) in ask(connection, TYPES) if name in NO_VALUES]
        for name in left_out:
            with pytest.raises(psycopg.Error, match=r"cannot accept a value|[Nn]ot implemented"):
                ask(connection, f"SELECT ''::{name}")
    assert left_out


BY_NATURE = {"SQL_ASCII": {"collations of ICU", "jsonb"}}
"""What no server has in an encoding: a collation that knows letters, an escape for one in jsonb."""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_two_servers_together_leave_nothing_out(zoo_of: OpenZoo, encoding: str) -> None:
    one, other = (zoo_of(major, encoding) for major in MAJORS)

    lacking = one.missing.keys() & other.missing.keys() | one.refused.keys() & other.refused.keys()
    assert lacking == BY_NATURE.get(encoding, set())
