"""Which fixes are refused before anything is written, against real servers: what follows from a write, and what a type holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import bound
from fixes import MakeDatabase, execute, fix, planned, violated, written
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import Between, Formula, References, Rows, Source, Unique

SCRIPT = """
CREATE TABLE thing (
    id int PRIMARY KEY, code int UNIQUE, iso char(3), word varchar(4), bits bit(3), vbits varbit(3), words varchar(3)[],
    price numeric(10,2), gross numeric(10,2), whole int, at timestamp(0), open text, blank bpchar
);
INSERT INTO thing VALUES (1, 1, 'fra', 'abc', '101', '101', '{abc}', 10, 1, 1, '2020-01-01', 'x', 'a  ');
INSERT INTO thing VALUES (2, 2, 'ger', 'abcd', '101', '101', '{abc}', 7.77, 9, 1, '2020-01-01', 'y', 'b');
CREATE DOMAIN name3 AS varchar(3);
CREATE DOMAIN short AS name3 CHECK (VALUE <> 'bad');
ALTER TABLE thing ADD dom short DEFAULT 'abc', ADD doms name3[] DEFAULT '{abc}';
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""
ALSO = bound(Rows("thing", "whole = 1"), "also", fix={"whole": "2"})


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    return make_database(SCRIPT)


def refused(url: str, folder: Path, rule: BoundRule, *more: BoundRule) -> str:
    """Why the fix of a rule is not made, beside one that is."""
    with planned(url, folder, [rule, ALSO, *more]) as (fix_result, _):
        assert fix_result.failed is None or not fix_result.failed
        assert {one for one, _ in fix_result.counts} >= {"also"}, fix_result.needs_person
        reasons = {one.rule: one.reason for one in fix_result.needs_person}
        return reasons.get(rule.id, "")


def writing(**columns: str) -> BoundRule:
    where = " OR ".join(f"{name}::text IS DISTINCT FROM ({value})::text" for name, value in columns.items())
    return bound(Rows("thing", f"id = 1 AND ({where})"), "it", fix=dict(columns))


# --- what a type holds


@pytest.mark.parametrize(
    ("column", "value", "of"),
    [
        ("iso", "iso || 'nce'", "character(3)"),
        ("word", "'abcde'", "character varying(4)"),
        ("bits", "'10'::varbit", "bit(3)"),
        ("vbits", "'1010'::varbit", "bit varying(3)"),
        ("words", "ARRAY['abcd']", "character varying(3)[]"),
        ("dom", "'abcd'", "short"),
        ("doms", "ARRAY['abcd']", "name3[]"),
    ],
)
def test_a_value_that_would_be_cut_off_is_not_planned(
    url: str, tmp_path: Path, column: str, value: str, of: str
) -> None:
    reason = refused(url, tmp_path, writing(**{column: value}))

    assert reason == f"its fix writes values that public.thing.{column}, {of}, cannot hold"


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("iso", "upper(iso)", "FRA"),
        ("iso", "'ab   '", "ab"),
        ("word", "'abcd   '", "abcd"),
        ("bits", "'111'", "111"),
        ("vbits", "'1'", "1"),
        ("words", "ARRAY['ab', NULL]", "{ab,NULL}"),
        ("price", "price / 3", "3.33"),
        ("whole", "price / 4", "3"),
        ("at", "timestamp '2020-01-01 00:00:00.7'", "2020-01-01 00:00:01"),
        ("dom", "'ab'", "ab"),
        ("blank", "'c  '::bpchar", "c  "),
        ("iso", "NULL", None),
    ],
)
def test_a_value_is_planned_as_it_is_stored(
    url: str, tmp_path: Path, column: str, value: str, stored: str | None
) -> None:
    rule = bound(Rows("thing", "id = 1 AND open = 'x'"), "it", fix={column: value, "open": "'done'"})

    with planned(url, tmp_path, [rule]) as (fix_result, make):
        (change,) = written(fix_result)
        assert dict(change.after) == {column: stored, "open": "done"}
        make()
    assert execute(
        url, f"SELECT format('%s', {column}) IN ('{stored or ''}', '{stored} ') FROM thing WHERE id = 1"
    ) == [(True,)]


def test_a_value_that_the_column_rounds_is_not_planned_for_a_rule_that_wants_another(url: str, tmp_path: Path) -> None:
    formula = bound(Formula("thing", "gross", "price * 1.19"), "it", fix="recompute")

    assert refused(url, tmp_path, formula) == (
        "its fix does not mend 1 of the rows that it writes to: public.thing.gross, numeric(10,2), rounds what it is given:"
        " say round(…, 2) in the rule"
    )
    rounded = bound(Formula("thing", "gross", "round(price * 1.19, 2)"), "it", fix="recompute")
    assert refused(url, tmp_path, rounded) == ""


def test_rows_that_a_fix_changes_and_that_violate_still_are_counted(url: str, tmp_path: Path) -> None:
    rule = bound(Rows("thing", "whole <> 5"), "it", fix={"whole": "2"})

    with planned(url, tmp_path, [rule]) as (fix_result, _):
        assert [one.reason for one in fix_result.needs_person] == [
            "its fix does not mend 2 of the rows that it writes to: they still violate it"
        ]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("dom", "'b' || 'ad'", "violates check constraint"),
        ("price", "price * 1e9", "numeric field overflow"),
        ("whole", "price * 1e9", "out of range"),
        ("at", "open", "invalid input syntax"),
        ("gross", "1 / (gross - 1)", "division by zero"),
    ],
)
def test_a_value_that_cannot_be_stored_refuses_its_own_rule_only(
    url: str, tmp_path: Path, column: str, value: str, reason: str
) -> None:
    rule = bound(Rows("thing", "id = 1"), "it", fix={column: value})

    found = refused(url, tmp_path, rule)

    assert found.startswith("its fix cannot be computed: ")
    assert reason in found


def test_fixes_that_only_fail_after_each_other_refuse_the_later_one(url: str, tmp_path: Path) -> None:
    first = bound(Rows("thing", "id = 1 AND gross = 1"), "a", fix={"gross": "0"})
    second = bound(Rows("thing", "id = 1 AND whole <> 7"), "b", fix={"whole": "7 / gross::int * 0 + 7"})

    with planned(url, tmp_path, [first, second]) as (fix_result, _):
        assert {one for one, _ in fix_result.counts} == {"a"}
        assert [(one.rule, one.reason) for one in fix_result.needs_person] == [
            ("b", "its fix cannot be computed: division by zero")
        ]


# --- what follows from a write

KEY = "CREATE TABLE child (id int PRIMARY KEY, code int CONSTRAINT link REFERENCES thing (code) ON UPDATE {})"


CODE = bound(Rows("thing", "code = 1"), "it", fix={"code": "code + 10"})


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_column_whose_change_changes_other_tables_is_not_written(url: str, tmp_path: Path, action: str) -> None:
    execute(url, KEY.format(action))

    reason = refused(url, tmp_path, CODE)

    assert reason == "writing thing.code would change child too (link), unjournalled"
    assert refused(url, tmp_path, writing(open="'z'")) == ""


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT"])
def test_a_key_that_only_refuses_is_left_to_the_server(url: str, tmp_path: Path, action: str) -> None:
    execute(url, KEY.format(action))

    assert refused(url, tmp_path, CODE) == ""


@pytest.mark.parametrize(
    ("script", "allowed"),
    [
        ("CREATE RULE x AS ON UPDATE TO thing DO ALSO DELETE FROM log", False),
        ("CREATE RULE x AS ON UPDATE TO thing WHERE NEW.id = 3 DO INSTEAD NOTHING", False),
        ("CREATE RULE x AS ON DELETE TO thing DO ALSO DELETE FROM log", True),
        ("CREATE RULE x AS ON UPDATE TO thing DO ALSO NOTHING; ALTER TABLE thing DISABLE RULE x", True),
    ],
)
def test_a_table_with_a_rewrite_rule_for_it_is_not_written(
    url: str, tmp_path: Path, script: str, *, allowed: bool
) -> None:
    execute(url, "CREATE TABLE log (id int)", script)
    rule = bound(Rows("thing", "code = 1"), "it", fix={"code": "11"}, fix_allows=("triggers",))

    with planned(url, tmp_path, [rule]) as (fix_result, _):
        reasons = [one.reason for one in fix_result.needs_person]
        assert reasons == (
            [] if allowed else ["public.thing has the rewrite rule x, which would change what is written"]
        )


PARTED = """
CREATE TABLE parted (id int, kind int, note text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 2, 'a');
"""


def test_triggers_of_partitions_count(url: str, tmp_path: Path) -> None:
    execute(url, PARTED, "CREATE TRIGGER audit BEFORE UPDATE ON parted_2 FOR EACH ROW EXECUTE FUNCTION f()")
    rule = bound(Rows("parted", "note = 'a'"), "it", fix={"note": "'c'"})

    assert refused(url, tmp_path, rule) == 'parted has the trigger audit: say fix_allows="triggers" if it may fire'
    execute(url, "ALTER TABLE parted_2 DISABLE TRIGGER audit")
    assert refused(url, tmp_path, rule) == ""


def test_a_join_with_a_partitioned_table_writes_to_the_table_that_it_names(url: str, tmp_path: Path) -> None:
    execute(url, PARTED)
    source = Source("parts", "thing t CROSS JOIN parted p", key=("t.id", "p.id"))
    rule = bound(Rows(source, "t.id = 1 AND p.note = 'a'"), "it", fix={"p.note": "'c'"})

    with planned(url, tmp_path, [rule]) as (fix_result, _):
        assert [(one.table, dict(one.key)) for one in written(fix_result)] == [
            ("public.parted", {"id": "1", "kind": "1"}),
            ("public.parted", {"id": "3", "kind": "2"}),
        ]
    assert not violated_after(url, tmp_path, rule)


def violated_after(url: str, folder: Path, rule: BoundRule) -> set[str]:
    fix(url, folder, [rule])
    return violated(url, [rule])


def test_a_table_and_a_part_of_it_are_not_both_written(url: str, tmp_path: Path) -> None:
    execute(url, PARTED)
    whole = bound(Rows("parted", "note = 'a'"), "whole", fix={"note": "'c'"})
    part = bound(Rows("parted_2", "note = 'a'"), "part", fix={"note": "'d'"})

    reason = refused(url, tmp_path, part, whole)

    assert reason == "public.parted_2 is a part of public.parted, which the fix of whole writes to"


def test_rows_that_share_a_key_with_those_of_an_heir_are_not_written(url: str, tmp_path: Path) -> None:
    execute(url, "CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (thing)", "INSERT INTO heir (id) VALUES (3)")
    rule = bound(Rows("thing", "open = 'x'"), "it", fix={"open": "'z'"})
    assert refused(url, tmp_path, rule) == ""
    execute(url, "INSERT INTO heir (id) VALUES (1)")
    with planned(url, tmp_path, [rule]) as (fix_result, _):
        assert [one.reason for one in fix_result.needs_person] == [
            "rows of public.thing and of tables that inherit from it have the same key: name one of these tables"
        ]


@pytest.mark.parametrize("kind", ["STORED", "VIRTUAL"])
def test_generated_columns_are_not_written_and_follow_what_is(url: str, tmp_path: Path, kind: str) -> None:
    if kind == "VIRTUAL" and execute(url, "SHOW server_version_num") < [("180000",)]:
        pytest.skip("virtual columns come with PostgreSQL 18")
    execute(url, f"ALTER TABLE thing ADD twice int GENERATED ALWAYS AS (whole * 2) {kind}")
    clamped = bound(Between("thing", "twice", 7, 8), "it", fix="clamp")
    follows = bound(Rows("thing", "whole = 1"), "whole", fix={"whole": "5"})
    ten = bound(Rows("thing", "twice = 10"), "ten", fix_hint="ask")

    assert refused(url, tmp_path, clamped) == "thing.twice is generated: it cannot be written to"
    with planned(url, tmp_path, [follows, ten]) as (fix_result, _):
        assert [one.reason for one in fix_result.needs_person] == ["its fix would make more rows violate ten"]


def test_an_identity_column_is_not_written(url: str, tmp_path: Path) -> None:
    execute(url, "ALTER TABLE thing ADD no int GENERATED ALWAYS AS IDENTITY")

    reason = refused(url, tmp_path, bound(Rows("thing", "no = 1"), "it", fix={"no": "5"}))

    assert reason == "thing.no is an identity column (GENERATED ALWAYS): it cannot be written to"


def test_a_key_of_arrays_is_a_key(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(
        "CREATE TABLE t (k int[], c char(2), v text, PRIMARY KEY (k, c)); INSERT INTO t VALUES ('{1,2}', 'D', 'a'), ('{}', 'DE', 'b')"
    )
    rule = bound(Rows("t", "v <> 'c'"), "it", fix={"v": "'c'"})
    key = bound(Rows("t", "v <> 'c'"), "key", fix={"k": "'{3}'"})

    with planned(url, tmp_path, [rule, key]) as (fix_result, _):
        assert [dict(one.key) for one in written(fix_result)] == [{"k": "{}", "c": "DE"}, {"k": "{1,2}", "c": "D"}]
        assert (
            fix_result.needs_person == [] or fix_result.needs_person[0].reason == "it would change the primary key of t"
        )
    assert not violated_after(url, tmp_path, rule)


def test_equal_keys_are_deleted_by_their_whole_key(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(
        "CREATE TABLE wr (cc char(2) PRIMARY KEY, v text); INSERT INTO wr VALUES ('D', 'unrelated'), ('AT', 'dup'), ('DE', 'dup')"
    )
    fix(url, tmp_path, [bound(Unique("wr", ("v",)), "it", fix="delete", fix_allows=("delete",))])

    assert execute(url, "SELECT cc::text FROM wr ORDER BY 1") == [("AT",), ("D",)]


def test_deleting_what_others_cascade_from_is_refused_in_partitions_too(url: str, tmp_path: Path) -> None:
    execute(
        url,
        PARTED,
        "CREATE TABLE leaf (id int PRIMARY KEY, a int, b int, CONSTRAINT up FOREIGN KEY (a, b) REFERENCES parted_2 ON DELETE SET NULL)",
    )
    rule = bound(References("parted", ("id",), "leaf"), "it", fix="delete", fix_allows=("delete",))

    assert refused(url, tmp_path, rule) == "deleting from parted would change leaf too (up), unjournalled"
