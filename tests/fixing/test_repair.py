"""Fixes against real servers: what was planned is written, what is written is journalled, and all of it comes back."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import bound
from fixes import (
    AGE,
    DAMAGE,
    RULES,
    SCRIPT,
    TEMPORARY,
    TWICE,
    WILLPOWER,
    MakeDatabase,
    contents,
    execute,
    fix,
    ordered,
    planned,
    run_on,
    undone,
    violated,
    written,
)
from pytest_tgintegrity.errors import UsageError
from pytest_tgintegrity.fixing.apply import batches
from pytest_tgintegrity.fixing.fix import make_fixes, past_runs, plan_fixes


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    return make_database(SCRIPT + DAMAGE)


# --- fixing and undoing


def test_what_was_planned_is_written_and_comes_back(url: str, tmp_path: Path) -> None:
    damaged = contents(url)
    assert violated(url) == {one.id for one in RULES}

    fix_result = fix(url, tmp_path)

    assert fix_result.applied is not None
    assert (fix_result.applied.rows, fix_result.applied.skipped) == (10, [])
    assert violated(url) == set()
    assert contents(url) != damaged
    again = fix(url, tmp_path)
    assert again.count == 0
    back = undone(url)
    assert (back.run, back.applied.rows, back.applied.skipped) == (fix_result.applied.run, 10, [])
    assert contents(url) == damaged


def test_an_undo_can_be_undone(url: str, tmp_path: Path) -> None:
    made = fix(url, tmp_path).applied
    fixed = contents(url)
    first = undone(url)

    again = undone(url, first.applied.run or "")

    assert made is not None
    assert again.applied.rows == made.rows
    assert contents(url) == fixed


def test_the_journal_is_readable_with_plain_sql(url: str, tmp_path: Path) -> None:
    made = fix(url, tmp_path, [AGE, TWICE]).applied

    assert made is not None
    assert execute(
        url,
        """SELECT run, rule, "table", key, op, before, after, by = current_user, at <= clock_timestamp()
           FROM tgintegrity.journal ORDER BY id""",
    ) == [
        (made.run, "age", "public.person", {"id": "5"}, "update", {"age": "-4"}, {"age": None}, True, True),
        (made.run, "age", "public.person", {"id": "6"}, "update", {"age": "900"}, {"age": "500"}, True, True),
        (made.run, "twice", "public.member", {"id": "4"}, "delete", {"id": "4", "team_id": "1", "person_id": "1"}, None, True, True),
    ]  # fmt: skip
    with run_on(url, [AGE]) as run:
        (past,) = past_runs(run)
    assert (past.id, past.kind, past.rows, past.tables, past.undone_by) == (made.run, "fix", 3, 2, None)


def test_undo_takes_back_only_what_nobody_changed_since(url: str, tmp_path: Path) -> None:
    fix(url, tmp_path)
    execute(
        url,
        "UPDATE person SET age = 41 WHERE id = 5",
        "UPDATE person SET age = 900 WHERE id = 6",
        "DELETE FROM person WHERE id = 4",
        "INSERT INTO member (id, team_id, person_id) OVERRIDING SYSTEM VALUE VALUES (4, 7, 7)",
        "UPDATE diary SET note = 'mine' WHERE person_id = 7",
    )

    back = undone(url)

    reasons = {(one.change.table, *one.change.key.values()): one.reason for one in back.applied.skipped}
    assert reasons == {
        ("public.person", "5"): "it was changed since",
        ("public.person", "6"): "it is as before already",
        ("public.person", "4"): "the row is gone",
        ("public.member", "4"): "a row with its key is there already",
        ("public.diary", "11"): "it was changed since",
    }
    assert back.applied.rows == 5
    assert execute(url, "SELECT age FROM person WHERE id = 5") == [(41,)]


def test_a_plan_that_is_out_of_date_is_not_made(url: str, tmp_path: Path) -> None:
    with run_on(url, RULES) as run:
        fix_result, drawn = plan_fixes(run, RULES, ordered(tmp_path))
        with pytest.raises(UsageError, match=r"the plan is .* now, not 0123456789abcdef"):
            make_fixes(run, fix_result, drawn, "0123456789abcdef")

    assert execute(url, "SELECT to_regnamespace('tgintegrity')") == [(None,)]


@pytest.mark.parametrize("which", ["last", "nonsense"])
def test_there_may_be_nothing_to_undo(url: str, tmp_path: Path, which: str) -> None:
    with pytest.raises(UsageError, match=r"has no journal"):
        undone(url, which)
    fix(url, tmp_path)
    undone(url)
    with pytest.raises(UsageError, match=r"no fix left to undo|knows no run 'nonsense'"):
        undone(url, which)


# --- somebody else is at work


def test_rows_that_changed_or_went_after_the_plan_are_left(url: str, tmp_path: Path) -> None:
    with planned(url, tmp_path) as (_, make):
        execute(url, "UPDATE person SET age = 33 WHERE id = 5", "DELETE FROM person WHERE id = 4")
        made = make().applied

    assert made is not None
    assert {one.change.key["id"]: one.reason for one in made.skipped} == {
        "4": "it changed after it was planned",
        "5": "it changed after it was planned",
    }
    assert made.rows == 8
    assert execute(url, "SELECT age FROM person WHERE id = 5") == [(33,)]


def test_a_locked_row_leaves_all_as_it_was(url: str, tmp_path: Path) -> None:
    before = contents(url)
    with planned(url, tmp_path, lock=0.3) as (_, make), psycopg.connect(url) as other:
        other.execute("SELECT FROM person WHERE id = 6 FOR UPDATE")
        made = make().applied

    assert made is not None
    assert made.rows == 0
    assert {one.reason for one in made.skipped} == {"somebody else holds a lock on it (waited 0.3 s, --lock-timeout)"}
    assert contents(url) == before
    assert execute(url, "SELECT count(*) FROM tgintegrity.journal") == [(0,)]


def test_only_one_repair_at_a_time(url: str, tmp_path: Path) -> None:
    with planned(url, tmp_path) as (_, make), psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('pytest-tgintegrity'), hashtext('fix'))")
        with pytest.raises(UsageError, match=r"another --fix or --undo is under way"):
            make()

    assert execute(url, "SELECT to_regnamespace('tgintegrity')") == [(None,)]


FLAKY = """
CREATE SEQUENCE tries;
CREATE FUNCTION flaky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '{code}'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER flaky BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION flaky();
"""
ALLOWED = bound(AGE.rule.kind, "age", fix=AGE.rule.fix, fix_allows=("triggers",))


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize(("times", "rows"), [(2, 2), (99, 0)])
def test_serialization_failures_and_deadlocks_are_tried_again(
    url: str, tmp_path: Path, code: str, times: int, rows: int
) -> None:
    execute(url, FLAKY.format(times=times, code=code))

    made = fix(url, tmp_path, [ALLOWED]).applied

    assert made is not None
    assert made.rows == rows
    assert len(made.skipped) == 2 - rows
    assert all("given up after 3 attempts: could not serialize" in one.reason for one in made.skipped)


def test_a_row_that_the_server_refuses_is_left_and_the_others_are_mended(url: str, tmp_path: Path) -> None:
    execute(url, "ALTER TABLE person ADD CONSTRAINT never_500 CHECK (age <> 500)")

    made = fix(url, tmp_path).applied

    assert made is not None
    assert [(one.change.key["id"], "never_500" in one.reason) for one in made.skipped] == [("6", True)]
    assert made.rows == 9
    assert violated(url) == {"age"}


def test_a_lost_connection_is_told_and_leaves_whole_batches(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "WHOLE_PLAN_ROWS", 0)
    monkeypatch.setattr(batches, "BATCH_ROWS", 2)
    execute(
        url,
        FLAKY.format(times=0, code="40001").replace(
            "RETURN NEW", "IF NEW.id = 6 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW"
        ),
    )
    rules = [
        bound(one.rule.kind, one.id, fix=one.rule.fix, fix_allows=("triggers",)) for one in (AGE, WILLPOWER, TEMPORARY)
    ]

    made = fix(url, tmp_path, rules).applied

    assert made is not None
    assert made.stopped is not None
    assert "terminating connection" in made.stopped
    assert (made.rows, len(made.skipped)) == (2, 2)
    assert execute(url, "SELECT count(*) FROM tgintegrity.journal") == [(2,)]
    execute(url, "DROP TRIGGER flaky ON person")
    assert fix(url, tmp_path, rules).count == 2
    assert violated(url, rules) == set()


@pytest.mark.parametrize(
    ("grant", "sentence"),
    [
        ("GRANT UPDATE ON person TO {role}", "cannot be made or read: permission denied"),
        (
            "GRANT CREATE ON DATABASE {name} TO {role}",
            "may not update public.person: nothing was changed; GRANT UPDATE",
        ),
    ],
)
def test_a_role_that_may_not_is_told_before_anything_is_written(
    url: str, tmp_path: Path, grant: str, sentence: str
) -> None:
    ((name,),) = execute(url, "SELECT current_database()")
    role = f"mender_{name}_{'update' if 'UPDATE' in grant else 'create'}"
    execute(
        url,
        f"CREATE ROLE {role} LOGIN",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        grant.format(role=role, name=name),
    )
    before = contents(url)
    owner = url.partition("//")[2].partition("@")[0]

    with (
        planned(url.replace(f"//{owner}@", f"//{role}@"), tmp_path, [AGE]) as (_, make),
        pytest.raises(UsageError, match=sentence),
    ):
        make()

    assert contents(url) == before


def test_the_role_of_the_manual_may_mend(url: str, tmp_path: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "fixing.md").read_text(encoding="utf-8")
    ((name,),) = execute(url, "SELECT current_database()")
    role = f"tg_mender_{name}"
    statements = [
        statement.replace("tg_mender", role)
        for block in re.findall(r"```sql\n(.*?)```", manual, re.DOTALL)
        for statement in block.split(";\n")
    ]
    execute(url, *(one for one in statements if one.startswith(("CREATE", "GRANT"))))
    owner = url.partition("//")[2].partition("@")[0]

    made = fix(url.replace(f"//{owner}@", f"//{role}@"), tmp_path).applied

    assert made is not None
    assert (made.rows, made.skipped) == (10, [])
    execute(url, *(one for one in statements if one.startswith("SELECT")))


# --- random damage


DAMAGES = st.lists(
    st.one_of(
        st.builds("UPDATE person SET willpower = {} WHERE id = {}".format, st.integers(-20, 20), st.integers(1, 10)),
        st.builds("UPDATE person SET temporary = {} WHERE id = {}".format, st.integers(-5, 20), st.integers(1, 10)),
        st.builds("UPDATE person SET age = {} WHERE id = {}".format, st.sampled_from(["NULL", "-1", "0", "501"]), st.integers(1, 10)),
        st.builds("INSERT INTO member (team_id, person_id) VALUES ({}, {})".format, st.integers(1, 3), st.integers(1, 12)),
        st.builds("DELETE FROM diary WHERE person_id = {}".format, st.integers(1, 10)),
        st.builds("UPDATE team SET size = {} WHERE id = {}".format, st.integers(0, 4), st.integers(1, 2)),
        st.builds("UPDATE person SET name = '{}' WHERE id = {}".format, st.integers(1, 3), st.integers(1, 10)),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages=DAMAGES)
def test_fix_then_undo_is_the_identity_and_fixing_twice_changes_nothing(
    make_database: MakeDatabase, tmp_path: Path, damages: list[str]
) -> None:
    url = make_database(SCRIPT + ";".join(damages))
    before = contents(url)

    first = fix(url, tmp_path)

    assert violated(url) == set()
    assert first.applied is not None
    touched = {(one.table, *one.key.values()) for one in written(first)}
    for name, rows in contents(url).items():
        ids = {row for (row,) in rows}
        lost = {row.strip("()").split(",")[0] for (row,) in before[name] if row not in ids}
        assert {(f"public.{name}", key) for key in lost} <= touched
    assert fix(url, tmp_path).count == 0
    if first.count:
        assert undone(url, first.applied.run or "").applied.skipped == []
    assert contents(url) == before
