"""Declared constraints: each is found in the catalogs, and its data is looked at whatever the catalogs promise."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from engine import bound, looking_at
from pytest_tgintegrity.fixing.journal.schema import CREATE
from pytest_tgintegrity.judging.verdicts import Measurement
from pytest_tgintegrity.rules.kinds import CONSTRAINT_KINDS, ConstraintKind, Declared, NotBlank, NotNull
from pytest_tgintegrity.servers.postgres import PostgresServer

MakeDatabase = Callable[[str], str]


def _counts(found: dict[str, Measurement]) -> dict[str, tuple[int | None, int]]:
    assert {label: one.error for label, one in found.items() if one.error} == {}
    return {label: (one.examined, one.violations) for label, one in found.items()}


def _declared(url: str, *kinds: ConstraintKind) -> dict[str, tuple[int | None, int]]:
    with looking_at(url) as engine:
        return _counts(engine.declared(*kinds))


@pytest.fixture
def version(server: PostgresServer) -> int:
    return server.binaries.major


REPLICA = "SET session_replication_role = replica;"


def test_an_orphan_is_found_though_the_catalog_says_validated(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE child (id integer PRIMARY KEY, p integer REFERENCES parent);"
        "INSERT INTO parent VALUES (1);" + REPLICA + "INSERT INTO child VALUES (1, 1), (2, 9), (3, NULL)"
    )

    with looking_at(url) as engine:
        (constraint,) = engine.constraints("foreign_key")
        found = engine.declared("foreign_key")["child-child_p_fkey"]

    assert constraint.valid
    assert (found.examined, found.violations) == (3, 1)
    assert [(one.key, one.values) for one in found.samples] == [("2", {"p": 9})]


def test_foreign_keys_of_all_sorts(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE t (a integer, b text, id integer UNIQUE, PRIMARY KEY (a, b)); INSERT INTO t VALUES (1, 'x', 10), (2, 'y', 20);"
        "CREATE TABLE simple (a integer, b text, FOREIGN KEY (a, b) REFERENCES t);"
        "CREATE TABLE whole (a integer, b text, FOREIGN KEY (a, b) REFERENCES t MATCH FULL);"
        "CREATE TABLE swapped (b text, a integer, FOREIGN KEY (b, a) REFERENCES t (b, a) DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TABLE tree (id integer PRIMARY KEY, up integer REFERENCES tree);"
        "CREATE TABLE wide (n bigint REFERENCES t (id));"
        'CREATE TABLE "Odd ""one" ("PERIOD it" integer, FOREIGN KEY ("PERIOD it") REFERENCES t (id));'
        + REPLICA
        + "INSERT INTO simple VALUES (1, 'x'), (1, 'y'), (1, NULL), (NULL, NULL); INSERT INTO whole SELECT * FROM simple;"
        "INSERT INTO swapped VALUES ('x', 1), ('y', 1); INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 7);"
        "INSERT INTO wide VALUES (10), (11), (1099511627776);"
        'INSERT INTO "Odd ""one" VALUES (10), (12);'
        "ALTER TABLE t ADD CONSTRAINT late FOREIGN KEY (id) REFERENCES tree NOT VALID"
    )

    assert _declared(url, "foreign_key") == {
        "simple-simple_a_b_fkey": (4, 1),
        "whole-whole_a_b_fkey": (4, 2),
        "swapped-swapped_b_a_fkey": (2, 1),
        "tree-tree_up_fkey": (3, 1),
        "wide-wide_n_fkey": (3, 2),
        'Odd "one-Odd "one_PERIOD it_fkey': (2, 1),
        "t-late": (2, 2),
    }


def test_keys_of_other_collations_are_compared_as_the_target_does(make_database: MakeDatabase) -> None:
    url = make_database(
        'CREATE TABLE t (k text COLLATE "C" PRIMARY KEY); CREATE TABLE s (k text COLLATE "POSIX" REFERENCES t);'
        "INSERT INTO t VALUES ('a'); INSERT INTO s VALUES ('a');" + REPLICA + "INSERT INTO s VALUES ('A')"
    )

    assert _declared(url, "foreign_key") == {"s-s_k_fkey": (2, 1)}


def test_duplicates_in_the_target_do_not_multiply_the_rows(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE u (id integer PRIMARY KEY);"
        "CREATE TABLE s (a integer REFERENCES t, b integer REFERENCES u);"
        "UPDATE pg_index SET indisready = false WHERE indrelid = 't'::regclass"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(REPLICA + "INSERT INTO t VALUES (1), (1), (1); INSERT INTO s VALUES (1, 5), (2, NULL)")
        connection.execute("UPDATE pg_index SET indisready = true, indisvalid = false WHERE indrelid = 't'::regclass")

    assert _declared(url, "foreign_key") == {"s-s_a_fkey": (2, 1), "s-s_b_fkey": (2, 1)}


def test_unique_indexes_of_all_sorts(make_database: MakeDatabase) -> None:
    url = make_database(
        'CREATE TABLE u (id integer, a integer, b text, c text COLLATE "C", kept boolean);'
        "CREATE UNIQUE INDEX plain ON u (id); CREATE UNIQUE INDEX pair ON u (a, b);"
        "CREATE UNIQUE INDEX expression ON u (lower(b), (a + 1)); CREATE UNIQUE INDEX partial ON u (a) WHERE kept;"
        "CREATE UNIQUE INDEX including ON u (id) INCLUDE (a); CREATE UNIQUE INDEX nulls ON u (a, b) NULLS NOT DISTINCT;"
        "ALTER TABLE u ADD CONSTRAINT later UNIQUE (id) DEFERRABLE;"
        "UPDATE pg_index SET indisready = false WHERE indrelid = 'u'::regclass"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO u VALUES (1, 1, 'x', 'c', true), (2, 1, 'X', 'C', false), (3, NULL, 'z', 'd', true),"
            " (4, NULL, 'z', 'e', true), (4, 5, 'q', 'f', false)"
        )
        connection.execute("UPDATE pg_index SET indisready = true WHERE indrelid = 'u'::regclass")

    assert _declared(url, "unique") == {
        "u-plain": (5, 2),
        "u-pair": (5, 0),
        "u-expression": (5, 2),
        "u-partial": (3, 0),
        "u-including": (5, 2),
        "u-nulls": (5, 2),
        "u-later": (5, 2),
    }


def test_an_index_that_compares_in_its_own_way(make_database: MakeDatabase) -> None:
    url = make_database(
        'CREATE TABLE w (t text COLLATE "C"); CREATE UNIQUE INDEX plain ON w (t); CREATE UNIQUE INDEX own ON w (t COLLATE "default");'
        "CREATE UNIQUE INDEX lowered ON w (lower(t) COLLATE \"POSIX\"); INSERT INTO w VALUES ('a')"
    )

    with looking_at(url) as engine:
        found = {one.name: one.expressions for one in engine.constraints("unique")}
        measured = engine.declared("unique")

    assert found == {"plain": ("t",), "own": ('t COLLATE "default"',), "lowered": ('lower(t) COLLATE "POSIX"',)}
    assert set(_counts(measured).values()) == {(1, 0)}


def test_an_invalid_index_is_looked_at(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE d (id integer PRIMARY KEY, k integer); INSERT INTO d VALUES (1, 1), (2, 1), (3, 2)"
    )
    with psycopg.connect(url, autocommit=True) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON d (k)")

    with looking_at(url) as engine:
        broken = next(one for one in engine.constraints("unique") if one.name == "broken")
        found = _counts(engine.declared("unique"))

    assert not broken.valid
    assert found == {"d-broken": (3, 2), "d-d_pkey": (3, 0)}


def test_a_null_is_found_though_the_column_says_not_null(make_database: MakeDatabase) -> None:
    columns = ", ".join(f"c{number} integer DEFAULT 0" for number in range(150))
    url = make_database(
        f"CREATE TABLE wide (id integer PRIMARY KEY, {columns}); INSERT INTO wide (id, c149) VALUES (1, 0), (2, NULL), (3, 1);"
        "UPDATE pg_attribute SET attnotnull = true WHERE attrelid = 'wide'::regclass AND attnum > 0;"
        "CREATE TABLE narrow (id integer); INSERT INTO narrow VALUES (1), (NULL);"
        "UPDATE pg_attribute SET attnotnull = true WHERE attrelid = 'narrow'::regclass AND attnum > 0"
    )

    assert _declared(url, "not_null") == {"wide": (3, 1), "narrow": (2, 1)}
    with looking_at(url) as engine:
        found = engine.ask(NotNull("narrow", "id"))
        assert (found.violations, len(found.samples)) == (1, 1)
        assert engine.ask(NotBlank("narrow", "id::text")).violations == 1


def test_checks_are_looked_at_whatever_the_planner_may_conclude(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE k (id integer PRIMARY KEY, a integer, b text); INSERT INTO k VALUES (1, -5, 'x'), (2, NULL, 'y'), (3, 5, NULL);"
        "ALTER TABLE k ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;"
        "ALTER TABLE k ADD CONSTRAINT whole CHECK (k.* IS NOT NULL) NOT VALID;"
        "ALTER TABLE k ADD CONSTRAINT percent CHECK (b LIKE 'x%' OR b = '{}') NOT VALID;"
        "UPDATE pg_constraint SET convalidated = true WHERE contype = 'c'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE " + connection.info.dbname + " SET constraint_exclusion = on")

    assert _declared(url, "check") == {"k-positive": (3, 1), "k-whole": (3, 2), "k-percent": (3, 1)}


def test_partitioned_tables_are_counted_once(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1);"
        "CREATE TABLE p (id integer PRIMARY KEY, v integer REFERENCES t CHECK (v < 100), w integer) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
        "ALTER TABLE p2 ALTER w SET NOT NULL; ALTER TABLE p2 ADD CONSTRAINT own CHECK (w > 0); CREATE UNIQUE INDEX p2_w ON p2 (w);"
        "CREATE TABLE s (id integer REFERENCES p);"
        + REPLICA
        + "INSERT INTO p SELECT i, CASE WHEN i = 3 THEN 9 ELSE 1 END, i FROM generate_series(1, 19) i; INSERT INTO s VALUES (5), (99)"
    )

    assert _declared(url) == {
        "p-p_v_fkey": (19, 1),
        "s-s_id_fkey": (2, 1),
        "p-p_v_check": (19, 0),
        "p2-own": (10, 0),
        "p-p_pkey": (19, 0),
        "t-t_pkey": (1, 0),
        "p2-p2_w": (10, 0),
        "t": (1, 0),
        "p": (19, 0),
        "p2": (10, 0),
    }


def test_children_of_a_table_are_not_its_rows(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE up (id integer PRIMARY KEY, v integer CHECK (v < 100), n integer CHECK (n < 100) NO INHERIT);"
        "CREATE TABLE down (extra integer) INHERITS (up); INSERT INTO up VALUES (1, 1, 1);"
        "INSERT INTO down VALUES (1, 1, 500), (2, 1, 500); CREATE TABLE s (id integer REFERENCES up);"
        + REPLICA
        + "INSERT INTO s VALUES (1), (2)"
    )

    assert _declared(url) == {
        "s-s_id_fkey": (2, 1),
        "up-up_v_check": (3, 0),
        "up-up_n_check": (1, 0),
        "up-up_pkey": (1, 0),
        "up": (1, 0),
        "down": (2, 0),
    }


def test_a_table_of_the_same_name_elsewhere(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE SCHEMA other; CREATE TABLE t (id integer PRIMARY KEY, c integer CHECK (c > 0)); INSERT INTO t VALUES (1, 1);"
        "CREATE TABLE other.t (id integer PRIMARY KEY, c integer, up integer REFERENCES public.t);"
        + REPLICA
        + "INSERT INTO other.t VALUES (1, -1, 1), (2, -1, 2); ALTER TABLE other.t ADD CHECK (c > 0) NOT VALID;"
        'CREATE TABLE "t.x" ("a b" integer PRIMARY KEY, "%" integer CHECK ("%" > 0))'
    )

    assert _declared(url) == {
        "other.t-t_up_fkey": (2, 1),
        "other.t-t_c_check": (2, 2),
        "t-t_c_check": (1, 0),
        "t.x-t.x_%_check": (0, 0),
        "other.t-t_pkey": (2, 0),
        "t-t_pkey": (1, 0),
        "t.x-t.x_pkey": (0, 0),
        "other.t": (2, 0),
        "t": (1, 0),
        "t.x": (0, 0),
    }


def test_long_names_and_what_a_constraint_reads(make_database: MakeDatabase) -> None:
    name = "n" * 63
    url = make_database(
        f"CREATE TABLE {name} (id integer PRIMARY KEY, {'c' * 63} integer CHECK ({'c' * 63} > 0)); CREATE TABLE s (r integer REFERENCES {name})"
    )

    with looking_at(url) as engine:
        found = engine.constraints()
        planned = engine.plan([bound(Declared(one.kind), one.label, {"constraint": one}) for one in found])
        measured = engine.declared()

    assert set(_counts(measured).values()) == {(0, 0)}
    assert planned.tables["s-s_r_fkey"] == ("s", name)
    assert planned.tables[name] == (name,)


def test_without_constraints_there_is_nothing_to_say(database_url: str) -> None:
    with looking_at(database_url) as engine:
        assert engine.constraints() == []
        found = engine.measure([bound(Declared(kind), kind) for kind in CONSTRAINT_KINDS])

    assert found["check"].error == "the database declares no constraint of the kind check"


def test_what_is_not_enforced_is_looked_at(make_database: MakeDatabase, version: int) -> None:
    if version < 18:
        pytest.skip("NOT ENFORCED came with PostgreSQL 18")
    url = make_database(
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE e (id integer PRIMARY KEY,"
        " a integer CONSTRAINT loose CHECK (a > 0) NOT ENFORCED, r integer CONSTRAINT free REFERENCES t NOT ENFORCED);"
        "INSERT INTO e VALUES (1, -1, 9), (2, 1, NULL); CREATE TABLE n (x integer); INSERT INTO n VALUES (NULL);"
        "ALTER TABLE n ADD CONSTRAINT later NOT NULL x NOT VALID"
    )

    found = _declared(url)

    assert (found["e-loose"], found["e-free"], found["n"]) == ((2, 1), (2, 1), (1, 1))


def test_keys_over_periods_are_unknown(make_database: MakeDatabase, version: int) -> None:
    if version < 18:
        pytest.skip("PERIOD came with PostgreSQL 18")
    url = make_database(
        "CREATE TABLE t (id int4range, valid daterange, PRIMARY KEY (id, valid WITHOUT OVERLAPS));"
        "CREATE TABLE s (id int4range, valid daterange, FOREIGN KEY (id, PERIOD valid) REFERENCES t (id, PERIOD valid))"
    )

    with looking_at(url) as engine:
        found = engine.declared()

    assert "cannot be checked yet" in (found["s-s_id_valid_fkey"].error or "")
    assert "cannot be checked yet" in (found["t-t_pkey"].error or "")
    assert (found["t"].examined, found["t"].error) == (0, None)


def test_facts_name_tables_as_people_do(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE SCHEMA s; CREATE TABLE s.only_here (id integer); CREATE TABLE s.twin (id integer); CREATE TABLE twin (a integer, b text, PRIMARY KEY (b, a));"
        "CREATE UNIQUE INDEX ON twin (a); CREATE UNIQUE INDEX ON twin (b) WHERE a > 0; CREATE UNIQUE INDEX ON twin (lower(b));"
        "ALTER TABLE twin ADD gone integer; ALTER TABLE twin DROP gone; CREATE VIEW v AS SELECT 1 AS x"
    )

    with looking_at(url) as engine:
        tables = engine.facts.tables

    assert set(tables) == {"s.only_here", "s.twin", "twin", "public.twin", "v", "public.v"}
    twin = tables["twin"]
    assert (twin.path, twin.key, sorted(twin.columns)) == (("public", "twin"), ("b", "a"), ["a", "b"])
    assert twin.uniques == {frozenset({"a"}), frozenset({"a", "b"})}
    assert twin.stored
    assert (tables["v"].stored, tables["v"].key) == (False, ())


def test_facts_know_what_is_part_of_another_table(make_database: MakeDatabase) -> None:
    url = make_database(
        "CREATE TABLE log (at date) PARTITION BY RANGE (at); CREATE TABLE base (id integer);"
        "CREATE TABLE log_30 PARTITION OF log FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');"
        "CREATE TABLE heir () INHERITS (base)"
    )

    with looking_at(url) as engine:
        tables = engine.facts.tables

    assert {name: (one.partition, one.inherited) for name, one in tables.items() if "." not in name} == {
        "log": (False, False),
        "log_30": (True, False),
        "base": (False, True),
        "heir": (False, False),
    }


def test_journal_of_fixes_is_nobody_s_data(make_database: MakeDatabase) -> None:
    """Else the first --fix would bring rules of its own, about tables that a reading role may not see."""
    url = make_database(f"CREATE SCHEMA tgintegrity; {CREATE.as_string()}")

    with looking_at(url) as engine:
        assert engine.constraints() == []
        assert engine.facts.tables == {}
