"""The journal: what fixes changed, in tables of its own schema, from which they are undone. SQL only; nothing connects.

`tgintegrity.run` has a row for each ``--fix`` and ``--undo``, `tgintegrity.journal` one for each row that they changed.
"""

from __future__ import annotations

from psycopg import sql

VERSION = 1

EXISTS = sql.SQL("SELECT pg_catalog.to_regclass('tgintegrity.version') IS NOT NULL")
TABLES = sql.SQL("""
SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'tgintegrity' AND c.relname IN ('version', 'run', 'journal') AND c.relkind = 'r' ORDER BY 1
""")
READ_VERSION = sql.SQL("SELECT version FROM tgintegrity.version")

HAS_SCHEMA = sql.SQL("SELECT pg_catalog.to_regnamespace('tgintegrity') IS NOT NULL")
CREATE_SCHEMA = sql.SQL(
    "CREATE SCHEMA tgintegrity"
)  # IF NOT EXISTS would ask for the right to create it even where it exists

CREATE = sql.SQL("""
CREATE TABLE tgintegrity.version (version int NOT NULL);
INSERT INTO tgintegrity.version VALUES (1);
CREATE TABLE tgintegrity.run (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('fix', 'undo')),
    undoes text REFERENCES tgintegrity.run,
    plan text,
    by text NOT NULL DEFAULT current_user,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE TABLE tgintegrity.journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run text NOT NULL REFERENCES tgintegrity.run,
    rule text NOT NULL,
    "table" text NOT NULL,
    key jsonb NOT NULL,
    op text NOT NULL CHECK (op IN ('update', 'delete', 'insert')),
    before jsonb,
    after jsonb,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT current_user
);
CREATE INDEX ON tgintegrity.journal (run, id);
COMMENT ON TABLE tgintegrity.journal IS
    'What pytest-tgintegrity changed: one row per changed row. Values are text, so that any type survives.';
""")

BEGIN_RUN = sql.SQL("INSERT INTO tgintegrity.run (id, kind, undoes, plan) VALUES ($1, $2, $3, $4)")
END_RUN = sql.SQL("UPDATE tgintegrity.run SET finished_at = pg_catalog.clock_timestamp() WHERE id = $1")

ENTER = sql.SQL("""
INSERT INTO tgintegrity.journal (run, rule, "table", key, op, before, after)
SELECT $1, one.rule, one."table", one.key, one.op, nullif(one.before, '{}'), nullif(one.after, '{}')
FROM pg_catalog.jsonb_to_recordset($2::pg_catalog.jsonb) AS one(
    rule pg_catalog.text, "table" pg_catalog.text, key pg_catalog.jsonb, op pg_catalog.text, before pg_catalog.jsonb,
    after pg_catalog.jsonb)
""")

STANDING = sql.SQL("""
WITH RECURSIVE later(id, sign) AS (
    SELECT u.id, 1 FROM tgintegrity.run AS u WHERE u.undoes = $1
    UNION SELECT u.id, -later.sign FROM tgintegrity.run AS u JOIN later ON u.undoes = later.id
), taken AS (
    SELECT e."table", e.key, pg_catalog.sum(later.sign) AS n FROM tgintegrity.journal AS e JOIN later ON later.id = e.run GROUP BY 1, 2
), numbered AS (
    SELECT e.*, pg_catalog.row_number() OVER (PARTITION BY e."table", e.key ORDER BY e.id DESC) AS n
    FROM tgintegrity.journal AS e WHERE e.run = $1
)
SELECT e.id, e.rule, e."table", e.key, e.op, coalesce(e.before, '{}'), coalesce(e.after, '{}')
FROM numbered AS e LEFT JOIN taken USING ("table", key) WHERE e.n > coalesce(taken.n, 0) ORDER BY e.id DESC
""")
"""The entries of a run that stand.

An undo takes back the newest entries of a row, so that those are left out, unless the undo was undone itself.
"""

_STANDING_ROWS = sql.SQL("""
WITH RECURSIVE later(root, id, sign) AS (
    SELECT run.id, run.id, 1 FROM tgintegrity.run
    UNION SELECT later.root, u.id, -later.sign FROM tgintegrity.run AS u JOIN later ON u.undoes = later.id
), entries AS (
    SELECT run, pg_catalog.count(*) AS n, pg_catalog.count(DISTINCT "table") AS tables, pg_catalog.max(id) AS newest FROM tgintegrity.journal GROUP BY run
), standing AS (
    SELECT later.root, pg_catalog.sum(later.sign * entries.n) AS n FROM later JOIN entries ON entries.run = later.id GROUP BY 1
)
""")

FIXES = _STANDING_ROWS + sql.SQL("""
SELECT run.id FROM tgintegrity.run JOIN standing ON standing.root = run.id JOIN entries ON entries.run = run.id
WHERE run.kind = 'fix' AND standing.n > 0 ORDER BY entries.newest DESC LIMIT 2
""")
"""The newest run that is not wholly undone, and the one before it."""

RUNS = _STANDING_ROWS + sql.SQL("""
SELECT run.id, run.kind, run.undoes, run.by, run.started_at, run.finished_at, coalesce(entries.n, 0),
       coalesce(entries.tables, 0), (SELECT u.id FROM tgintegrity.run AS u WHERE u.undoes = run.id
                                     ORDER BY u.started_at DESC, u.id LIMIT 1), coalesce(standing.n, 0)::pg_catalog.int8
FROM tgintegrity.run LEFT JOIN standing ON standing.root = run.id LEFT JOIN entries ON entries.run = run.id
ORDER BY run.started_at DESC LIMIT $1
""")

STANDS = _STANDING_ROWS + sql.SQL("SELECT coalesce((SELECT n FROM standing WHERE root = $1), 0)::pg_catalog.int8")
"""How many rows of a run were not taken back."""

TRANSACTION = sql.SQL("SELECT pg_catalog.txid_current()")
STATUS = sql.SQL("SELECT pg_catalog.txid_status($1)")

KNOWN_RUN = sql.SQL("SELECT kind FROM tgintegrity.run WHERE id = $1")

_LOCK = "pg_catalog.hashtext('pytest-tgintegrity'), pg_catalog.hashtext('fix')"
ALONE = sql.SQL(f"SELECT pg_catalog.pg_try_advisory_xact_lock({_LOCK})")
HOLDERS = sql.SQL(f"""
SELECT l.pid, coalesce(a.usename::pg_catalog.text, 'somebody')
FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND ARRAY[l.classid::pg_catalog.int8, l.objid::pg_catalog.int8] = ARRAY(
      SELECT key & 4294967295 FROM pg_catalog.unnest(ARRAY[{_LOCK}]::pg_catalog.int8[]) WITH ORDINALITY AS k(key, n)
      ORDER BY n)
ORDER BY 1
""")  # noqa: S608 - only numbers of ours are filled in
"""Who holds the lock that keeps others from fixing; the server shows its two halves as numbers without sign."""
