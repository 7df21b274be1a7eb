"""What the body of a test says of its rule: whether it can fail at all, and whether a reading of the violations decides that.

Pure: nothing is run. Code objects and their source are looked at.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from types import CodeType

ENDINGS = frozenset({"fail", "skip", "xfail", "exit"})
"""What ends a test otherwise than green, beside `assert` and `raise`."""
_RAISE = dis.opmap["RAISE_VARARGS"]
_BRANCHES = (ast.If, ast.IfExp, ast.While, ast.Match, ast.BoolOp)


def can_fail(function: object, *, free: bool) -> bool:
    """Whether a body asserts, raises, calls ``pytest.fail``, or hands `violations` to somebody else.

    One that is `free`, without violations, has to call something: what the server refuses is unknown.

    A body whose source nobody knows gets the benefit of the doubt: what it does not read stays unknown.
    """
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or _raises(code):
        return True
    tree = _tree(code)
    return tree is None or any(
        _ends(node) or (isinstance(node, ast.Call) if free else _hands_over(node)) for node in ast.walk(tree)
    )


def own_words(said: str) -> str:
    """What an author wrote behind the comma of an assert, or into a failure; empty where pytest's explanation is all there is.

    pytest puts its explanation behind the author's words, in a line that begins with ``assert``.
    """
    words, behind, _ = said.partition("\nassert ")
    return "" if not behind and said.startswith("assert ") else words.strip()


def _raises(code: CodeType) -> bool:
    """Whether there is a `raise`; an `assert` has one too. Quick: the source is not needed."""
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return _RAISE in code.co_code[::2] or any(map(_raises, inner))


def _hands_over(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(isinstance(one, ast.Name) and one.id == "violations" for one in given)


def decides(code: CodeType, names: Iterable[str]) -> bool:
    """Whether what a function makes of these variables decides if it fails: an assert, or a branch that ends in a failure.

    >>> def body(violations):
    ...     assert violations.rate < 0.01
    >>> decides(body.__code__, ["violations"])
    True
    """
    tree = _tree(code)
    if tree is None:
        return False
    known = _spread(tree, frozenset(names))
    return any(_judges(node, known) for node in ast.walk(tree))


def _spread(tree: ast.AST, names: frozenset[str]) -> frozenset[str]:
    """These variables and all that are made of them."""
    while (more := names | {name for node in ast.walk(tree) for name in _made(node, names)}) != names:
        names = more
    return names


def _made(node: ast.AST, names: frozenset[str]) -> Iterator[str]:
    """The variables that a statement makes of `names`."""
    match node:
        case ast.Assign(targets=targets, value=value) if _mentions(value, names):
            yield from _named(*targets)
        case ast.AugAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
            yield from _named(target) if _mentions(value, names) else ()
        case ast.AnnAssign(target=target, value=ast.expr() as value) if _mentions(value, names):
            yield from _named(target)
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            yield from _named(target) if _mentions(value, names) else ()


def _named(*targets: ast.AST) -> Iterator[str]:
    return (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))


def _mentions(tree: ast.AST, names: frozenset[str]) -> bool:
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(tree))


def _judges(node: ast.AST, names: frozenset[str]) -> bool:
    """Whether a part of a body lets these variables decide."""
    match node:
        case ast.Assert(test=test):
            return _mentions(test, names)
        case ast.For(iter=test):
            return _mentions(test, names) and any(map(_ends, ast.walk(node)))
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name.startswith("assert"):
            return any(_mentions(one, names) for one in node.args)
    return isinstance(node, _BRANCHES) and _branches(node, names)


def _branches(node: ast.AST, names: frozenset[str]) -> bool:
    decision = node.subject if isinstance(node, ast.Match) else getattr(node, "test", node)
    return _mentions(decision, names) and any(map(_ends, ast.walk(node)))


def _ends(node: ast.AST) -> bool:
    """Whether a part of a body makes a test fail, or end otherwise than green."""
    match node:
        case ast.Assert() | ast.Raise():
            return True
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name in ENDINGS
    return False


@functools.lru_cache
def _tree(code: CodeType) -> ast.AST | None:
    """The body, without decorators; None where nobody knows it."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    first = tree.body[0] if tree.body else None
    return ast.Module(first.body, []) if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef) else tree
