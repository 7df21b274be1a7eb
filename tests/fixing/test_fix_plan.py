"""Plans of fixes against real servers: what would be written, that nothing is, and why a fix is not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import bound
from fixes import (
    AGE,
    DAMAGE,
    DIARY,
    ORPHAN,
    SCRIPT,
    TEMPORARY,
    TWICE,
    WILLPOWER,
    MakeDatabase,
    contents,
    execute,
    planned,
    run_on,
    written,
)
from pytest_tgintegrity.fixing.changes import plan_id
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import Between, Query, References, Rows, Source


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    return make_database(SCRIPT + DAMAGE)


def test_a_plan_holds_every_change_and_writes_none(url: str, tmp_path: Path) -> None:
    before, position = contents(url), execute(url, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text")

    with planned(url, tmp_path) as (fix_result, _):
        assert {(one.table, one.op, tuple(one.key.values())): dict(one.after) for one in written(fix_result)} == {
            ("public.person", "update", ("3",)): {"willpower": "10", "temporary": "10", "name": "was 2"},
            ("public.person", "update", ("4",)): {"temporary": "5"},
            ("public.person", "update", ("5",)): {"age": None},
            ("public.person", "update", ("6",)): {"age": "500"},
            ("public.member", "update", ("3",)): {"team_id": "1"},
            ("public.member", "delete", ("4",)): {},
            ("public.member", "delete", ("5",)): {},
            ("public.team", "update", ("1",)): {"size": "3"},
            ("public.team", "update", ("2",)): {"size": "0"},
            ("public.diary", "insert", ()): {"person_id": "7"},
        }
        assert fix_result.plan == plan_id(written(fix_result))
        assert fix_result.file is not None
        assert fix_result.file.stat().st_mode & 0o077 == 0

    assert contents(url) == before
    assert execute(url, "SELECT to_regnamespace('tgintegrity')") == [(None,)]
    assert execute(url, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text") == position


def test_the_same_data_gives_the_same_plan(url: str, tmp_path: Path) -> None:
    with planned(url, tmp_path) as (first, _):
        pass
    with planned(url, tmp_path) as (second, _):
        assert second.plan == first.plan
    execute(url, "UPDATE person SET age = -5 WHERE id = 5")
    with planned(url, tmp_path) as (third, _):
        assert third.plan != first.plan


def test_fixes_that_undo_each_other_are_not_made(url: str, tmp_path: Path) -> None:
    up = bound(Rows("person", "age < 35 AND id = 1"), "up", fix={"age": "40"})
    down = bound(Rows("person", "age > 35 AND id = 1"), "down", fix={"age": "30"})

    with planned(url, tmp_path, [up, down, WILLPOWER]) as (fix_result, _):
        assert {rule for rule, _ in fix_result.counts} == {"willpower"}
        assert [(one.rule, one.reason) for one in fix_result.needs_person] == [
            ("up", "it and the fix of down undo each other")
        ]


def test_a_fix_that_only_makes_another_rule_fail_is_not_made(url: str, tmp_path: Path) -> None:
    old = bound(Rows("person", "age >= 500"), "old", fix={"age": "20"})
    young = bound(Query("SELECT id FROM person WHERE age < 21 AND age > 0"), "young", fix_hint="ask")

    with planned(url, tmp_path, [old, young, WILLPOWER]) as (fix_result, _):
        assert {rule for rule, _ in fix_result.counts} == {"willpower"}
        assert [(one.rule, one.reason) for one in fix_result.needs_person] == [
            ("old", "its fix would make more rows violate young")
        ]


def test_a_rule_that_the_fix_of_another_mends_needs_no_person(url: str, tmp_path: Path) -> None:
    same = bound(Rows("person", "willpower > 10"), "same", fix_hint="ask")
    other = bound(Rows("person", "willpower > 10 OR age < 0"), "other", fix_hint="ask")

    with planned(url, tmp_path, [WILLPOWER, TEMPORARY, same, other]) as (fix_result, _):
        assert [one.rule for one in fix_result.needs_person] == ["other"]


def test_fixes_of_tables_apart_may_need_each_other(url: str, tmp_path: Path) -> None:
    execute(url, "ALTER TABLE team ADD leader int", "UPDATE team SET leader = 3 WHERE id = 2")
    leaves = bound(Rows("member", "person_id = 3"), "leaves", fix="delete", fix_allows=("delete",))
    leads = bound(Rows("team", "leader = 3"), "leads", fix={"leader": "NULL"})
    belongs = bound(References("team", ("leader",), "member", ("person_id",)), "belongs", fix_hint="ask")

    with planned(url, tmp_path, [leaves, leads, belongs]) as (fix_result, _):
        assert {rule for rule, _ in fix_result.counts} == {"leaves", "leads"}
    with planned(url, tmp_path, [leaves, belongs]) as (fix_result, _):
        assert [one.reason for one in fix_result.needs_person] == ["its fix would make more rows violate belongs"]


def test_a_fix_sees_what_another_one_wrote(url: str, tmp_path: Path) -> None:
    old = bound(Rows("person", "age >= 500"), "old", fix={"age": "-1"})

    with planned(url, tmp_path, [old, AGE]) as (fix_result, _):
        assert {one.key["id"]: (one.after["age"], one.rules) for one in written(fix_result)} == {
            "5": (None, ("age",)),
            "6": (None, ("age", "old")),
        }


def test_a_fix_may_delete_some_of_the_violating_rows_only(url: str, tmp_path: Path) -> None:
    execute(url, "INSERT INTO member (team_id, person_id) VALUES (1, 98), (2, 98)")
    where = "delete where person_id = 99 OR team_id = 1"
    some = bound(ORPHAN.rule.kind, "some", fix=where, fix_allows=("delete",))

    with planned(url, tmp_path, [some]) as (fix_result, _):
        assert [one.key["id"] for one in written(fix_result)] == ["5", "6"]


LEFT_OVER = Source(
    "left over",
    """(SELECT 'member' AS place, id, person_id IS NULL OR person_id = 99 AS alone FROM member
        UNION ALL SELECT 'diary', id, person_id = 1 FROM diary
        UNION ALL SELECT 'nowhere', id, TRUE FROM nowhere) AS rest
    LEFT JOIN member AS joined ON rest.place = 'member' AND joined.id = rest.id
    LEFT JOIN diary AS book ON rest.place = 'diary' AND book.id = rest.id
    LEFT JOIN nowhere ON rest.place = 'nowhere' AND nowhere.id = rest.id""",
    key=["rest.place", "rest.id"],
)


@pytest.mark.parametrize(
    ("fix", "gone"),
    [
        ("delete joined, book, nowhere", {("public.member", "5"), ("public.diary", "1")}),
        ("delete joined , book where book.id IS NULL", {("public.member", "5")}),
    ],
)
def test_a_fix_may_delete_behind_several_aliases(
    url: str, tmp_path: Path, fix: str, gone: set[tuple[str, str]]
) -> None:
    execute(url, "CREATE TABLE nowhere (id int PRIMARY KEY)")
    rest = bound(Rows(LEFT_OVER, "rest.alone"), "rest", fix=fix, fix_allows=("delete",))

    with planned(url, tmp_path, [rest]) as (fix_result, _):
        assert {(one.table, one.key["id"]) for one in written(fix_result) if one.op == "delete"} == gone
        assert len(written(fix_result)) == len(gone)


def test_a_fix_with_nothing_behind_any_of_its_aliases_says_so(url: str, tmp_path: Path) -> None:
    execute(url, "CREATE TABLE nowhere (id int PRIMARY KEY)", "DELETE FROM diary")
    rest = bound(Rows(LEFT_OVER, "rest.alone"), "rest", fix="delete book, nowhere", fix_allows=("delete",))

    with planned(url, tmp_path, [rest]) as (fix_result, _):
        assert [one.reason for one in fix_result.needs_person] == ["its source has no rows to write to"]


def test_a_condition_says_which_of_equal_rows_go(url: str, tmp_path: Path) -> None:
    last = "delete where EXISTS (SELECT FROM member AS kept WHERE kept.team_id = member.team_id AND kept.person_id = member.person_id AND kept.id > member.id)"
    twice = bound(TWICE.rule.kind, "twice", fix=last, fix_allows=("delete",))

    with planned(url, tmp_path, [twice]) as (fix_result, _):
        assert [one.key["id"] for one in written(fix_result)] == ["1"]


def test_rows_without_what_a_fix_inserts_are_shown(url: str) -> None:
    with run_on(url, [DIARY]) as run:
        found = run.measurement(DIARY)

    assert (found.error, [one.key for one in found.samples]) == (None, ["7"])


def test_rows_that_are_inserted_have_keys_for_the_other_rules(url: str, tmp_path: Path) -> None:
    keyless = bound(Rows("diary", "id IS NULL"), "keyless", fix_hint="ask")

    with planned(url, tmp_path, [DIARY, keyless]) as (fix_result, _):
        assert [one.op for one in written(fix_result)] == ["insert"]


@pytest.mark.parametrize(
    ("rule", "script", "reason"),
    [
        (bound(Between("person", "age", 0, 500), "it", fix="age - 1"), "", "its fix does not mend 2 of the rows"),
        (bound(Between("person", "age", 0, 500), "it", fix="1 / 0"), "", "its fix cannot be computed: division by zero"),
        (bound(Between("person", "age", 0, 500), "it", fix={"absent": "1"}), "", "person has no column absent"),
        (bound(Between("person", "age", 0, 500), "it", fix={"id": "id + 100"}), "", "it would change the primary key"),
        (bound(Between("person", "age", 0, 500), "it", fix_hint="ask the player"), "", "ask the player"),
        (bound(Between("person", "age", 0, 500), "it", fix="age"), "", "its fix does not mend|leaves these rows as they are"),
        (bound(Query("SELECT id FROM person WHERE age < 0"), "it", fix={"age": "1"}), "", "only rules about rows can be fixed"),
        (
            AGE,
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER audit BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION f()",
            'person has the trigger audit: say fix_allows="triggers" if it may fire',
        ),
        (
            TWICE,
            "CREATE TABLE pet (id int PRIMARY KEY, member_id int REFERENCES member ON DELETE CASCADE)",
            "deleting from member would change pet too",
        ),
        (AGE, "ALTER TABLE person DROP CONSTRAINT person_pkey", "person has no primary key"),
        (
            bound(Between("person", "next", 0, 100), "it", fix="clamp"),
            "ALTER TABLE person ADD next int GENERATED ALWAYS AS (age + 1) STORED",
            "person.next is generated",
        ),
    ],
)  # fmt: skip
def test_a_fix_that_cannot_be_made_safely_says_why(
    url: str, tmp_path: Path, rule: BoundRule, script: str, reason: str
) -> None:
    execute(url, script or "SELECT 1")

    with planned(url, tmp_path, [rule]) as (fix_result, _):
        assert fix_result.count == 0
        assert any(part in fix_result.needs_person[0].reason for part in reason.split("|")), fix_result.needs_person
