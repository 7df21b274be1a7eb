"""Damages of rules about a pinned schema: of each kind of object one is lost or changed, in PostgreSQL's catalogs. Pure."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from pytest_tgintegrity.planning.sql.compose import raw
from pytest_tgintegrity.proving.damage.derive import Attempts, ProofSubject, derived
from pytest_tgintegrity.rules.kinds import UNPINNED, Pinned

_OURS: Final = (
    "relnamespace IN (SELECT oid FROM pg_catalog.pg_namespace"
    " WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'tgintegrity'))"
)
_RELATIONS: Final = f"(SELECT oid FROM pg_catalog.pg_class WHERE {_OURS} AND relkind IN ('r', 'p'))"
_DEFERRED: Final = "condeferrable = NOT condeferrable, condeferred = FALSE"
_TYPES: Final = f"typnamespace IN (SELECT relnamespace FROM pg_catalog.pg_class WHERE {_OURS})"

_DAMAGES: Final = {
    "table": ("pg_class", "relname = 'tgintegrity'", f"{_OURS} AND relkind = 'r' AND NOT relispartition AND NOT relhassubclass"),
    "column": ("pg_attribute", "attname = 'tgintegrity'", f"attrelid IN {_RELATIONS} AND attnum > 0 AND NOT attisdropped"),
    "primary_key": ("pg_constraint", _DEFERRED, f"conrelid IN {_RELATIONS} AND contype = 'p'"),
    "foreign_key": ("pg_constraint", _DEFERRED, f"conrelid IN {_RELATIONS} AND contype = 'f' AND conparentid = 0"),
    "unique": ("pg_constraint", _DEFERRED, f"conrelid IN {_RELATIONS} AND contype = 'u'"),
    "check": ("pg_constraint", "convalidated = NOT convalidated", f"conrelid IN {_RELATIONS} AND contype = 'c' AND coninhcount = 0"),
    "exclusion": ("pg_constraint", _DEFERRED, f"conrelid IN {_RELATIONS} AND contype = 'x'"),
    "index": ("pg_index", "indisvalid = NOT indisvalid", f"indrelid IN {_RELATIONS} AND NOT indisunique"),
    "sequence": ("pg_sequence", "seqcycle = NOT seqcycle", f"seqrelid IN (SELECT oid FROM pg_catalog.pg_class WHERE {_OURS})"),
    "trigger": ("pg_trigger", "tgenabled = 'R'", f"tgrelid IN {_RELATIONS} AND NOT tgisinternal AND tgenabled <> 'R'"),
    "rule": ("pg_rewrite", "ev_enabled = 'R'", f"ev_class IN {_RELATIONS} AND rulename <> '_RETURN' AND ev_enabled <> 'R'"),
    "policy": ("pg_policy", "polpermissive = NOT polpermissive", f"polrelid IN {_RELATIONS}"),
    "partition": ("pg_class", "relname = 'tgintegrity'", f"{_OURS} AND relispartition AND relkind = 'r'"),
    "domain": ("pg_type", "typnotnull = NOT typnotnull", f"typtype = 'd' AND {_TYPES}"),
    "enum": ("pg_enum", "enumlabel = 'tgintegrity'", f"enumtypid IN (SELECT oid FROM pg_catalog.pg_type WHERE {_TYPES})"),
}  # fmt: skip
"""The catalog of each kind, what changes an object, and which objects may be changed."""

CREATED: Final = sql.SQL("CREATE TABLE public.tgintegrity_unpinned ()")


@derived.register(Pinned)
def _pinned(kind: Pinned, _: ProofSubject, /) -> Attempts:
    return Attempts(statements=(pinned_damage(kind),))


def pinned_damage(kind: Pinned) -> sql.Composable:
    """A statement that changes one object of a kind and returns a row, or adds one; for a superuser who may write to catalogs."""
    if kind.what == UNPINNED:
        return CREATED
    catalog, change, ours = _DAMAGES[kind.what]
    return sql.SQL(
        "UPDATE pg_catalog.{catalog} SET {change} WHERE ctid = (SELECT ctid FROM pg_catalog.{catalog} WHERE {ours} LIMIT 1) RETURNING 1"
    ).format(catalog=raw(catalog), change=raw(change), ours=raw(ours))
