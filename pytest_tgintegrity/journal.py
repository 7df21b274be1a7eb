"""The journal: what fixes changed, in tables of its own schema, from which they are undone. SQL only; nothing connects.

`tgintegrity.run` has a row for each ``--fix`` and ``--undo``, `tgintegrity.journal` one for each row that they changed.
"""

from __future__ import annotations

from psycopg import sql

VERSION = 1

EXISTS = sql.SQL("SELECT to_regclass('tgintegrity.version') IS NOT NULL")
READ_VERSION = sql.SQL("SELECT version FROM tgintegrity.version")

HAS_SCHEMA = sql.SQL("SELECT to_regnamespace('tgintegrity') IS NOT NULL")
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
END_RUN = sql.SQL("UPDATE tgintegrity.run SET finished_at = clock_timestamp() WHERE id = $1")

ENTER = sql.SQL("""
INSERT INTO tgintegrity.journal (run, rule, "table", key, op, before, after)
SELECT $1, one.rule, one."table", one.key, one.op, nullif(one.before, '{}'), nullif(one.after, '{}')
FROM jsonb_to_recordset($2::jsonb) AS one(rule text, "table" text, key jsonb, op text, before jsonb, after jsonb)
""")

ENTRIES = sql.SQL("""
SELECT id, rule, "table", key, op, coalesce(before, '{}'), coalesce(after, '{}') FROM tgintegrity.journal
WHERE run = $1 AND id < $2 ORDER BY id DESC LIMIT $3
""")

LAST_RUN = sql.SQL("""
SELECT run.id FROM tgintegrity.run AS run
WHERE run.kind = 'fix' AND NOT EXISTS (SELECT FROM tgintegrity.run AS u WHERE u.undoes = run.id)
  AND EXISTS (SELECT FROM tgintegrity.journal AS entry WHERE entry.run = run.id)
ORDER BY run.started_at DESC LIMIT 1
""")

RUNS = sql.SQL("""
SELECT run.id, run.kind, run.undoes, run.by, run.started_at, run.finished_at, count(entry.id),
       count(DISTINCT entry."table"), (SELECT min(u.id) FROM tgintegrity.run AS u WHERE u.undoes = run.id)
FROM tgintegrity.run AS run LEFT JOIN tgintegrity.journal AS entry ON entry.run = run.id
GROUP BY run.id ORDER BY run.started_at DESC LIMIT $1
""")

KNOWN_RUN = sql.SQL("SELECT kind FROM tgintegrity.run WHERE id = $1")

ALONE = sql.SQL("SELECT pg_try_advisory_xact_lock(hashtext('pytest-tgintegrity'), hashtext('fix'))")
