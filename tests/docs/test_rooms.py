"""The house stays one in which a stranger finds the way: rooms, modules and the session have their sizes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[2] / "pytest_tgintegrity"
ROOMS = sorted(path.parent for path in ENGINE.rglob("__init__.py"))
MODULES = sorted(ENGINE.rglob("*.py"))


def test_there_are_few_rooms_and_few_modules_beside_them() -> None:
    assert 10 <= len([room for room in ROOMS if room.parent == ENGINE]) <= 15
    assert len([path for path in MODULES if path.parent == ENGINE]) <= 8


@pytest.mark.parametrize(
    "room", [room for room in ROOMS if room != ENGINE], ids=lambda room: str(room.relative_to(ENGINE))
)
def test_a_room_has_at_most_ten_modules(room: Path) -> None:
    assert len([path for path in room.glob("*.py") if path.name != "__init__.py"]) <= 10


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_a_module_has_at_most_400_lines(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_session_has_less_than_200_lines() -> None:
    tree = ast.parse((ENGINE / "session" / "session.py").read_text(encoding="utf-8"))
    (session,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Session"]

    assert (session.end_lineno or 0) - session.lineno < 200
