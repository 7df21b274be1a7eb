"""Rules are shown their own damage; what is said of those that miss it, and of those that fire on that of others."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import psycopg
import pytest

from engine import bound, looking_at
from harness import Ran, RunRules
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.proving.damage import columns as damage
from pytest_tgintegrity.proving.proof import Proof, Prover
from pytest_tgintegrity.proving.values import Spread
from pytest_tgintegrity.rules.kinds import (
    Acyclic,
    Agree,
    AtMost,
    Between,
    ChildRows,
    Derived,
    Formula,
    Freshness,
    JsonShape,
    Kind,
    Metric,
    NotBlank,
    NotNull,
    OneOf,
    Query,
    References,
    Rows,
    Schema,
    Share,
    Source,
    Unique,
    Volume,
)
from pytest_tgintegrity.servers.postgres import PostgresServer, start_postgres

SCRIPT = """
CREATE TABLE owner (id int PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE thing (
    id int PRIMARY KEY, size int NOT NULL CHECK (size BETWEEN 1 AND 10), colour text, note jsonb,
    owner_id int REFERENCES owner
);
CREATE TABLE branch (id int PRIMARY KEY, up_id int, twigs int);
INSERT INTO branch VALUES (1, NULL, 1), (2, 1, 1), (3, 2, 0);
INSERT INTO owner SELECT i, 'o' || i FROM generate_series(1, 5) AS i;
INSERT INTO thing SELECT i, i, 'red', '[]', 1 + i % 5 FROM generate_series(1, 10) AS i;
CREATE TABLE lonely (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
INSERT INTO lonely (name) VALUES ('only');
CREATE TABLE nothing (id int PRIMARY KEY, size int);
CREATE TABLE event (id int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
INSERT INTO event VALUES (1), (2);
"""

Prove = Callable[..., list[Proof]]


@pytest.fixture(scope="module")
def clean() -> Iterator[tuple[PostgresServer, Facts]]:
    with start_postgres() as started:
        with psycopg.connect(started.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE clean")
        server = replace(started, database="clean")
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(SCRIPT)
        with looking_at(server.url()) as engine:
            facts = engine.facts
        yield server, facts


@pytest.fixture
def prove(clean: tuple[PostgresServer, Facts]) -> Iterator[Prove]:
    provers = []

    def prove(*rules: BoundRule) -> list[Proof]:
        prover = Prover(clean[0], rules, clean[1])
        provers.append(prover)
        return [prover.prove(one) for one in rules]

    yield prove
    for prover in provers:
        prover.close()


def rule(kind: Any, name: str = "test_it", **more: Any) -> BoundRule:
    return bound(kind, f"rules/test_rules.py::{name}", **more)


LEFT_OVER: Final = Source(
    "left over",
    """(SELECT 'thing' AS place, id, size = 99 AS alone FROM thing
        UNION ALL SELECT 'nothing', id, TRUE FROM nothing) AS rest
    LEFT JOIN thing AS t ON rest.place = 'thing' AND t.id = rest.id
    LEFT JOIN nothing AS n ON rest.place = 'nothing' AND n.id = rest.id""",
    key=["rest.place", "rest.id"],
)


def test_range_is_broken_on_both_sides_and_what_is_legal_passes(prove: Prove) -> None:
    [proof] = prove(rule(Between("thing", "size", 1, 10), fix="clamp"))

    assert proof.proven, proof.reason
    assert proof.damages >= 6
    assert proof.legal >= 3
    assert proof.measurement.violations == 1
    assert proof.measurement.samples[0].key == "1"


def test_break_that_the_rule_does_not_see_is_missed(prove: Prove) -> None:
    [proof] = prove(rule(Rows("thing", "size > 10"), breaks={"size": "5"}))

    assert proof.reason == "missed its break: its breaks=, in whatever row"


def test_break_is_done_where_it_violates(prove: Prove) -> None:
    [proof] = prove(rule(Rows("thing", "size > 10 AND owner_id = 4"), breaks={"size": "11"}))

    assert proof.proven, proof.reason
    assert proof.measurement.samples[0].key == "3"


def test_rule_without_a_break_is_unproven(prove: Prove) -> None:
    [proof] = prove(rule(Rows("thing", "size > 10")))

    assert proof.reason == "no proof: say how to break it with breaks="


def test_rule_over_an_empty_table_is_unproven(prove: Prove) -> None:
    [proof] = prove(rule(Between("nothing", "size", 1, 10)))

    assert proof.reason == "no row to break: what it looks at is empty in the clean data"


def test_other_rule_that_fires_has_to_be_named(prove: Prove) -> None:
    one = rule(Between("thing", "size", 1, 10), "test_one")
    other = rule(Rows("thing", "size > 8 AND id < 8"), "test_other", breaks={"size": "9"})

    unsaid, _ = prove(one, other)
    said, _ = prove(one, replace(other, rule=replace(other.rule, overlaps=("test_one",))))

    assert unsaid.reason == "fires others on its break without overlaps=: test_other"
    assert said.proven, said.reason


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ID FROM THING WHERE SIZE NOT BETWEEN 1 AND 10",
        'SELECT t."id" FROM ONLY"thing"AS t(id, s) WHERE s NOT BETWEEN 1 AND 10',
        "SELECT id FROM public.thing /* owner */ WHERE to_jsonb(thing) ->> E'si\\x7ae' NOT IN (SELECT generate_series(1, 10)::text)",
    ],
)
def test_rule_that_fires_is_noticed_however_it_names_the_column(prove: Prove, sql: str) -> None:
    broken = rule(Between("thing", "size", 1, 10))
    other = rule(
        Query(sql), "test_other", breaks="UPDATE thing SET size = 11 WHERE id = 1 RETURNING id", overlaps=["test_one"]
    )

    [unsaid, _] = prove(broken, replace(other, rule=replace(other.rule, overlaps=())))

    assert unsaid.reason == "fires others on its break without overlaps=: test_other"


def test_rule_that_cannot_look_at_its_damage_is_unproven(prove: Prove) -> None:
    one = rule(Rows("thing", "colour::int > 5"), breaks={"colour": "'6x'"})
    other = rule(Rows("thing", "10 / size > 10"), "test_other", breaks={"size": "0"})
    clean = rule(NotNull("thing", "size"), "test_size")

    cast, division, _ = prove(one, other, clean)

    assert cast.reason is not None
    assert "invalid input syntax" in cast.reason
    assert division.reason == "it cannot look at its damage, its breaks=: division by zero"


def test_damage_that_another_rule_cannot_look_at_is_told(prove: Prove) -> None:
    [proof, _] = prove(
        rule(Between("thing", "size", 1, 10)),
        rule(Rows("thing", "1 / size > 1"), "test_other", breaks={"size": "0"}),
    )

    assert proof.reason == "its break is more than another rule can look at: test_other: division by zero"


def test_only_row_is_doubled_to_break_uniqueness(prove: Prove) -> None:
    proof, other = prove(rule(Unique("lonely", ("name",))), rule(Unique("nothing", ("size",)), "test_other"))

    assert proof.proven, proof.reason
    assert proof.measurement.violations == 2
    assert other.reason == "no row to break: what it looks at is empty in the clean data"


def test_rule_that_reports_more_than_the_damaged_row_is_unproven(prove: Prove) -> None:
    [proof] = prove(rule(Rows("thing", "99 IN (SELECT size FROM thing)"), breaks={"size": "99"}))

    assert proof.reason is not None
    assert proof.reason.startswith("reports others than what was damaged: its breaks=, in row 1: 2; 3; 4 …")


def test_fix_that_makes_another_rule_fire_is_told(prove: Prove) -> None:
    [proof, _] = prove(
        rule(Between("thing", "size", 1, 10), fix="CASE WHEN size > 10 THEN 10 ELSE 1 END", overlaps=["test_other"]),
        rule(Rows("thing", "size = 1 AND id > 1 OR size = 10 AND id = 1"), "test_other", breaks={"size": "11 - size"}),
    )

    assert proof.reason == "its fix makes others fire: test_other"


@pytest.mark.parametrize(
    "kind",
    [
        References("thing", ("owner_id",), "owner"),
        References("owner", ("id",), "thing", ("owner_id",), where="size < 6"),
        Acyclic("branch", "up_id"),
        JsonShape("thing", "note", [str]),
        Formula("thing", "size", "id"),
        Formula("thing", "colour", {"id": {1: "red", 3: "red"}}),
        AtMost("thing", "size", "id"),
        Agree("thing", "size", "id"),
        Derived("branch", "twigs", "count(*)", ChildRows("branch", "up_id")),
        NotBlank("owner", "name"),
        Schema("thing", constraint="thing_size_check"),
        Schema("thing", column="colour"),
        Schema(),
    ],
    ids=lambda kind: type(kind).__name__,
)
def test_damage_of_other_kinds_is_caught(prove: Prove, kind: Kind) -> None:
    [proof] = prove(rule(kind))

    assert proof.proven, proof.reason
    assert proof.damages > 0


@pytest.mark.parametrize(
    "kind", [Formula("thing", "size", "id"), Derived("branch", "twigs", "count(*)", ChildRows("branch", "up_id"))]
)
def test_recomputed_values_mend(prove: Prove, kind: Kind) -> None:
    [proof] = prove(rule(kind, fix="recompute"))

    assert proof.proven, proof.reason


def test_rules_with_the_same_constraint_need_not_name_each_other(prove: Prove) -> None:
    proofs = prove(
        rule(Between("thing", "size", 1, 10), enforced_by="thing_size_check"),
        rule(Rows("thing", "size > 10"), "test_other", breaks={"size": "11"}, enforced_by="thing_size_check"),
    )

    assert [one.reason for one in proofs] == [None, None]


@pytest.mark.parametrize("bounded", [Metric("things", "SELECT count(*) FROM thing", at_least=10)])
def test_metric_has_to_leave_its_bounds(prove: Prove, bounded: Metric) -> None:
    right, wrong, silent = prove(
        rule(bounded, breaks="DELETE FROM thing WHERE id = 1 RETURNING id"),
        rule(bounded, breaks="UPDATE thing SET size = 2 WHERE id = 1 RETURNING id"),
        rule(bounded),
    )

    assert right.proven, right.reason
    assert wrong.reason == "missed its break: it measures 10"
    assert silent.reason is not None
    assert silent.reason.startswith("no proof: say how to break it with breaks=, one SQL statement")


@pytest.mark.parametrize(
    ("kind", "damages"),
    [
        (Volume("thing", max_drop=0.5, at_least=3), 1),
        (Volume("thing", max_growth=2), 1),
        (Volume("lonely", max_drop=0, max_growth=0.5), 2),
        (Freshness("event", "at", 24), 1),
        (Share("thing", "owner_id", at_most=0.5), 1),
        (Share("thing", "colour", "blue", at_most=0.5), 1),
        (Share("thing", "colour", "red", at_least=0.5), 1),
    ],
)
def test_a_source_as_a_whole_is_broken_whole(prove: Prove, kind: Kind, damages: int) -> None:
    proofs = prove(rule(kind), rule(NotNull("thing", "owner_id"), "test_other"))

    assert [one.reason for one in proofs] == [None, None]
    assert proofs[0].damages == damages


def test_what_has_no_rows_to_lose_is_unproven(prove: Prove) -> None:
    empty, commonest, fixed = prove(
        rule(Volume("nothing", max_drop=0.5)),
        rule(Share("thing", "colour", at_least=0.5), "test_commonest"),
        rule(Volume("thing", at_least=11), "test_fixed"),
    )

    assert empty.reason == "its break changed nothing: it returned no row"
    assert commonest.reason == "no proof: say how to break it with breaks="
    assert fixed.reason == "it fires on clean data: 10"


def test_every_damage_has_to_be_caught(prove: Prove, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "spread", lambda *_: Spread((5,), (11,), ()))

    [proof] = prove(rule(Between("thing", "size", 1, 10)))

    assert proof.reason == "missed its break: thing.size = 5, in row 1"


def test_legal_value_that_fires_is_told(prove: Prove, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "spread", lambda *_: Spread((0,), (11,), (12,)))

    [proof] = prove(rule(Between("thing", "size", 1, 10)))

    assert proof.reason == "a legal value fires: thing.size = 12"


def test_rule_that_fires_on_clean_data_is_unproven(prove: Prove) -> None:
    [proof] = prove(rule(Between("thing", "size", 1, 9)))

    assert proof.reason == "it fires on clean data: 10"


def test_fix_that_does_not_mend_is_told(prove: Prove) -> None:
    [proof] = prove(rule(Between("thing", "size", 1, 10), fix="size"))

    assert proof.reason == "its fix does not mend its break"


THINGS = Source("things", "thing t JOIN owner o ON o.id = t.owner_id", key="t.id")


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(
            rule(Unique("owner", ("name",)), fix="delete", fix_allows=("delete",)), id="delete all but the first"
        ),
        pytest.param(
            rule(Rows(THINGS, "t.size = 99"), breaks={"t.size": "99"}, fix="delete t", fix_allows=("delete",)),
            id="delete behind an alias",
        ),
        pytest.param(
            rule(
                Rows(LEFT_OVER, "rest.alone"),
                breaks="UPDATE thing SET size = 99 WHERE id = 1 RETURNING 'thing', id",
                fix="delete t, n",
                fix_allows=("delete",),
            ),
            id="delete behind several aliases, one of them empty",
        ),
        pytest.param(
            rule(
                Rows("branch", "id NOT IN (SELECT id FROM owner)"),
                breaks="DELETE FROM owner WHERE id = 2 RETURNING id",
                fix={"owner.id": "branch.id", "owner.name": "'new'"},
                fix_allows=("insert",),
            ),
            id="insert",
        ),
    ],
)
def test_fix_that_deletes_or_inserts_is_proven(prove: Prove, declared: BoundRule) -> None:
    [proof] = prove(declared)

    assert proof.proven, proof.reason


def test_fix_that_inserts_the_wrong_row_does_not_mend(prove: Prove) -> None:
    [proof] = prove(
        rule(
            Rows("branch", "id NOT IN (SELECT id FROM owner)"),
            breaks="DELETE FROM owner WHERE id = 2 RETURNING id",
            fix={"owner.id": "branch.id + 40", "owner.name": "'new'"},
            fix_allows=("insert",),
        )
    )

    assert proof.reason == "its fix does not mend its break"


def test_fix_that_deletes_what_others_need_is_told(prove: Prove) -> None:
    [proof, _] = prove(
        rule(
            Rows(THINGS, "t.size = 99"),
            breaks={"t.size": "99"},
            fix="delete o",
            fix_allows=("delete",),
        ),
        rule(
            Rows("thing", "size > 90 AND owner_id NOT IN (SELECT id FROM owner)"),
            "test_other",
            breaks={"size": "91", "owner_id": "77"},
        ),
    )

    assert proof.reason == "its fix makes others fire: test_other"


def test_statement_says_which_rows_it_damages(prove: Prove) -> None:
    query = Query("SELECT id FROM thing WHERE colour = 'grey'")
    deed = "UPDATE thing SET colour = 'grey' WHERE id IN (2, {}) RETURNING id"

    right, wrong = prove(
        rule(query, breaks=deed.format(3)),
        rule(query, breaks="UPDATE thing SET colour = 'grey' WHERE id < 3 RETURNING 2"),
    )

    assert right.proven, right.reason
    assert wrong.reason == "its break says that it damages 2, it reports 1; 2"


def test_declared_values_are_proven(prove: Prove) -> None:
    proofs = prove(
        rule(OneOf("thing", "colour", ["red", "blue"])),
        rule(NotNull("thing", "owner_id"), "test_owned"),
        rule(Unique("owner", ("name",)), "test_unique"),
        rule(Metric("things", "SELECT count(*) FROM thing"), "test_count"),
    )

    assert [one.reason for one in proofs] == [None] * 4


def test_row_of_a_join_is_broken_in_the_table_behind_its_alias(prove: Prove) -> None:
    owned = Source("owned", "thing t JOIN owner o ON o.id = t.owner_id", key="t.id")
    [proof] = prove(rule(Rows(owned, "o.name = 'nobody'"), breaks={"o.name": "'nobody'"}))

    assert proof.proven, proof.reason
    assert proof.measurement.violations == 2


# --- as a run of pytest

DEMO = """
SCRIPT = '''
CREATE TABLE item (id int PRIMARY KEY, size int NOT NULL CHECK (size > 0), name text);
INSERT INTO item SELECT i, i, 'n' || i FROM generate_series(1, 20) AS i;
CREATE ROLE tg_reader LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO tg_reader;
'''

class Small:
    database = "tg"
    reader = "tg_reader"

    def fingerprint(self):
        return SCRIPT

    def build(self, connection):
        connection.execute(SCRIPT)
        connection.commit()

DATASETS = {"demo": Small()}
"""
PROVEN = '''
@rule.between("item", "size", 1, 20, severity="info")
def test_proven(violations):
    """Sizes are one to twenty."""
    assert not violations

@declared("check")
def test_checks(violations, constraint):
    """Constraints hold."""
    assert not violations

@rule.check(breaks="DELETE FROM item WHERE id = 1 RETURNING id")
def test_free(db):
    """There are twenty."""
    assert db.execute("SELECT count(*) FROM item").fetchone()[0] == 20
'''
UNPROVEN = '''
@rule.rows("item", "size > 99", severity="info")
def test_silent(violations):
    """Sizes are small."""
    assert not violations

@rule.not_null("item", "name")
def test_careless(violations):
    """Items have names."""
    assert violations.count < 99

@rule.check(breaks="DELETE FROM item WHERE id = 1 RETURNING id")
def test_blind(db):
    """Looks away."""
    assert db.execute("SELECT 1").fetchone()[0] == 1

@rule.not_null("absent", "name")
def test_impossible(violations):
    """Nobody knows this table."""
    assert not violations
'''


@pytest.fixture
def small_demo(pytester: pytest.Pytester) -> str:
    pytester.makepyfile(small_demo=DEMO)
    pytester.syspathinsert()
    return "--integrity-demo=small_demo"


def test_run_of_proofs_passes_when_all_are_proven(check: RunRules, small_demo: str) -> None:
    ran = check(PROVEN, "--prove", small_demo, url=None)

    assert ran.status == 0, ran.said
    assert "3 rules proven by" in ran.out
    assert ran.integrity["proof"]["proven"] == 3
    assert set(ran.verdicts.values()) == {"passed"}


def test_run_of_proofs_says_what_is_unproven_and_why(check: RunRules, small_demo: str) -> None:
    ran = check(PROVEN, UNPROVEN, "--prove", small_demo, url=None)
    reasons = {one["id"].partition("::")[2]: one["reason"] for one in ran.integrity["proof"]["rules"]}

    assert ran.status == 1
    assert reasons["test_proven"] is None
    assert reasons["test_silent"] == "no proof: say how to break it with breaks="
    assert reasons["test_careless"] == "its body passes although rows are damaged: write `assert not violations`"
    assert reasons["test_blind"] == "missed its break: its body passes on the damaged data"
    assert ran.verdicts["test_impossible"] == "unknown"
    assert "unproven   test_items.py::test_silent: no proof" in ran.out.replace(pytest_folder(ran), "")


def pytest_folder(ran: Ran) -> str:
    """What ids begin with: the folder of the run."""
    return str(ran.integrity["rules"][0]["id"]).partition("test_items.py")[0]


NONE_DECLARED = '''
from pytest_tgintegrity import declared

@declared("exclusion")
def test_none(violations, constraint):
    """There is nothing to hold."""
    assert not violations
'''


def test_where_nothing_is_declared_there_is_nothing_to_prove(check: RunRules, small_demo: str) -> None:
    """It is neither proven nor unproven, and seen."""
    ran = check(PROVEN, NONE_DECLARED, "--prove", small_demo, url=None)

    assert ran.status == 0, ran.said
    assert "0 unproven (1 vacuous: nothing declared)" in ran.out
    assert (ran.integrity["proof"]["proven"], ran.integrity["proof"]["unproven"]) == (3, 0)
    assert [one["id"].partition("::")[2] for one in ran.integrity["proof"]["rules"] if one["proven"] is None] == [
        "test_none[none-declared]"
    ]


def test_proofs_are_selected_like_tests(check: RunRules, small_demo: str) -> None:
    ran = check(PROVEN, UNPROVEN, "--prove", small_demo, "-k", "test_proven", url=None)

    assert ran.status == 0, ran.said
    assert ran.integrity["proof"]["proven"] == 1


@pytest.mark.parametrize(
    ("words", "url", "text"),
    [
        (["-n1"], None, "--prove breaks one scratch copy, from one process: leave out -n"),
        ([], "postgresql://somewhere/else", "--prove needs clean rows to break, and takes those of the demo"),
    ],
)
def test_proof_is_refused(check: RunRules, small_demo: str, words: list[str], url: str | None, text: str) -> None:
    ran = check(PROVEN, "--prove", small_demo, *words, url=url)

    assert ran.status == 4
    assert text in ran.err


def test_proof_without_hypothesis_says_what_to_install(
    check: RunRules, small_demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "hypothesis" else find(name, *more)
    )

    ran = check(PROVEN, "--prove", small_demo, url=None)

    assert ran.status == 4
    assert "pip install 'pytest-tgintegrity[prove]'" in ran.err
