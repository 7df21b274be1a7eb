"""From test functions to rules: check their declarations, give them ids, marks and fixtures."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pytest_tgintegrity.errors import DeclarationError
from pytest_tgintegrity.fixing.plan.writes import check_templates
from pytest_tgintegrity.planning.facts import Facts
from pytest_tgintegrity.planning.planner import BoundRule, plan
from pytest_tgintegrity.planning.sql.compose import plain
from pytest_tgintegrity.rules.bodies import can_fail
from pytest_tgintegrity.rules.declare import DECLARED, Mistake
from pytest_tgintegrity.rules.kinds import Declared, Metric, OneOf
from pytest_tgintegrity.rules.probes import probe_of
from pytest_tgintegrity.rules.rule import Rule
from pytest_tgintegrity.rules.severity import SEVERITIES
from pytest_tgintegrity.session.items import running
from pytest_tgintegrity.session.session import BOUND, IDLE, Session, session_of

_WITH_FIXTURES = pytest.StashKey[bool]()
CANNOT_FAIL = {
    "violations": "its body never fails, whatever the data: write `assert not violations`",
    "db": "its body never fails, whatever the data: write an assert on what `db` says",
}
_REACHED = pytest.StashKey[bool]()
_METRICS = pytest.StashKey[dict[str, str]]()
_MARKS = pytest.StashKey[dict[str, pytest.MarkDecorator]]()


def bind(collector: pytest.Collector, items: Iterable[pytest.Function], declared: Rule | Mistake) -> None:
    """Make rules of the tests of one function. Raises `CollectError` in one line: what is wrong, where, and the cure."""
    tests = list(items)
    try:
        for item in tests:
            item.stash[BOUND] = _bound(item, declared)
            _mark(item, item.stash[BOUND].rule)
            _check_body(item, item.stash[BOUND].rule)
        _check_placeholders([item.stash[BOUND] for item in tests])
        _check_metrics([item.stash[BOUND] for item in tests], collector.config.stash.setdefault(_METRICS, {}))
        if run := session_of(collector.config).run:
            run.choices += [
                item.stash[BOUND] for item in tests if isinstance(declared, Rule) and isinstance(declared.kind, OneOf)
            ]
        session_of(collector.config).collected |= {item.stash[BOUND].id for item in tests}
    except DeclarationError as error:
        raise collector.CollectError(f"{_where(tests[0])}: {error}") from None


def _bound(item: pytest.Function, declared: Rule | Mistake) -> BoundRule:
    if isinstance(declared, Mistake):
        raise DeclarationError(declared.message)
    doc = inspect.getdoc(item.function)
    if not doc or not doc.strip():
        raise DeclarationError("a rule needs a docstring that says what holds, for whoever reads the report")
    if declared.fixture not in item.fixturenames:
        raise DeclarationError(f"the test never looks at the data: give it the argument {declared.fixture!r}")
    if isinstance(declared.kind, Declared) and "constraint" not in item.fixturenames:
        raise DeclarationError("a test of declared constraints needs the argument 'constraint'")
    params = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    return BoundRule(rule_id(item), _named(declared, params), doc, params)


def _named(rule: Rule, params: Mapping[str, Any]) -> Rule:
    """The rule; the name of a metric is filled in, since it has to be its own."""
    return (
        replace(rule, kind=replace(rule.kind, name=plain(rule.kind.name, params)))
        if isinstance(rule.kind, Metric)
        else rule
    )


def _check_metrics(rules: Iterable[BoundRule], known: dict[str, str]) -> None:
    """Two metrics of one name would be one number in every report."""
    for bound in rules:
        if isinstance(bound.rule.kind, Metric) and known.setdefault(bound.rule.kind.name, bound.id) != bound.id:
            raise DeclarationError(
                f"two metrics are called {bound.rule.kind.name!r}: give each a name of its own; {{name}} is filled from parametrize"
            )


def _check_body(item: pytest.Function, rule: Rule) -> None:
    """A body that cannot fail is an error of this test, and of no other in its file."""
    if not can_fail(inspect.unwrap(item.function), free=rule.fixture == "db"):
        item.stash[IDLE] = f"{_where(item)}: {CANNOT_FAIL[rule.fixture]}"


def shown_as_collected(
    collector: pytest.Collector, items: Iterable[pytest.Function]
) -> list[pytest.Item | pytest.Collector]:
    """Under `--collect-only` tests whose body cannot fail become collection errors, since no test is run that could fail."""
    return [
        Idle.from_parent(collector, name=item.name, why=item.stash[IDLE]) if IDLE in item.stash else item
        for item in items
    ]


class Idle(pytest.Collector):
    """Stands for a test whose body cannot fail."""

    def __init__(self, *, why: str, **given: Any) -> None:
        super().__init__(**given)
        self._why = why

    def collect(self) -> NoReturn:
        """Say why."""
        raise self.CollectError(self._why)


def check_reachable(collector: pytest.Module | pytest.Class) -> None:
    """Refuse a file with rules that pytest does not collect. Raises `CollectError`."""
    module = collector.getparent(pytest.Module)
    if module is None or _REACHED in module.stash:
        return
    module.stash[_REACHED] = True
    reached = {_innermost(function) for function in _reached(module, vars(module.obj))}
    for function in DECLARED[module.obj.__name__]:
        inner = _innermost(function)
        if inner not in reached and getattr(inner, "__globals__", None) is vars(module.obj):
            raise module.CollectError(_unreached(module, inner, {function.__qualname__ for function in reached}))


def _reached(collector: pytest.Module | pytest.Class, names: Mapping[str, object]) -> Iterator[object]:
    """The functions that pytest makes tests of, and those that opt out by ``__test__``."""
    for name, value in names.items():
        if inspect.isclass(value):
            made = value.__dict__.keys() & {"__init__", "__new__"}  # pytest collects no such class
            if (collector.istestclass(value, name) and not made) or not getattr(value, "__test__", True):
                yield from _reached(
                    collector, {name: member for base in value.__mro__ for name, member in vars(base).items()}
                )
        elif collector.istestfunction(value, name) or not getattr(value, "__test__", True):
            yield value


def _innermost(function: Any) -> Any:
    return inspect.unwrap(getattr(function, "__func__", function))


def _unreached(module: pytest.Module, function: Any, others: Collection[str]) -> str:
    name = function.__qualname__.rpartition("<locals>.")[2]
    where = f"{module.path.name}:{function.__code__.co_firstlineno}: {name}"
    if name in others:
        return f"{where}: another test of that name hides this rule: give each a name of its own"
    return (
        f"{where}: pytest does not collect this rule: let its name begin with test, its class's with Test, or write"
        " __test__ = False there"
    )


def _where(item: pytest.Function) -> str:
    line = inspect.getsourcelines(inspect.unwrap(item.function))[1]
    return f"{item.path.name}:{line}: {item.originalname}"


def _check_placeholders(rules: Sequence[BoundRule]) -> None:
    """Plan the rules against no tables at all, so that placeholders that cannot be filled in are reported."""
    for bound in rules:
        check_templates(bound.rule, bound.params)
    planned = plan([bound for bound in rules if not isinstance(bound.rule.kind, Declared)], Facts())
    for rule in planned.misdeclared:
        raise DeclarationError(planned.unplannable[rule])


def rule_id(item: pytest.Item) -> str:
    """The node id counted from the package's parent folder, however pytest was called."""
    _, _, name = item.nodeid.partition("::")
    return f"{_module(item.path)}::{name}"


@functools.lru_cache
def _module(path: Path) -> str:
    """A file, counted from the parent of the outermost package around it, or of its folder if that is none."""
    package = path.parent
    while (package / "__init__.py").exists() and (package.parent / "__init__.py").exists():
        package = package.parent
    return path.relative_to(package.parent).as_posix()


def _mark(item: pytest.Function, rule: Rule) -> None:
    """Mark a test with its severity and tags; a tag is registered when it first appears, for `--strict-markers`."""
    known = item.config.stash.setdefault(_MARKS, {})
    for name in (rule.severity, *rule.tags):
        if name not in known:
            known[name] = _registered(name, item.config)
        item.add_marker(known[name])


def _registered(name: str, config: pytest.Config) -> pytest.MarkDecorator:
    if not name or name.startswith("_"):
        raise DeclarationError(f"the tag {name!r} cannot be a mark: begin it with a letter")
    if name not in SEVERITIES:
        config.addinivalue_line("markers", f"{name}: integrity rules tagged {name}.")
    mark: pytest.MarkDecorator = getattr(pytest.mark, name)
    return mark


def offer_fixtures(collector: pytest.Collector) -> None:
    """Offer `violations` and `db` only in modules with rules: other suites have a `db` of their own."""
    node = collector.getparent(pytest.Module) or collector
    if _WITH_FIXTURES not in node.stash:
        node.stash[_WITH_FIXTURES] = True
        pytest.register_fixture(name="violations", func=running.violations, node=node)
        pytest.register_fixture(name="db", func=running.db, node=node)


def parametrize(metafunc: pytest.Metafunc, kind: Declared, session: Session) -> None:
    """One test for each declared constraint; one placeholder where there is no database, or no such constraint."""
    if "constraint" in metafunc.fixturenames:
        constraints = session.constraints(kind)
        metafunc.parametrize(
            "constraint",
            constraints or [None],
            ids=[constraint.label for constraint in constraints] or ["none-declared"],
        )


def keep_probe(collector: pytest.Module | pytest.Class, name: str, function: Any, session: Session) -> None:
    """Remember a probe, to be timed when the rules are done. Raises `CollectError` for names that do not fit."""
    probe = probe_of(function)
    if collector.funcnamefilter(name):
        raise collector.CollectError(f"{name} is a probe, which pytest must not call itself: let its name not begin so")
    if probe is not None and session.features.probes.declared.setdefault(probe.name, probe) is not probe:
        raise collector.CollectError(f"two probes are called {probe.name!r}: give one of them another name")
