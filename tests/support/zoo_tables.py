"""Keys, names, tables, columns, constraints, triggers and rewrite rules: a table each, some of whose rows are bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from zoo import Zoo, literal, quoted

FILLED: Final = "INSERT INTO $T (id, bad, note) SELECT i, i % 2 = 0, 'note ' || i FROM generate_series(1, 6) AS i;"
PLAIN: Final = "CREATE TABLE $T (id int PRIMARY KEY, bad bool, note text);"
TRIGGERED: Final = (
    PLAIN + FILLED + "CREATE FUNCTION f_$N() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN $BODY END $$;"
    "CREATE $WHAT TRIGGER tr_$N $WHEN ON $T $HOW EXECUTE FUNCTION f_$N();"
)


@dataclass(frozen=True)
class Situation:
    """A table named `name` (in a script: ``$T``; other things end in ``$N``) with the columns `bad` and `note`.

    `fixes` are what is tried on its bad rows, `needs` is what the server may lack. `told` says that an undo may leave rows,
    if it says why: the server does not take them back, whoever writes them.
    """

    words: str
    script: str
    name: str = ""
    schema: str = "public"
    key: tuple[str, ...] = ("id",)
    fixes: tuple[str, ...] = ("update", "delete")
    sets: Mapping[str, str] = field(default_factory=lambda: {"note": "note || '!'", "bad": "false"})
    allows: tuple[str, ...] = ()
    needs: str = ""
    told: bool = False
    fixed: bool = False


ODD_NAMES: Final = (
    'we"ird', "per%cent", "per%(x)s", "brace{d}", "{}", "line\nbreak", "dot.ted", "Ümlaut", "n" * 63, "select", "user",
    "a b", "CamelCase", "tgi_0", "tgi_row", "mine", "$1", "it's", "--", "/*", "back\\slash", "ключ", "public", "a;b", "",
    "pg_class", "journal", "tgi_found",
)  # fmt: skip


def names() -> Iterator[Situation]:
    """Odd names of tables, columns and schemas."""
    for name in filter(None, ODD_NAMES):
        yield Situation(f"a table named {name!r}", PLAIN + FILLED, name=name, fixed=True)
        column = quoted(name)
        yield Situation(
            f"a column named {name!r}",
            f"CREATE TABLE $T (id int PRIMARY KEY, bad bool, note text, {column} text);" + FILLED
            + f"UPDATE $T SET {column} = 'it' || id;",
            fixed=True,
        )  # fmt: skip
        yield Situation(
            f"a key named {name!r}",
            f"CREATE TABLE $T ({column} int PRIMARY KEY, bad bool, note text);" + FILLED.replace("(id,", f"({column},"),
            key=(name,),
            fixed=True,
        )
    for number, schema in enumerate(("sch.ema", 'sch"ema', "Schema", "select", "far away")):
        made = f"CREATE SCHEMA {quoted(schema)};"
        yield Situation(f"a schema named {schema!r}", made + PLAIN + FILLED, f"inside{number}", schema, fixed=True)
    twice = "CREATE TABLE zoo_far.$Q (id int PRIMARY KEY, bad bool, note text); INSERT INTO zoo_far.$Q VALUES (2, true, 'far');"
    yield Situation("the same name in two schemas", PLAIN + FILLED + twice, fixed=True)
    yield Situation(
        "the same name in two schemas, the far one",
        "CREATE SCHEMA zoo_far2;" + twice + PLAIN + FILLED,
        "far_one",
        "zoo_far2",
        fixed=True,
    )


def keys(zoo: Zoo) -> Iterator[Situation]:
    """Every type that a key can have, and keys that are none."""
    for sort in zoo.plain():
        if sort.ordered:
            rows = ", ".join(
                f"({literal(value)}, {n % 2 == 0}, 'note {n}')" for n, value in enumerate(sort.values[:14])
            )
            script = (
                f"CREATE TABLE $T (k {sort.spelled} PRIMARY KEY, bad bool, note text);"
                f"INSERT INTO $T VALUES {rows} ON CONFLICT DO NOTHING;"
            )
            yield Situation(f"a key of type {sort.of}", script, key=("k",), fixed=True)
    of = "CREATE TABLE $T ({}, bad bool, note text{}); INSERT INTO $T SELECT {}, i % 2 = 0, 'note' FROM generate_series(1, 6) AS i;"
    for words, columns, more, values, key in (
        ("char and int", "a char(3), b int", ", PRIMARY KEY (b, a)", "'D', i", ("b", "a")),
        ("a moment and a number", "a timestamptz(0), b numeric(10,2)", ", PRIMARY KEY (a, b)", "now(), i / 3.0", ("a", "b")),
        ("three columns", "a int, b text, c uuid", ", PRIMARY KEY (c, a, b)", "1, 'D ' || i, gen_random_uuid()", ("c", "a", "b")),
        ("arrays", "a int[], b char(2)[]", ", PRIMARY KEY (a, b)", "ARRAY[i, NULL], ARRAY['D', 'AT']", ("a", "b")),
        ("a deferrable key", "a int", ", PRIMARY KEY (a) DEFERRABLE INITIALLY DEFERRED", "i", ("a",)),
        ("a key that includes", "a int, b char(3)", ", PRIMARY KEY (a) INCLUDE (b)", "i, 'D'", ("a",)),
        ("a key that is generated", "a int, b int GENERATED ALWAYS AS (a * 2) STORED", ", PRIMARY KEY (b)", "i", ("b",)),
        ("an unsorted collation", 'a text COLLATE "POSIX"', ", PRIMARY KEY (a)", "'é' || i", ("a",)),
    ):  # fmt: skip
        script = of.format(columns, more, values)
        if "generated" in words:
            script = script.replace("INSERT INTO $T SELECT", "INSERT INTO $T (a, bad, note) SELECT")
        yield Situation(f"key of {words}", script, key=key, fixed="generated" not in words)
    yield Situation(
        "a key whose collation takes A for a",
        "CREATE COLLATION blind_$N (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "CREATE TABLE $T (k text COLLATE blind_$N PRIMARY KEY, bad bool, note text);"
        "INSERT INTO $T VALUES ('a', true, 'x'), ('B', false, 'y'), ('é', true, 'z');",
        key=("k",), needs="collations of ICU", fixed=True,
    )  # fmt: skip
    yield Situation("no key", "CREATE TABLE $T (id int, bad bool, note text);" + FILLED * 2)
    yield Situation(
        "no key, but a unique index", "CREATE TABLE $T (id int NOT NULL UNIQUE, bad bool, note text);" + FILLED
    )
    yield Situation("its key is written", PLAIN + FILLED, sets={"id": "id + 100", "bad": "false"}, fixes=("update",))
    yield Situation("keys change places", PLAIN + FILLED, sets={"id": "8 - id", "bad": "false"}, fixes=("update",))


def columns() -> Iterator[Situation]:
    """Columns that the server fills in, or that are not there any more."""
    of = "CREATE TABLE $T (gone int, {}, gap text, bad bool, note text); ALTER TABLE $T DROP COLUMN gone, DROP COLUMN gap;"
    identity = FILLED.replace(" SELECT", " OVERRIDING SYSTEM VALUE SELECT")
    for words, declared, filled in (
        ("identity always, after a dropped one", "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY", identity),
        ("identity by default", "id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", FILLED),
        ("serial", "id serial PRIMARY KEY", FILLED),
        ("an identity beside the key", "id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY", FILLED),
        ("generated", "id int PRIMARY KEY, g text GENERATED ALWAYS AS ((id * 2)::text) STORED", FILLED),
        ("generated of what is written", "id int PRIMARY KEY, g int GENERATED ALWAYS AS (length(note)) STORED", FILLED),
        ("a random default", "id int PRIMARY KEY, d uuid DEFAULT gen_random_uuid()", FILLED),
        ("a default of now", "id int PRIMARY KEY, d timestamptz DEFAULT now(), e text DEFAULT 'x'", FILLED),
        ("a default where NULL is stored", "id int PRIMARY KEY, d text DEFAULT 'x'", FILLED + "UPDATE $T SET d = NULL;"),
        ("a domain's default where NULL is stored", "id int PRIMARY KEY, d feeling", FILLED + "UPDATE $T SET d = NULL;"),
        ("an identity of a domain's default", "id int PRIMARY KEY, d feeling DEFAULT 'sad'", FILLED),
    ):  # fmt: skip
        yield Situation(words, of.format(declared) + filled, fixed="generated of" not in words)
    yield Situation(
        "generated virtually",
        "CREATE TABLE $T (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id * 2) VIRTUAL, bad bool, note text);" + FILLED,
        needs="virtual generated columns", fixed=True,
    )  # fmt: skip
    many = ", ".join(f"c{n} int" for n in range(1597))
    yield Situation("1600 columns", f"CREATE TABLE $T (id int PRIMARY KEY, bad bool, note text, {many});" + FILLED)
    yield Situation("columns of a megabyte", PLAIN + FILLED + "UPDATE $T SET note = repeat(note, 100000);")
    yield Situation(
        "a column of a type that casts to text differently",
        'CREATE TABLE $T (id int PRIMARY KEY, bad bool, note text, c "char", n name, i inet, o boolean, x oid);'
        + FILLED + "UPDATE $T SET c = 'a', n = 'b', i = '10.0.0.1', o = true, x = 7;",
        fixed=True,
    )  # fmt: skip
    for of in ("timestamptz(0)", "timestamp(2)"):
        yield Situation(
            f"a value of {of} that the server does not read back",
            f"CREATE TABLE $T (id int PRIMARY KEY, bad bool, note text, v {of});" + FILLED
            + "UPDATE $T SET v = '294276-12-31 23:59:59.999999+00';",
            told=True,
        )  # fmt: skip


def partitions() -> Iterator[Situation]:
    """Tables whose rows lie in others."""
    of = "CREATE TABLE $T (id int, bad bool, note text, PRIMARY KEY (id)) PARTITION BY {};"
    parts = {
        "range": "RANGE (id);CREATE TABLE p_$N_a PARTITION OF $T FOR VALUES FROM (0) TO (4);"
        "CREATE TABLE p_$N_b PARTITION OF $T DEFAULT;",
        "list": "LIST (id);CREATE TABLE p_$N_a PARTITION OF $T FOR VALUES IN (1, 2);CREATE TABLE p_$N_b PARTITION OF $T DEFAULT;",
        "hash": "HASH (id);CREATE TABLE p_$N_a PARTITION OF $T FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE p_$N_b PARTITION OF $T FOR VALUES WITH (MODULUS 2, REMAINDER 1);",
        "range, again by hash": "RANGE (id);CREATE TABLE p_$N_a PARTITION OF $T FOR VALUES FROM (0) TO (4) PARTITION BY HASH (id);"
        "CREATE TABLE p_$N_aa PARTITION OF p_$N_a FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
        "CREATE TABLE p_$N_b (note text, gone int, bad bool, id int NOT NULL);ALTER TABLE p_$N_b DROP COLUMN gone;"
        "ALTER TABLE $T ATTACH PARTITION p_$N_b DEFAULT;",
    }
    for words, declared in parts.items():
        yield Situation(f"partitioned by {words}", (of.format(declared) + FILLED).replace(";;", ";"), fixed=True)
    moved = PLAIN.replace("PRIMARY KEY,", ",").replace(
        "note text)", "note text, PRIMARY KEY (id, bad)) PARTITION BY LIST (bad)"
    )
    yield Situation(
        "a row changes its partition",
        moved
        + "CREATE TABLE p_$N_a PARTITION OF $T FOR VALUES IN (true);CREATE TABLE p_$N_b PARTITION OF $T DEFAULT;"
        + FILLED,
        key=("id", "bad"),
    )
    inherited = PLAIN + "CREATE TABLE child_$N (more text DEFAULT 'm', PRIMARY KEY (id)) INHERITS ($T);" + FILLED
    yield Situation("inherited", inherited + "INSERT INTO child_$N SELECT id + 10, bad, note, 'm' FROM $T;", told=True)
    yield Situation(
        "inherited, the same key twice",
        inherited + "INSERT INTO child_$N SELECT id, bad, note, 'm' FROM $T;",
        told=True,
    )


def tables() -> Iterator[Situation]:
    """Tables that are more than a heap, and views."""
    yield Situation("unlogged", PLAIN.replace("TABLE", "UNLOGGED TABLE") + FILLED, fixed=True)
    yield Situation(
        "of a type",
        "CREATE TYPE type_$N AS (id int, bad bool, note text);CREATE TABLE $T OF type_$N (PRIMARY KEY (id));" + FILLED,
        fixed=True,
    )
    base = "CREATE TABLE base_$N (id int PRIMARY KEY, bad bool, note text);" + FILLED.replace("$T", "base_$N")
    yield Situation("a view", base + "CREATE VIEW $T AS SELECT * FROM base_$N;")
    yield Situation(
        "a view with INSTEAD OF",
        base + "CREATE VIEW $T AS SELECT id, bad, note || '' AS note FROM base_$N;"
        "CREATE FUNCTION f_$N() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM base_$N WHERE id = OLD.id; RETURN OLD; END $$;"
        "CREATE TRIGGER tr_$N INSTEAD OF UPDATE OR DELETE ON $T FOR EACH ROW EXECUTE FUNCTION f_$N();",
    )
    yield Situation("a materialized view", base + "CREATE MATERIALIZED VIEW $T AS SELECT * FROM base_$N;")
    yield Situation(
        "with row security",
        PLAIN
        + FILLED
        + "ALTER TABLE $T ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;CREATE POLICY p ON $T USING (id < 4);",
        fixed=True,
    )


def constraints() -> Iterator[Situation]:
    """Constraints in every state; what rows there are got past them."""
    bad = PLAIN + FILLED + "ALTER TABLE $T ADD CONSTRAINT c_$N CHECK (note <> 'note 2') NOT VALID;"
    yield Situation("a CHECK not valid, over a bad row", bad, told=True)
    yield Situation(
        "a CHECK that forbids what is written",
        PLAIN + FILLED + "ALTER TABLE $T ADD CHECK (note <> 'note 2!');",
        told=True,
    )
    yield Situation(
        "a domain not valid, over a bad row",
        "CREATE DOMAIN domain_of_$N AS text;CREATE TABLE $T (id int PRIMARY KEY, bad bool, note domain_of_$N);" + FILLED
        + "ALTER DOMAIN domain_of_$N ADD CHECK (VALUE <> 'note 2') NOT VALID;",
        told=True,
    )  # fmt: skip
    yield Situation(
        "a CHECK not enforced",
        PLAIN.replace("note text", "note text, CHECK (note <> 'note 2') NOT ENFORCED") + FILLED, needs="NOT ENFORCED", fixed=True,
    )  # fmt: skip
    yield Situation(
        "a key to another table, not enforced",
        PLAIN.replace("note text", "note text, up int DEFAULT 7 REFERENCES zoo_far.hidden NOT ENFORCED") + FILLED,
        needs="NOT ENFORCED", fixed=True,
    )  # fmt: skip
    yield Situation(
        "a key to another table, not valid",
        PLAIN.replace("note text", "note text, up int DEFAULT 7") + FILLED
        + "ALTER TABLE $T ADD FOREIGN KEY (up) REFERENCES zoo_far.hidden NOT VALID;",
        told=True,
    )  # fmt: skip


def uniqueness() -> Iterator[Situation]:
    """Constraints on what no two rows may share."""
    yield Situation(
        "unique, deferred", PLAIN.replace("note text", "note text UNIQUE DEFERRABLE INITIALLY DEFERRED") + FILLED
    )
    yield Situation("unique, so that none fits", PLAIN.replace("note text", "note text UNIQUE") + FILLED,
                    sets={"note": "'same'", "bad": "false"}, told=True)  # fmt: skip
    yield Situation(
        "values change places under UNIQUE",
        PLAIN.replace("note text", "note text, n int UNIQUE") + FILLED + "UPDATE $T SET n = id;",
        sets={"n": "8 - n", "bad": "false"}, fixes=("update",), told=True,
    )  # fmt: skip
    yield Situation(
        "exclusion",
        PLAIN.replace("note text", "note text, r int4range, EXCLUDE USING gist (r WITH &&)") + FILLED
        + "UPDATE $T SET r = int4range(id, id + 1);",
        sets={"r": "'[100,200)'", "bad": "false"}, told=True,
    )  # fmt: skip
    yield Situation(
        "a key without overlaps",
        "CREATE TABLE $T (id int4range, at int4range, bad bool, note text, PRIMARY KEY (id, at WITHOUT OVERLAPS));"
        "INSERT INTO $T SELECT int4range(i, i + 1), '[1,5)', i % 2 = 0, 'n' FROM generate_series(1, 6) AS i;",
        key=("id", "at"), needs="keys WITHOUT OVERLAPS",
    )  # fmt: skip


ACTIONS: Final = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")


def references() -> Iterator[Situation]:
    """What hangs on a row that is deleted, or whose key changes."""
    for action in ACTIONS:
        for state in ("", " DEFERRABLE INITIALLY DEFERRED"):
            child = (
                f"CREATE TABLE child_$N (id int PRIMARY KEY, up int DEFAULT 1 REFERENCES $T ON DELETE {action}{state});"
                "INSERT INTO child_$N SELECT i, i FROM generate_series(1, 4) AS i;"
            )
            yield Situation(f"ON DELETE {action}{state}", PLAIN + FILLED + child, told=action in ACTIONS[:2])
            on = (
                f"CREATE TABLE child_$N (id int PRIMARY KEY, up int DEFAULT 1 REFERENCES $T (code) ON UPDATE {action}{state});"
                "INSERT INTO child_$N SELECT i, i FROM generate_series(1, 4) AS i;"
            )
            coded = PLAIN.replace("note text", "note text, code int UNIQUE") + FILLED + "UPDATE $T SET code = id;"
            yield Situation(
                f"ON UPDATE {action}{state}", coded + on, fixes=("update",), told=True,
                sets={"code": "code + 100", "bad": "false"},
            )  # fmt: skip
    for state in ("", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"):
        chain = (
            f"CREATE TABLE $T (id int PRIMARY KEY, bad bool, note text, up int REFERENCES $T{state});"
            "INSERT INTO $T SELECT i, i > 3, 'n', nullif(i - 1, 0) FROM generate_series(1, 25) AS i;"
        )
        yield Situation(f"refers to itself{state}", chain, fixed=True)
    yield Situation(
        "refers to itself in a circle",
        "CREATE TABLE $T (id int PRIMARY KEY, bad bool, note text, up int REFERENCES $T);"
        "INSERT INTO $T SELECT i, i > 3, 'n', CASE i WHEN 4 THEN 6 ELSE i - 1 END FROM generate_series(2, 6) AS i WHERE i > 3;",
    )


def _triggered(body: str, what: str, when: str, how: str) -> str:
    return TRIGGERED.replace("$BODY", body).replace("$WHAT", what).replace("$WHEN", when).replace("$HOW", how)


def triggers() -> Iterator[Situation]:
    """What triggers do to what is written, and to other rows."""
    one = "FOR EACH ROW"
    deferred = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    audit = "INSERT INTO audit_$N (what) VALUES (TG_OP); RETURN NULL;"
    audited = "CREATE TABLE audit_$N (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);"
    every = "UPDATE OR DELETE OR INSERT"
    touch = "UPDATE $T SET note = note || '?' WHERE id = NEW.id AND note NOT LIKE '%?'; RETURN NULL;"
    for words, body, what, when, how in (
        ("rewrites the value", "NEW.note := upper(NEW.note) || 'x'; RETURN NEW;", "", "BEFORE UPDATE OR INSERT", one),
        ("skips the row", "RETURN NULL;", "", f"BEFORE {every}", one),
        ("raises", "RAISE EXCEPTION 'not with me';", "", f"BEFORE {every}", one),
        ("raises afterwards", "RAISE EXCEPTION 'not with me';", "CONSTRAINT", f"AFTER {every}", deferred),
        ("touches the row afterwards", touch, "", "AFTER UPDATE OR INSERT", one),
        ("touches the row at the end", touch, "CONSTRAINT", "AFTER UPDATE OR INSERT", deferred),
        ("touches another row", "UPDATE $T SET note = note || '?' WHERE id = 1 AND note NOT LIKE '%?'; RETURN NULL;", "", "AFTER UPDATE OR DELETE", one),
        ("touches another row, once a statement", "IF pg_trigger_depth() = 1 THEN UPDATE $T SET note = note || '?' WHERE id = 1; END IF; RETURN NULL;", "", "AFTER UPDATE OR DELETE", "FOR EACH STATEMENT"),
        ("calls itself without end", "UPDATE $T SET note = note; RETURN NULL;", "", "AFTER UPDATE OR DELETE", "FOR EACH STATEMENT"),
        ("writes an audit", audit, "", f"AFTER {every}", one),
        ("writes an audit at the end", audit, "CONSTRAINT", f"AFTER {every}", deferred),
        ("deletes another row", "DELETE FROM $T WHERE id = 1; RETURN NULL;", "", "AFTER UPDATE OR DELETE", one),
    ):  # fmt: skip
        script = _triggered(body, what, when, how)
        for allows in ((), ("triggers",)):
            said = "allowed" if allows else "not allowed"
            yield Situation(f"a trigger that {words}, {said}", audited + script, allows=allows, told=bool(allows))
        yield Situation(
            f"a trigger that {words}, disabled", audited + script + "ALTER TABLE $T DISABLE TRIGGER tr_$N;", fixed=True
        )
    updated = "NEW.at := clock_timestamp(); RETURN NEW;"
    script = _triggered(updated, "", "BEFORE UPDATE OR INSERT", one)
    yield Situation(
        "a trigger that sets updated_at", script.replace("note text", "note text, at timestamptz"), allows=("triggers",), told=True,
    )  # fmt: skip


def rewrites() -> Iterator[Situation]:
    """Rewrite rules of the table."""
    log = "CREATE TABLE log_$N (id int PRIMARY KEY, what text);INSERT INTO log_$N SELECT i, 'x' FROM generate_series(1, 6) AS i;"
    for event, old in (("UPDATE", "OLD"), ("DELETE", "OLD"), ("INSERT", "NEW")):
        for words, what in (
            ("ALSO DELETE FROM log", f"ALSO DELETE FROM log_$N WHERE id = {old}.id"),
            ("ALSO UPDATE log", f"ALSO UPDATE log_$N SET what = what || '!' WHERE id = {old}.id"),
            ("INSTEAD NOTHING", "INSTEAD NOTHING"),
            ("INSTEAD UPDATE log", f"INSTEAD UPDATE log_$N SET what = 'i' WHERE id = {old}.id"),
        ):
            rule = f"CREATE RULE r_$N AS ON {event} TO $T DO {what};"
            yield Situation(f"ON {event} DO {words}", PLAIN + FILLED + log + rule, told="INSTEAD" in words)
    rule = "CREATE RULE r_$N AS ON DELETE TO $T WHERE OLD.id = 2 DO INSTEAD NOTHING;"
    yield Situation("ON DELETE of one row DO INSTEAD NOTHING", PLAIN + FILLED + rule, told=True)


def situations(zoo: Zoo, what: str) -> list[Situation]:
    """All of one sort that the server has."""
    found: Sequence[Situation] = list(keys(zoo)) if what == "keys" else list(SITUATIONS[what]())
    return [one for one in found if one.needs not in zoo.missing]


SITUATIONS: Final = {
    "names": names,
    "columns": columns,
    "partitions": partitions,
    "tables": tables,
    "constraints": constraints,
    "uniqueness": uniqueness,
    "references": references,
    "triggers": triggers,
    "rewrites": rewrites,
}
