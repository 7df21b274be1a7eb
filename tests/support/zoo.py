"""The zoo: databases of every encoding with every type their server has, and the oracle of what is stored in them.

    zoo = open_zoo(server, "UTF8")
    url = zoo.make("CREATE TABLE …")
    before = oracle(url)

What a server lacks (xml, ICU, contrib, what is younger than it) it is asked, and `Zoo.missing` says it by name.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import psycopg

from pytest_tgintegrity.servers.postgres import PostgresServer
from zoo_types import (
    CATALOG_DOMAINS,
    EXTENSIONS,
    FAMILIES,
    OWN,
    OWN_TYPES,
    Family,
    Sort,
    array_values,
    row_values,
)

Database = psycopg.Connection[tuple[Any, ...]]

ENCODINGS: Final = ("UTF8", "LATIN1", "SQL_ASCII")
FORMS: Final = ("plain", "array", "domain", "composite")
PINNED: Final = """
SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET bytea_output = 'hex';
SET extra_float_digits = 1; SET lc_monetary = 'C'; SET search_path = pg_catalog; SET quote_all_identifiers = off;
SET array_nulls = on; SET xmloption = content; SET standard_conforming_strings = on; SET xmlbinary = base64;
SET default_transaction_read_only = off;
"""
FAR: Final = """
CREATE SCHEMA zoo_far;
CREATE TABLE zoo_far.hidden (id int PRIMARY KEY);
CREATE TABLE zoo_far."we""ird" (id int PRIMARY KEY);
CREATE TYPE zoo_far.mood AS ENUM ('far');
CREATE FUNCTION zoo_far.once(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
"""
TAKES: Final = """
CREATE FUNCTION pg_temp.works(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE statement; RETURN NULL;
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM;
END $$;
CREATE FUNCTION pg_temp.takes(number int, of text, tried text[]) RETURNS TABLE (n int, value text, refusal text)
LANGUAGE plpgsql AS $$ DECLARE one text; told text; probe text := 'probe_' || number; BEGIN
    refusal := pg_temp.works(format('CREATE TEMP TABLE %I (v %s)', probe, of));
    IF refusal IS NOT NULL THEN n := number; RETURN NEXT; RETURN; END IF;
    FOREACH one IN ARRAY tried LOOP
        n := number; value := one;
        EXECUTE format('TRUNCATE pg_temp.%I', probe);
        refusal := pg_temp.works(format('INSERT INTO pg_temp.%I VALUES (%L)', probe, one));
        IF refusal IS NULL THEN
            EXECUTE format('SELECT format(''%%s'', v) FROM pg_temp.%I', probe) INTO told;
            refusal := 'its own text is not read: ' || pg_temp.works(
                format('INSERT INTO pg_temp.%I VALUES (%L)', probe, told));
        END IF;
        RETURN NEXT;
    END LOOP;
    n := number;
    value := 'null'; refusal := pg_temp.works(format('INSERT INTO pg_temp.%I VALUES (NULL)', probe)); RETURN NEXT;
    value := 'equal'; refusal := pg_temp.works(
        format('SELECT DISTINCT v FROM pg_temp.%I WHERE v IS DISTINCT FROM v', probe)); RETURN NEXT;
    value := 'ordered'; refusal := pg_temp.works(
        format('SELECT v FROM pg_temp.%I WHERE v <= v ORDER BY v', probe)); RETURN NEXT;
    EXECUTE format('DROP TABLE pg_temp.%I', probe);
END $$;
"""
FEATURES: Final = {
    "collations of ICU": 'CREATE TEMP TABLE f (v text COLLATE "de-x-icu")',
    "virtual generated columns": "CREATE TEMP TABLE f (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL)",
    "NOT ENFORCED": "CREATE TEMP TABLE f (a int CHECK (a > 0) NOT ENFORCED)",
    "keys WITHOUT OVERLAPS": "CREATE TEMP TABLE f (a int4range, b int4range, PRIMARY KEY (a, b WITHOUT OVERLAPS))",
}
"""What a server may lack, and the statement that shows it."""
ABILITIES: Final = 3

MAJORS: Final = (18, 15)

_NUMBERS = itertools.count(1)


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | None) -> str:
    """A value as SQL writes it, of no type yet."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


@contextmanager
def connected(url: str) -> Iterator[Database]:
    """A session of our own: whatever the environment and the database set, its settings are pinned.

    It speaks the encoding of the database where that has one for all bytes, UTF-8 otherwise.
    """
    with psycopg.connect(url, autocommit=True, options="", client_encoding="UTF8") as connection:
        connection.execute(PINNED.encode())
        (encoding,) = connection.execute("SELECT current_setting('server_encoding')").fetchone() or ("",)
        if encoding == "SQL_ASCII":
            connection.execute("SET client_encoding = 'SQL_ASCII'")
        yield connection


def as_bytes(text: str) -> bytes:
    """SQL as it travels: lone surrogates are bytes that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def as_text(value: Any) -> Any:
    """What a server answered: in SQL_ASCII that is bytes."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def ask(connection: Database, statement: str) -> list[tuple[Any, ...]]:
    """The rows that answer a statement."""
    cursor = connection.execute(as_bytes(statement))
    return [tuple(as_text(one) for one in row) for row in cursor.fetchall()] if cursor.description else []


def tables_of(connection: Database) -> list[str]:
    """Every table that stores rows, but for those of the journal, as SQL writes its name."""
    found = ask(
        connection,
        """SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%'
             AND n.nspname NOT IN ('information_schema', 'tgintegrity') ORDER BY 1""",
    )
    return [name for (name,) in found]


def oracle(url: str, only: Iterable[str] | None = None) -> dict[str, list[str]]:
    """The stored text of every row of every table, sorted, whatever the session's settings are."""
    with connected(url) as connection:
        names = tables_of(connection) if only is None else list(only)
        found: dict[str, list[str]] = {name: [] for name in names}
        for part in _parts(names, 100):
            union = " UNION ALL ".join(f"SELECT {literal(name)}, tgz::text FROM ONLY {name} AS tgz" for name in part)
            for name, row in ask(connection, union):
                found[name].append(row)
        return {name: sorted(rows) for name, rows in found.items()}


def _parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))


def differences(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """The rows that only one of two oracles has, by table."""
    return {
        name: (_beyond(one.get(name, []), other.get(name, [])), _beyond(other.get(name, []), one.get(name, [])))
        for name in {*one, *other}
        if one.get(name) != other.get(name)
    }


def _beyond(some: Sequence[str], others: Sequence[str]) -> list[str]:
    return sorted((Counter(some) - Counter(others)).elements())


# --- the types that a server has


@dataclass(frozen=True)
class Zoo:
    """A database of one encoding on one server, with every type in it; others are copied from it.

    `sorts` are its types in all forms, `missing` says what it lacks and in which words, `refused` the values that no
    spelling of a type takes here.
    """

    server: PostgresServer
    encoding: str
    template: str
    sorts: tuple[Sort, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def major(self) -> int:
        """The major version of the server."""
        return self.server.binaries.major

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.major}-{self.encoding}"

    def make(self, script: str = "", *, empty: bool = False) -> str:
        """The URL of a fresh database with all types (or an `empty` one), filled with a script."""
        name = f"zoo_{next(_NUMBERS)}"
        with psycopg.connect(self.server.conninfo("postgres"), autocommit=True) as connection:
            source = "template0" if empty else self.template
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source} {_encoding(self, source)}".encode())
        url = self.server.url(name)
        if script:
            with connected(url) as connection:
                connection.execute(b"SET search_path = public")
                connection.execute(as_bytes(script))
        return url

    def plain(self) -> list[Sort]:
        """Its types as they are, not within arrays, domains or rows."""
        return [one for one in self.sorts if one.form == "plain"]

    def forms(self, of: str) -> list[Sort]:
        """A type within arrays, domains and rows."""
        return [one for one in self.sorts if one.of == of and one.form != "plain"]


OpenZoo = Callable[[int, str], Zoo]
"""Give the zoo of a server's major version and an encoding."""


def _encoding(zoo: Zoo, source: str) -> str:
    if source != "template0":
        return ""
    provider = " LOCALE_PROVIDER libc" if zoo.major >= 15 else ""
    locale = "C" if zoo.encoding != "UTF8" else "C.UTF-8" if zoo.major < 17 else "C"
    return f"ENCODING '{zoo.encoding}'{provider} LC_COLLATE '{locale}' LC_CTYPE '{locale}'"


def open_zoo(server: PostgresServer, encoding: str) -> Zoo:
    """Make the database that all others are copied from."""
    zoo = Zoo(server, encoding, "template0")
    url = zoo.make(FAR + OWN_TYPES, empty=True)
    with connected(url) as connection:
        connection.execute(b"SET search_path = public")
        missing, families = _extended(connection)
        connection.execute(as_bytes(TAKES))
        sorts, refused = _sorts(connection, encoding, families)
        missing |= dict(_featureless(connection))
    for family in families:
        if not any(one.of in family.spelled for one in sorts):
            missing[family.base] = refused.pop((family.base,), ("no value is taken",))[0]
    values = {base[0]: found for base, found in refused.items()}
    return replace(
        zoo, template=url.rpartition("/")[2].partition("?")[0], sorts=tuple(sorts), missing=missing, refused=values
    )


def _extended(connection: Database) -> tuple[dict[str, str], list[Family]]:
    """What the server has of contrib, made; what it lacks, by name."""
    families = [*FAMILIES, *CATALOG_DOMAINS, *OWN]
    missing: dict[str, str] = {}
    available = {name for (name,) in ask(connection, "SELECT name FROM pg_available_extensions")}
    for extension, types in EXTENSIONS.items():
        if extension in available:
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} CASCADE".encode())
            families += types
        else:
            missing[f"extension {extension}"] = "not installed beside this server"
    return missing, families


def _featureless(connection: Database) -> Iterator[tuple[str, str]]:
    for feature, statement in FEATURES.items():
        ((refusal,),) = ask(connection, f"SELECT pg_temp.works({literal(statement)})")
        if refusal is None:
            connection.execute(b"DROP TABLE pg_temp.f")
        else:
            yield feature, refusal


def fits(value: str, encoding: str) -> bool:
    """Whether a database of an encoding can be sent a value."""
    try:
        value.encode({"UTF8": "utf-8", "LATIN1": "latin-1"}.get(encoding, "utf-8"))
    except UnicodeEncodeError:
        return encoding == "SQL_ASCII"
    return True


def _sorts(
    connection: Database, encoding: str, families: Sequence[Family]
) -> tuple[list[Sort], dict[tuple[str], tuple[str, ...]]]:
    asked = [
        (family, of, [one for one in family.values if fits(one, encoding)])
        for family in families
        for of in family.spelled
    ]
    plain = asked_of(connection, [(of, values) for _, of, values in asked])
    refused: dict[tuple[str], tuple[str, ...]] = {}
    found: list[Sort] = []
    for family in families:
        mine = [answer for (one, _, _), answer in zip(asked, plain, strict=True) if one is family]
        found += [one for one, _ in mine if one.values]
        taken = {value for one, _ in mine for value in one.values}
        lost = [f"{value!r}: {words}" for _, why in mine for value, words in why.items() if value not in taken]
        if lost:
            refused[family.base,] = tuple(dict.fromkeys(lost))
    return found + _formed(connection, found), refused


def _formed(connection: Database, plain: Sequence[Sort]) -> list[Sort]:
    asked: list[tuple[str, str, str, list[str]]] = []
    for number, one in enumerate(plain):
        if "COLLATE" in one.of:
            continue
        script = (
            f"CREATE DOMAIN domain_{number} AS {one.of}",
            f"CREATE TYPE composite_{number} AS (v {one.of}, n int)",
        )
        for statement in script:
            connection.execute(as_bytes(statement))
        delimiter = ";" if one.of == "box" else ","
        asked += [
            (one.of, "array", f"{one.of}[]", array_values(one.values, delimiter)),
            (one.of, "domain", f"domain_{number}", list(one.values)),
            (one.of, "composite", f"composite_{number}", row_values(one.values)),
        ]
    answers = asked_of(connection, [(spelled, values) for _, _, spelled, values in asked])
    return [
        replace(answer, of=of, form=form, spelled=spelled)
        for (of, form, spelled, _), (answer, _) in zip(asked, answers, strict=True)
        if answer.values
    ]


def asked_of(connection: Database, asked: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[Sort, dict[str, str]]]:
    """What the server makes of each type and its values, and why it refused others."""
    calls = " UNION ALL ".join(
        f"SELECT * FROM pg_temp.takes({number}, {literal(of)}, ARRAY[{', '.join(map(literal, values))}]::text[])"
        for number, (of, values) in enumerate(asked)
    )
    answers: dict[int, list[tuple[str, str | None]]] = {}
    for number, value, refusal in ask(connection, calls):
        answers.setdefault(number, []).append((value, refusal))
    return [_judged(of, answers[number]) for number, (of, _) in enumerate(asked)]


def _judged(of: str, answers: Sequence[tuple[str, str | None]]) -> tuple[Sort, dict[str, str]]:
    if len(answers) <= ABILITIES:
        return Sort(of, "plain", of, ()), {of: answers[0][1] or ""}
    tried, able = answers[:-ABILITIES], dict(answers[-ABILITIES:])
    taken = tuple(value for value, refusal in tried if refusal is None)
    return (
        Sort(of, "plain", of, taken, able["equal"] is None, able["ordered"] is None, able["null"] is None),
        {value: refusal for value, refusal in tried if refusal is not None},
    )
