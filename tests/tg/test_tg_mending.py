"""Fixes of TG's rules on whole databases: they mend what is safe, harm nothing, and all of it comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from engine import looking_at
from integrity_tests.demo import DATASETS
from pytest_tgintegrity.database.connections.opening import Limits
from pytest_tgintegrity.database.run import Run
from pytest_tgintegrity.database.settings import Settings
from pytest_tgintegrity.fixing.fix import FixRequest, make_fixes, plan_fixes, undo
from pytest_tgintegrity.fixing.plan.planner import FixPlan
from pytest_tgintegrity.fixing.results import FixResult, Undone
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.proving.proof import Prover
from pytest_tgintegrity.proving.scratch_copy import LOOSE
from pytest_tgintegrity.proving.side_effects import SideEffects
from pytest_tgintegrity.rules.arguments import deleting
from pytest_tgintegrity.servers.binaries import find_postgres
from pytest_tgintegrity.servers.datasets import open_dataset
from tg_rules import collected

OLDER: Final = Path("/usr/lib/postgresql/15/bin")
UNCHECKED: Final = """
    SET allow_system_table_mods = on;
    UPDATE pg_class SET relchecks = 0 WHERE oid >= 16384 AND relchecks > 0;
"""
KEYED: Final = """
    UPDATE pg_index SET indisprimary = TRUE, indisunique = TRUE
    WHERE indexrelid IN (SELECT conindid FROM pg_constraint WHERE contype = 'p')
"""
"""A loose copy has no keys any more; a fix needs those."""


@dataclass
class Mending:
    """A database under repair."""

    url: str
    rules: Sequence[BoundRule]
    folder: Path

    def run(self) -> Run:
        run = Run(Settings(2, Limits(), 5, None, {}, "no_demo"), self.url, "the test")
        run.begin(self.rules)
        return run

    def violations(self) -> dict[str, int]:
        run = self.run()
        try:
            return {one.id: found for one in self.rules if (found := run.measurement(one).violations)}
        finally:
            run.close()

    def fix(self, *, info: bool = False) -> tuple[FixResult, FixPlan]:
        run = self.run()
        try:
            order = FixRequest(True, None, self.folder, 10_000, lambda one: info or one.rule.severity != "info")
            fix_result, drawn = plan_fixes(run, self.rules, order)
            make_fixes(run, fix_result, drawn)
            return fix_result, drawn
        finally:
            run.close()

    def undo(self) -> Undone:
        run = Run(Settings(2, Limits(), 5, None, {}, "no_demo"), self.url, "the test")
        try:
            run.begin([])
            return undo(run, "last")
        finally:
            run.close()

    def checksums(self) -> dict[str, str]:
        """Of every table of TG's, over whole rows."""
        with psycopg.connect(self.url) as connection:
            names = connection.execute(
                "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
            ).fetchall()
            query = sql.SQL("SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} AS t")
            found = {name: connection.execute(query.format(sql.Identifier(name))).fetchone() for (name,) in names}
        return {name: row[0] for name, row in found.items() if row}


# --- the planted faults


@pytest.fixture(
    params=[
        pytest.param(None, id="newest"),
        pytest.param(
            OLDER, id="15", marks=pytest.mark.skipif(not OLDER.exists(), reason=f"no PostgreSQL 15 in {OLDER}")
        ),
    ]
)
def planted(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mending]:
    if request.param is not None:
        monkeypatch.setenv("TGINTEGRITY_PG_BIN", str(request.param))
    with open_dataset("demo-damaged", DATASETS["demo:damaged"], binaries=find_postgres()) as server:
        yield Mending(server.url(), collected(server.url()), tmp_path)


def test_what_is_safe_is_mended_and_comes_back(planted: Mending) -> None:
    before = planted.checksums()

    fix_result, _ = planted.fix()

    assert fix_result.applied is not None
    assert (fix_result.applied.rows, fix_result.applied.skipped) == (fix_result.count, [])
    severe = {one.id for one in planted.rules if one.rule.severity != "info"}
    assert planted.violations().keys() & severe == {one.rule for one in fix_result.needs_person}
    assert planted.checksums() != before
    again, _ = planted.fix()
    assert again.count == 0
    with psycopg.connect(planted.url) as connection:
        connection.execute(UNCHECKED)  # as when the faults were planted: no CHECK lets such values come back
    back = planted.undo().applied
    assert (back.rows, back.skipped) == (fix_result.count, [])
    assert planted.checksums() == before


# --- each fix on the damage of its own rule


class Noting(SideEffects):
    """Notes a damage."""

    def __init__(self, breaker: Breaker) -> None:
        super().__init__(breaker._scratch, breaker._witnesses)
        self._breaker = breaker

    def check(self, _: object, change: sql.Composable, *__: object) -> None:
        self._breaker._noted.append(change)


class Breaker(Prover):
    """Notes what a proof does to break a rule, and does not look at other rules."""

    _noted: list[sql.Composable]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._side_effects = Noting(self)

    def damage(self, bound: BoundRule) -> sql.Composable | None:
        """What its proof does first; None if it finds nothing to do."""
        self._noted = []
        self.prove(bound)
        return self._noted[0] if self._noted else None

    def break_all(self, rules: Iterable[BoundRule]) -> set[str]:
        """Break rules for good, one after the other; give those that could be broken."""
        damages = {one.id: damage for one in rules if (damage := self.damage(one)) is not None}
        connection = self._scratch.connection
        connection.execute("BEGIN")
        for one in damages.values():
            self._scratch.change(one, "its break")
        connection.execute("COMMIT")
        connection.execute(KEYED)
        return set(damages)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mending, set[str]]]:
    """A demo in which one case of each rule with a fix was broken, all at once; and these cases."""
    with open_dataset("demo", DATASETS["demo"]) as server:
        rules = collected(server.url())
        with looking_at(server.url()) as engine:
            facts = engine.facts
        breaker = Breaker(server, rules, facts)
        cases = {one.id.partition("[")[0]: one for one in reversed(rules) if one.rule.fix is not None}
        done = breaker.break_all(cases.values())
        breaker.close()
        assert done == {one.id for one in cases.values()}
        yield Mending(server.url(LOOSE), rules, tmp_path_factory.mktemp("plans")), done


def test_fixes_mend_their_rules_and_harm_no_other(broken: tuple[Mending, set[str]]) -> None:
    mending, cases = broken
    before, sums = mending.violations(), mending.checksums()
    seen = cases & before.keys()
    assert len(seen) > len(cases) * 0.9  # a few are damaged away by another's damage to the same row

    fix_result, drawn = mending.fix(info=True)

    assert drawn.refused == {}
    assert fix_result.applied is not None
    assert (fix_result.applied.rows, fix_result.applied.skipped) == (fix_result.count, [])
    after = mending.violations()
    worse = {one for one, count in after.items() if count > before.get(one, 0)}
    assert worse == set()
    partly = {one.id for one in mending.rules if (found := deleting(one.rule.fix)) and found["where"]}
    assert seen & after.keys() <= partly
    assert mending.fix(info=True)[0].count == 0
    assert mending.undo().applied.rows == fix_result.count
    assert mending.checksums() == sums
