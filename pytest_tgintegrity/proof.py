"""Prove that rules can fail: each one is shown its own damage on a scratch copy, and has to report exactly that.

    prover = Prover(server, rules, facts)
    prover.prove(rule)

What is legal must not be reported, a declared fix has to heal the damage, and no other rule may fire unless one of the
two says so (`overlaps=`). Everything is forgotten after each rule.
"""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from pytest_tgintegrity.damage import Attempts, Columns, Damage, Deed, attempts, columns_of
from pytest_tgintegrity.database import Answer, Failure
from pytest_tgintegrity.errors import DeclarationError, NotEvaluated, NotProven
from pytest_tgintegrity.planning import BoundRule, plan
from pytest_tgintegrity.predicates import readable
from pytest_tgintegrity.rules import Declared, Metric
from pytest_tgintegrity.schema import Facts
from pytest_tgintegrity.scans import Count, ReferenceScan, RowScan, Scan, UniqueScan
from pytest_tgintegrity.scratch import PostgresServer
from pytest_tgintegrity.verdicts import Measurement, Sample
from pytest_tgintegrity.workbench import Trial, Workbench, loosened
from pytest_tgintegrity.writes import Choice, Place, Stored, Target, Write, fix_writes, target, update

Key = tuple[str | None, ...]

KEYS = 5_000
SHOWN = 3
FIRST_ROWS = (1, 64, None)
REPRESENTATIVES = 2

_STORED = """
SELECT a.attrelid::oid, a.attname, a.attrelid::regclass::text, t.typname, format_type(t.oid, -1)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type own ON own.oid = a.atttypid
JOIN pg_type t ON t.oid = coalesce(nullif(own.typbasetype, 0), own.oid)
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND c.oid >= 16384
"""
_CHANGED = """
SELECT relname, n_tup_ins + n_tup_del, n_tup_upd FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_del + n_tup_upd > 0
"""
_EVERYTHING = re.compile(r"(?:SELECT|[.,])\s*\*|\b(?:to_jsonb?|row_to_json)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proof:
    """How the proof of one rule ended.

    `reason` says why it is unproven, or that it could not be tried at all (`tried` is False). `measurement` is what the
    rule saw of the damage; `damages` and `legal` are how many values it had to catch and to let pass.
    """

    rule: str
    reason: str | None = None
    tried: bool = True
    damages: int = 0
    legal: int = 0
    measurement: Measurement = field(default_factory=Measurement)

    @property
    def proven(self) -> bool:
        """Whether the rule was shown to fail when it has to, and only then."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class _View:
    """What a rule says of the data as it is: how many rows violate it, and their keys."""

    count: Count
    keys: tuple[Key, ...] = ()

    def news(self, before: _View) -> list[Key]:
        """The keys that were not reported before."""
        return list((Counter(self.keys) - Counter(before.keys)).elements())


@dataclass(frozen=True, slots=True)
class _Case:
    """A rule made ready to be proven."""

    bound: BoundRule
    scan: Scan
    types: Mapping[str, int]
    place: Place | None
    base: _View

    @property
    def questions(self) -> list[sql.Composable]:
        """What to ask of the rule: how many rows, and which."""
        sampling = self.scan.sampling(self.bound.id)
        return [self.scan.question(self.types), *([sampling.first(KEYS)] if sampling is not None else [])]

    def view(self, answers: Sequence[Answer]) -> _View:
        """Read the answers to the questions."""
        tally = self.scan.tally(answers[0].rows)
        sampling = self.scan.sampling(self.bound.id)
        keys = [tuple(texts[: sampling.keys]) for texts in answers[1].texts] if sampling is not None else []
        if tally.counts is None:
            raise NotProven("its scan serves other rules too")
        return _View(tally.counts[self.bound.id], tuple(keys))


def place_of(scan: Scan) -> Place | None:
    """Where the rows of a scan's rule can be written to; None for queries and metrics."""
    match scan:
        case RowScan(checks=[check, *_]):
            return Place(scan.table, check.keys)
        case ReferenceScan(references=[one, *_]):
            return Place(scan.table, one.keys)
        case UniqueScan():
            return Place(scan.table, scan.keys)
    return None


class Prover:
    """Proves rules on a scratch copy of a server's clean data."""

    def __init__(self, server: PostgresServer, rules: Sequence[BoundRule], facts: Facts) -> None:
        self._rules = {bound.id: bound for bound in rules}
        self._plan = plan(rules, facts)
        self._facts = facts
        self._bench = loosened(server)
        self._scans = {rule: scan.only([rule]) for scan in self._plan.scans for rule in scan.rules}
        self._types: dict[str, int] = {}
        self._relations: dict[tuple[str, str], int | None] = {}
        self._narrowed: dict[tuple[str, ...], list[Scan]] = {}
        with self._bench.transaction():
            self._stored = self._read_columns()
            self._probe()
            self._base = self._counts(self._plan.scans)
        self._words = {rule: _words(scan.question({})) for rule, scan in self._scans.items()}
        self._readers: dict[str, list[str]] = defaultdict(list)
        for rule, (words, _) in self._words.items():
            for word in words:
                self._readers[word].append(rule)

    def close(self) -> None:
        """Let go of the scratch copy."""
        self._bench.close()

    # --- getting ready

    def _read_columns(self) -> dict[tuple[int, str], Stored]:
        [answer] = self._answers([sql.SQL(_STORED)])
        return {(oid, column): Stored(table, spelled, name) for oid, column, table, name, spelled in answer.rows}

    def _answers(self, statements: Sequence[sql.Composable]) -> list[Answer]:
        found = []
        for answer in self._bench.ask(statements):
            if isinstance(answer, Failure):
                raise NotEvaluated(answer.reason)
            found.append(answer)
        return found

    def _probe(self) -> None:
        probes = [(rule, probe) for scan in self._plan.scans for rule, probe in scan.probes().items()]
        answers = self._bench.ask([probe for _, probe in probes])
        for (rule, _), answer in zip(probes, answers, strict=True):
            if isinstance(answer, Answer) and answer.types:
                self._types[rule] = answer.types[0]

    def _counts(self, scans: Sequence[Scan]) -> dict[str, Count | Failure]:
        """What every rule of some scans counts."""
        found: dict[str, Count | Failure] = {}
        suspects: list[tuple[RowScan, Answer]] = []
        for scan, answer in zip(scans, self._bench.ask([one.question(self._types) for one in scans]), strict=True):
            counts = None
            if isinstance(answer, Answer):
                counts = scan.tally(answer.rows).counts
                if counts is None and isinstance(scan, RowScan):
                    suspects.append((scan, answer))
                    continue
            elif len(scan.rules) > 1:
                for rule in scan.rules:
                    found |= self._counts([self._scans[rule]])
                continue
            found |= counts if counts is not None else dict.fromkeys(scan.rules, answer)
        answers = self._bench.ask([scan.recount() for scan, _ in suspects])
        for (scan, first), answer in zip(suspects, answers, strict=True):
            if isinstance(answer, Answer):
                found |= scan.recounted(answer.rows, first.rows)
        return found

    # --- proving

    def prove(self, bound: BoundRule) -> Proof:
        """Break one rule, and see whether it notices."""
        if bound.id in self._plan.unplannable:
            return Proof(bound.id, self._plan.unplannable[bound.id], tried=False)
        if bound.id not in self._scans:
            return Proof(bound.id, "no proof: this kind of rule cannot be proven yet")
        try:
            with self._bench.transaction():
                return self._proof(self._case(bound))
        except (NotProven, DeclarationError) as error:
            return Proof(bound.id, str(error))
        except NotEvaluated as error:
            return Proof(bound.id, str(error), tried=False)

    def _case(self, bound: BoundRule) -> _Case:
        scan = self._scans[bound.id]
        case = _Case(bound, scan, self._types, place_of(scan), _View(Count(None, 0)))
        base = case.view(self._answers(case.questions)) if self._base_count(bound) else case.base
        if base.count.violations and bound.rule.severity != "info":
            raise NotProven(f"it fires on clean data: {base.count.violations} rows")
        return _Case(bound, scan, self._types, case.place, base)

    def _base_count(self, bound: BoundRule) -> int:
        found = self._base[bound.id]
        if isinstance(found, Failure):
            raise NotEvaluated(found.reason)
        return found.violations

    def _proof(self, case: _Case) -> Proof:
        bound = case.bound
        if isinstance(bound.rule.kind, Metric):
            return self._metric(case)
        found = attempts(bound, case.scan, self._columns(case))
        if isinstance(found.illegal, Deed):
            return self._deed(case, found.illegal)
        if case.place is None:
            raise NotProven("no proof: a mapping names columns of a source; give breaks= as one SQL statement")
        return self._damages(case, case.place, found)

    def _columns(self, case: _Case) -> Columns:
        found = {}
        if case.place is None:
            return found
        names = self._names(case)
        for text in columns_of(case.bound, case.scan):
            where = target(text, case.bound.params, names)
            if where is not None and (stored := self._find(case.place, where)) is not None:
                found[text] = (where, stored)
        return found

    def _names(self, case: _Case) -> frozenset[str]:
        name = readable(case.place.table).replace('"', "").removeprefix("ONLY ") if case.place else ""
        table = self._facts.table(name)
        return table.columns if table else frozenset()

    def _find(self, place: Place, where: Target) -> Stored | None:
        """The stored column behind a target; None if it is none. Raises `NotProven` where there is no row."""
        key = (readable(place.table), where.alias)
        if key not in self._relations:
            oid = sql.SQL("{}tableoid").format(where.prefix)
            query = sql.SQL("SELECT {oid}::oid FROM {table} WHERE {oid} IS NOT NULL LIMIT 1").format(oid=oid, table=place.table)
            [answer] = self._bench.ask([query])
            if isinstance(answer, Failure):
                self._relations[key] = None
            elif rows := answer.rows:
                self._relations[key] = rows[0][0]
            else:
                raise NotProven("no row to break: what it looks at is empty in the clean data")
        oid = self._relations[key]
        return None if oid is None else self._stored.get((oid, where.column))

    def _placed(self, place: Place, writes: Iterable[Write]) -> list[tuple[Write, Stored]]:
        found = []
        for write in writes:
            stored = self._find(place, write.target)
            if stored is None:
                raise NotProven(f"{write.target.words} is no column of a stored table behind the source")
            found.append((write, stored))
        return found

    # --- damaging one row

    def _damages(self, case: _Case, place: Place, found: Attempts) -> Proof:
        illegal = [(one, self._placed(place, one.writes)) for one in found.illegal if isinstance(one, Damage)]
        choice, first = self._victim(case, place, illegal)
        tried = illegal[illegal.index(first) :] if found.any_of else illegal
        trials = [self._trial(case, place, writes, choice) for _, writes in tried]
        caught = []
        for (damage, writes), answers in zip(tried, self._bench.try_all(trials), strict=True):
            if isinstance(answers, Failure):
                continue
            problem = self._problem(case, place, damage, writes, choice, answers)
            if problem is None:
                caught.append((damage, writes, case.view(answers[1:])))
            elif not (found.any_of and problem.startswith("missed")):
                raise NotProven(problem)
        if not caught:
            raise NotProven("no damage could be written")
        legal = self._legal(case, place, found.legal, choice)
        for damage, writes, view in caught[:REPRESENTATIVES]:
            touched = {(stored.table, write.target.column) for write, stored in writes}
            self._side_effects(case, update(place, writes, choice), touched, view)
        return Proof(case.bound.id, damages=len(caught), legal=legal, measurement=_measured(caught[0][2], case.base))

    def _trial(self, case: _Case, place: Place, writes: Sequence[tuple[Write, Stored]], choice: Choice) -> Trial:
        return [update(place, writes, choice), *case.questions]

    def _victim(
        self, case: _Case, place: Place, illegal: Sequence[tuple[Damage, list[tuple[Write, Stored]]]]
    ) -> tuple[Choice, tuple[Damage, list[tuple[Write, Stored]]]]:
        """A row that violates the rule when it is damaged: the first one, or the first that the rule points out."""
        written, reason = 0, None
        for limit in FIRST_ROWS:
            choice = Choice(limit=limit)
            trials = [self._trial(case, place, writes, choice) for _, writes in illegal]
            for one, answers in zip(illegal, self._bench.try_all(trials), strict=True):
                if isinstance(answers, Failure):
                    reason = answers.reason
                    continue
                rows = answers[0].rows
                written += len(rows)
                news = case.view(answers[1:]).news(case.base)
                if news and limit == 1:
                    return choice, one
                if news:
                    return self._pointed_out(place, news, rows), one
        if not written and reason is None:
            raise NotProven("no row to break: what it looks at is empty in the clean data")
        raise NotProven(f"its break fails: {reason}" if not written else f"missed its break: {illegal[0][0].words} in every row")

    def _pointed_out(self, place: Place, news: Sequence[Key], rows: Sequence[Sequence[object]]) -> Choice:
        known = [tuple(row[3:]) for row in rows]
        key = next((one for one in news if one in set(known)), known[0])
        return Choice(where=place.having(key))

    def _problem(
        self,
        case: _Case,
        place: Place,
        damage: Damage,
        writes: Sequence[tuple[Write, Stored]],
        choice: Choice,
        answers: Sequence[Answer],
    ) -> str | None:
        """What is wrong with how the rule saw a damage, in words."""
        view, rows = case.view(answers[1:]), answers[0].rows
        if not rows:
            return "no row to break: the row that it pointed out is gone when it is looked for"
        key = tuple(rows[0][3:])
        news, more = view.news(case.base), view.count.violations - case.base.count.violations
        if not news:
            return f"missed its break: {damage.words} in row {_told(key)}"
        if more == damage.violations == 1 and news == [key]:
            return None
        related = self._related(place, writes, choice)
        strange = [one for one in news if one not in related]
        if damage.violations > 1:
            strange = [] if more == damage.violations and len(strange) < len(news) else news
        if strange:
            return f"reports rows that were not damaged: {damage.words} in row {_told(key)}, reported {_told(*strange[:SHOWN])}"
        return None

    def _related(self, place: Place, writes: Sequence[tuple[Write, Stored]], choice: Choice) -> set[Key]:
        """The keys of all source rows that the damaged rows are part of, before and after."""
        prefixes = [write.target.prefix for write, _ in {write.target.alias: (write, s) for write, s in writes}.values()]
        change = update(place, writes, choice)
        [rows] = self._bench.try_all([[change]])
        if isinstance(rows, Failure):
            return set()
        before = self._answers([self._sharing(place, prefixes, [(row[0], row[1]) for row in rows[0].rows])])
        after_query = self._sharing(place, prefixes, [(row[0], row[2]) for row in rows[0].rows])
        del after_query
        with self._damaged(change) as done:
            after = self._answers([self._sharing(place, prefixes, [(row[0], row[2]) for row in done.rows])])
        return {tuple(texts) for answer in (*before, *after) for texts in answer.texts}

    def _sharing(self, place: Place, prefixes: Sequence[sql.Composable], rows: Sequence[tuple[int, str]]) -> sql.Composable:
        conditions = [
            sql.SQL("{}ctid = ANY({}::tid[])").format(prefix, sql.Literal([str(at) for n, at in rows if n == number]))
            for number, prefix in enumerate(prefixes)
        ]
        return place.chosen([sql.SQL("({})::text").format(key) for key in place.keys], Choice(sql.SQL(" OR ").join(conditions)))

    def _damaged(self, change: sql.Composable) -> _Damaged:
        return _Damaged(self._bench, change)

    def _legal(self, case: _Case, place: Place, legal: Sequence[Damage], choice: Choice) -> int:
        writes = [self._placed(place, one.writes) for one in legal]
        trials = [self._trial(case, place, one, choice) for one in writes]
        passed = 0
        for one, answers in zip(legal, self._bench.try_all(trials), strict=True):
            if isinstance(answers, Failure):
                continue
            view = case.view(answers[1:])
            if view.count.violations > case.base.count.violations:
                raise NotProven(f"a legal value fires: {one.words}")
            passed += 1
        return passed

    # --- damaging by a statement

    def _deed(self, case: _Case, deed: Deed) -> Proof:
        before = self._changed()
        with self._damaged(deed.statement) as done:
            sampling = case.scan.sampling(case.bound.id)
            width = sampling.keys if sampling is not None else 0
            expected = Counter(tuple(texts[:width]) for texts in done.texts)
            view = case.view(self._answers(case.questions))
            touched = self._touched(deed, before)
        if not done.cursor.rowcount:
            raise NotProven("its break changed nothing: the statement returned no row")
        if isinstance(case.bound.rule.kind, Metric):
            if not view.count.violations:
                raise NotProven(f"missed its break: it measures {view.count.value}")
        elif not (news := view.news(case.base)):
            raise NotProven(f"missed its break: no row reported, expected {_told(*expected)}")
        elif set(news) != set(expected):
            raise NotProven(f"its break returned {_told(*expected)}, but it reports {_told(*news)}")
        self._side_effects(case, deed.statement, touched, view)
        return Proof(case.bound.id, damages=1, measurement=_measured(view, case.base))

    def _changed(self) -> dict[str, tuple[int, int]]:
        [answer] = self._answers([sql.SQL(_CHANGED)])
        return {name: (moved, updated) for name, moved, updated in answer.rows}

    def _touched(self, deed: Deed, before: Mapping[str, tuple[int, int]]) -> set[tuple[str, str | None]]:
        """The tables and columns that a statement changed; None for rows that came or went."""
        named = _words(deed.statement)[0]
        found: set[tuple[str, str | None]] = set()
        for name, (moved, updated) in self._changed().items():
            was = before.get(name, (0, 0))
            if moved > was[0]:
                found.add((name, None))
            elif updated > was[1]:
                table = self._facts.table(name)
                found |= {(name, column) for column in (table.columns if table else ()) if column in named}
        return found

    # --- metrics

    def _metric(self, case: _Case) -> Proof:
        kind = case.bound.rule.kind
        if not isinstance(kind, Metric) or (kind.at_least is None and kind.at_most is None):
            view = case.view(self._answers(case.questions))
            return Proof(case.bound.id, measurement=_measured(view, case.base))
        if not isinstance(case.bound.rule.breaks, str):
            raise NotProven("no proof: say how to get it out of bounds with breaks=, one SQL statement with RETURNING")
        found = attempts(case.bound, case.scan, {})
        if not isinstance(found.illegal, Deed):
            raise NotProven("no proof")
        return self._deed(case, found.illegal)

    # --- what others make of it

    def _side_effects(
        self, case: _Case, change: sql.Composable, touched: Iterable[tuple[str, str | None]], view: _View
    ) -> None:
        """No other rule may fire on the damage without saying so, none at all on what the fix leaves."""
        if isinstance(case.bound.rule.kind, Declared):
            return
        others = self._affected(case.bound, touched)
        fix = self._fix(case, view)
        if not others and not fix:
            return
        with self._damaged(change):
            self._compare(case, others, "its break")
            if fix:
                self._mend(case, fix)
                self._compare(case, others, "its fix")

    def _compare(self, case: _Case, scans: Sequence[Scan], what: str) -> None:
        fired = [
            rule
            for rule, count in self._counts(scans).items()
            if _more(count, self._base[rule]) and not (what == "its break" and self._expected(case.bound, self._rules[rule]))
        ]
        if fired:
            names = ", ".join(rule.partition("::")[2] for rule in fired[:SHOWN])
            more = f" and {len(fired) - SHOWN} more" if len(fired) > SHOWN else ""
            cure = "say so with overlaps=" if what == "its break" else "mend the fix"
            raise NotProven(f"{what} makes others fire: {names}{more} ({cure})")

    def _expected(self, one: BoundRule, other: BoundRule) -> bool:
        """Whether two rules said that they look at the same fact."""
        if _function(one) == _function(other) or (one.rule.enforced_by and one.rule.enforced_by == other.rule.enforced_by):
            return True
        return _names_it(one, other) or _names_it(other, one)

    def _affected(self, bound: BoundRule, touched: Iterable[tuple[str, str | None]]) -> list[Scan]:
        """The scans of other rules whose SQL names a touched table, and the touched column or all of them."""
        rules: set[str] = set()
        for table, column in touched:
            for rule in self._readers[table.rpartition(".")[2].strip('"')]:
                words, everything = self._words[rule]
                if column is None or everything or column in words:
                    rules.add(rule)
        chosen = tuple(
            sorted(rule for rule in rules if rule != bound.id and not isinstance(self._rules[rule].rule.kind, Declared))
        )
        if chosen not in self._narrowed:
            wanted = set(chosen)
            self._narrowed[chosen] = [
                scan.only(kept) for scan in self._plan.scans if (kept := [one for one in scan.rules if one in wanted])
            ]
        return self._narrowed[chosen]

    def _fix(self, case: _Case, view: _View) -> sql.Composable | None:
        if case.place is None or case.bound.rule.fix is None:
            return None
        writes = fix_writes(case.bound.rule, case.bound.params, self._names(case))
        news = view.news(case.base)
        where = sql.SQL(" OR ").join(case.place.having(key) for key in news)
        return update(case.place, self._placed(case.place, writes), Choice(where))

    def _mend(self, case: _Case, fix: sql.Composable) -> None:
        [answer] = self._bench.ask_for_good([fix])
        if isinstance(answer, Failure):
            raise NotProven(f"its fix fails: {answer.reason}")
        view = case.view(self._answers(case.questions))
        if view.count.violations > case.base.count.violations:
            raise NotProven("its fix does not mend its break")


class _Damaged:
    """A change that lasts as long as the context."""

    def __init__(self, bench: Workbench, change: sql.Composable) -> None:
        self._bench = bench
        self._change = change

    def __enter__(self) -> Answer:
        self._bench.connection.execute("SAVEPOINT damaged")
        [answer] = self._bench.ask_for_good([self._change])
        if isinstance(answer, Failure):
            raise NotProven(f"its break fails: {answer.reason}")
        return answer

    def __exit__(self, *_: object) -> None:
        self._bench.connection.execute("ROLLBACK TO damaged; RELEASE damaged")


def _more(count: Count | Failure, base: Count | Failure) -> bool:
    return isinstance(count, Count) and isinstance(base, Count) and count.violations > base.violations


def _function(bound: BoundRule) -> str:
    return bound.id.partition("[")[0]


def _names_it(one: BoundRule, other: BoundRule) -> bool:
    names = {other.id, _function(other), _function(other).rpartition("::")[2], *other.rule.tags}
    return not names.isdisjoint(one.rule.overlaps)


@functools.lru_cache(maxsize=None)
def _split(text: str) -> tuple[frozenset[str], bool]:
    return frozenset(re.findall(r"\w+", text)), _EVERYTHING.search(text) is not None


def _words(statement: sql.Composable) -> tuple[frozenset[str], bool]:
    """The words of a statement, and whether it may read columns that it does not name."""
    return _split(readable(statement))


def _told(*keys: Key) -> str:
    shown = [", ".join("NULL" if part is None else part for part in key) for key in keys[:SHOWN]]
    return "; ".join(shown) + (" …" if len(keys) > SHOWN else "")


def _measured(view: _View, base: _View) -> Measurement:
    """What a test body is given: the violations that the damage brought."""
    samples = tuple(Sample(key[0] if len(key) == 1 else list(key)) for key in view.news(base)[:SHOWN])
    return Measurement(view.count.examined, view.count.violations, samples, value=view.count.value)
