"""The journal is used only if it is as we make it, and nobody else could have made it run anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fixes import MakeDatabase, execute
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.journal import schema as journal
from pytest_tgintegrity.fixing.journal.checks import OURS, check_journal, close_to_others

PINNED = "SET LOCAL search_path = pg_catalog, pg_temp"


def make_journal(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(PINNED)
        connection.execute(journal.CREATE_SCHEMA)
        connection.execute(journal.CREATE)


def look(url: str, role: str | None = None, *, writing: bool = True) -> None:
    with psycopg.connect(url) as connection:
        if role is not None:
            connection.execute(f"SET LOCAL ROLE {role}".encode())
        connection.execute(PINNED)
        check_journal(connection, writing=writing)


def refusal(url: str, role: str | None = None, *, writing: bool = True) -> str:
    with pytest.raises(UsageError) as refused:
        look(url, role, writing=writing)
    sentence = str(refused.value)
    assert sentence.isprintable()
    assert "nothing was changed; " in sentence
    return sentence


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    """The URL of a database with a journal that a superuser made."""
    url = make_database("")
    make_journal(url)
    return url


@pytest.fixture
def eve(url: str) -> Iterator[str]:
    """A role of somebody else, without any right."""
    ((name,),) = execute(url, "SELECT current_database()")
    execute(url, f"CREATE ROLE eve_{name}")
    yield f"eve_{name}"
    execute(
        url,
        f"REASSIGN OWNED BY eve_{name} TO CURRENT_USER",
        f"DROP OWNED BY eve_{name}",
        f"DROP ROLE eve_{name}",
    )


# --- what is accepted


@pytest.mark.parametrize("writing", [True, False])
def test_a_journal_of_ours_is_accepted(url: str, writing: bool) -> None:
    look(url, writing=writing)


def test_what_is_ours_is_what_is_made(url: str) -> None:
    assert {
        name for (name,) in execute(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'tgintegrity'")
    } == set(OURS)


def test_another_may_use_what_a_superuser_made(url: str, eve: str) -> None:
    execute(
        url,
        f"GRANT USAGE ON SCHEMA tgintegrity TO {eve}",
        f"GRANT SELECT, INSERT, UPDATE, TRIGGER ON ALL TABLES IN SCHEMA tgintegrity TO {eve}",
    )

    look(url, eve)
    assert f"{eve} has TRIGGER on the table tgintegrity.journal" in refusal(url)


def test_the_grants_of_the_manual_suffice_to_use_it(url: str, eve: str) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "fixing.md").read_text(encoding="utf-8")
    grants = [line.strip() for line in manual.splitlines() if line.startswith("    GRANT")]
    execute(url, *(one.replace("tg_mender, tg_other", eve) for one in grants))

    with psycopg.connect(url, cursor_factory=psycopg.RawCursor) as connection:
        connection.execute(f"SET LOCAL ROLE {eve}".encode())
        connection.execute(PINNED)
        check_journal(connection, writing=True)
        connection.execute(journal.BEGIN_RUN, ["r", "fix", None, None])
        connection.execute(journal.ENTER, ["r", json.dumps([{"rule": "x", "table": "a.b", "key": {}, "op": "update"}])])
        connection.execute(journal.END_RUN, ["r"])

    assert execute(url, "SELECT run, by FROM tgintegrity.journal") == [("r", eve)]


def test_a_role_may_use_what_it_made(url: str, eve: str, make_database: MakeDatabase) -> None:
    other = make_database(f"CREATE SCHEMA tgintegrity AUTHORIZATION {eve}")
    with psycopg.connect(other) as connection:
        connection.execute(f"SET LOCAL ROLE {eve}".encode())
        connection.execute(PINNED)
        connection.execute(journal.CREATE)

    look(other, eve)
    assert "is in other hands" in refusal(other)
    execute(other, "DROP SCHEMA tgintegrity CASCADE")


def test_who_only_reads_need_not_mind_the_owner_or_what_else_there_is(url: str, eve: str) -> None:
    execute(
        url,
        f"ALTER TABLE tgintegrity.run OWNER TO {eve}",
        f"ALTER SCHEMA tgintegrity OWNER TO {eve}",
        "CREATE VIEW tgintegrity.newest AS SELECT max(id) FROM tgintegrity.journal",
    )

    look(url, writing=False)
    look(url, eve, writing=False)


@pytest.mark.parametrize(
    "change",
    [
        "REINDEX TABLE CONCURRENTLY tgintegrity.journal",
        "ALTER TABLE tgintegrity.run RENAME CONSTRAINT run_kind_check TO kinds",
        "ALTER INDEX tgintegrity.journal_run_id_idx RENAME TO quick",
        "ALTER SEQUENCE tgintegrity.journal_id_seq RENAME TO numbers",
        "ALTER TABLE tgintegrity.journal SET (autovacuum_enabled = off)",
        "COMMENT ON TABLE tgintegrity.run IS 'ours'",
        "GRANT SELECT, INSERT ON tgintegrity.run TO PUBLIC",
        "GRANT USAGE ON SCHEMA tgintegrity TO PUBLIC",
        "CREATE VIEW public.fixes AS SELECT * FROM tgintegrity.run",
        "VACUUM FULL tgintegrity.journal",
    ],
)
def test_what_runs_nothing_is_accepted(url: str, change: str) -> None:
    execute(url, change)

    look(url)


@pytest.mark.parametrize(
    "setting",
    [
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
        "array_nulls = off",
        "transform_null_equals = on",
        "DateStyle = 'SQL, DMY'",
        "row_security = off",
        "TimeZone = 'Asia/Tokyo'",
        "role = pg_monitor",
    ],
)
def test_settings_of_the_session_change_nothing(url: str, setting: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(f"SET LOCAL {setting}".encode())
        connection.execute(PINNED)
        check_journal(connection, writing=True)


def test_names_that_hide_those_of_the_server_change_nothing(url: str) -> None:
    execute(
        url,
        "CREATE FUNCTION public.concat(VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT 'hidden' $$",
        "CREATE FUNCTION public.differs(name, text) RETURNS bool LANGUAGE sql AS 'SELECT false'",
        "CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.differs)",
        "CREATE TABLE public.pg_class (oid oid)",
        "ALTER DATABASE " + execute(url, "SELECT current_database()")[0][0] + " SET search_path = public, pg_catalog",
    )

    look(url)


# --- what is refused


FUNCTION = """
CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp()';
CREATE FUNCTION public.holds(text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.texts(text, text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.texts);
CREATE DOMAIN public.text AS pg_catalog.text;
"""
AGAIN = """
ALTER TABLE tgintegrity.journal DROP CONSTRAINT journal_run_fkey;
DROP TABLE tgintegrity.run;
"""
RUN = """
    id text PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('fix', 'undo')), undoes text REFERENCES tgintegrity.run,
    plan text, by text NOT NULL DEFAULT current_user, started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
"""
REFERENCE = "; ALTER TABLE tgintegrity.journal ADD FOREIGN KEY (run) REFERENCES tgintegrity.run"
TAMPERED = {
    "CREATE TRIGGER spy BEFORE INSERT ON tgintegrity.run FOR EACH ROW EXECUTE FUNCTION public.spy()": "tgintegrity.run has the trigger spy",
    "CREATE CONSTRAINT TRIGGER spy AFTER INSERT ON tgintegrity.run FOR EACH ROW EXECUTE FUNCTION public.spy()": "tgintegrity.run has the trigger spy",
    "CREATE RULE spy AS ON INSERT TO tgintegrity.journal DO ALSO SELECT 1": "tgintegrity.journal has the rule spy",
    "CREATE POLICY spy ON tgintegrity.run": "tgintegrity.run has the policy spy",
    "ALTER TABLE tgintegrity.run ENABLE ROW LEVEL SECURITY": "tgintegrity.run has row-level security",
    "ALTER TABLE tgintegrity.run ADD extra int": "tgintegrity.run has the column extra: integer",
    "ALTER TABLE tgintegrity.run DROP plan": "tgintegrity.run lacks the column plan: text",
    "ALTER TABLE tgintegrity.run RENAME plan TO plot": "tgintegrity.run has the column plot: text; tgintegrity.run lacks the column plan: text",
    "ALTER TABLE tgintegrity.run ALTER plan TYPE varchar(3)": "tgintegrity.run has the column plan: character varying(3); tgintegrity.run lacks",
    "ALTER TABLE tgintegrity.run ALTER plan TYPE public.text": "tgintegrity.run has the column plan: public.text; tgintegrity.run lacks the column plan: text",
    'ALTER TABLE tgintegrity.run ALTER plan TYPE text COLLATE "C"': "tgintegrity.run has the column plan: text COLLATE ",
    "ALTER TABLE tgintegrity.run ALTER started_at SET DEFAULT public.clock_timestamp()": "started_at: timestamp with time zone NOT NULL DEFAULT public.clock_timestamp()",
    "ALTER TABLE tgintegrity.run ALTER started_at DROP DEFAULT": "tgintegrity.run lacks the column started_at: timestamp with time zone NOT NULL DEFAULT clock_timestamp()",
    "ALTER TABLE tgintegrity.run ALTER by DROP NOT NULL": "tgintegrity.run lacks the column by: text NOT NULL",
    "ALTER TABLE tgintegrity.run ALTER plan SET NOT NULL": "tgintegrity.run has the column plan: text NOT NULL",
    "ALTER TABLE tgintegrity.journal ALTER id SET GENERATED BY DEFAULT": "tgintegrity.journal has the column id: bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY",
    "ALTER TABLE tgintegrity.journal ALTER id DROP IDENTITY": "tgintegrity.journal has the column id: bigint NOT NULL; ",
    "ALTER TABLE tgintegrity.run DROP plan, ADD plan text GENERATED ALWAYS AS (upper(id)) STORED": "tgintegrity.run has the column plan: text GENERATED ALWAYS AS (upper(id))",
    "ALTER TABLE tgintegrity.run DROP CONSTRAINT run_kind_check": "tgintegrity.run lacks the constraint CHECK ((kind = ANY",
    "ALTER TABLE tgintegrity.run ADD CHECK (public.holds(id))": "tgintegrity.run has the constraint CHECK (public.holds(id))",
    """ALTER TABLE tgintegrity.run DROP CONSTRAINT run_kind_check,
       ADD CHECK (kind OPERATOR(public.=) ANY (ARRAY['fix', 'undo']))""": "tgintegrity.run has the constraint CHECK ((kind OPERATOR(public.=) ANY",
    "ALTER TABLE tgintegrity.journal DROP CONSTRAINT journal_run_fkey": "tgintegrity.journal lacks the constraint FOREIGN KEY (run)",
    "ALTER TABLE tgintegrity.journal DROP CONSTRAINT journal_pkey": "tgintegrity.journal lacks the constraint PRIMARY KEY (id)",
    "ALTER TABLE tgintegrity.journal ADD EXCLUDE (rule WITH =)": "tgintegrity.journal has the constraint EXCLUDE",
    "DROP INDEX tgintegrity.journal_run_id_idx": "tgintegrity.journal lacks the index USING btree (run, id)",
    "CREATE INDEX ON tgintegrity.journal (public.holds(run))": "tgintegrity.journal has the index USING btree (public.holds(run))",
    "CREATE INDEX ON tgintegrity.journal (run, id) WHERE public.holds(run)": "has the index USING btree (run, id) WHERE public.holds(run)",
    'CREATE INDEX "x USING btree (run, id)" ON tgintegrity.journal (public.holds(run))': "tgintegrity.journal has the index USING btree (run, id)",
    "CREATE TABLE public.parent (plan text); ALTER TABLE tgintegrity.run INHERIT public.parent": "tgintegrity.run is a child of public.parent",
    "CREATE TABLE public.child () INHERITS (tgintegrity.run)": "tgintegrity.run has the child public.child",
    "CREATE TABLE public.pointer (run text REFERENCES tgintegrity.run)": "tgintegrity.run is referenced by public.pointer",
    "ALTER TABLE tgintegrity.journal SET UNLOGGED": "tgintegrity.journal is unlogged",
    "CREATE TABLE tgintegrity.extra ()": "tgintegrity holds the table tgintegrity.extra",
    "CREATE SEQUENCE tgintegrity.extra": "tgintegrity holds the sequence tgintegrity.extra",
    "CREATE VIEW tgintegrity.extra AS SELECT 1": "tgintegrity holds the view tgintegrity.extra",
    "CREATE FUNCTION tgintegrity.nullif(text) RETURNS text LANGUAGE sql AS 'SELECT 1'": 'tgintegrity holds the function tgintegrity."nullif"(pg_catalog.text)',
    "CREATE OPERATOR tgintegrity.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = public.texts)": "tgintegrity holds the operator",
    "CREATE DOMAIN tgintegrity.text AS int": "tgintegrity holds the type tgintegrity.text",
    "CREATE TYPE tgintegrity.pair AS (one int)": "tgintegrity holds the type tgintegrity.pair",
    "CREATE TYPE tgintegrity.word AS ENUM ('a')": "tgintegrity holds the type tgintegrity.word",
    'CREATE COLLATION tgintegrity.c FROM "C"': "tgintegrity holds the collation tgintegrity.c",
    "DROP TABLE tgintegrity.version": "there is no table tgintegrity.version",
    "DROP TABLE tgintegrity.version; CREATE VIEW tgintegrity.version AS SELECT 1 AS version": "tgintegrity.version is a view",
    "DROP TABLE tgintegrity.version; CREATE SEQUENCE tgintegrity.version": "tgintegrity.version is a sequence",
    "DROP TABLE tgintegrity.version; CREATE MATERIALIZED VIEW tgintegrity.version AS SELECT 1 AS version": "tgintegrity.version is a materialized view",
    """DROP TABLE tgintegrity.version; CREATE FOREIGN DATA WRAPPER none; CREATE SERVER none FOREIGN DATA WRAPPER none;
       CREATE FOREIGN TABLE tgintegrity.version (version int NOT NULL) SERVER none""": "tgintegrity.version is a foreign table",
    """DROP TABLE tgintegrity.version; CREATE TYPE public.v AS (version int);
       CREATE TABLE tgintegrity.version OF public.v (version NOT NULL)""": "tgintegrity.version is a table of the type public.v",
    AGAIN + "CREATE VIEW tgintegrity.run AS SELECT public.texts('a', 'b')": "as --fix makes it: tgintegrity.run is a view; tgintegrity.journal lacks",
    "ALTER TABLE tgintegrity.journal DROP CONSTRAINT journal_pkey; ALTER TABLE tgintegrity.journal RENAME TO old;"
    "CREATE TABLE tgintegrity.journal (LIKE tgintegrity.old) PARTITION BY LIST (run)": "tgintegrity.journal is partitioned",
    AGAIN + f"CREATE TABLE public.p ({RUN.replace('REFERENCES tgintegrity.run', '')}) PARTITION BY HASH (id);"
    "CREATE TABLE tgintegrity.run PARTITION OF public.p FOR VALUES WITH (MODULUS 1, REMAINDER 0)" + REFERENCE: "tgintegrity.run is a child of public.p",
    "ALTER SCHEMA tgintegrity RENAME TO tg": "there is no table tgintegrity.version",
}  # fmt: skip
HIDDEN_FROM_READERS = "tgintegrity holds"


@pytest.mark.parametrize(("change", "difference"), TAMPERED.items(), ids=range(len(TAMPERED)))
def test_what_is_not_ours_is_refused(url: str, change: str, difference: str) -> None:
    execute(url, FUNCTION + change)

    sentence = refusal(url)

    assert "the journal (schema tgintegrity) is not as --fix makes it: " in sentence
    assert difference in sentence
    assert "DROP SCHEMA tgintegrity CASCADE" in sentence
    if difference.startswith(HIDDEN_FROM_READERS):
        look(url, writing=False)
    else:
        assert difference in refusal(url, writing=False)


def test_a_virtual_column_is_refused(url: str) -> None:
    if execute(url, "SELECT current_setting('server_version_num')::int < 180000") == [(True,)]:
        execute(url, "ALTER TABLE tgintegrity.run DROP plan, ADD plan text GENERATED ALWAYS AS ('x') STORED")
    else:
        execute(url, "ALTER TABLE tgintegrity.run DROP plan, ADD plan text GENERATED ALWAYS AS ('x')")

    assert "tgintegrity.run has the column plan: text GENERATED ALWAYS AS ('x'::text)" in refusal(url)


def test_a_table_made_anew_as_ours_is_ours(url: str) -> None:
    execute(url, AGAIN + f"CREATE TABLE tgintegrity.run ({RUN})" + REFERENCE)

    look(url)


def test_the_first_differences_are_told_in_one_printable_line(url: str) -> None:
    execute(
        url,
        'ALTER TABLE tgintegrity.run ADD "a\nb\x1b[2J" int, ADD b int, ADD c int, ADD d int',
        f"ALTER TABLE tgintegrity.journal ADD z text DEFAULT '{'long' * 999}'",
    )

    sentence = refusal(url)

    assert r"has the column a\nb\x1b[2J: integer; " in sentence
    assert "; 2 more: nothing was changed" in sentence
    execute(url, "DROP TABLE tgintegrity.version", "ALTER TABLE tgintegrity.run DROP b, DROP c, DROP d")
    assert "longlong…: nothing" in refusal(url)


def test_another_version_is_told_as_such_whatever_its_tables_are(url: str) -> None:
    execute(url, "ALTER TABLE tgintegrity.run ADD more text", "UPDATE tgintegrity.version SET version = 2")

    for writing in (True, False):
        sentence = refusal(url, writing=writing)
        assert sentence.startswith(
            "the journal has version 2, this pytest-tgintegrity writes version 1: nothing was ch"
        )


# --- in whose hands it is


HANDS = {
    "ALTER SCHEMA tgintegrity OWNER TO {eve}": "the schema tgintegrity belongs to {eve}: nothing was changed; "
    "hand it over as a superuser: ALTER SCHEMA tgintegrity OWNER TO {me}",
    "ALTER TABLE tgintegrity.run OWNER TO {eve}": "the table tgintegrity.run belongs to {eve}: nothing",
    "ALTER TABLE tgintegrity.version OWNER TO {eve}": "the table tgintegrity.version belongs to {eve}: nothing",
    "ALTER TABLE tgintegrity.journal OWNER TO {eve}": "the sequence tgintegrity.journal_id_seq belongs to {eve}, "
    "the table tgintegrity.journal belongs to {eve}: nothing",
    "GRANT CREATE ON SCHEMA tgintegrity TO {eve}": "{eve} has CREATE on the schema tgintegrity: nothing was changed; "
    "hand it over as a superuser: REVOKE CREATE ON SCHEMA tgintegrity FROM {eve} CASCADE",
    "GRANT ALL ON SCHEMA tgintegrity TO PUBLIC": "PUBLIC has CREATE on the schema tgintegrity: nothing",
    "GRANT TRIGGER ON tgintegrity.run TO {eve}": "{eve} has TRIGGER on the table tgintegrity.run: nothing",
    "GRANT ALL ON ALL TABLES IN SCHEMA tgintegrity TO PUBLIC": "PUBLIC has TRIGGER on the table tgintegrity.journal, "
    "PUBLIC has TRIGGER on the table tgintegrity.run, PUBLIC has TRIGGER on the table tgintegrity.version: nothing",
    "GRANT USAGE ON SCHEMA tgintegrity TO {eve}; GRANT TRIGGER ON tgintegrity.run TO {eve} WITH GRANT OPTION; SET ROLE {eve};"
    "GRANT TRIGGER ON tgintegrity.run TO pg_monitor": "{eve} has TRIGGER on the table tgintegrity.run, pg_monitor has",
}


@pytest.mark.parametrize(("change", "hands"), HANDS.items(), ids=range(len(HANDS)))
def test_in_other_hands_it_is_refused_and_the_commands_hand_it_over(
    url: str, eve: str, change: str, hands: str
) -> None:
    execute(url, change.format(eve=eve))
    ((me,),) = execute(url, "SELECT current_user")

    sentence = refusal(url)

    assert f"is in other hands: {hands.format(eve=eve, me=me)}" in sentence
    execute(url, *(one for one in sentence.partition("superuser: ")[2].split("; ") if "SEQUENCE" not in one))
    look(url)
    look(url, writing=False)


def test_a_sequence_alone_may_be_in_other_hands(url: str, eve: str) -> None:
    execute(
        url,
        f"UPDATE pg_class SET relowner = '{eve}'::regrole WHERE oid = 'tgintegrity.journal_id_seq'::regclass",
    )
    try:
        assert f"the sequence tgintegrity.journal_id_seq belongs to {eve}: nothing" in refusal(url)
    finally:
        execute(
            url,
            "UPDATE pg_class SET relowner = (SELECT relowner FROM pg_class WHERE oid = 'tgintegrity.run'::regclass)"
            " WHERE oid = 'tgintegrity.journal_id_seq'::regclass",
        )


def test_another_superuser_is_trusted_and_a_member_of_the_owner_is_not(url: str, eve: str) -> None:
    execute(
        url, f"ALTER TABLE tgintegrity.run OWNER TO {eve}", f"CREATE ROLE {eve}_friend", f"GRANT {eve} TO {eve}_friend"
    )
    assert f"belongs to {eve}: nothing was changed" in refusal(url, f"{eve}_friend")
    execute(url, f"DROP ROLE {eve}_friend", f"ALTER ROLE {eve} SUPERUSER")

    look(url)


# --- the attack


def test_who_may_create_in_the_database_cannot_be_there_first(make_database: MakeDatabase) -> None:
    """A journal of his with a trigger that makes him a superuser, once a superuser fixes."""
    url = make_database("")
    ((name,),) = execute(url, "SELECT current_database()")
    mallory = f"mallory_{name}"
    execute(
        url,
        f"CREATE ROLE {mallory}; GRANT CREATE ON DATABASE {name} TO {mallory}; SET ROLE {mallory};"
        f"{journal.CREATE_SCHEMA.as_string(None)};{journal.CREATE.as_string(None)};"
        f"CREATE FUNCTION tgintegrity.rise() RETURNS trigger LANGUAGE plpgsql AS"
        f" 'BEGIN ALTER ROLE {mallory} SUPERUSER; RETURN NEW; END';"
        "CREATE TRIGGER rise BEFORE INSERT ON tgintegrity.run FOR EACH ROW EXECUTE FUNCTION tgintegrity.rise()",
    )
    assert "tgintegrity.run has the trigger rise; tgintegrity holds the function tgintegrity.rise()" in refusal(url)

    execute(url, f"SET ROLE {mallory}; DROP FUNCTION tgintegrity.rise() CASCADE")

    assert f"the schema tgintegrity belongs to {mallory}" in refusal(url)
    execute(url, *refusal(url).partition("superuser: ")[2].replace("ALTER SEQUENCE", "--").split("; "))
    look(url)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(url, f"SET ROLE {mallory}; ALTER SCHEMA tgintegrity RENAME TO other")
    assert execute(url, f"SELECT rolsuper FROM pg_roles WHERE rolname = '{mallory}'") == [(False,)]
    execute(url, f"DROP OWNED BY {mallory}", f"DROP ROLE {mallory}")


def test_what_default_privileges_give_is_taken_back_where_it_is_made(
    make_database: MakeDatabase, url: str, eve: str
) -> None:
    other = make_database(
        f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {eve}, PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO {eve}"
    )
    make_journal(other)
    assert f"{eve} has CREATE on the schema tgintegrity, PUBLIC has TRIGGER" in refusal(other)
    execute(other, "DROP SCHEMA tgintegrity CASCADE")

    with psycopg.connect(other) as connection:
        connection.execute(PINNED)
        connection.execute(journal.CREATE_SCHEMA)
        connection.execute(journal.CREATE)
        close_to_others(connection)
        check_journal(connection, writing=True)

    look(other)
    assert execute(other, f"SELECT has_table_privilege('{eve}', 'tgintegrity.run', 'SELECT')") == [(True,)]
    execute(other, f"DROP OWNED BY {eve}")
