"""Two rules about one constraint: the one that has a fix says what can be mended of the other. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pytest_tgintegrity.planning.facts import Constraint
from pytest_tgintegrity.planning.planner import BoundRule
from pytest_tgintegrity.planning.sql.compose import plain
from pytest_tgintegrity.planning.sql.names import Relation, names_in, reading
from pytest_tgintegrity.rules.kinds import Declared, Source
from pytest_tgintegrity.rules.kinds.fields import asked_texts, source_of

NOBODY = "no safe fix is declared: a person decides"


def namesakes(rules: Sequence[BoundRule]) -> Mapping[str, str]:
    """For each rule without a fix the one with a fix whose ``enforced_by=`` is the same constraint of the same table."""
    fixing: dict[str, list[BoundRule]] = defaultdict(list)
    for one in rules:
        if one.rule.fix is not None and one.enforced_by is not None:
            fixing[one.enforced_by].append(one)
    found: dict[str, str] = {}
    for one in rules:
        other = next((other for other in fixing.get(_constraint(one), ()) if _is_same_table(one, other)), None)
        if one.rule.fix is None and other is not None:
            found[one.id] = other.id
    return found


def advice(bound: BoundRule, named: Mapping[str, str]) -> str:
    """What to do about a rule without a fix, where `namesakes` knows of these."""
    other = named.get(bound.id)
    return f"{other} is about the same constraint and has a safe fix" if other else bound.rule.fix_hint or NOBODY


def _constraint(one: BoundRule) -> str:
    declared = _declared(one)
    return declared.name if declared else one.enforced_by or ""


def _declared(one: BoundRule) -> Constraint | None:
    found = one.params.get("constraint") if isinstance(one.rule.kind, Declared) else None
    return found if isinstance(found, Constraint) else None


def _is_same_table(one: BoundRule, other: BoundRule) -> bool:
    """Whether what the second looks at names the table of the first: names of constraints are unique by table only."""
    declared, text = _declared(one), _looked_at(other)
    if declared is not None:
        return reading(text).mentions(Relation(declared.schema, declared.table, declared.visible))
    own = _looked_at(one)
    return _names_first_of(text, own) or _names_first_of(own, text)


def _looked_at(one: BoundRule) -> str:
    """The FROM clause of a rule, or all of its SQL if it has no source."""
    source = source_of(one.rule.kind)
    if source is None:
        texts = [text.text for text in asked_texts(one.rule.kind)]
    else:
        texts = [source.from_clause if isinstance(source, Source) else source]
    return plain(" ".join(texts), {"since": "since", **one.params})


def _names_first_of(text: str, clause: str) -> bool:
    """Whether a text names the table that a FROM clause begins with, by its schema too if that is said."""
    table = next((name.path for name in names_in(clause)), None)
    return table is not None and any(name.path[: len(table)] == table for name in names_in(text))
