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

from pytest_tgintegrity import options
from pytest_tgintegrity.errors import TgIntegrityError, UsageError
from pytest_tgintegrity.kinds import Declared
from pytest_tgintegrity.probes import probe_of
from pytest_tgintegrity.publishing import publish
from pytest_tgintegrity.reports.document import refusal, write_refusal
from pytest_tgintegrity.reports.files import is_file
from pytest_tgintegrity.reports.lines import printable
from pytest_tgintegrity.rules import DECLARED, SEVERITIES, Rule, declaration_of
from pytest_tgintegrity.secrecy import MASK, Secrets, masked, passwords_in

if TYPE_CHECKING:
    from pytest_tgintegrity.session import Integrity

DIED_EARLY = "pytest ended before a rule was judged; its own output says why"


def _session(config: pytest.Config) -> Integrity:
    """The integrity part of this session; it comes to be when it is first asked for."""
    found = _begun(config)
    if found is None:
        from pytest_tgintegrity import folding, hushing, judging, session

        found = session.Integrity(config)
        config.pluginmanager.register(found, session.NAME)
        config.pluginmanager.register(judging, "tgintegrity-judging")
        folding.register(config)
        config.pluginmanager.register(hushing.Hush(found), "tgintegrity-hush")
    return found


def _begun(config: pytest.Config) -> Integrity | None:
    found: Integrity | None = config.pluginmanager.getplugin("tgintegrity-session")
    return found


# --- before anything can fail


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the command line options and their twins in the configuration file."""
    options.add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """See to it that short names are understood, that no old report is taken for today's, and that the URL is not printed."""
    config, known = early_config, early_config.known_args_namespace
    config.stash[options.INVOKED] = tuple(map(str, config.invocation_params.args))
    early = _read_early(config, parser, args)
    known.file_or_dir = early.file_or_dir  # what is given to a short name is no test path, and has no conftest of ours
    asked = _asks_for_reports(early)
    if asked:  # by our own names: what stands behind a short one may be somebody else's file, still
        _refuse(config, known, DIED_EARLY, early=True)
    try:
        return (yield)
    finally:
        config.stash[options.SPELLING] = names = options.find_spelling(parser)
        args[:] = names.own(options.unfolded(args))
        _hide_arguments(config)
        if known.help:
            options.explain_names(parser, names)
        with contextlib.suppress(pytest.UsageError):  # pytest is going to say so
            _read_again(config, parser, args, asked=asked)


def _read_early(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> Any:
    """The command line with the short names that are free so far; as pytest read it if it has none, or is wrong."""
    words = options.find_spelling(parser).own(options.unfolded(args))
    with contextlib.suppress(pytest.UsageError):
        if words != args:
            return parser.parse_known_args(words, namespace=copy.copy(config.option))
    return config.known_args_namespace


def _read_again(config: pytest.Config, parser: pytest.Parser, args: list[str], *, asked: bool) -> None:
    """See to what was given by short names, and take passwords out of words that pytest is going to complain of."""
    read, strange = parser.parse_known_and_unknown_args(args, namespace=copy.copy(config.option))
    args[:] = [masked(one) if one in strange else one for one in args]
    if asked and options.published(config, read) != options.published(config, config.known_args_namespace):
        _refuse(config, read, DIED_EARLY, early=True)
    if read.debug:
        config.add_cleanup(lambda: _mask_file(config, Path(read.debug)))


def _asks_for_reports(namespace: Any) -> bool:
    """Whether a run on a database begins, which has to leave no old report behind."""
    url = namespace.tgintegrity_db_url or os.environ.get(options.DB_URL_VARIABLE)
    only_told = namespace.help or namespace.version or namespace.collectonly or namespace.tgintegrity_fix_history
    return bool(url and not (only_told or "PYTEST_XDIST_WORKER" in os.environ))


def _refuse(config: pytest.Config, namespace: Any, reason: str, *, early: bool = False) -> None:
    """Say in each report that was asked for that there is none; if it is `early` to say so, only in files."""
    if (path := options.json_path(namespace)) and (not early or is_file(path)):
        write_refusal(path, reason)
    files = options.published(config, namespace)
    if found := {form: path for form, path in files.items() if not early or is_file(path)}:
        publish(refusal(reason), found, options.asked_name(config, namespace))


def _hide_arguments(config: pytest.Config) -> None:
    """Take URLs out of the arguments that pytest writes to ``--debug``'s file and xdist hands to its workers."""
    params = config.invocation_params
    words = [str(one) for one in params.args]
    hidden = tuple(options.spelling_of(config).without_values(words, options.SECRET, MASK))
    config.invocation_params = dataclasses.replace(params, args=hidden)


def _mask_file(config: pytest.Config, path: Path) -> None:
    """Take the passwords out of what pytest wrote to ``--debug``'s file meanwhile."""
    integrity, given = _begun(config), options.given_url(config)
    with contextlib.suppress(FileNotFoundError):
        scrub = integrity.scrubbed if integrity else Secrets(passwords_in(given.url) if given else ()).scrub
        path.write_text(scrub(path.read_text(encoding="utf-8")), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, take the URL out of sight, and refuse options that cannot be used."""
    config.addinivalue_line("markers", "integrity: a rule about the data of a database.")
    for severity in SEVERITIES:
        config.addinivalue_line("markers", f"{severity}: an integrity rule of this severity.")
    options.given_url(config)
    try:
        options.redis_address(config)
        options.alert_receiver(config)
        options.read_options(config)
    except UsageError as error:
        reason = options.told(config, str(error))
        _refuse(config, config.option, reason)
        raise pytest.UsageError(printable(reason)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """``--undo`` and ``--fix-history`` run no test."""
    which, history = config.getoption("tgintegrity_undo"), config.getoption("tgintegrity_fix_history")
    if not (which or history) or config.option.help or config.option.version:
        return None
    from pytest_tgintegrity import undoing
    from pytest_tgintegrity.session import NO_URL, Integrity

    config._do_configure()  # noqa: SLF001 - as pytest's own commands that run no test do
    try:
        integrity = Integrity(config)
        if integrity.error or integrity.run is None:
            raise integrity.error or UsageError(NO_URL)
        say = _saying(config, integrity)
        if history:
            return undoing.list_runs(integrity.run, say)
        flush = config.getoption("tgintegrity_redis_flush_prefix")
        cleaning = undoing.cleaning(integrity.memory, [config.rootpath, *map(Path, config.args)], flush)
        files = undoing.Files(options.json_path(config.option), options.published(config, config.option))
        return undoing.take_back(integrity.run, which, say, files, cleaning)
    except TgIntegrityError as error:
        reason = options.told(config, integrity.scrubbed(str(error)))
        if not history:
            _refuse(config, config.option, reason)
        sys.stderr.write(f"ERROR: {printable(reason)}\n\n")
        return pytest.ExitCode.USAGE_ERROR
    finally:
        config._ensure_unconfigure()  # noqa: SLF001 - the same


def _saying(config: pytest.Config, integrity: Integrity) -> Callable[[str], None]:
    writer = config.get_terminal_writer()
    return lambda text: writer.line(options.told(config, integrity.scrubbed(text)))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin at once where the database is named; under xdist also if the environment names it: workers will ask."""
    config = session.config
    given = None if hasattr(config, "workerinput") else options.given_url(config)
    distributed = config.pluginmanager.hasplugin("dsession")
    if given is not None and (given.at_once or distributed):
        _session(config).start(distributed=distributed)


# --- collection


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> Generator[None, Any, Any]:
    """Check declarations while they are collected."""
    if DECLARED.get(collector.module.__name__):
        from pytest_tgintegrity import collecting

        collecting.check_reachable(collector)
    declared = declaration_of(obj) if callable(obj) else None
    if probe_of(obj):
        from pytest_tgintegrity import collecting

        collecting.keep_probe(collector, name, obj, _session(collector.config))
    if declared is None or not collector.funcnamefilter(name):
        return (yield)
    from pytest_tgintegrity import collecting

    _session(collector.config).tidings.not_collected |= collector.session.testsfailed > 0  # before we came to be
    collecting.offer_fixtures(collector)
    found: Sequence[pytest.Function] | None = yield
    collecting.bind(collector, found or (), declared)
    return collecting.shown_as_collected(collector, found) if found and collector.config.option.collectonly else found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each declared constraint."""
    declared = declaration_of(metafunc.function)
    if isinstance(declared, Rule) and isinstance(declared.kind, Declared):
        from pytest_tgintegrity import collecting

        collecting.parametrize(metafunc, declared.kind, _session(metafunc.config))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Where a database is named, a report that was asked for says that nothing was collected."""
    if not session.items and options.given_url(session.config) and not hasattr(session.config, "workerinput"):
        _session(session.config)


# --- pytest-xdist: what the controller has to do even if it was never told of a database


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear what a worker knew of the selection."""
    told = getattr(node, "workeroutput", {}).get("tgintegrity")
    if told:
        _session(node.config).tidings.hear_worker(told)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Refuse the run if a worker could not begin."""
    result = yield
    integrity = _begun(session.config)
    if integrity is not None and not integrity.is_worker and (refused := integrity.refused_by_workers()):
        raise pytest.UsageError(printable(refused))
    return result
