"""Why Django would refuse a graph of migrations: case by case, and as Django itself says it of graphs made at random."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_tgintegrity.deployment.migration_files import Key, Migration
from pytest_tgintegrity.deployment.migration_graph import (
    Circle,
    Fault,
    Leaves,
    Missing,
    Unknown,
    Unordered,
    faults,
)
from pytest_tgintegrity.deployment.migrations import pending
from pytest_tgintegrity.deployment.source_values import Swappable

ORACLE: Final = Path(__file__).resolve().parents[1] / "support" / "django_oracle.py"
VERSION: Final = int(metadata.version("django").partition(".")[0]) if importlib.util.find_spec("django") else 0
needs_django = pytest.mark.skipif(
    not VERSION,
    reason="Django, to compare with, is not installed here: the extra `test` has it",
)
Oracle: TypeAlias = Callable[[Sequence[Migration], Sequence[Key], Sequence[str]], dict[str, Any]]


def file(name: str, *dependencies: str, **more: Any) -> Migration:
    """A migration by its dotted names."""
    edges: dict[str, Any] = {"dependencies": keys(*dependencies)}
    edges |= {field: keys(*names) for field, names in more.items() if field != "unreadable"}
    return Migration(*keys(name)[0], unreadable=more.get("unreadable", ""), **edges)


def keys(*names: str) -> tuple[Key, ...]:
    return tuple((app, name) for app, _, name in (text.partition(".") for text in names))


ONE: Final = file("a.1")
TWO: Final = file("a.2", "a.1")
THREE: Final = file("a.3", "a.2")
SQUASHED: Final = file("a.1_2", replaces=["a.1", "a.2"])


@pytest.mark.parametrize(
    ("files", "recorded", "expected"),
    [
        ([ONE, TWO, THREE], ["a.1"], []),
        ([ONE, TWO, file("a.2b", "a.1")], [], [Leaves("a", ("2", "2b"))]),
        ([ONE, TWO, file("a.2b", "a.1"), file("a.3", "a.2", "a.2b")], [], []),
        ([ONE, file("b.1")], [], []),
        ([TWO], ["a.1"], [Missing(("a", "2"), ("a", "1"))]),
        ([ONE, file("b.1", run_before=["a.0"])], [], [Missing(("b", "1"), ("a", "0"), before=True)]),
        ([file("a.1", "b.1"), file("b.1", "a.1")], ["a.1", "b.1"], [Circle((("b", "1"), ("a", "1")))]),
        ([file("a.1", "a.1")], [], [Circle((("a", "1"),))]),
        ([ONE, TWO, THREE], ["a.1", "a.3"], [Unordered(("a", "3"), ("a", "2"))]),
        ([ONE, file("b.1", run_before=["a.1"])], ["a.1"], [Unordered(("a", "1"), ("b", "1"))]),
        # first and latest
        ([ONE, TWO, file("b.1", "a.__first__")], ["b.1"], [Unordered(("b", "1"), ("a", "1"))]),
        ([ONE, TWO, file("b.1", "a.__latest__")], ["a.1", "b.1"], [Unordered(("b", "1"), ("a", "2"))]),
        ([file("a.1", "a.__first__")], [], []),
        # squashed
        ([ONE, TWO, THREE, SQUASHED], [], []),
        ([ONE, TWO, THREE, SQUASHED], ["a.1", "a.2"], []),
        ([ONE, TWO, THREE, SQUASHED], ["a.1"], []),
        ([THREE, SQUASHED], [], []),
        ([THREE, SQUASHED], ["a.1"], [Missing(("a", "3"), ("a", "2"), tried=(("a", "1_2"),))]),
        ([THREE, SQUASHED], ["a.1", "a.2", "a.3"], []),
        ([file("a.3", "a.1_2"), SQUASHED], ["a.1", "a.2", "a.3"], []),
        ([file("a.3", "a.1_2"), SQUASHED], ["a.3"], [Unordered(("a", "3"), ("a", "1_2"))]),
        (
            [ONE, TWO, SQUASHED, file("b.1", "a.1_2")],
            ["a.2", "b.1"],
            [Unordered(("a", "2"), ("a", "1"))],
        ),
        (
            [ONE, TWO, file("b.1", "a.1"), file("a.1_2", "b.1", replaces=["a.1", "a.2"])],
            [],
            [Circle((("b", "1"), ("a", "1_2")))],
        ),
        # apps elsewhere
        ([file("a.1", "auth.9")], ["a.1", "auth.9"], []),
        ([file("a.1", "auth.9")], ["a.1", "auth.8"], [Unordered(("a", "1"), ("auth", "9"))]),
        ([file("a.1", "auth.9")], ["auth.8"], []),
        ([file("a.1", "auth.__first__")], ["auth.8"], []),
        ([file("a.1", "auth.__first__")], [], [Unknown(("a", "1"), app="auth")]),
        ([file("a.1", "auth.__latest__")], ["auth.8"], [Unknown(("a", "1"), app="auth")]),
        ([file("a.1", run_before=["auth.9"])], ["auth.9"], [Unordered(("auth", "9"), ("a", "1"))]),
        ([file("a.1", "old.__first__")], [], []),
        # what cannot be read
        ([file("a.1", unreadable="`dependencies`")], ["a.1"], [Unknown(("a", "1"), "`dependencies`")]),
        (
            [ONE, TWO, file("a.2b", "a.1"), file("a.3", unreadable="`dependencies`")],
            [],
            [Unknown(("a", "3"), "`dependencies`")],
        ),
    ],
)  # fmt: skip
def test_what_django_would_refuse(files: list[Migration], recorded: list[str], expected: list[Fault]) -> None:
    assert faults(files, keys(*recorded), ["old"]) == expected


def test_what_the_settings_name_is_no_fault() -> None:
    assert faults([Migration("a", "1", dependencies=(Swappable("AUTH_USER_MODEL"),))], []) == []


# --- as Django says it

NAMES: Final = keys("a.1", "a.2", "a.3", "a.4", "b.1", "b.2", "b.3")
OTHERS: Final = keys("a.9", "b.9", "a.__first__", "b.__first__", "a.__latest__", "b.__latest__", "old.__first__")


@st.composite
def graphs(draw: st.DrawFn, *, nested: bool) -> list[Migration]:
    """Two apps, each mostly a row, with some edges more or less, and perhaps a squashed migration each; `nested`: squashed again."""
    files = []
    for app, size in (("a", draw(st.integers(1, 4))), ("b", draw(st.integers(1, 3)))):
        names = [str(number) for number in range(1, size + 1)]
        row = [_in_a_row(draw, app, name) for name in names]
        if size > 1 and draw(st.booleans()):
            first, last = sorted((draw(st.sampled_from(names)), draw(st.sampled_from(names))))
            replaced = [file for file in row if first <= file.name <= last]
            edges = draw(st.sampled_from([replaced[0].dependencies, replaced[-1].dependencies, ()]))
            old = tuple(file.key for file in replaced)
            row.append(Migration(app, f"{first}_squashed_{last}", old, edges))
            gone = draw(st.sets(st.sampled_from(old)) | st.just(set(old)) | st.just(set()))
            row = [file for file in row if file.key not in gone]
            if nested and draw(st.booleans()):
                others = draw(st.sets(st.sampled_from(names))) - {name for _, name in old}
                again = ((app, f"{first}_squashed_{last}"), *((app, name) for name in sorted(others)))
                row.append(Migration(app, "squashed_again", again, edges))
        files += row
    return files


def _in_a_row(draw: st.DrawFn, app: str, name: str) -> Migration:
    before = [(app, str(int(name) - 1))] if name != "1" and draw(st.integers(0, 9)) else []
    rare = st.lists(st.sampled_from([*NAMES, *OTHERS]), max_size=2) if not draw(st.integers(0, 3)) else st.just([])
    later = st.lists(st.sampled_from([*NAMES, *OTHERS]), max_size=1) if not draw(st.integers(0, 7)) else st.just([])
    return Migration(app, name, (), tuple(dict.fromkeys([*before, *draw(rare)])), tuple(draw(later)))


@st.composite
def cases(draw: st.DrawFn, *, nested: bool = False) -> tuple[list[Migration], list[Key]]:
    files = draw(graphs(nested=nested))
    known = sorted({key for file in files for key in (file.key, *file.replaces)})
    some = draw(st.sets(st.sampled_from(known)))
    most = {key for key in known if key not in draw(st.sets(st.sampled_from(known), max_size=1))}
    return files, sorted(draw(st.sampled_from([some, most, set()])))


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """Django, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, str(ORACLE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def ask(files: Sequence[Migration], recorded: Sequence[Key], unmigrated: Sequence[str]) -> dict[str, Any]:
            described = [
                {name: getattr(file, name) for name in ("app", "name", "replaces", "dependencies", "run_before")}
                for file in files
            ]
            case = {"files": described, "recorded": recorded, "unmigrated": unmigrated}
            print(json.dumps(case), file=asked, flush=True)
            answer: dict[str, Any] = json.loads(answered.readline())
            return answer

        yield ask
        asked.close()


def named(answer: dict[str, Any], found: list[Fault]) -> bool:
    """Whether what is found is what Django says; it says one thing at a time, and of a circle any part."""
    text = answer.get("text", "")
    match answer["refused"]:
        case None:
            return found == []
        case "NodeNotFoundError":
            return any(isinstance(one, Missing) and [*one.missing] == answer["node"] for one in found)
        case "CircularDependencyError":
            return any(isinstance(one, Circle) for one in found)
        case "ValueError":  # Django finds no first or last migration of an app that is all circle
            return "with no migrations" in text and any(isinstance(one, Circle | Missing) for one in found)
        case "InconsistentMigrationHistory":
            said = [
                f"Migration {'.'.join(one.applied)} is applied before its dependency {'.'.join(one.dependency)} on"
                for one in found
                if isinstance(one, Unordered)
            ]
            return any(text.startswith(one) for one in said)
        case "conflict":
            return dict(answer["apps"]) == {one.app: [*one.names] for one in found if isinstance(one, Leaves)}
    raise AssertionError(answer)


def agree(oracle: Oracle, files: Sequence[Migration], recorded: Sequence[Key]) -> None:
    answer = oracle(sorted(files, key=lambda one: one.key), recorded, ["old"])
    found = faults(files, recorded, ["old"])

    assert named(answer, found), (answer, found)
    if answer["refused"] is None:
        there = {one.key for one in files}
        assert [[*key] for key in pending(files, recorded) if key in there] == answer["pending"]


@needs_django
@settings(max_examples=400, deadline=None)
@given(case=cases())
def test_verdict_is_that_of_django(oracle: Oracle, case: tuple[list[Migration], list[Key]]) -> None:
    agree(oracle, *case)


@needs_django
@pytest.mark.skipif(
    VERSION < 6, reason="older than Django 6, which came to know squashed migrations that replace squashed ones"
)
@settings(max_examples=400, deadline=None)
@given(case=cases(nested=True))
def test_verdict_on_what_was_squashed_twice_is_that_of_django(
    oracle: Oracle, case: tuple[list[Migration], list[Key]]
) -> None:
    agree(oracle, *case)


@needs_django
@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_what_is_refused_without_the_files_of_an_app_django_refuses_with_them(
    oracle: Oracle, case: tuple[list[Migration], list[Key]]
) -> None:
    files, recorded = case
    ours = [one for one in files if one.app == "a"]
    assume(not any(one.replaces for one in files if one.app == "b"))
    found = [one for one in faults(ours, recorded, ["old"]) if not isinstance(one, Unknown)]

    assert not found or oracle(files, recorded, ["old"])["refused"], found
