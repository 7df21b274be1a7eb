"""Every kind of fix over every type: a table each, in which some rows violate the one rule that is about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from engine import bound
from fixes import fix, undone
from pytest_tgintegrity.fixing.results import FixResult
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.rules.kinds import (
    AtMost,
    Children,
    ChildRows,
    Derived,
    Formula,
    Kind,
    NotNull,
    References,
    Rows,
    Unique,
)
from zoo import MAJORS, Zoo, as_text, ask, connected, differences, literal, oracle
from zoo_types import EXTENSIONS, FAMILIES, OWN, Sort

Session = Callable[[str], None]
"""Changes the settings of the sessions to come."""
FEW: Final = 12
TOGETHER: Final = 60


@dataclass(frozen=True)
class Case:
    """A rule, the tables that it is about, and what they hold; `columns` are what its fix writes or takes with a row.

    `also` are rules on the same tables.
    """

    rule: BoundRule
    tables: tuple[str, ...]
    script: str
    columns: Mapping[str, Sort] = field(default_factory=dict)
    also: tuple[BoundRule, ...] = ()

    @property
    def id(self) -> str:
        """What people call it."""
        return self.rule.id

    @property
    def rules(self) -> tuple[BoundRule, ...]:
        """All rules on its tables."""
        return self.rule, *self.also

    @property
    def holds_letters(self) -> bool:
        """Whether a value of it is more than ASCII."""
        return not all(value.isascii() for sort in self.columns.values() for value in sort.values)


@dataclass(frozen=True)
class Subject:
    """What a case is made for: a type, or the arrays, domains and rows of one; `name` is that of its table."""

    name: str
    title: str
    sorts: tuple[Sort, ...]

    @property
    def columns(self) -> dict[str, Sort]:
        """Its columns by name."""
        return {f"v{n}": one for n, one in enumerate(self.sorts)}

    def declared(self, prefix: str = "v") -> str:
        """Its columns as a table declares them."""
        return ", ".join(f"{prefix}{n} {one.spelled}" for n, one in enumerate(self.sorts))

    def pairs(self) -> Iterator[tuple[list[str | None], list[str | None]]]:
        """Rows of values, and what they shall become: each value and NULL once, in a circle."""
        circles = [_circle(one) for one in self.sorts]
        for number in range(min(FEW, max(map(len, circles)))):
            yield [c[number % len(c)] for c in circles], [c[(number + 1) % len(c)] for c in circles]


def _circle(sort: Sort) -> list[str | None]:
    """The values in another order for long lists, so that all come up somewhere; NULL where the type may."""
    values: list[str | None] = [None] if sort.nullable else []
    step = max(1, len(sort.values) // (FEW - 1))
    return [*values, *sort.values[::step], *sort.values[1::step]][: FEW if step > 1 else None]


ALIKE: Final = frozenset(of for family in FAMILIES for of in family.spelled[4:-1])
"""Spellings that differ from others of their type in a number only: arrays and rows of these say nothing new."""


def subjects(zoo: Zoo) -> Iterator[Subject]:
    """Every type of a zoo, and beside it what is made of it."""
    for number, sort in enumerate(zoo.plain()):
        yield Subject(f"t{number}", sort.of, (sort,))
        if (forms := zoo.forms(sort.of)) and sort.of not in ALIKE:
            yield Subject(f"f{number}", f"forms of {sort.of}", tuple(forms))


def _listed(values: Sequence[str | None]) -> str:
    return ", ".join(map(literal, values))


def _filled(table: str, rows: Sequence[Sequence[str | None]]) -> str:
    return f"INSERT INTO {table} VALUES {', '.join(f'({_listed(row)})' for row in rows)};" if rows else ""


def _case(subject: Subject, kind: Kind, script: str, *tables: str, **more: Any) -> Case:
    words = type(kind).__name__.lower()
    return Case(bound(kind, f"{words} {subject.title}", **more), tables or (subject.name,), script, subject.columns)


# --- the kinds of fix


def update(one: Subject) -> Case:
    """A column is written from another of its type."""
    rows = [[str(n), str(n % 3 != 2), *before, *after] for n, (before, after) in enumerate(one.pairs())]
    script = f"CREATE TABLE {one.name} (id int PRIMARY KEY, bad bool, {one.declared()}, {one.declared('w')});"
    sets = {f"v{n}": f"w{n}" for n in range(len(one.sorts))}
    return _case(one, Rows(one.name, "bad"), script + _filled(one.name, rows), fix={**sets, "bad": "false"})


def write(one: Subject) -> Case | None:
    """A column is written from a text in the rule."""
    texts = [next((v for v in sort.values[::-1] if _sayable(v)), None) for sort in one.sorts]
    if None in texts:
        return None
    script = f"CREATE TABLE {one.name} (id int PRIMARY KEY, bad bool, {one.declared()});"
    rows = [[str(n), str(n % 3 != 2), *before] for n, (before, _) in enumerate(one.pairs())]
    sets = {f"v{n}": literal(text) for n, text in enumerate(texts)}
    return _case(one, Rows(one.name, "bad"), script + _filled(one.name, rows), fix={**sets, "bad": "false"})


def _sayable(value: str) -> bool:
    return not set("{}%\\") & set(value) and value.isprintable()


def fill(one: Subject) -> Case | None:
    """NULLs are filled."""
    if len(one.sorts) > 1 or not one.sorts[0].nullable:
        return None
    script = f"CREATE TABLE {one.name} (id int PRIMARY KEY, {one.declared()}, {one.declared('w')});"
    values = one.sorts[0].values
    rows = [[str(n), None if n % 3 else value, value] for n, value in enumerate([values[0], *values])]
    return _case(one, NotNull(one.name, "v0"), script + _filled(one.name, rows), fix="w0")


def delete(one: Subject) -> Case:
    """Rows are deleted."""
    script = f"CREATE TABLE {one.name} (id int PRIMARY KEY, bad bool, {one.declared()});"
    rows = [[str(n), str(n % 3 != 2), *before] for n, (before, _) in enumerate(one.pairs())]
    kind = Rows(one.name, "bad")
    return _case(one, kind, script + _filled(one.name, rows), fix="delete where bad", fix_allows=("delete",))


def orphan(one: Subject) -> Case:
    """Rows that refer to nothing are deleted."""
    parent = f"{one.name}_of"
    script = f"""CREATE TABLE {parent} (id int PRIMARY KEY); INSERT INTO {parent} VALUES (1), (2);
                 CREATE TABLE {one.name} (id int PRIMARY KEY, parent int, {one.declared()});"""
    rows = [[str(n), str(n % 4), *before] for n, (before, _) in enumerate(one.pairs())]
    kind = References(one.name, ("parent",), parent)
    more = {"fix": "delete", "fix_allows": ("delete",)}
    return _case(one, kind, script + _filled(one.name, rows), one.name, parent, **more)


def duplicate(one: Subject) -> Case:
    """Of rows that share a number all but the first are deleted."""
    script = f"CREATE TABLE {one.name} (id int PRIMARY KEY, shared int, {one.declared()});"
    rows = [[str(n), str(n // 3), *before] for n, (before, _) in enumerate(one.pairs())]
    return _case(
        one, Unique(one.name, ("shared",)), script + _filled(one.name, rows), fix="delete", fix_allows=("delete",)
    )


def same(one: Subject) -> Case | None:
    """Of rows that share a value of the type all but the first are deleted."""
    if not all(sort.equal for sort in one.sorts):
        return None
    script = f"CREATE TABLE {one.name} (id int PRIMARY KEY, {one.declared()});"
    rows = [[str(n), *before] for n, (before, _) in enumerate([*one.pairs(), *one.pairs()])]
    kind = Unique(one.name, tuple(one.columns), nulls_distinct=False)
    return _case(one, kind, script + _filled(one.name, rows), fix="delete", fix_allows=("delete",))


def insert(one: Subject) -> Case:
    """Rows are added beside others."""
    child = f"{one.name}_of"
    script = f"""CREATE TABLE {one.name} (id int PRIMARY KEY, {one.declared()});
                 CREATE TABLE {child} (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, parent int, {one.declared()});"""
    rows = [[str(n), *before] for n, (before, _) in enumerate(one.pairs())]
    sets = {f"{child}.v{n}": f"v{n}" for n in range(len(one.sorts))}
    kind = Children(one.name, ChildRows(child, "parent"), 1)
    return _case(
        one, kind, script + _filled(one.name, rows), child, one.name,
        fix={f"{child}.parent": "id", **sets}, fix_allows=("insert",),
    )  # fmt: skip


def clamp(one: Subject) -> Case | None:
    """A value above another becomes that."""
    if len(one.sorts) > 1 or not one.sorts[0].ordered or len(one.sorts[0].values) < 2:
        return None
    script = f"CREATE TABLE {one.name} (id int PRIMARY KEY, {one.declared()}, {one.declared('w')});"
    both = [*one.pairs(), *((after, before) for before, after in one.pairs())]
    rows = [[str(n), *before, *after] for n, (before, after) in enumerate(both)]
    return _case(one, AtMost(one.name, "v0", "w0"), script + _filled(one.name, rows), fix="clamp")


def recompute(one: Subject) -> Case | None:
    """A value that is to equal another becomes that."""
    if len(one.sorts) > 1 or not one.sorts[0].equal or len(one.sorts[0].values) < 2:
        return None
    script = f"CREATE TABLE {one.name} (id int PRIMARY KEY, {one.declared()}, {one.declared('w')});"
    rows = [[str(n), *before, *after] for n, (before, after) in enumerate(one.pairs())]
    return _case(one, Formula(one.name, "v0", "w0"), script + _filled(one.name, rows), fix="recompute")


def derive(one: Subject) -> Case | None:
    """A value that is to equal an aggregate becomes that."""
    if len(one.sorts) > 1 or not one.sorts[0].equal or one.title in UNAGGREGATED:
        return None
    child = f"{one.name}_of"
    script = f"""CREATE TABLE {one.name} (id int PRIMARY KEY, {one.declared()});
                 CREATE TABLE {child} (id int PRIMARY KEY, parent int, {one.declared("w")});"""
    pairs = list(enumerate(one.pairs()))
    rows = _filled(one.name, [[str(n), *before] for n, (before, _) in pairs]) + _filled(
        child, [[str(n), str(n), *after] for n, (_, after) in pairs if n % 4]
    )
    of = one.sorts[0].spelled
    of = f"public.{of}" if of in OWN_NAMES else of
    empty = f"CAST({literal(next((v for v in one.sorts[0].values if _sayable(v)), None))} AS {of})"
    kind = Derived(one.name, "v0", "(array_agg(w0 ORDER BY id))[1]", ChildRows(child, "parent"), empty)
    return _case(one, kind, script + rows, one.name, child, fix="recompute")


def kin(one: Subject) -> Case:
    """Parents and their children are deleted, by a rule each; a key holds them together."""
    child = f"{one.name}_of"
    script = f"""CREATE TABLE {one.name} (id int PRIMARY KEY, bad bool, {one.declared()});
                 CREATE TABLE {child} (id int PRIMARY KEY, up int REFERENCES {one.name}, bad bool, {one.declared()});"""
    pairs = list(enumerate(one.pairs()))
    rows = [[str(n), str(n % 3 != 2), *before] for n, (before, _) in pairs]
    below = [[str(n + 100 * m), str(n), str(n % 3 != 2), *after] for n, (_, after) in pairs for m in range(n % 3)]
    deleting: dict[str, Any] = {"fix": "delete where bad", "fix_allows": ("delete",)}
    case = _case(
        one,
        Rows(one.name, "bad"),
        script + _filled(one.name, rows) + _filled(child, below),
        one.name,
        child,
        **deleting,
    )
    return replace(case, also=(bound(Rows(child, "bad"), f"children of {case.id}", **deleting),))


KINDS: Final[Mapping[str, Callable[[Subject], Case | None]]] = {
    one.__name__: one
    for one in (update, write, fill, delete, orphan, duplicate, same, insert, clamp, recompute, derive, kin)
}


OWN_NAMES: Final = frozenset(family.base for family in OWN)
UNAGGREGATED: Final = ("numbers", "codes", "int2vector", "oidvector", "nothing", 'text COLLATE "C"')
"""Of these the first of an aggregated array is no value of the type (or has another collation, or no fields)."""
FORMED: Final = ("update", "delete", "insert")
ALL: Final = "TGINTEGRITY_ZOO_ALL" in os.environ
"""Whether the older server looks at all that the newer one has looked at too, with every kind of fix."""
ITS_OWN: Final = frozenset(of for more in EXTENSIONS.values() for one in more for of in one.spelled) | {"xml"}


def cases(zoo: Zoo, kind: str) -> list[Case]:
    """All that a kind of fix can be about; arrays, domains and rows of a type where one of each way of writing.

    What the newer server lacks is looked at in every way on the older one, the rest there in one of each way of writing.
    """
    own = zoo.major != MAJORS[0] and not ALL
    chosen = (
        one
        for one in subjects(zoo)
        if kind in FORMED or (len(one.sorts) == 1 and (not own or one.sorts[0].of in ITS_OWN))
    )
    return [case for one in chosen if (case := KINDS[kind](one)) is not None]


# --- fixing and undoing


@dataclass(frozen=True)
class Shown:
    """What a fix and its undo came to: `faults` by case, and the reasons of `refusals`."""

    faults: Mapping[str, str]
    refusals: Mapping[str, str]


def there_and_back(zoo: Zoo, folder: Path, listed: Sequence[Case], session: Session) -> Shown:
    """Fix cases, look, fix again, and take it back, some dozens in one run; what is not as it has to be, by case.

    `session` is told of the fix and of the undo before each. A run that dies is divided until the case stands alone that it dies of.
    """
    faults: dict[str, str] = {}
    refusals: dict[str, str] = {}
    for start in range(0, len(listed), TOGETHER):
        shown = _halved(zoo, folder, listed[start : start + TOGETHER], session)
        faults |= shown.faults
        refusals |= shown.refusals
    return Shown(faults, refusals)


def _halved(zoo: Zoo, folder: Path, listed: Sequence[Case], session: Session) -> Shown:
    try:
        return once(zoo.make("".join(one.script for one in listed)), folder, listed, session)
    except Exception as error:  # noqa: BLE001 - whatever it is, the fix may not die
        if len(listed) == 1:
            return Shown({listed[0].id: f"{type(error).__name__}: {error}"}, {})
    middle = len(listed) // 2
    one, other = (_halved(zoo, folder, part, session) for part in (listed[:middle], listed[middle:]))
    return Shown({**one.faults, **other.faults}, {**one.refusals, **other.refusals})


def once(url: str, folder: Path, listed: Sequence[Case], session: Session = lambda _: None) -> Shown:
    """Fix cases in one run, look, fix again, and take it back."""
    rules = [rule for one in listed for rule in one.rules]
    names = {f"public.{table}": one.id for one in listed for table in one.tables}
    before = oracle(url)
    session("fix")
    fix_result = fix(url, folder, rules)
    if fix_result.applied and fix_result.applied.stopped:
        raise RuntimeError(fix_result.applied.stopped)
    after = oracle(url)
    faults = dict(_entered(url, listed, fix_result)) | dict(_missed(listed, fix_result))
    again = fix(url, folder, rules)
    if again.count:
        faults.setdefault("a second plan", f"{again.count} changes, {sorted(set(again.counts))[:3]}")
    for table, rows in differences(after, oracle(url)).items():
        faults.setdefault(names.get(table, table), f"a second fix wrote {_short(rows)}")
    session("undo")
    if again.applied and again.applied.rows:
        undone(url, again.applied.run or "")
    for table, reason in _left(url, fix_result).items():
        faults.setdefault(names.get(table, table), f"not undone: {reason}")
    for table, rows in differences(before, oracle(url)).items():
        faults.setdefault(names.get(table, table), f"lost, and found instead: {_short(rows)}")
    return Shown(faults, {one.rule: one.reason for one in fix_result.needs_person})


def _short(rows: object) -> str:
    text = str(rows)
    return text if len(text) < 300 else f"{text[:300]}…"


def _left(url: str, fix_result: FixResult) -> dict[str, str]:
    if fix_result.applied is None or not fix_result.applied.rows:
        return {}
    back = undone(url, fix_result.applied.run or "")
    found = {one.change.table: f"{one.reason} {_short(one.change.to_json())}" for one in back.applied.skipped}
    if back.applied.stopped:
        raise RuntimeError(back.applied.stopped)
    return found


def _missed(listed: Sequence[Case], fix_result: FixResult) -> Iterator[tuple[str, str]]:
    """What was left, and what was neither fixed nor refused."""
    if fix_result.applied is None:
        return
    names = {f"public.{table}": one.id for one in listed for table in one.tables}
    for one in fix_result.applied.skipped:
        yield names.get(one.change.table, one.change.table), f"left: {one.reason} {_short(one.change.to_json())}"
    refused = {one.rule for one in fix_result.needs_person}
    for case in listed:
        if (
            case.id not in refused
            and case.id in fix_result.violations_before
            and not fix_result.applied.by_rule.get(case.id)
        ):
            yield case.id, "violated, but neither fixed nor refused"
        if case.id not in refused and case.id not in fix_result.violations_before:
            yield case.id, "not seen to be violated"


def _entered(url: str, listed: Sequence[Case], fix_result: FixResult) -> Iterator[tuple[str, str]]:
    """Where the journal says something else than what is stored."""
    run = fix_result.applied.run if fix_result.applied else None
    if run is None:
        return
    names = {f"public.{table}": one for one in listed for table in one.tables}
    with connected(url) as connection:
        entries = ask(
            connection,
            f"""SELECT "table", key ->> 'id', op, after::text FROM tgintegrity.journal WHERE run = '{run}'""",
        )
        stored: dict[str, dict[str, dict[str, tuple[str | None, str | None]]]] = {}
        for table, key, op, after in entries:
            if table not in names or op == "delete":
                continue
            now = stored.setdefault(table, _texts(connection, table)).get(key)
            if now is None:
                yield names[table].id, f"journalled row {key} is not stored"
                continue
            for column, text in _document(after).items():
                if text not in now[column]:
                    yield names[table].id, f"journalled {text!r}, stored {now[column][1]!r} ({column} of row {key})"


def _document(text: str) -> dict[str, str | None]:
    import json

    found: dict[str, str | None] = json.loads(text)
    return found


def _texts(connection: Any, table: str) -> dict[str, dict[str, tuple[str | None, str | None]]]:
    """Each column of each row, cast to text, and as its output function writes it."""
    columns = [
        name
        for (name,) in ask(
            connection,
            f"SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0",
        )
    ]
    listed = ", ".join(f"{one}::text, CASE WHEN num_nulls({one}) = 0 THEN format('%s', {one}) END" for one in columns)
    return {
        str(row[0]): {name: (as_text(row[2 * n + 1]), as_text(row[2 * n + 2])) for n, name in enumerate(columns)}
        for row in ask(connection, f"SELECT id, {listed} FROM {table}")
    }
