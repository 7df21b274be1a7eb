"""The pytest plugin: options, marks, and the hooks that notice the first rule.

A suite without rules is none of our business: all that can look at a database (`session`) is imported when the command
line names one, or when the first rule is collected.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tgintegrity.commandline import parsing, table
from pytest_tgintegrity.commandline.parsing import is_worker
from pytest_tgintegrity.database.connections.redaction import MASK, Secrets, masked, passwords_in
from pytest_tgintegrity.errors import TgIntegrityError, UsageError
from pytest_tgintegrity.rules.severity import SEVERITIES
from pytest_tgintegrity.session import addresses, options
from pytest_tgintegrity.text import printable

if TYPE_CHECKING:
    from pytest_tgintegrity.rules.declare import Mistake
    from pytest_tgintegrity.rules.rule import Rule
    from pytest_tgintegrity.session.session import Session

WITH_HISTORY = "with_history"
DIED_EARLY = "pytest ended before a rule was judged; its own output says why"


def _session(config: pytest.Config) -> Session:
    """The integrity part of this session; it is made when it is first asked for."""
    session = _existing(config)
    if session is None:
        from pytest_tgintegrity.session.items import missing_tables, running, shortening
        from pytest_tgintegrity.session.session import NAME, Session

        session = Session(config)
        config.pluginmanager.register(session, NAME)
        config.pluginmanager.register(running, "tgintegrity-judging")
        shortening.register(config)
        config.pluginmanager.register(missing_tables.HideMissing(session), "tgintegrity-hush")
    return session


def _existing(config: pytest.Config) -> Session | None:
    session: Session | None = config.pluginmanager.getplugin("tgintegrity-session")
    return session


# --- before anything can fail


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the command line options and their twins in the configuration file."""
    parsing.add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Understand short names, replace old reports that could be taken for today's, and keep the URL out of what is printed."""
    config, known = early_config, early_config.known_args_namespace
    config.stash[addresses.INVOKED] = tuple(map(str, config.invocation_params.args))
    early = _read_early(config, parser, args)
    known.file_or_dir = (
        early.file_or_dir
    )  # the value of a short name is no test path, so that no conftest is looked for there
    asked = _asks_for_reports(early)
    if asked:  # only by our own names: a short name may still turn out to be another plugin's, with a file of its own
        _refuse(config, known, DIED_EARLY, early=True)
    try:
        return (yield)
    finally:
        config.stash[parsing.SPELLING] = names = parsing.find_spelling(parser)
        args[:] = names.own(parsing.unfolded(args))
        _hide_arguments(config)
        if known.help:
            parsing.explain_names(parser, names)
        with contextlib.suppress(pytest.UsageError):  # pytest is going to say so
            _read_again(config, parser, args, asked=asked)


def _read_early(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> Any:
    """The command line with the short names that are free so far; as pytest read it if it has none, or is wrong."""
    words = parsing.find_spelling(parser).own(parsing.unfolded(args))
    with contextlib.suppress(pytest.UsageError):
        if words != args:
            return parser.parse_known_args(words, namespace=copy.copy(config.option))
    return config.known_args_namespace


def _read_again(config: pytest.Config, parser: pytest.Parser, args: list[str], *, asked: bool) -> None:
    """Read what was given by short names, and mask passwords in words that pytest is going to complain of."""
    read, strange = parser.parse_known_and_unknown_args(args, namespace=copy.copy(config.option))
    args[:] = [masked(word) if word in strange else word for word in args]
    if asked and options.published(config, read) != options.published(config, config.known_args_namespace):
        _refuse(config, read, DIED_EARLY, early=True)
    if read.debug:
        config.add_cleanup(lambda: _mask_file(config, Path(read.debug)))


def _asks_for_reports(namespace: Any) -> bool:
    """Whether a run on a database begins: no old report may be left from before it."""
    url = namespace.tgintegrity_db_url or os.environ.get(table.DB_URL_VARIABLE)
    only_shows = namespace.help or namespace.version or namespace.collectonly or namespace.tgintegrity_fix_history
    only_shows = only_shows or namespace.tgintegrity_pin_schema is not None
    return bool(url and not (only_shows or "PYTEST_XDIST_WORKER" in os.environ))


def _refuse(config: pytest.Config, namespace: Any, reason: str, *, early: bool = False) -> None:
    """Write the reason into each report that was asked for; `early`, when it may still turn out otherwise, only into files."""
    path, files = options.json_path(namespace), options.published(config, namespace)
    if path is None and not files:
        return
    from pytest_tgintegrity.reports.document import refusal, write_refusal
    from pytest_tgintegrity.reports.files import is_file
    from pytest_tgintegrity.reports.publishing import publish

    if path is not None and (not early or is_file(path)):
        write_refusal(path, reason)
    if written := {form: path for form, path in files.items() if not early or is_file(path)}:
        publish(refusal(reason), written, addresses.asked_name(config, namespace))


def _hide_arguments(config: pytest.Config) -> None:
    """Take URLs out of the arguments that pytest writes to ``--debug``'s file and xdist hands to its workers."""
    params = config.invocation_params
    words = [str(word) for word in params.args]
    hidden = tuple(parsing.spelling_of(config).without_values(words, addresses.SECRET, MASK))
    config.invocation_params = dataclasses.replace(params, args=hidden)


def _mask_file(config: pytest.Config, path: Path) -> None:
    """Take the passwords out of what pytest wrote to ``--debug``'s file meanwhile."""
    session, given = _existing(config), addresses.given_url(config)
    with contextlib.suppress(FileNotFoundError):
        scrub = session.redaction.text if session else Secrets(passwords_in(given.url) if given else ()).scrub
        path.write_text(scrub(path.read_text(encoding="utf-8")), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, take the URL out of sight, and refuse options that cannot be used."""
    config.addinivalue_line("markers", "integrity: a rule about the data of a database.")
    config.addinivalue_line(
        "markers",
        f"{WITH_HISTORY}: an integrity rule about what changed since earlier runs; left out without --redis-url.",
    )
    for severity in SEVERITIES:
        config.addinivalue_line("markers", f"{severity}: an integrity rule of this severity.")
    addresses.given_url(config)
    try:
        addresses.redis_address(config)
        addresses.alert_receiver(config)
        options.read_options(config)
    except UsageError as error:
        reason = parsing.respelled(config, str(error))
        _refuse(config, config.option, reason)
        raise pytest.UsageError(printable(reason)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """``--undo``, ``--fix-history`` and ``--pin-schema`` run no test."""
    which, history = config.getoption("tgintegrity_undo"), config.getoption("tgintegrity_fix_history")
    pinned = config.getoption("tgintegrity_pin_schema")
    if not (which or history or pinned is not None) or config.option.help or config.option.version:
        return None
    from pytest_tgintegrity.session import pinning
    from pytest_tgintegrity.session import undo as undoing
    from pytest_tgintegrity.session.options import NO_URL
    from pytest_tgintegrity.session.session import Session

    config._do_configure()  # noqa: SLF001 - as pytest's own commands that run no test do
    try:
        session = Session(config)
        if session.error or session.run is None:
            raise session.error or UsageError(NO_URL)
        say = _saying(config, session)
        if pinned is not None:
            path = pinning.lock_file(pinned, [*map(Path, config.args)], config.invocation_params.dir)
            return pinning.pin_schema(session.run, path, config.rootpath, say)
        if history:
            return undoing.list_runs(session.run, say)
        flush = config.getoption("tgintegrity_redis_flush_prefix")
        cleaning = undoing.cleaning(session.memory, [config.rootpath, *map(Path, config.args)], flush)
        files = undoing.Files(options.json_path(config.option), options.published(config, config.option))
        return undoing.take_back(session.run, which, say, files, cleaning)
    except TgIntegrityError as error:
        reason = parsing.respelled(config, session.redaction.text(str(error)))
        if which:
            _refuse(config, config.option, reason)
        sys.stderr.write(f"ERROR: {printable(reason)}\n\n")
        return pytest.ExitCode.USAGE_ERROR
    finally:
        config._ensure_unconfigure()  # noqa: SLF001 - the same


def _saying(config: pytest.Config, session: Session) -> Callable[[str], None]:
    writer = config.get_terminal_writer()
    return lambda text: writer.line(parsing.respelled(config, session.redaction.text(text)))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Connect at once if the command line names the database; under xdist also if the environment does, since workers will ask."""
    config = session.config
    given = None if is_worker(config) else addresses.given_url(config)
    distributed = config.pluginmanager.hasplugin("dsession")
    if given is not None and (given.at_once or distributed):
        _session(config).start(distributed=distributed)


# --- collection


def _is_used(module: str) -> bool:
    """Whether the module that declares rules, or probes, was imported; without it there can be none."""
    return f"pytest_tgintegrity.rules.{module}" in sys.modules


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> Generator[None, Any, Any]:
    """Check declarations while they are collected."""
    if _is_used("probes"):
        _keep_probe(collector, name, obj)
    if not _is_used("declare") or (declared := _declared(collector, obj)) is None or not collector.funcnamefilter(name):
        return (yield)
    from pytest_tgintegrity.session.items import collecting

    _session(collector.config).outcome.not_collected |= collector.session.testsfailed > 0  # before we came to be
    collecting.offer_fixtures(collector)
    items: Sequence[pytest.Function] | None = yield
    collecting.bind(collector, items or (), declared)
    return collecting.shown_as_collected(collector, items) if items and collector.config.option.collectonly else items


def _keep_probe(collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
    from pytest_tgintegrity.rules.probes import probe_of

    if probe_of(obj):
        from pytest_tgintegrity.session.items import collecting

        collecting.keep_probe(collector, name, obj, _session(collector.config))


def _declared(collector: pytest.Module | pytest.Class, obj: object) -> Rule | Mistake | None:
    """What is declared of a function; a file with rules that pytest does not collect is refused. Raises `CollectError`."""
    from pytest_tgintegrity.rules.declare import DECLARED, declaration_of

    if DECLARED.get(collector.module.__name__):
        from pytest_tgintegrity.session.items import collecting

        collecting.check_reachable(collector)
    return declaration_of(obj) if callable(obj) else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A pinned schema is a file of tests."""
    if file_path.name != "schema.lock.toml":
        return None
    from pytest_tgintegrity.session.items.lock_files import LockFile, is_ours

    return LockFile.from_parent(parent, path=file_path) if is_ours(file_path) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each declared constraint."""
    if not _is_used("declare"):
        return
    from pytest_tgintegrity.rules.declare import declaration_of
    from pytest_tgintegrity.rules.kinds import Declared
    from pytest_tgintegrity.rules.rule import Rule

    declared = declaration_of(metafunc.function)
    if isinstance(declared, Rule) and isinstance(declared.kind, Declared):
        from pytest_tgintegrity.session.items import collecting

        collecting.parametrize(metafunc, declared.kind, _session(metafunc.config))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that say that they make sense only with a history, where there is none."""
    ours = _existing(config)
    if ours is None or addresses.has_history(config) or ours.options.prove:
        return
    left_out = [item for item in items if item.get_closest_marker(WITH_HISTORY)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(WITH_HISTORY)]


def pytest_collection_finish(session: pytest.Session) -> None:
    """If nothing was collected but a database is named, begin all the same: a report that was asked for has to say so."""
    if not session.items and addresses.given_url(session.config) and not is_worker(session.config):
        _session(session.config)


# --- pytest-xdist: what the controller has to do even where no database was named to it


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker knew of the selection."""
    message = getattr(node, "workeroutput", {}).get("tgintegrity")
    if message:
        _session(node.config).hear_worker(message)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Refuse the run if a worker could not begin."""
    result = yield
    ours = _existing(session.config)
    if ours is not None and not ours.processes.is_worker and (refused := ours.refused_by_workers()):
        raise pytest.UsageError(printable(refused))
    return result
