"""A fix loses nothing, on anybody's data: the faults that were found, each with the value that is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import bound
from fixes import MakeDatabase, execute, fix, undone, violated
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.results import FixResult
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import Between, Formula, References, Rows, Unique


def rows(url: str, table: str) -> list[str]:
    """The stored text of all rows of a table."""
    return sorted(text for (text,) in execute(url, f"SELECT t::text FROM {table} AS t"))


def journal(url: str) -> list[tuple[Any, ...]]:
    return execute(url, 'SELECT "table", op, key, before, after FROM tgintegrity.journal ORDER BY id')


def reasons(fix_result: FixResult) -> dict[str, str]:
    return {one.rule: one.reason for one in fix_result.needs_person}


def delete(name: str, table: str, where: str) -> BoundRule:
    return bound(Rows(table, where), name, fix="delete", fix_allows=("delete",))


# --- types keep their modifiers


def test_a_key_of_char_2_names_the_row_that_is_meant(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(
        "CREATE TABLE wr (cc char(2) PRIMARY KEY, v text);"
        "INSERT INTO wr VALUES ('D', 'unrelated'), ('AT', 'dup'), ('DE', 'dup')"
    )
    before = rows(url, "wr")

    fix_result = fix(url, tmp_path, [bound(Unique("wr", ("v",)), fix="delete", fix_allows=("delete",))])

    assert rows(url, "wr") == ['("D ",unrelated)', "(AT,dup)"]
    assert [(op, key) for _, op, key, _, _ in journal(url)] == [("delete", {"cc": "DE"})]
    assert fix_result.applied is not None
    assert fix_result.applied.rows == 1
    undone(url)
    assert rows(url, "wr") == before


@pytest.mark.parametrize(
    ("column", "before", "after"), [("char(3)", "fra", "FRA"), ("varchar(3)", "fra", "FRA"), ("char(5)", "it", "IT   ")]
)
def test_text_of_a_length_is_stored_whole(
    make_database: MakeDatabase, tmp_path: Path, column: str, before: str, after: str
) -> None:
    url = make_database(
        f"CREATE TABLE country (id int PRIMARY KEY, iso {column}); INSERT INTO country VALUES (1, '{before}')"
    )
    old = rows(url, "country")

    fix(url, tmp_path, [bound(Rows("country", "iso <> upper(iso)"), fix={"iso": "upper(iso)"})])

    assert execute(url, "SELECT concat(iso) FROM country") == [(after,)]
    undone(url)
    assert rows(url, "country") == old


def test_a_number_is_journalled_as_it_is_stored(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(
        "CREATE TABLE share (id int PRIMARY KEY, third numeric(10,2));"
        "INSERT INTO share SELECT i, 10 FROM generate_series(1, 3000) AS i"
    )
    before = rows(url, "share")

    fix_result = fix(url, tmp_path, [bound(Rows("share", "third >= 10"), fix={"third": "third / 3"})])

    assert fix_result.applied is not None
    assert (fix_result.applied.rows, fix_result.applied.skipped) == (3000, [])
    assert {after["third"] for *_, after in journal(url)} == {"3.33"}
    assert undone(url).applied.rows == 3000
    assert rows(url, "share") == before


def test_a_formula_that_its_column_cannot_hold_is_refused_before_anything_is_written(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = make_database(
        "CREATE TABLE bill (id int PRIMARY KEY, net numeric(10,2), gross numeric(10,2));"
        "INSERT INTO bill VALUES (1, 0.33, 0), (2, 1.11, 5)"
    )
    before = rows(url, "bill")

    fix_result = fix(url, tmp_path, [bound(Formula("bill", "gross", "net * 1.19"), "gross", fix="recompute")])

    assert fix_result.count == 0
    assert "numeric(10,2)" in reasons(fix_result)["gross"]
    assert rows(url, "bill") == before
    assert execute(url, "SELECT to_regnamespace('tgintegrity')") == [(None,)]


# --- triggers, and what the server changes by itself

TOUCHED = """
CREATE TABLE item (id int PRIMARY KEY, size int, updated_at timestamptz DEFAULT '2020-01-01');
INSERT INTO item SELECT i, i * 10 FROM generate_series(1, 5) AS i;
CREATE TABLE audit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item int, size int);
CREATE TABLE total (id int PRIMARY KEY, size bigint);
INSERT INTO total VALUES (1, 150);
CREATE TABLE notes (item int);
"""
BODIES = {
    "another column": "BEGIN NEW.updated_at = clock_timestamp(); RETURN NEW; END",
    "the value": "BEGIN NEW.size = NEW.size - 1; RETURN NEW; END",
    "another table": "BEGIN INSERT INTO audit (item, size) VALUES (NEW.id, NEW.size); RETURN NEW; END",
    "another row": "BEGIN UPDATE total SET size = size + NEW.size - OLD.size; RETURN NEW; END",
    "its own row": "BEGIN UPDATE item SET updated_at = now() WHERE id = NEW.id AND updated_at <> now(); RETURN NEW; END",
    "a subtransaction": """BEGIN
        BEGIN INSERT INTO audit (item, size) VALUES (NEW.id, NEW.size); EXCEPTION WHEN others THEN NULL; END;
        RETURN NEW; END""",
}
TRIGGERS = {
    "BEFORE": "CREATE TRIGGER touch BEFORE UPDATE ON item",
    "AFTER": "CREATE TRIGGER touch AFTER UPDATE ON item",
    "deferred": "CREATE CONSTRAINT TRIGGER touch AFTER UPDATE ON item DEFERRABLE INITIALLY DEFERRED",
}
LARGE = bound(Between("item", "size", 0, 20), "large", fix="clamp", fix_allows=("triggers",))


def triggered(make_database: MakeDatabase, when: str, body: str, table: str = TOUCHED) -> str:
    return make_database(
        f"{table} CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $f$ {body} $f$;"
        f"{TRIGGERS[when]} FOR EACH ROW EXECUTE FUNCTION touch();"
    )


ALL = ("item", "audit", "total")


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("when", TRIGGERS)
def test_what_triggers_change_is_journalled_and_comes_back(
    make_database: MakeDatabase, tmp_path: Path, when: str, what: str
) -> None:
    if when == "BEFORE" and what == "its own row":
        pytest.skip("the server refuses a BEFORE trigger that updates its own row")
    url = triggered(make_database, when, BODIES[what])
    before = {name: rows(url, name) for name in ALL}

    made = fix(url, tmp_path, [LARGE]).applied

    assert made is not None
    assert (made.rows, made.skipped) == (3, [])
    stored = {name: rows(url, name) for name in ALL}
    assert stored != before
    back = undone(url)
    assert back.applied.skipped == []
    assert {name: rows(url, name) for name in ALL} == before
    assert execute(url, "SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'touch'") == [("O",)]
    undone(url, back.applied.run or "")
    assert {name: rows(url, name) for name in ALL} == stored


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("BEGIN DELETE FROM total; RETURN NEW; END", "rows of public.total would be deleted too"),
        (
            "BEGIN INSERT INTO notes VALUES (NEW.id); RETURN NEW; END",
            "public.notes would be changed too, and it has no",
        ),
        ("BEGIN TRUNCATE audit; RETURN NEW; END", "a trigger emptied or rewrote a table"),
    ],
)
def test_a_fix_whose_trigger_cannot_be_undone_is_not_made(
    make_database: MakeDatabase, tmp_path: Path, body: str, reason: str
) -> None:
    url = triggered(make_database, "AFTER", body)
    before = {name: rows(url, name) for name in (*ALL, "notes")}

    made = fix(url, tmp_path, [LARGE]).applied

    assert made is not None
    assert made.rows == 0
    assert len(made.skipped) == 3
    assert all(reason in one.reason for one in made.skipped)
    assert {name: rows(url, name) for name in (*ALL, "notes")} == before


def test_who_does_not_own_the_table_is_told_why_its_triggers_keep_a_row(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = triggered(make_database, "BEFORE", BODIES["another column"])
    ((name,),) = execute(url, "SELECT current_database()")
    role = f"fixer_{name}"
    execute(
        url,
        f"CREATE ROLE {role} LOGIN",
        f"GRANT CREATE ON DATABASE {name} TO {role}",
        f"GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO {role}",
    )
    mine = url.replace("postgres@", f"{role}@")
    fix(mine, tmp_path, [LARGE])
    fixed = rows(url, "item")

    back = undone(mine)

    assert back.applied.rows == 0
    assert {one.reason for one in back.applied.skipped} == {
        "the trigger touch changes it again: only the owner of public.item can undo this, its triggers switched off meanwhile"
    }
    assert rows(url, "item") == fixed


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_column_that_foreign_keys_follow_is_not_written_to(
    make_database: MakeDatabase, tmp_path: Path, action: str
) -> None:
    url = make_database(
        "CREATE TABLE place (id int PRIMARY KEY, code text UNIQUE); INSERT INTO place VALUES (1, 'a'), (2, 'B'), (3, 'z');"
        "CREATE TABLE visit (id int PRIMARY KEY, code text DEFAULT 'z' REFERENCES place (code)"
        f" ON UPDATE {action}); INSERT INTO visit VALUES (1, 'a')"
    )
    before = rows(url, "visit"), rows(url, "place")

    fix_result = fix(url, tmp_path, [bound(Rows("place", "code = 'a'"), "upper", fix={"code": "upper(code)"})])

    assert fix_result.count == 0
    assert "visit" in reasons(fix_result)["upper"]
    assert (rows(url, "visit"), rows(url, "place")) == before


@pytest.mark.parametrize("event", ["UPDATE", "DELETE"])
def test_a_table_with_a_rewrite_rule_is_not_written_to(make_database: MakeDatabase, tmp_path: Path, event: str) -> None:
    url = make_database(
        f"{TOUCHED} INSERT INTO notes VALUES (1);CREATE RULE empties AS ON {event} TO item DO ALSO DELETE FROM notes"
    )
    rule = LARGE if event == "UPDATE" else delete("large", "item", "size > 20")

    fix_result = fix(url, tmp_path, [rule])

    assert fix_result.count == 0
    assert "rewrite rule empties" in reasons(fix_result)["large"]
    assert rows(url, "notes") == ["(1)"]


def test_a_rewrite_rule_made_since_keeps_an_undo_from_setting_it_off(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = make_database(f"{TOUCHED} INSERT INTO notes VALUES (1)")
    fix(url, tmp_path, [LARGE])
    execute(url, "CREATE RULE empties AS ON UPDATE TO item DO ALSO DELETE FROM notes")

    back = undone(url)

    assert {one.reason for one in back.applied.skipped} == {
        "public.item has the rewrite rule empties: what it does could not be taken back"
    }
    assert rows(url, "notes") == ["(1)"]


# --- rows that come back


def test_a_deleted_row_with_generated_columns_comes_back(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(
        "CREATE TABLE box (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int, a int,"
        " twice int GENERATED ALWAYS AS (a * 2) STORED); ALTER TABLE box DROP COLUMN gone;"
        "INSERT INTO box (a) SELECT i FROM generate_series(1, 4) AS i"
    )
    before = rows(url, "box")

    fix(url, tmp_path, [delete("even", "box", "a % 2 = 0"), bound(Rows("box", "a = 3"), "three", fix={"a": "5"})])

    assert rows(url, "box") == ["(1,1,2)", "(3,5,10)"]
    assert undone(url).applied.skipped == []
    assert rows(url, "box") == before


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT"])
@pytest.mark.parametrize("count", [25, 5200])
def test_rows_that_point_to_each_other_all_come_back(
    make_database: MakeDatabase, tmp_path: Path, action: str, count: int
) -> None:
    url = make_database(
        f"CREATE TABLE node (id int PRIMARY KEY, up int REFERENCES node ON DELETE {action});"
        f"INSERT INTO node SELECT i, nullif(i - 1, 0) FROM generate_series(1, {count}) AS i; CREATE INDEX ON node (up)"
    )
    before = rows(url, "node")

    made = fix(url, tmp_path, [delete("all", "node", "id > 0")]).applied

    assert made is not None
    assert (made.rows, made.skipped, rows(url, "node")) == (count, [], [])
    back = undone(url)
    assert (back.applied.rows, back.applied.skipped) == (count, [])
    assert rows(url, "node") == before


def test_parents_and_children_are_deleted_in_one_run(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(
        "CREATE TABLE a_parent (id int PRIMARY KEY, bad bool); INSERT INTO a_parent VALUES (1, true), (2, false), (3, true);"
        "CREATE TABLE b_child (id int PRIMARY KEY, parent int REFERENCES a_parent);"
        "INSERT INTO b_child VALUES (1, 1), (2, 2), (3, 3);"
        "CREATE TABLE c_grandchild (id int PRIMARY KEY, child int REFERENCES b_child); INSERT INTO c_grandchild VALUES (1, 3)"
    )
    tables = ("a_parent", "b_child", "c_grandchild")
    before = {name: rows(url, name) for name in tables}
    rules = [
        delete("parents", "a_parent", "bad"),
        delete("children", "b_child", "parent IN (1, 3)"),
        delete("grandchildren", "c_grandchild", "id = 1"),
    ]

    made = fix(url, tmp_path, rules).applied

    assert made is not None
    assert (made.rows, made.skipped) == (5, [])
    assert fix(url, tmp_path, rules).count == 0
    assert undone(url).applied.skipped == []
    assert {name: rows(url, name) for name in tables} == before


# --- undo after the schema changed, and of what was not wholly undone

PLAIN = """
CREATE TABLE one (id int PRIMARY KEY, size int, name text); INSERT INTO one VALUES (1, 99, 'x'), (2, 98, 'y');
CREATE TABLE two (id int PRIMARY KEY, size int); INSERT INTO two VALUES (1, 99);
CREATE TABLE three (id int PRIMARY KEY, size int); INSERT INTO three VALUES (1, 99);
"""
BOUNDS = [bound(Between(name, "size", 0, 10), name, fix="clamp") for name in ("one", "two", "three")]


def test_what_the_schema_allows_is_undone_though_the_rest_changed(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(PLAIN)
    fix(url, tmp_path, BOUNDS)
    execute(
        url, "ALTER TABLE two RENAME COLUMN size TO length", "DROP TABLE three", "ALTER TABLE one ADD COLUMN more int"
    )

    back = undone(url)

    assert rows(url, "one") == ["(1,99,x,)", "(2,98,y,)"]
    assert {one.change.table: one.reason for one in back.applied.skipped} == {
        "public.two": "public.two has no column size any more (renamed or dropped)",
        "public.three": "the table public.three is gone",
    }


def test_undo_goes_on_with_a_run_until_nothing_of_it_is_left(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(PLAIN)
    first = fix(url, tmp_path, [BOUNDS[1]]).applied
    second = fix(url, tmp_path, [BOUNDS[0]]).applied
    assert first is not None
    assert second is not None
    execute(url, "UPDATE one SET size = 7 WHERE id = 1")
    part = undone(url)
    assert (part.run, part.applied.rows, len(part.applied.skipped)) == (second.run, 1, 1)
    runs = execute(url, "SELECT count(*) FROM tgintegrity.run")

    again = undone(url)

    assert (again.run, again.applied.run, again.applied.rows, again.older) == (second.run, None, 0, first.run)
    assert [one.reason for one in again.applied.skipped] == ["it was changed since"]
    assert execute(url, "SELECT count(*) FROM tgintegrity.run") == runs
    assert rows(url, "two") == ["(1,10)"]
    execute(url, "UPDATE one SET size = 10 WHERE id = 1")
    assert (undone(url).applied.rows, undone(url).run) == (1, first.run)
    with pytest.raises(UsageError, match="no fix left to undo"):
        undone(url)
    with pytest.raises(UsageError, match=f"nothing of run {second.run} is left to undo"):
        undone(url, second.run or "")


def test_a_run_whose_undo_was_undone_is_undone_by_last_again(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database(PLAIN)
    made = fix(url, tmp_path, BOUNDS).applied
    assert made is not None
    undo = undone(url).applied.run
    undone(url, undo or "")

    last = undone(url)

    assert (last.run, last.applied.rows) == (made.run, 4)
    assert rows(url, "one") == ["(1,99,x)", "(2,98,y)"]


# --- settings


ODD = {
    "PGTZ": "Asia/Tokyo",
    "PGOPTIONS": "-c DateStyle=SQL,DMY -c IntervalStyle=sql_standard -c bytea_output=escape -c extra_float_digits=-15"
    " -c search_path=pg_catalog,public",
}


@pytest.mark.parametrize("odd", ["fix", "undo"])
def test_settings_of_a_session_do_not_matter(
    make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    url = make_database(
        "CREATE TABLE moment (at timestamptz PRIMARY KEY, n int, f float8, i interval, b bytea, d date, t timetz);"
        "INSERT INTO moment VALUES ('2024-03-04 12:00+00', 99, 1.0000000000000002, '-1 day +02:03', '\\x00ff', '2024-03-04',"
        " '12:00+09'), ('2024-05-06 12:00+00', 99, 0.1, '1 mon -2 days', '\\x5c', '2024-05-06', '12:00-09')"
    )
    before = rows(url, "moment")
    change = bound(
        Rows("moment", "n = 99"),
        fix={"n": "1", "f": "f * 3", "i": "i * 2", "b": "b || b", "d": "d + 1", "t": "t + interval '1 hour'"},
    )
    for name, value in ODD.items() if odd == "fix" else ():
        monkeypatch.setenv(name, value)

    made = fix(url, tmp_path, [change]).applied

    assert made is not None
    assert (made.rows, made.skipped) == (2, [])
    for name, value in ODD.items():
        monkeypatch.setenv(name, value) if odd == "undo" else monkeypatch.delenv(name)
    assert undone(url).applied.skipped == []
    for name in ODD:
        monkeypatch.delenv(name, raising=False)
    assert rows(url, "moment") == before


# --- time


def test_a_time_is_computed_once_and_stands_in_the_plan_as_it_was_written(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = make_database(
        "CREATE TABLE ticket (id int PRIMARY KEY, closed bool, closed_at timestamptz, day date);"
        "INSERT INTO ticket VALUES (1, true), (2, false), (3, true)"
    )
    rule = bound(
        Rows("ticket", "closed AND closed_at IS NULL"), "open", fix={"closed_at": "now()", "day": "CURRENT_DATE"}
    )
    from fixes import planned

    with planned(url, tmp_path, [rule]) as (first, _):
        pass
    made = fix(url, tmp_path, [rule])

    assert first.plan == made.plan
    assert made.applied is not None
    assert (made.applied.rows, made.applied.skipped) == (2, [])
    assert violated(url, [rule]) == set()
    assert undone(url).applied.skipped == []
    assert rows(url, "ticket") == ["(1,t,,)", "(2,f,,)", "(3,t,,)"]


def test_orphans_of_a_key_that_is_an_array_are_deleted_and_come_back(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = make_database(
        "CREATE TABLE cell (at int[] PRIMARY KEY, owner int); CREATE TABLE person (id int PRIMARY KEY);"
        "INSERT INTO person VALUES (1); INSERT INTO cell VALUES ('{1,2}', 1), ('{{1,2},{3,4}}', 7), ('{}', 8), ('{NULL}', 9)"
    )
    before = rows(url, "cell")

    made = fix(
        url, tmp_path, [bound(References("cell", ("owner",), "person"), fix="delete", fix_allows=("delete",))]
    ).applied

    assert made is not None
    assert (made.rows, made.skipped, rows(url, "cell")) == (3, [], ['("{1,2}",1)'])
    assert undone(url).applied.skipped == []
    assert rows(url, "cell") == before
