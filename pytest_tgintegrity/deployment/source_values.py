"""The values that Python source gives to names, read from its syntax tree: nothing of it is imported or run. Pure.

What is told are constants, and what is made of them in a few plain ways: lists, sums, names, methods of strings. A name whose
value only a run could tell is `COMPUTED`.
"""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

LONGEST = 100_000
"""Characters or entries that a value of ours may have: names that double each other would fill the memory."""
TEXT_METHODS: Final = frozenset(
    "capitalize casefold join lower lstrip partition removeprefix removesuffix replace rpartition rsplit rstrip split strip"
    " title upper".split()
)
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class NotPlainError(ValueError):
    """Only a run of the source could tell this value."""


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that is no value of the source: `COMPUTED`, Django's settings, a setting."""

    word: str


COMPUTED: Final = Marker("computed")
SETTINGS: Final = Marker("settings")


@dataclass(frozen=True, slots=True)
class Setting:
    """A name in the settings of a Django project; `default` is what counts where they have no such name, if that is said."""

    name: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Swappable:
    """The first migration of the app whose model a setting names, as ``swappable_dependency`` asks for it; `default` is a model."""

    setting: str
    default: str = ""


Names = Mapping[str, Any]
Imported = Callable[[ast.ImportFrom], Names]
"""What a ``from … import …`` binds, where that is known."""


def from_django(statement: ast.ImportFrom) -> Names:
    """What migrations and apps import of which we know something."""
    names = {alias.asname or alias.name: alias.name for alias in statement.names}
    if statement.module != "django.conf":
        return {}
    return {name: SETTINGS for name, imported in names.items() if imported == "settings"}


# --- names


def values_in(body: Iterable[ast.stmt], outer: Names = NOTHING, imported: Imported = from_django) -> dict[str, Any]:
    """What a module or a class binds, by name, after its last statement; `outer` is what it can see beside."""
    names: dict[str, Any] = {}
    seen = ChainMap(names, dict(outer))
    for statement in body:
        names.update(_bound(statement, seen, imported))
    return names


def _bound(statement: ast.stmt, names: Names, imported: Imported) -> Names:
    match statement:
        case ast.Assign(targets=targets, value=value) if all(isinstance(target, ast.Name) for target in targets):
            return dict.fromkeys(_stored(statement), _value_or_computed(value, names))
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {} if statement.value is None else {name: _value_or_computed(statement.value, names)}
        case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
            return {name: _value_or_computed(ast.BinOp(ast.Name(name, ast.Load()), op, value), names)}
        case ast.ImportFrom():
            plainly = {alias.asname or alias.name: COMPUTED for alias in statement.names if alias.name != "*"}
            return {**plainly, **imported(statement)}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name: COMPUTED}
    return dict.fromkeys(_stored(statement), COMPUTED)


def _stored(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement may bind or change, however deep in it."""
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                yield from root_of(node)
            case ast.Call(func=ast.Attribute(value=changed)) if isinstance(statement, ast.Expr):
                yield from root_of(changed)
            case ast.Import(names=aliases):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name for alias in aliases)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                yield name


def root_of(expression: ast.expr) -> Iterator[str]:
    """The name that attributes and subscripts begin with, if it is one."""
    while isinstance(expression, ast.Attribute | ast.Subscript):
        expression = expression.value
    if isinstance(expression, ast.Name):
        yield expression.id


def _value_or_computed(expression: ast.expr, names: Names) -> Any:
    try:
        return value_of(expression, names)
    except NotPlainError:
        return COMPUTED


# --- values


def value_of(expression: ast.expr, names: Names = NOTHING) -> Any:
    """The value of an expression. Raises `NotPlainError`."""
    try:
        value = _value(expression, names)
    except (RecursionError, MemoryError):
        raise NotPlainError("it is nested too deeply") from None
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
        raise NotPlainError("it is computed") from None
    if value is COMPUTED or (isinstance(value, str | list | tuple) and len(value) > LONGEST):
        raise NotPlainError("it is computed")
    return value


def _value(expression: ast.expr, names: Names) -> Any:  # noqa: C901, PLR0911 - one line for each form of an expression
    match expression:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.Tuple(elts=parts):
            return tuple(_parts(parts, names))
        case ast.List(elts=parts) | ast.Set(elts=parts):
            return list(_parts(parts, names))
        case ast.Dict(keys=keys, values=values):
            return {
                value_of(_given(key), names): _value_or_computed(value, names)
                for key, value in zip(keys, values, strict=True)
            }
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _sum(value_of(left, names), value_of(right, names))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -value_of(operand, names)
        case ast.JoinedStr(values=parts):
            return "".join(_formatted(part, names) for part in parts)
        case ast.Subscript(value=owner, slice=index):
            return value_of(owner, names)[value_of(index, names)]
        case ast.Attribute(value=owner, attr=name) if value_of(owner, names) is SETTINGS:
            return Setting(name)
        case ast.Call():
            return _called(expression, names)
    raise NotPlainError("it is computed")


def _given(key: ast.expr | None) -> ast.expr:
    if key is None:
        raise NotPlainError("it is computed")
    return key


def _parts(parts: Sequence[ast.expr], names: Names) -> Iterator[Any]:
    for part in parts:
        if isinstance(part, ast.Starred):
            yield from value_of(part.value, names)
        else:
            yield value_of(part, names)


def _sum(left: Any, right: Any) -> Any:
    if type(left) is not type(right) or not isinstance(left, str | list | tuple | int):
        raise NotPlainError("it is computed")
    return left + right


def _formatted(part: ast.expr, names: Names) -> str:
    match part:
        case ast.Constant(value=str(text)):
            return text
        case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
            return str(_text(value_of(value, names)))
    raise NotPlainError("it is computed")


def _text(value: Any) -> Any:
    if not isinstance(value, str | int):
        raise NotPlainError("it is computed")
    return value


def _called(call: ast.Call, names: Names) -> Any:
    """The outcome of a call that we know: of a method of strings, of a few of Python's functions, of Django's ``swappable_dependency``."""
    given = [value_of(argument, names) for argument in call.args]
    if call.keywords:
        raise NotPlainError("it is computed")
    match call.func, given:
        case (ast.Name(id="swappable_dependency") | ast.Attribute(attr="swappable_dependency"), [model]):
            return _swappable(model)
        case ast.Name(id="getattr"), [owner, str(name), str(default)] if owner is SETTINGS:
            return Setting(name, default)
        case ast.Name(id="list" | "tuple" as made), [list() | tuple() as parts] if made not in names:
            return list(parts) if made == "list" else tuple(parts)
        case ast.Attribute(value=owner, attr=method), _ if method in TEXT_METHODS:
            return getattr(_short(value_of(owner, names), given), method)(*given)
    raise NotPlainError("it is computed")


def _short(owner: Any, given: Sequence[Any]) -> str:
    """A text, where neither it nor what is done with it can become endless."""
    if not isinstance(owner, str) or len(owner) * (1 + sum(len(str(part)) for part in given)) > LONGEST:
        raise NotPlainError("it is computed")
    return owner


def _swappable(model: Any) -> Any:
    """The dependency on a model: named outright, or by a setting."""
    if isinstance(model, Setting):
        return Swappable(model.name, model.default)
    return str(_text(model)).partition(".")[0], "__first__"
