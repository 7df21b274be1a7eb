"""Whether tables are still what the snapshot knows: in rewritten or replaced tables it sees no rows, or wrong ones.

A scan reads the current files and columns of a table, but only rows that the snapshot sees. Its transaction keeps a lock
on all tables that it read, so they cannot change after the scan any more. Functions such as ``pg_relation_filenode`` show
the current state, the tables of the catalogs the state that the snapshot sees.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.connections.loan import Connection
from pytest_tgintegrity.database.connections.reader import Reader
from pytest_tgintegrity.errors import NotEvaluated

_FIRST_OID = 16_384

_CHANGED = f"""
WITH held AS MATERIALIZED (
    SELECT DISTINCT l.relation AS oid FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.pid = pg_backend_pid() AND l.relation >= {_FIRST_OID}
), looked_at AS MATERIALIZED (
    SELECT oid FROM held
    UNION SELECT oid FROM pg_class WHERE {{all}}
    AND oid >= {_FIRST_OID} AND relkind IN ('r', 'p', 'm') AND relpersistence <> 't'
), known AS MATERIALIZED (
    SELECT h.oid, c.oid IS NULL AS made, c.relkind, c.relfilenode, c.relhassubclass, n.nspname, c.relname,
           now.object_names AS names
    FROM looked_at h
    LEFT JOIN pg_class c ON c.oid = h.oid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL pg_identify_object_as_address('pg_class'::regclass, h.oid, 0) AS now
    WHERE now.type IN ('table', 'materialized view', 'foreign table', 'relation')
)
SELECT coalesce(nspname, names[1]), coalesce(relname, names[2]),
       made
       OR ARRAY[nspname, relname]::text[] IS DISTINCT FROM names
       OR relkind IN ('r', 'm') AND relfilenode::oid IS DISTINCT FROM pg_relation_filenode(oid)::oid
       OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.oid AND a.attnum > 0 AND NOT a.attisdropped
                  AND a.attname::text IS DISTINCT FROM
                      (pg_identify_object_as_address('pg_class'::regclass, k.oid, a.attnum)).object_names[3])
       OR relkind = 'p' AND ARRAY(SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = k.oid ORDER BY 1)
          IS DISTINCT FROM ARRAY(SELECT t.relid::oid FROM pg_partition_tree(k.oid) t WHERE t.level = 1 ORDER BY 1),
       relkind = 'r' AND relhassubclass AND oid IN (SELECT h.oid FROM held h) AND EXISTS (
           SELECT FROM pg_inherits i WHERE i.inhparent = k.oid AND i.inhrelid NOT IN (SELECT h.oid FROM held h))
FROM known k
"""


def changed(reader: Reader, *, everywhere: bool = False) -> frozenset[str] | Failure:
    """The tables read by this transaction (`everywhere`: all tables) that are no longer what its snapshot knows."""
    rows = _compared(reader, everywhere=everywhere)
    if isinstance(rows, Failure):
        return rows
    parents = [(schema, name) for schema, name, _, childless in rows if childless]
    rewritten = frozenset(f"{schema}.{name}" for schema, name, is_changed, _ in rows if is_changed)
    lost = _lost_children(reader, parents) if parents else frozenset()
    return lost if isinstance(lost, Failure) else rewritten | lost


@contextlib.contextmanager
def fresh(reader: Reader) -> Iterator[Connection]:
    """A connection for a test; afterwards the tables that it read are compared with what the snapshot knows.

    Raises `NotEvaluated` at the end if one was rewritten or replaced. Where the test gave up locks, every changed table
    counts, as the test may have read it.
    """
    with reader.lent() as connection:
        begun, factories = reader.begun, (connection.row_factory, connection.cursor_factory)
        yield connection
        connection.row_factory, connection.cursor_factory = factories  # the test may have set others
    rewritten = changed(reader, everywhere=connection.lost_locks or connection.closed or reader.begun > begun)
    if isinstance(rewritten, Failure):
        raise NotEvaluated(f"whether what it read is what the snapshot knows cannot be told: {rewritten.reason}")
    if rewritten:
        raise NotEvaluated(
            f"what it read was rewritten or replaced after the snapshot, which may see no rows there: {', '.join(sorted(rewritten))};"
            " run it again"
        )


def _compared(reader: Reader, *, everywhere: bool) -> Sequence[tuple[str, str, bool, bool]] | Failure:
    answer = reader.ask_catalogs(sql.SQL(_CHANGED.format(all=everywhere)), timeout=reader.allows(None))
    return answer if isinstance(answer, Failure) else [(row[0], row[1], row[2], row[3]) for row in answer.rows]


def _lost_children(reader: Reader, parents: Iterable[tuple[str, str]]) -> frozenset[str] | Failure:
    """Parents of which a child was not read because it is no longer their child.

    A child may also be unread because the rule reads the parent by ``ONLY``. So each parent is queried, which locks its
    current children: what is still not locked afterwards is lost.
    """
    reach = [sql.SQL("SELECT FROM {} LIMIT 0").format(sql.Identifier(*parent)) for parent in parents]
    for reached in reader.ask(reach):
        if isinstance(reached, Failure):
            return reached
    rows = _compared(reader, everywhere=False)
    if isinstance(rows, Failure):
        return rows
    return frozenset(f"{schema}.{name}" for schema, name, _, childless in rows if childless)
