"""Two rules about one constraint: where the first has a fix, it can fix violations of the second. Pure."""

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
    """The namesake of each rule without a fix: a rule with a fix, about the same constraint of the same table.

    A rule is about the constraint that its ``enforced_by=`` names.
    """
    fixing: dict[str, list[BoundRule]] = defaultdict(list)
    for bound in rules:
        if bound.rule.fix is not None and bound.enforced_by is not None:
            fixing[bound.enforced_by].append(bound)
    fixable_namesakes: dict[str, str] = {}
    for bound in rules:
        other = next((other for other in fixing.get(_constraint(bound), ()) if _is_same_table(bound, other)), None)
        if bound.rule.fix is None and other is not None:
            fixable_namesakes[bound.id] = other.id
    return fixable_namesakes


def advice(bound: BoundRule, named: Mapping[str, str]) -> str:
    """What to do about a rule without a fix; `named` is the answer of `namesakes`."""
    other = named.get(bound.id)
    return f"{other} is about the same constraint and has a safe fix" if other else bound.rule.fix_hint or NOBODY


def _constraint(bound: BoundRule) -> str:
    declared = _declared(bound)
    return declared.name if declared else bound.enforced_by or ""


def _declared(bound: BoundRule) -> Constraint | None:
    constraint = bound.params.get("constraint") if isinstance(bound.rule.kind, Declared) else None
    return constraint if isinstance(constraint, Constraint) else None


def _is_same_table(bound: BoundRule, other: BoundRule) -> bool:
    """Whether two rules are about the same table, since names of constraints are unique only within a table.

    They are if the SQL of one rule names the table of the other.
    """
    declared, text = _declared(bound), _asked_sql(other)
    if declared is not None:
        return reading(text).mentions(Relation(declared.schema, declared.table, declared.visible))
    own = _asked_sql(bound)
    return _names_first_of(text, own) or _names_first_of(own, text)


def _asked_sql(bound: BoundRule) -> str:
    """The FROM clause of a rule, or all of its SQL if it has no source."""
    source = source_of(bound.rule.kind)
    if source is None:
        texts = [text.text for text in asked_texts(bound.rule.kind)]
    else:
        texts = [source.from_clause if isinstance(source, Source) else source]
    return plain(" ".join(texts), {"since": "since", **bound.params})


def _names_first_of(text: str, clause: str) -> bool:
    """Whether a text names the table that a FROM clause begins with, with its schema where the clause gives one."""
    table = next((name.path for name in names_in(clause)), None)
    return table is not None and any(name.path[: len(table)] == table for name in names_in(text))
