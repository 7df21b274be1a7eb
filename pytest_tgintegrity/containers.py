"""SQL about types within types: which values hold values of a domain, and in which columns they stand."""

from __future__ import annotations


def _type(alias: str, schema: str) -> str:
    return f"pg_catalog.concat(pg_catalog.quote_ident({schema}.nspname), '.', pg_catalog.quote_ident({alias}.typname))"


BASED = """SELECT own, base FROM (
    WITH RECURSIVE below(own, base, next, typtype) AS (
        SELECT oid, oid, typbasetype, typtype FROM pg_catalog.pg_type
        UNION ALL SELECT b.own, t.oid, t.typbasetype, t.typtype FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.next
    ) SELECT own, base FROM below WHERE typtype <> 'd') AS based"""
"""Each type with the one that is no domain below it."""

HELD = f"""
    tgi_edge(inner_type, outer_type, step) AS MATERIALIZED (
        SELECT t.typbasetype, t.oid, NULL::pg_catalog.jsonb FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
        UNION ALL
        SELECT held.inner_type, held.outer_type,
               pg_catalog.jsonb_build_array(held.into, {_type("t", "n")}, {_type("i", "ni")}, held.field)
        FROM (
            SELECT typelem AS inner_type, oid AS outer_type, 'elements' AS into, '' AS field
            FROM pg_catalog.pg_type WHERE typelem <> 0 AND typtype = 'b'
            UNION ALL
            SELECT a.atttypid, c.reltype, 'field', a.attname::pg_catalog.text
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
            WHERE a.attnum > 0 AND NOT a.attisdropped AND c.reltype <> 0
            UNION ALL SELECT rngsubtype, rngtypid, 'bounds', '' FROM pg_catalog.pg_range
            UNION ALL SELECT rngtypid, pg_catalog.jsonb_extract_path_text(pg_catalog.to_jsonb(r), 'rngmultitypid')::pg_catalog.oid, 'ranges', ''
            FROM pg_catalog.pg_range r
        ) AS held JOIN pg_catalog.pg_type t ON t.oid = held.outer_type JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        JOIN pg_catalog.pg_type i ON i.oid = held.inner_type JOIN pg_catalog.pg_namespace ni ON ni.oid = i.typnamespace
    ),
    tgi_built(domain, type, steps) AS (
        SELECT oid, oid, '[]'::pg_catalog.jsonb FROM pg_catalog.pg_type WHERE typtype = 'd'
        UNION ALL
        SELECT b.domain, e.outer_type,
               CASE WHEN e.step IS NULL THEN b.steps ELSE pg_catalog.jsonb_build_array(e.step) || b.steps END
        FROM tgi_built b JOIN tgi_edge e ON e.inner_type = b.type
    )"""
"""Each domain with all types that hold values of it, and the steps from these to them; for ``WITH RECURSIVE``."""

OF_DOMAINS = f"""SELECT * FROM (
    WITH RECURSIVE {HELD}
    SELECT DISTINCT attrelid AS relid, conname AS name, pg_catalog.concat('constraint ', conname, ' of the domain ', typname) AS object,
           CASE WHEN NOT convalidated THEN 'NOT VALID' END AS problem
    FROM pg_catalog.pg_constraint JOIN tgi_built ON domain = contypid JOIN pg_catalog.pg_attribute ON atttypid = type
    JOIN pg_catalog.pg_type ON pg_type.oid = contypid JOIN pg_catalog.pg_class AS used ON used.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND used.relkind IN ('r', 'p', 'm', 'f')) AS held"""
"""The constraints of domains, for each table that holds values of the domain."""
