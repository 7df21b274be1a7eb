"""Search paths: what names of SQL mean, that of rules and our own. SQL only; nothing connects.

Whoever may create in a schema that is searched before ``pg_catalog`` would say what ``=`` and ``now()`` are in whatever
we run. So the server's own come first, as they do unless somebody lists ``pg_catalog`` elsewhere; statements that are sent
before that is seen to name everything with its schema, operators too.
"""

from __future__ import annotations

from typing import Final

SERVER: Final = "pg_catalog, pg_temp"
"""Where nothing but what is the server's is found without its schema."""

_LOOKING: Final = """coalesce((
    SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(one.name), ', ' ORDER BY one.n), '')
    FROM pg_catalog.unnest(pg_catalog.current_schemas(true)) WITH ORDINALITY AS one(name, n)
    WHERE one.name OPERATOR(pg_catalog.<>) 'pg_catalog'
    HAVING (pg_catalog.current_schemas(true))[1] OPERATOR(pg_catalog.<>) 'pg_catalog'
), pg_catalog.current_setting('search_path'))"""
"""The path of the role, but ``pg_catalog`` first."""

LOOK: Final = f"pg_catalog.set_config('search_path', {_LOOKING}, true)"
"""Look on the path of the role for the rest of the transaction."""

KEEP: Final = f"""
SELECT pg_catalog.set_config('tgintegrity.looking_path', {_LOOKING}, true),
       pg_catalog.set_config('tgintegrity.search_path', pg_catalog.current_setting('search_path'), true),
       pg_catalog.set_config('search_path', '{SERVER}', true)
"""
"""From now on the server's own path; that of the role is kept."""

_BACK: Final = "SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('tgintegrity.{}_path'), true)"
LOOK_AGAIN: Final = _BACK.format("looking")
"""That of the role again, but ``pg_catalog`` first."""

OWN: Final = _BACK.format("search")
"""That of the role again, to the letter."""

OURS: Final = f"SELECT pg_catalog.set_config('search_path', '{SERVER}', true)"
"""The server's own path again."""
