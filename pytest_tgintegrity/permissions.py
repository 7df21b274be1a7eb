"""Ask the server which grants are missing, where it refused to let rules read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import sql

from pytest_tgintegrity.database import Failure
from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.grants import INSUFFICIENT_PRIVILEGE, UNDEFINED_TABLE, Path, Right, grants
from pytest_tgintegrity.predicates import Value
from pytest_tgintegrity.run import Run
from pytest_tgintegrity.schema import Facts

RIGHTS = """
SELECT n.nspname, c.relname, pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname),
       pg_catalog.has_schema_privilege(n.oid, 'USAGE'), pg_catalog.has_table_privilege(c.oid, 'SELECT'),
       n.nspname = CURRENT_USER AND path.names @> ARRAY['"$user"'] OR path.names @> ARRAY[pg_catalog.quote_ident(n.nspname)],
       c.relispartition, pg_catalog.quote_ident(CURRENT_USER)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
     pg_catalog.regexp_split_to_array(pg_catalog.current_setting('search_path'), '\\s*,\\s*') AS path(names)
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ANY ({})
ORDER BY 1, 2
"""


def missing_grants(run: Run, rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """The statements after which rules that were refused can be judged, as far as the catalog tells."""
    refused, unseen = _wanted(rules, run.facts)
    schemas = sorted({schema for schema, _ in {*refused, *unseen}})
    if not schemas:
        return []
    try:
        with run.reader() as reader:
            (answer,) = reader.ask([sql.SQL(RIGHTS).format(Value(schemas))])
            rows = [] if isinstance(answer, Failure) else answer.rows
    except TgIntegrityError:
        return []
    rights = [Right((row[0], row[1]), *row[2:8]) for row in rows]
    hidden = {one.path for one in rights if one.path in unseen and one.on_path and not one.usage}
    return grants(rights, refused | hidden, rows[0][8]) if rows else []


def _wanted(rules: Iterable[Mapping[str, Any]], facts: Facts) -> tuple[set[Path], set[Path]]:
    """The tables of rules that were refused, and those by the name of one that was not found."""
    refused: set[str] = set()
    unknown: set[str] = set()
    for one in rules:
        if one.get("sqlstate") == INSUFFICIENT_PRIVILEGE:
            refused.update(one["sources"])
        elif one.get("sqlstate") == UNDEFINED_TABLE:
            unknown.update(one.get("missing", ()))
    known = {table.path for table in facts.tables.values()}
    found = {table.path for name in refused if (table := facts.table(name)) is not None}
    return found, {path for path in known if path[1] in unknown}
