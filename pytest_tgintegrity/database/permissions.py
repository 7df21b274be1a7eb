"""Ask the server which grants are missing, where it refused to let rules read."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from pytest_tgintegrity.database.connections.answers import Failure
from pytest_tgintegrity.database.grants import INSUFFICIENT_PRIVILEGE, UNDEFINED_TABLE, Path, Privilege, grants
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.errors import TgIntegrityError
from pytest_tgintegrity.judging.summary import RuleResult
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.sql.compose import Value

PRIVILEGES = """
SELECT n.nspname, c.relname, pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(c.relname),
       pg_catalog.has_schema_privilege(n.oid, 'USAGE'), pg_catalog.has_table_privilege(c.oid, 'SELECT'),
       n.nspname = CURRENT_USER AND path.names @> ARRAY['"$user"'] OR path.names @> ARRAY[pg_catalog.quote_ident(n.nspname)],
       c.relispartition, pg_catalog.quote_ident(CURRENT_USER)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
     pg_catalog.regexp_split_to_array(pg_catalog.current_setting('search_path'), '\\s*,\\s*') AS path(names)
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ANY ({})
ORDER BY 1, 2
"""


def missing_grants(run: Run, rules: Iterable[RuleResult]) -> list[str]:
    """The statements that allow refused rules to be judged, as far as the catalog shows."""
    refused, unseen = _wanted(rules, run.facts)
    schemas = sorted({schema for schema, _ in {*refused, *unseen}})
    if not schemas:
        return []
    try:
        with run.reader() as reader:
            (answer,) = reader.ask([sql.SQL(PRIVILEGES).format(Value(schemas))])
            rows = [] if isinstance(answer, Failure) else answer.rows
    except TgIntegrityError:
        return []
    privileges = [Privilege((row[0], row[1]), *row[2:8]) for row in rows]
    hidden = {
        privilege.path
        for privilege in privileges
        if privilege.path in unseen and privilege.on_path and not privilege.usage
    }
    return grants(privileges, refused | hidden, rows[0][8]) if rows else []


def _wanted(rules: Iterable[RuleResult], facts: Facts) -> tuple[set[Path], set[Path]]:
    """The tables of rules that were refused, and the tables that have the name of a missing one."""
    refused: set[str] = set()
    unknown: set[str] = set()
    for rule in rules:
        if rule.sqlstate == INSUFFICIENT_PRIVILEGE:
            refused.update(rule.sources)
        elif rule.sqlstate == UNDEFINED_TABLE:
            unknown.update(rule.missing)
    known = {table.path for table in facts.tables.values()}
    paths = {table.path for name in refused if (table := facts.table(name)) is not None}
    return paths, {path for path in known if path[1] in unknown}
