"""Whether other rules fire on a damage, and on what its fix leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from psycopg import sql

from pytest_tgintegrity.errors import NotProven
from pytest_tgintegrity.fixing.plan.table_fixes import Intent, Violating, deletion, insertion, intents, violating
from pytest_tgintegrity.fixing.plan.writes import (
    Choice,
    Target,
    at_home,
    fix_writes,
    having,
    update,
)
from pytest_tgintegrity.planning.scans import Scan
from pytest_tgintegrity.planning.sources import PreparedSource
from pytest_tgintegrity.proving.scratch_copy import ScratchCopy
from pytest_tgintegrity.proving.witnesses import SHOWN, Case, Touched, View, Witnesses
from pytest_tgintegrity.rules.arguments import deleting
from pytest_tgintegrity.rules.kinds import Declared, Unique, VolumeKind


class SideEffects:
    """Checks the other rules that read what was changed."""

    def __init__(self, scratch: ScratchCopy, witnesses: Witnesses) -> None:
        self._scratch = scratch
        self._witnesses = witnesses

    def check(self, case: Case, change: sql.Composable, touched: Iterable[Touched], view: View) -> None:
        """No other rule may fire on the damage without saying so, and none on what the fix leaves of it."""
        if isinstance(
            case.bound.rule.kind, Declared | VolumeKind
        ):  # what empties a table is no news to others about it
            return
        others = self._witnesses.readers(case.bound, touched)
        fixes = self._fixes(case, view)
        if not others and not fixes:
            return
        with self._scratch.damaged(change):
            fired = self._fired(others, "its break")
            if strange := self._witnesses.unexpected(case.bound, fired):
                raise NotProven(f"fires others on its break without overlaps=: {_named(strange)}")
            if fixes:  # planned again: when the damage is done once more, the row may lie elsewhere
                self._apply_fix(case, self._fixes(case, case.view(self._scratch.answers(case.questions))))
                if worse := set(self._fired(others, "its fix")) - set(fired):
                    raise NotProven(f"its fix makes others fire: {_named(sorted(worse))}")

    def _fired(self, others: Sequence[Scan], what: str) -> list[str]:
        fired, failed = self._witnesses.fired_and_failed(others)
        if failed:
            rule, reason = next(iter(failed.items()))
            raise NotProven(f"{what} is more than another rule can look at: {_named([rule])}: {reason}")
        return fired

    def _fixes(self, case: Case, view: View) -> list[sql.Composable]:
        """The statements of the declared fix."""
        if case.source is None or case.bound.rule.fix is None:
            return []
        if moved := list(self._moves(case, case.source)):
            return moved
        writes = fix_writes(case.bound.rule, case.source.binding(case.bound.params))
        where = sql.SQL(" OR ").join(having(case.source, key) for key in view.news(case.base))
        return [update(case.source, self._scratch.placed(case.source, writes), Choice(where))]

    def _moves(self, case: Case, source: PreparedSource) -> Iterator[sql.Composable]:
        """The statements of a fix that deletes or inserts rows."""
        if not case.bound.rule.fix_allows:
            return
        violations = violating(case.scan, keep_first=isinstance(case.bound.rule.kind, Unique))
        for intent in intents(case.bound, source.columns):
            if intent.op == "insert":
                yield insertion(violations, intent)
            elif intent.op == "delete":
                yield from self._deletion(violations, intent, source)

    def _deletion(self, violations: Violating, intent: Intent, source: PreparedSource) -> Iterator[sql.Composable]:
        """The statement that deletes behind an alias; none if it is one of several and has no rows."""
        alias = at_home(Target(intent.alias, "ctid"), source.table)
        try:
            table = self._scratch.table(source, alias)
        except NotProven:
            if not intent.partial:
                raise
            return
        yield deletion(violations, intent, alias, table)

    def _apply_fix(self, case: Case, fixes: Iterable[sql.Composable]) -> None:
        for fix in fixes:
            self._scratch.change(fix, "its fix")
        deletion = deleting(case.bound.rule.fix)
        if deletion and deletion["where"]:  # what it leaves is for a person, and the damage may be of that sort
            return
        view = case.view(self._scratch.answers(case.questions))
        if view.count.violations > case.base.count.violations:
            raise NotProven("its fix does not mend its break")


def _named(rules: Sequence[str]) -> str:
    names = ", ".join(rule.partition("::")[2] for rule in rules[:SHOWN])
    return names if len(rules) <= SHOWN else f"{names} and {len(rules) - SHOWN} more"
