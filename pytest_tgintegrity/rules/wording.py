"""What a rule asks, as SQL for people to read: the declaration as it is written, placeholders and all. Pure.

What is sent to a server is composed elsewhere, where keys and columns are known; here `<key>` stands for a table's key.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pytest_tgintegrity.rules import kinds

PLACEHOLDER = re.compile(r"%\((\w+)\)s|\{\{|\}\}")
_SCHEMA = ("table", "column", "constraint", "index", "trigger")


def readable(template: str) -> str:
    """A template of a declaration: each placeholder as its name in braces, doubled braces single."""
    return PLACEHOLDER.sub(lambda found: f"{{{found[1]}}}" if found[1] else found[0][0], template)


def question(kind: kinds.Kind) -> str:
    """What violates a rule of this kind, as one statement; a sentence where no statement could say it."""
    return readable(_question(kind))


def _question(kind: kinds.Kind) -> str:
    match kind:
        case kinds.Query(sql=sql) | kinds.Metric(sql=sql):
            return _dedented(sql)
        case kinds.Check():
            return "what the test itself asserts"
        case kinds.Declared(what=what):
            return f"rows that break a declared constraint of the kind {what.replace('_', ' ')}"
        case kinds.Schema():
            return _objects(kind)
        case kinds.Unique():
            return _repeated(kind)
        case kinds.Acyclic():
            return _unrooted(kind)
        case _:
            return f"SELECT * FROM {_from(kind.source)} WHERE {_condition(kind)}"


def _condition(kind: Any) -> str:  # noqa: C901 - a case for each kind
    """What is TRUE of a row that violates a rule about rows."""
    match kind:
        case kinds.Rows(where=where):
            return _dedented(where)
        case kinds.Between():
            return _outside(kind.column, kind.low, kind.high)
        case kinds.OneOf():
            return f"{kind.column} NOT IN {_list(kind.values)}"
        case kinds.NotNull():
            return f"{kind.column} IS NULL"
        case kinds.NotBlank():
            return f"{kind.column} IS NULL OR {kind.column} is blank"
        case kinds.AtMost():
            return f"{kind.column} > {kind.other}"
        case kinds.Agree():
            return f"{kind.path_a} <> {kind.path_b}"
        case kinds.Implies():
            return f"({_dedented(kind.when)}) AND NOT ({_dedented(kind.then)})"
        case kinds.Formula():
            return f"{kind.column} IS DISTINCT FROM coalesce({_formula(kind.expression)}, {kind.column})"
        case kinds.JsonShape():
            return f"{kind.column} has another shape than {_shape(kind.shape)}"
        case _:
            return _relation(kind)


def _relation(kind: Any) -> str:
    """What is TRUE of a row that violates a rule about its relation to other rows."""
    match kind:
        case kinds.References():
            return _dangling(kind)
        case kinds.Children():
            return _outside(_of_children("count(*)", kind.source, kind.children), kind.at_least, kind.at_most)
        case kinds.Total():
            total = _of_children(f"coalesce(sum({kind.expression}), 0)", kind.source, kind.children)
            return _outside(total, kind.at_least, kind.at_most)
        case kinds.Derived():
            found = _of_children(kind.aggregate, kind.source, kind.children)
            return f"{kind.column} IS DISTINCT FROM coalesce({found}, {kind.empty})"
    raise TypeError(f"no words for {kind!r}")


def _dedented(sql: str) -> str:
    return textwrap.dedent(sql.strip("\n")).strip()


def _from(source: kinds.Source | str) -> str:
    return source if isinstance(source, str) else _dedented(source.from_clause)


def name_of(source: kinds.Source | str) -> str:
    """What people call a source."""
    return readable(source if isinstance(source, str) else source.name)


def _key(source: kinds.Source | str) -> str:
    if isinstance(source, str):
        return f"{source}.<key>"
    return source.keys[0] if len(source.keys) == 1 else f"({', '.join(source.keys)})"


def _outside(subject: str, low: Any, high: Any) -> str:
    """Bounds that are text are SQL."""
    least, most = (one if isinstance(one, str) else _constant(one) for one in (low, high))
    if low is None:
        return f"{subject} > {most}"
    if high is None:
        return f"{subject} < {least}"
    return f"{subject} <> {least}" if least == most else f"{subject} NOT BETWEEN {least} AND {most}"


def _constant(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | Decimal):
        return "NULL" if value is None else str(value)
    return "'{}'".format(str(value).replace("'", "''").replace("{", "{{").replace("}", "}}"))


def _list(values: Sequence[Any] | str) -> str:
    return values if isinstance(values, str) else f"({', '.join(map(_constant, values))})"


def _formula(expression: str | Mapping[str, Mapping[Any, Any]]) -> str:
    if isinstance(expression, str):
        return _dedented(expression)
    ((key, values),) = expression.items()
    cases = " ".join(f"WHEN {_constant(one)} THEN {_constant(value)}" for one, value in values.items())
    return f"CASE {key} {cases} END"


def _shape(shape: Any) -> str:
    """A shape as its author wrote it; braces are doubled, since all this is a template."""
    match shape:
        case tuple():
            return f"({' or '.join(map(_shape, shape))})"
        case [element]:
            return f"[{_shape(element)}, …]"
        case dict():
            return "{{" + ", ".join(f"{_shape_key(key)}: {_shape(one)}" for key, one in shape.items()) + "}}"
    return "null" if shape is None else str(shape.__name__)


def _shape_key(key: Any) -> str:
    return "str" if key is str else f'"{key}"'


def _dangling(kind: kinds.References) -> str:
    own, many = ", ".join(kind.columns), len(kind.columns) > 1
    named = ", ".join(kind.target_columns) or "<key>"
    where = f" WHERE {_dedented(kind.where)}" if kind.where else ""
    return f"{f'({own})' if many else own} NOT IN (SELECT {named} FROM {_from(kind.target)}{where})"


def _of_children(aggregate: str, parent: kinds.Source | str, children: kinds.ChildRows) -> str:
    where = f" AND ({_dedented(children.where)})" if children.where else ""
    by = f"{children.by} = {children.of or _key(parent)}"
    return f"(SELECT {aggregate} FROM {_from(children.child)} WHERE {by}{where})"


def _repeated(kind: kinds.Unique) -> str:
    columns = ", ".join(kind.columns)
    where = f" WHERE {_dedented(kind.where)}" if kind.where else ""
    return f"SELECT {columns} FROM {_from(kind.source)}{where} GROUP BY {columns} HAVING count(*) > 1"


def _unrooted(kind: kinds.Acyclic) -> str:
    return f"SELECT * FROM {_from(kind.source)} WHERE no root is reached by following {kind.parent}"


def _objects(kind: kinds.Schema) -> str:
    named = [f"{what} {getattr(kind, what)}" for what in _SCHEMA if getattr(kind, what) is not None]
    if not named:
        return "any constraint, index or trigger that is NOT VALID, INVALID or disabled"
    return f"{', '.join(named)}: missing, NOT VALID, INVALID or disabled"
